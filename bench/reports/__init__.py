"""Reports with a photo that one process takes in, and what each costs it."""
