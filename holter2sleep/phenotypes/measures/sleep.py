"""Sleep by the AASM's measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holter2sleep.autonomic.blocks import Interval
from holter2sleep.night import EPOCH_S, UNSCORED, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.architecture import sleep_measures
from holter2sleep.sleep.periods import NOT_FOUND
from holter2sleep.sleep.sampling import percentiles

AMOUNTS = frozenset({"tst", "se", "waso", "wake_min", "n1_min", "n2_min", "n3_min", "light_min", "nrem_min", "rem_min"})


def sleep_domain_measures(_part: Night, night: Night, recipe: Recipe) -> Measured:
    """AASM measures; withheld (NaN) when too much of the time in bed is unscored."""
    found = sleep_measures(night.hypnogram, night.lights, recipe.sleep)
    if night.lights.source == NOT_FOUND:
        found = dict.fromkeys(found)
    withheld = found["tst"] is None
    n = int((night.lights.dark(night.grid) & (night.hypnogram.stage != UNSCORED)).sum())
    values: Values = {name: np.nan if withheld and value is None else value for name, value in found.items()}
    return Measured(values, n, EPOCH_S * n, {} if withheld else _intervals(night, values, recipe))


def _intervals(night: Night, values: Values, recipe: Recipe) -> dict[str, Interval]:
    """What the amounts are over the hypnograms that the night's probabilities would also allow.

    When sleep begins and how often stages change hangs on single epochs, of which the draws know too little.
    """
    if night.stage_samples is None:
        return {}
    letters = np.array([*night.hypnogram.classes, UNSCORED])  # -1 is the last of them
    drawn = [
        sleep_measures(replace(night.hypnogram, stage=letters[sample], proba=None), night.lights, recipe.sleep)
        for sample in night.stage_samples
    ]
    amounts = {name: value for name, value in values.items() if name in AMOUNTS or name.endswith("_pct")}
    found = {name: _interval([each[name] for each in drawn], value) for name, value in amounts.items()}
    return {name: interval for name, interval in found.items() if interval is not None}


def _interval(drawn: list[float | None], value: float | None) -> Interval | None:
    known = [each for each in drawn if each is not None]
    return None if value is None or len(known) < len(drawn) else percentiles(np.array(known, np.float64), value)
