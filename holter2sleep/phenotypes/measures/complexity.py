"""Non-linear heart-rate variability and turbulence."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.asymmetry import asymmetry_measures
from holter2sleep.autonomic.blocks import interval_of_mean
from holter2sleep.autonomic.entropy import multiscale_measures
from holter2sleep.autonomic.fluctuation import scaling_exponents
from holter2sleep.autonomic.fragmentation import fragmentation_measures
from holter2sleep.autonomic.prsa import capacities
from holter2sleep.autonomic.short_series import values_of_windows
from holter2sleep.autonomic.turbulence import tachograms, turbulence_measures
from holter2sleep.autonomic.windows import five_minute_windows
from holter2sleep.night import AF_KINDS, NN, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean
from holter2sleep.recipe import Recipe
from holter2sleep.spans import complement, duration, intersection


def complexity_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Entropies and symbols of short series: means over 5-min windows."""
    windows = five_minute_windows(part.nn, part.spans, recipe.hrv)
    known = {name: each[np.isfinite(each)] for name, each in values_of_windows(windows.parts, recipe.entropy).items()}
    values: Values = {name: mean(each) for name, each in known.items()}
    intervals = {name: interval for name, each in known.items() if (interval := interval_of_mean(each)) is not None}
    return Measured(values, len(windows), windows.covered_s, intervals)


def multiscale_domain_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Multiscale entropy of all intervals together."""
    return _of_all(part.nn, multiscale_measures(part.nn))


def fluctuation_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Detrended fluctuation analysis of all intervals together."""
    return _of_all(part.nn, scaling_exponents(part.nn))


def fragmentation_domain_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Heart-rate fragmentation, and the asymmetry of slowing and quickening."""
    return _of_all(part.nn, {**fragmentation_measures(part.nn), **asymmetry_measures(part.nn)})


def capacity_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Deceleration and acceleration capacity."""
    return _of_all(part.nn, capacities(part.nn))


def turbulence_domain_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Turbulence after the ventricular premature beats of the part; the intervals around them may lie outside it."""
    af = night.episodes.of(*AF_KINDS).spans
    sinus = intersection(night.quality.usable_spans, complement(af, 0.0, night.recording.duration_s))
    vpc = np.searchsorted(night.beats.time_s, part.beats.time_s[part.beats.label == "V"])
    rows_ms = tachograms(night.beats, vpc, sinus)
    return Measured(dict(turbulence_measures(rows_ms)), len(rows_ms), duration(intersection(sinus, part.spans)))


def _of_all(nn: NN, values: dict[str, float]) -> Measured:
    return Measured(dict(values), len(nn), float(nn.nn_ms.sum()) / 1000)
