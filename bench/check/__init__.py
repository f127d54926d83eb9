"""``mahakam check`` beside pandera, pointblank, dataframely and frictionless: one file, the same nine
rules."""
