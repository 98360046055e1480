"""Heart-rate variability."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.hrv import five_minute_windows, frequency_measures, segment_measures, time_measures
from holter2sleep.night import Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, trusted_rr_s
from holter2sleep.recipe import Recipe


def nn_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Share of the RR intervals that could not be used as NN."""
    rr_s = trusted_rr_s(part)
    removed = len(rr_s) - len(part.nn)
    values: Values = {"nn_removed_share": 100 * removed / len(rr_s) if len(rr_s) else np.nan}
    return Measured(values, len(rr_s), float(rr_s.sum()))


def hrv_time_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Time-domain variability of all NN intervals together."""
    return Measured(dict(time_measures(part.nn)), len(part.nn), float(part.nn.nn_ms.sum()) / 1000)


def hrv_segment_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Variability between and within 5-min windows."""
    windows = five_minute_windows(part.nn, recipe.hrv)
    return Measured(dict(segment_measures(windows)), len(windows.parts), _covered_s(windows.parts))


def hrv_frequency_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Spectral powers."""
    windows = five_minute_windows(part.nn, recipe.hrv)
    return Measured(dict(frequency_measures(windows, recipe.hrv)), len(windows.parts), _covered_s(windows.parts))


def _covered_s(parts: tuple) -> float:
    return float(sum(part.nn_ms.sum() for part in parts)) / 1000
