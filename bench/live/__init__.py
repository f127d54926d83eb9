"""The check of one entity that is written live."""
