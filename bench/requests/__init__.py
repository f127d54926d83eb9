"""Measures the workbench on a large store, and how fast reports are taken in."""
