"""Sleep, and what the heart does with it."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import EPOCH_S, UNSCORED, Night
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.architecture import sleep_measures
from holter2sleep.sleep.periods import NOT_FOUND


def sleep_domain_measures(_part: Night, night: Night, recipe: Recipe) -> Measured:
    """AASM measures; withheld (NaN) when too much of the time in bed is unscored."""
    found = sleep_measures(night.hypnogram, night.lights, recipe.sleep)
    if night.lights.source == NOT_FOUND:
        found = dict.fromkeys(found)
    withheld = found["tst"] is None
    middle_s = night.grid.onset_s + EPOCH_S / 2
    in_bed = (middle_s >= night.lights.off_s) & (middle_s < night.lights.on_s)
    n = int((in_bed & (night.hypnogram.stage != UNSCORED)).sum())
    values = {name: np.nan if withheld and value is None else value for name, value in found.items()}
    return Measured(values, n, EPOCH_S * n)
