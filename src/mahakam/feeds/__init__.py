"""Sources, mapping, runs, lineage: how an agency's file becomes entities."""
