"""Heart beats to what the heart tells of sleep, epoch by epoch.

Level, breathing, slow waves, cycles and disorder of the heart rate at several time scales; each as it is and against
the same night, because the absolute level tells people apart better than stages.

References
----------
Task Force (1996) Heart rate variability. Circulation 93:1043-1065 (bands).
Guilleminault C et al. (1984) Cyclical variation of the heart rate in sleep apnoea syndrome. Lancet 1:126-131.
Walch O, Huang Y, Forger D, Goldstein C (2019) Sleep stage prediction with raw acceleration and photoplethysmography
heart rate data derived from a consumer wearable device. Sleep 42:zsz180 (swing of the rate).
Costa MD, Davis RB, Goldberger AL (2017) Heart rate fragmentation. Front Physiol 8:255 (inflection points).
"""

from __future__ import annotations

import numpy as np

from holter2sleep.heart.intervals import local_median, trusted_rr
from holter2sleep.night import EPOCH_S, Beats, Bool, EpochGrid, Float, Lights
from holter2sleep.sleep.staging.rate_series import (
    FEWEST,
    MIDDLE_S,
    SHORT_S,
    Columns,
    band_powers,
    breathing,
    cycles,
    even_series,
    levels,
    log_of,
    rate_swing,
)
from holter2sleep.spans import Spans

# All of these are part of the model, as its weights are: no recipe sets them.
SHORTEST_S, LONGEST_S = 0.3, 2.5  # of an interval that is believed
LARGEST_CHANGE = 0.3  # from the median of 5 intervals on either side: beyond lies a missed or an extra beat
NEIGHBOURS = 5
SLOWEST_S = 3.0  # interval by which a window of beats is counted as full
SPREAD_OF_NIGHT = 1.349  # interquartile range of a normal distribution
# A smaller change of the logarithm is none: 1 % is 8 ms at 75/min, the grid of a recorder of 128 Hz. What is below
# tells of the file's time grid: moving beats of 250 Hz by 0.3 ms changed the share of turns by 0.8 of its spread.
LEAST_STEP = 0.01
SOME = 0.05  # share of beats that fit nowhere or are not normal, below which one more or less hardly counts
FARTHEST = 4.0  # spreads from the night's median: one artefact must not decide


def physiology(beats: Beats, usable_spans: Spans, grid: EpochGrid, lights: Lights) -> Columns:
    """Features of each epoch by name, the plain ones and, named `..._of_night`, those set against the night."""
    middle_s = grid.onset_s + EPOCH_S / 2
    dark = lights.dark(grid)
    end_s, log_rr, kept = _believed(beats, usable_spans)
    series, known = even_series(end_s[kept], log_rr[kept], grid.offset_s, grid.n)
    plain = {
        **_beat_by_beat(end_s, log_rr, kept, beats, middle_s),
        **levels(series, known),
        **band_powers(series, known),
        **breathing(series, known),
        **cycles(series, known),
        "swing": log_of(rate_swing(series, known, dark)),
    }
    return {**plain, **{f"{name}_of_night": against_night(column, dark) for name, column in plain.items()}}


def against_night(column: Float, dark: Bool) -> Float:
    """Distance from the median of the dark in its robust standard deviations, limited. array (n_epochs,)."""
    own = column[dark & np.isfinite(column)]
    if len(own) == 0:
        return np.full(len(column), np.nan)
    low, middle, high = np.quantile(own, (0.25, 0.5, 0.75))
    return np.clip((column - middle) / max((high - low) / SPREAD_OF_NIGHT, 1e-6), -FARTHEST, FARTHEST)


# --- intervals -------------------------------------------------------------------------------------


def _believed(beats: Beats, usable_spans: Spans) -> tuple[Float, Float, Bool]:
    """End and natural logarithm of each trusted interval, s, and whether it fits its neighbours."""
    trusted = trusted_rr(beats, usable_spans)
    end_s, rr_s = beats.time_s[trusted], beats.rr_s[trusted]
    return end_s, _log(rr_s), fits_neighbours(rr_s)


def fits_neighbours(rr_s: Float) -> Bool:
    """Whether an interval is possible, and not so far from its neighbours that a beat was missed or is too many.

    array (n,).
    """
    log_rr, possible = _log(rr_s), (rr_s >= SHORTEST_S) & (rr_s <= LONGEST_S)
    change = np.abs(log_rr - local_median(np.where(possible, log_rr, np.nan), NEIGHBOURS))
    return possible & ~(change > LARGEST_CHANGE)


def _log(rr_s: Float) -> Float:
    return np.log(np.maximum(rr_s, 1e-3))


# --- beat by beat ----------------------------------------------------------------------------------


def _beat_by_beat(end_s: Float, log_rr: Float, kept: Bool, beats: Beats, middle_s: Float) -> Columns:
    """Variability from beat to beat, disorder, and how much of it is no normal beat."""
    own_s, own = end_s[kept], log_rr[kept]
    step = np.diff(own)
    joined = np.diff(own_s) - np.exp(own[1:]) < 0.05
    step_s, step = own_s[1:][joined], step[joined]
    moved = np.where(np.abs(step) > LEAST_STEP, step, 0.0)
    turned = (moved[1:] * moved[:-1] < 0).astype(np.float64)
    columns: Columns = {}
    for name, width_s in (("short", SHORT_S), ("middle", MIDDLE_S)):
        rmssd = np.sqrt(_mean_in(step_s, step**2, middle_s, width_s))
        columns |= {
            f"rmssd_{name}": log_of(rmssd),
            f"large_steps_{name}": _mean_in(step_s, np.abs(step) > 0.05, middle_s, width_s),
            f"misfit_{name}": log_of(_mean_in(end_s, ~kept, middle_s, width_s) + SOME),
        }
    skew = _mean_in(step_s, step**3, middle_s, MIDDLE_S) / (np.exp(3 * columns["rmssd_middle"]) + 1e-9)
    columns["step_skew"] = np.clip(skew, -5, 5)
    columns["turns"] = _mean_in(step_s[1:], turned, middle_s, MIDDLE_S)
    columns["ectopic"] = log_of(_mean_in(beats.time_s, beats.label != "N", middle_s, MIDDLE_S) + SOME)
    return columns


def _mean_in(time_s: Float, values: Float | Bool, middle_s: Float, width_s: float) -> Float:
    """Mean of the values in the window around each middle; NaN with too few of them for a window of heart beats."""
    first = np.searchsorted(time_s, middle_s - width_s / 2)
    after = np.searchsorted(time_s, middle_s + width_s / 2)
    total = np.concatenate([[0.0], np.cumsum(values)])
    count = (after - first).astype(np.float64)
    return (total[after] - total[first]) / np.where(count >= FEWEST * width_s / SLOWEST_S, count, np.nan)
