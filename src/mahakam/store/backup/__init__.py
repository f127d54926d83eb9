"""Backups of a node taken while it serves: its store, of either kind, and the files beside it."""
