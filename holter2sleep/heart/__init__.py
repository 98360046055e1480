"""Waveform to beats to episodes."""
