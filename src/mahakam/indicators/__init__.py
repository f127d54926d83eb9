"""Definitions, computation and trace of the city's numbers."""
