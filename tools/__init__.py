"""Helpers for those who work on Mahakam."""
