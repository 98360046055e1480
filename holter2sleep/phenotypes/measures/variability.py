"""Heart-rate variability."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from holter2sleep.autonomic.blocks import Estimates, Formula, estimates
from holter2sleep.autonomic.epoch_spectra import epoch_lomb_rows, epoch_welch_rows
from holter2sleep.autonomic.geometric import geometric_measures
from holter2sleep.autonomic.hrv import segment_measures, time_measures, time_sums
from holter2sleep.autonomic.spectrum import lomb_rows, lomb_values, welch_rows, welch_values
from holter2sleep.autonomic.windows import WINDOW_S, Windows, five_minute_windows, places_for_windows
from holter2sleep.night import CORRECTIONS, Float, Night
from holter2sleep.phenotypes.measures.measured import Measured, Values, trusted_rr_s
from holter2sleep.phenotypes.measures.staged import set_against, stage_intervals, summed
from holter2sleep.recipe import Recipe


def nn_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Share of the RR intervals that could not be used as NN, and of those that were corrected."""
    rr_s = trusted_rr_s(part)
    removed = len(rr_s) - len(part.nn)
    values: Values = {
        "nn_removed_share": 100 * removed / len(rr_s) if len(rr_s) else np.nan,
        "nn_corrected_share": 100 * len(part.corrections) / len(part.rr) if len(part.rr) else np.nan,
        **{f"n_corrected_{kind}": int((part.corrections.kind == kind).sum()) for kind in CORRECTIONS},
    }
    return Measured(values, len(rr_s), float(rr_s.sum()))


def hrv_time_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Time-domain variability of all NN intervals together."""
    found = time_measures(part.nn)
    if part.sampled is None:
        return _of_intervals(found, part)
    columns, formula = time_sums(night.nn)
    intervals = stage_intervals(part, found.values, summed(columns, night.nn.end_s, night.grid), formula)
    return _of_intervals(Estimates(found.values, intervals), part)


def hrv_geometric_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Variability by the histogram of all NN intervals together."""
    return _of_intervals(geometric_measures(part.nn), part)


def window_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Share of the 5-min windows that the part has room for and that too few NN intervals fill."""
    n_places = int(places_for_windows(part.spans, recipe.hrv).sum())
    valid = len(_windows(part, recipe))
    share = 100 * (n_places - valid) / n_places if n_places else np.nan
    return Measured({"windows_rejected_share": share}, n_places, WINDOW_S * n_places)


def hrv_segment_measures(part: Night, _night: Night, recipe: Recipe) -> Measured:
    """Variability between and within 5-min windows."""
    windows = _windows(part, recipe)
    return _of_windows(segment_measures(windows), windows)


def hrv_frequency_measures(part: Night, night: Night, recipe: Recipe) -> Measured:
    """Spectral powers and peaks, by Welch."""
    windows = _windows(part, recipe)
    rows = welch_rows(windows, recipe.hrv)
    found = _of_windows(
        _spectral(part, rows, welch_values, lambda: epoch_welch_rows(night.nn, night.grid, recipe.hrv)), windows
    )
    flat = {name: None for name, value in found.values.items() if name.endswith("_peak") and math.isnan(value or 0)}
    return replace(found, values={**found.values, **flat}) if len(windows) else found


def hrv_lomb_measures(part: Night, night: Night, recipe: Recipe) -> Measured:
    """Spectral powers, by Lomb and Scargle."""
    windows = _windows(part, recipe)
    rows = lomb_rows(windows)
    return _of_windows(
        _spectral(part, rows, lomb_values, lambda: epoch_lomb_rows(night.nn, night.grid, recipe.hrv)), windows
    )


def _spectral(part: Night, rows: Float, formula: Formula, epoch_rows: Callable[[], Float]) -> Estimates:
    """Measures of the rows of a part's windows; the intervals of a stage are those of the rows around its epochs."""
    found = estimates(rows, formula)
    if part.sampled is None or not len(rows):
        return found
    per_epoch = set_against(epoch_rows(), part, rows.sum(axis=0))
    return Estimates(found.values, stage_intervals(part, found.values, per_epoch, formula))


def _windows(part: Night, recipe: Recipe) -> Windows:
    return five_minute_windows(part.nn, part.spans, recipe.hrv)


def _of_intervals(found: Estimates, part: Night) -> Measured:
    return Measured(dict(found.values), len(part.nn), float(part.nn.nn_ms.sum()) / 1000, found.intervals)


def _of_windows(found: Estimates, windows: Windows) -> Measured:
    return Measured(dict(found.values), len(windows), windows.covered_s, found.intervals)
