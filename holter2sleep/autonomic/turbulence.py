"""Heart-rate turbulence: how the sinus rhythm quickens and slows after a ventricular premature beat."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.pieces import Index
from holter2sleep.night import Beats, Bool, Float
from holter2sleep.spans import Spans, covers

# Schmidt 1999 (Lancet 353:1390) and Bauer 2008 (J Am Coll Cardiol 52:1353), who leave out what is no premature beat
# with its pause amid sinus rhythm
N_BEFORE, N_AFTER = 5, 15  # sinus intervals before the premature one, and after the pause
COUPLING, PAUSE = N_BEFORE, N_BEFORE + 1  # their places in a tachogram
LEAST_PREMATURITY_SHARE, LEAST_PAUSE_SHARE = 0.2, 0.2  # against the mean of the five intervals before
RR_MS = (300.0, 2000.0)
LARGEST_STEP_MS = 200.0  # between neighbouring sinus intervals
LARGEST_CHANGE_SHARE = 0.2  # of a sinus interval from the mean of the five
LEAST_VPCS = 5  # Bauer 2008: fewer give no reliable value
SLOPE_INTERVALS = 5
ABNORMAL_ONSET_PERCENT, ABNORMAL_SLOPE = 0.0, 2.5  # onset from here up, slope (ms / RR) up to here


def tachograms(beats: Beats, vpc: Index, sinus_spans: Spans) -> Float:
    """Intervals around each ventricular premature beat that can show turbulence. array (n_valid, 22), ms.

    Five sinus intervals, the coupling interval, the pause, fifteen sinus intervals; unbroken usable time without AF.

    Parameters
    ----------
    beats
        All beats of the night.
    vpc
        Index of the beats of class V to look at.
    sinus_spans
        Usable time outside atrial fibrillation.
    """
    vpc = vpc[(vpc > N_BEFORE) & (vpc + 1 + N_AFTER < len(beats))]
    at = vpc[:, None] + np.arange(-N_BEFORE - 1, N_AFTER + 2)
    others = np.delete(at, N_BEFORE + 1, axis=1)
    sound = (beats.label[others] == "N").all(axis=1) & beats.usable[at].all(axis=1)
    sound &= covers(sinus_spans, beats.time_s[at[:, 0]], beats.time_s[at[:, -1]])
    rows_ms = np.round(1000 * np.diff(beats.time_s[at[sound]], axis=1), 3)
    return rows_ms[_is_turbulence(rows_ms)]


def _is_turbulence(rows_ms: Float) -> Bool:
    """Whether the beat is premature, its pause long, and the intervals around it of sinus rhythm. array (n,)."""
    before_ms, after_ms = rows_ms[:, :N_BEFORE], rows_ms[:, PAUSE + 1 :]
    usual_ms = before_ms.mean(axis=1)
    premature = rows_ms[:, COUPLING] <= (1 - LEAST_PREMATURITY_SHARE) * usual_ms
    paused = rows_ms[:, PAUSE] >= (1 + LEAST_PAUSE_SHARE) * usual_ms
    return premature & paused & _is_sinus(before_ms, usual_ms) & _is_sinus(after_ms, usual_ms)


def _is_sinus(rows_ms: Float, usual_ms: Float) -> Bool:
    like_usual = np.abs(rows_ms / usual_ms[:, None] - 1) <= LARGEST_CHANGE_SHARE
    in_range = (rows_ms >= RR_MS[0]) & (rows_ms <= RR_MS[1]) & like_usual
    steady: Bool = np.abs(np.diff(rows_ms, axis=1)) <= LARGEST_STEP_MS
    return np.logical_and(in_range.all(axis=1), steady.all(axis=1))


def turbulence_measures(rows_ms: Float) -> dict[str, float]:
    """Onset (%), slope (ms / RR), category and number of tachograms; NaN with fewer than five.

    Onset is the mean over the premature beats of the relative change from the two intervals before to the two after;
    slope the steepest rise of a line through five successive intervals of the averaged tachogram.
    The category counts what is abnormal: an onset of 0 % and more, a slope of 2.5 ms / RR and less.
    """
    if len(rows_ms) < LEAST_VPCS:
        unknown = dict.fromkeys(("turbulence_onset", "turbulence_slope", "turbulence_category"), np.nan)
        return {"n_vpc_turbulence": len(rows_ms), **unknown}
    before_ms, after_ms = (rows_ms[:, at : at + 2].sum(axis=1) for at in (N_BEFORE - 2, PAUSE + 1))
    onset = float((100 * (after_ms - before_ms) / before_ms).mean())
    slope = _steepest_rise(rows_ms[:, PAUSE + 1 :].mean(axis=0))
    return {
        "n_vpc_turbulence": len(rows_ms),
        "turbulence_onset": onset,
        "turbulence_slope": slope,
        "turbulence_category": int(onset >= ABNORMAL_ONSET_PERCENT) + int(slope <= ABNORMAL_SLOPE),
    }


def _steepest_rise(tachogram_ms: Float) -> float:
    """Largest slope of a line through five successive intervals, ms / RR."""
    at = np.arange(SLOPE_INTERVALS) - (SLOPE_INTERVALS - 1) / 2
    windows = np.lib.stride_tricks.sliding_window_view(tachogram_ms, SLOPE_INTERVALS)
    return round(float((windows @ at / (at @ at)).max()), 6)  # a slope of exactly 2.5 is not decided by its last bit
