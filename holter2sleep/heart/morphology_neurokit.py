"""Where neurokit2 sees the waves of an averaged beat; the only place that loads it, and only when asked.

Its import costs more than our analysis of a night, so a recipe must ask for it. It is slow on long signals
(8 h: 154 s, 11 GB); a few copies of one averaged beat are all it ever gets.

References
----------
Makowski D et al. NeuroKit2. Behav Res Methods 2021;53:1689-1696.
Martinez JP, Almeida R, Olmos S, Rocha AP, Laguna P. A wavelet-based ECG delineator. IEEE Trans Biomed Eng
2004;51:570-581.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from holter2sleep.errors import RecipeError
from holter2sleep.heart.morphology_marks import AveragedBeat, Marks, marks_by_slope
from holter2sleep.night import Float

COPIES = 12  # at any rate longer than the shortest signal it takes; the borders spoil the first and the last


def marks_by_neurokit(beat: AveragedBeat, least_t_share: float) -> Marks:
    """neurokit2's wavelet method on copies of the beat; it sees no T wave where our own methods see none.

    Raises
    ------
    RecipeError
        neurokit2 is not installed.
    """
    ours = marks_by_slope(beat, least_t_share)
    copies, peaks = _copies(beat)
    found = _delineated(copies, peaks, round(beat.fs))
    on_s, off_s, end_s = (
        _typical_s(found, f"ECG_{name}", peaks, beat.fs) for name in ("R_Onsets", "R_Offsets", "T_Offsets")
    )
    if ours.t_peak_s is None:
        return Marks(on_s, off_s)
    return Marks(on_s, off_s, ours.t_peak_s, end_s, ours.t_mv)


def _copies(beat: AveragedBeat) -> tuple[Float, np.ndarray]:
    """The beat again and again as long as its RR interval, ends joined, and the samples of its R peaks."""
    length = min(len(beat.mv), round(beat.rr_s * beat.fs))
    first = beat.r_index - min(beat.r_index, round(0.35 * length))
    one = beat.mv[first : first + length] * (1 if beat.mv[beat.r_index] >= 0 else -1)  # it expects R to point up
    if length < len(beat.mv[first:]):
        one = one - np.linspace(one[0], one[-1], length)
    return np.tile(one, COPIES), beat.r_index - first + length * np.arange(COPIES)


def _delineated(copies: Float, peaks: np.ndarray, rate: int) -> dict[str, Any]:
    try:
        neurokit2 = importlib.import_module("neurokit2")
    except ImportError:
        raise RecipeError(
            "morphology.methods asks for neurokit2, which is not installed; pip install neurokit2, "
            'or take ["slope", "area"]'
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dict(neurokit2.ecg_delineate(copies, peaks, sampling_rate=rate, method="dwt")[1])
        except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError):  # as it fails on flat or odd beats
            return {}


def _typical_s(found: dict[str, Any], name: str, peaks: np.ndarray, fs: float) -> float | None:
    """Median place of a mark against R over the copies within, s; None where it saw fewer than two."""
    at = np.asarray(found.get(name, []), np.float64)
    if len(at) != len(peaks):
        return None
    inner = (at - peaks)[1:-1]
    inner = inner[np.isfinite(inner)]
    return float(np.median(inner)) / fs if len(inner) >= 2 else None
