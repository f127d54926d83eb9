"""What cities did: solutions with evidence, taken over by other cities. Above the rooms whose parts they name."""
