"""Public services: the catalogue, and requests of residents."""
