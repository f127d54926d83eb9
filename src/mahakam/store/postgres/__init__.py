"""Entities on PostgreSQL with PostGIS: many processes, on many machines, share one database."""
