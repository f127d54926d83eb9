"""HTTP in the standards' own terms: NGSI-LD."""
