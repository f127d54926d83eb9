"""A file becomes a feed without code: looked at, adjusted by an officer, tried, published as YAML of the place."""
