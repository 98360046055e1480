"""Non-linear heart-rate variability and turbulence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from holter2sleep.autonomic.asymmetry import asymmetry_measures
from holter2sleep.autonomic.entropy import multiscale_measures
from holter2sleep.autonomic.fluctuation import scaling_exponents
from holter2sleep.autonomic.fragmentation import fragmentation_measures
from holter2sleep.autonomic.hrv import five_minute_windows
from holter2sleep.autonomic.prsa import capacities
from holter2sleep.autonomic.short_series import values_of_windows
from holter2sleep.autonomic.turbulence import tachograms, turbulence_measures
from holter2sleep.night import AF_KINDS, NN, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean
from holter2sleep.recipe import Recipe
from holter2sleep.spans import complement, duration, intersection

OfNN = Callable[[NN, Recipe], Measured]


def complexity_of(nn: NN, recipe: Recipe) -> Measured:
    """Entropies and symbols of short series: means over 5-min windows."""
    parts = five_minute_windows(nn, recipe.hrv).parts
    found = values_of_windows(parts, recipe.entropy)
    values: Values = {name: mean(each[np.isfinite(each)]) for name, each in found.items()}
    return Measured(values, len(parts), float(sum(part.nn_ms.sum() for part in parts)) / 1000)


def multiscale_of(nn: NN, _recipe: Recipe) -> Measured:
    """Multiscale entropy of all intervals together."""
    return _of_all(nn, multiscale_measures(nn))


def fluctuation_of(nn: NN, _recipe: Recipe) -> Measured:
    """Detrended fluctuation analysis of all intervals together."""
    return _of_all(nn, scaling_exponents(nn))


def fragmentation_of(nn: NN, _recipe: Recipe) -> Measured:
    """Heart-rate fragmentation, and the asymmetry of slowing and quickening."""
    return _of_all(nn, {**fragmentation_measures(nn), **asymmetry_measures(nn)})


def capacities_of(nn: NN, _recipe: Recipe) -> Measured:
    """Deceleration and acceleration capacity."""
    return _of_all(nn, capacities(nn))


def of_night(of_nn: OfNN) -> Callable[[Night, Night, Recipe], Measured]:
    """A measure of intervals as one of the NN of a part of a night."""
    return lambda part, _night, recipe: of_nn(part.nn, recipe)


def turbulence_domain_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Turbulence after the ventricular premature beats of the part; the intervals around them may lie outside it."""
    af = night.episodes.of(*AF_KINDS).spans
    sinus = intersection(night.quality.usable_spans, complement(af, 0.0, night.recording.duration_s))
    vpc = np.searchsorted(night.beats.time_s, part.beats.time_s[part.beats.label == "V"])
    rows_ms = tachograms(night.beats, vpc, sinus)
    return Measured(dict(turbulence_measures(rows_ms)), len(rows_ms), duration(intersection(sinus, part.spans)))


def _of_all(nn: NN, values: dict[str, float]) -> Measured:
    return Measured(dict(values), len(nn), float(nn.nn_ms.sum()) / 1000)
