"""Finished nights as files that other software reads."""
