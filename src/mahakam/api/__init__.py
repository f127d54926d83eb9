"""HTTP in the standards' own terms."""
