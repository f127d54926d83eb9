"""Evaluations of a place by a framework in a file: what is claimed, what evidence the node itself holds for it."""
