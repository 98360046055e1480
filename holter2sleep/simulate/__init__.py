"""Synthetic nights with known truth: the sample of the first command, and the backbone of the tests."""

from holter2sleep.simulate.night import SyntheticNight, simulate_night
from holter2sleep.simulate.plan import PRESETS, NightPlan, preset

__all__ = ["PRESETS", "NightPlan", "SyntheticNight", "preset", "simulate_night"]
