"""Beats to autonomic state."""
