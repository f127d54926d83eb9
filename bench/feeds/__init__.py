"""Whole feed runs: from a file to validated entities, lineage and quarantine in the store."""
