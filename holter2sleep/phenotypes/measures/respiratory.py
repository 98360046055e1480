"""Respiratory events, surges of the heart rate, and its coupling with breathing."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.ahi import estimate_ahi
from holter2sleep.autonomic.apnea import AHI, CALLED, WEIGHTS, read_parts
from holter2sleep.autonomic.blocks import Interval
from holter2sleep.night import EPOCH_S, Bool, Night
from holter2sleep.phenotypes.measures.breathing import event_index
from holter2sleep.phenotypes.measures.measured import Measured, Values, mean
from holter2sleep.phenotypes.measures.staged import epochs_of, ratio_interval
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.periods import NOT_FOUND


def surge_measures(part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Surges of the heart rate per analysable hour outside AF."""
    return event_index("heart_rate_surge_index", "SURGE", part, night)


def respiratory_share_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Share of the determinate time that is called respiratory, and of the time that is indeterminate."""
    chance, here = part.respiration.p_respiratory, epochs_of(part)
    known = np.isfinite(chance)
    n_known = int(known[here].sum())
    marks = {
        "respiratory_minutes_share": (chance >= CALLED, known),
        "respiratory_indeterminate_share": (~known, np.ones(len(chance), bool)),
    }
    return _of_shares(part, marks, n_known)


def ahi_measures(_part: Night, night: Night, _recipe: Recipe) -> Measured:
    """Apnoea-hypopnoea index that the mean chance in bed suggests, with its interval."""
    in_bed = night.lights.dark(night.grid) & (night.lights.source != NOT_FOUND)
    chance = night.respiration.p_respiratory[in_bed]
    chance = chance[np.isfinite(chance)]
    if len(chance) == 0:
        return Measured(dict.fromkeys(("ahi_ecg", "ahi_ecg_band", "ahi_ecg_moderate_chance"), np.nan), 0, 0.0)
    found = estimate_ahi(float(chance.mean()), read_parts(WEIGHTS)[AHI])
    values: Values = {
        "ahi_ecg": found.per_h,
        "ahi_ecg_band": found.band,
        "ahi_ecg_moderate_chance": 100 * found.chance_moderate,
    }
    return Measured(values, len(chance), EPOCH_S * len(chance), {"ahi_ecg": (found.low_per_h, found.high_per_h)})


def coupling_measures(part: Night, _night: Night, _recipe: Recipe) -> Measured:
    """Shares of the time in which heart rate and breathing are coupled in each band."""
    coupling = part.coupling
    if coupling is None:
        return Measured({}, 0, 0.0)
    here = epochs_of(part) & (coupling.state != "")
    n = int(here.sum())
    masks = {
        "hfc_share": coupling.state == "HFC",
        "lfc_share": coupling.state == "LFC",
        "vlfc_share": coupling.state == "VLFC",
        "elevated_lfc_share": coupling.elevated,
        "elevated_lfc_narrow_share": coupling.narrow,
    }
    told = coupling.state != ""
    return _of_shares(part, {name: (mask & told, told) for name, mask in masks.items()}, n)


def _of_shares(part: Night, marks: dict[str, tuple[Bool, Bool]], n: int) -> Measured:
    """Shares by name: of the part's epochs that are looked at (second), those that are marked (first)."""
    here = epochs_of(part)
    shares = {name: _percent(marked[here & looked_at]) for name, (marked, looked_at) in marks.items()}
    intervals: dict[str, Interval] = {}
    for name, columns in marks.items():
        intervals |= ratio_interval(name, 100.0, part, shares[name], np.column_stack(columns))
    return Measured(dict(shares), n, EPOCH_S * n, intervals)


def _percent(marked: Bool) -> float:
    return 100 * mean(marked)
