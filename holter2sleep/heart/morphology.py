"""QRS, QT, corrected QT and T amplitude of averaged beats, each with the spread of what else it could be.

A value is that of the first method of the recipe. Its interval spans all methods, each on the averaged beat and on the
averages of every other epoch; where that span is wider than the recipe allows, no value is given.

References
----------
Fridericia LS. Acta Med Scand 1920;53:469-486. Bazett HC. Heart 1920;7:353-370.
Sagie A, Larson MG, Goldberg RJ, Bengtson JR, Levy D. An improved method for adjusting the QT interval for heart rate
(the Framingham Heart Study). Am J Cardiol 1992;70:797-801.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import RecipeError, did_you_mean
from holter2sleep.heart.morphology_marks import AveragedBeat, Marks, marks_by_area, marks_by_slope
from holter2sleep.heart.morphology_neurokit import marks_by_neurokit
from holter2sleep.night import Bool, EpochBeats, Float

METHODS: dict[str, Callable[[AveragedBeat, float], Marks]] = {
    "slope": marks_by_slope,
    "area": marks_by_area,
    "neurokit2": marks_by_neurokit,
}
KEPT_SHARE = 0.75  # of the epochs of an averaged beat: one in four may be spoilt
NAMES = ("qrs_duration", "qt", "qtc_fridericia", "qtc_bazett", "qtc_framingham", "t_amplitude")
Interval = tuple[float, float]


@dataclass(frozen=True)
class MorphologyRules:
    """Keys of `[morphology]`."""

    methods: tuple[str, ...]
    least_t_share: float
    largest_qrs_spread_ms: float
    largest_qt_spread_ms: float


@dataclass(frozen=True)
class BeatMeasures:
    """What an averaged beat says.

    `values` holds NaN where the methods do not agree or do not see the wave, None where the value means nothing
    (corrected QT in AF). `intervals` holds the span of a value's alternatives.
    """

    beat: AveragedBeat | None
    marks: dict[str, Marks]  # by method
    values: dict[str, float | None]  # ms; t_amplitude mV
    intervals: dict[str, Interval]

    @property
    def n_beats(self) -> int:
        """Number of beats averaged."""
        return 0 if self.beat is None else self.beat.n_beats


def qtc_fridericia(qt_ms: float, rr_s: float) -> float:
    """QT over the cube root of RR, ms.

    Examples
    --------
    >>> qtc_fridericia(400.0, 1.0), round(qtc_fridericia(360.0, 0.729), 6)
    (400.0, 400.0)
    """
    return qt_ms / float(np.cbrt(rr_s))


def qtc_bazett(qt_ms: float, rr_s: float) -> float:
    """QT over the square root of RR, ms.

    Examples
    --------
    >>> qtc_bazett(360.0, 0.81)
    400.0
    """
    return qt_ms / math.sqrt(rr_s)


def qtc_framingham(qt_ms: float, rr_s: float) -> float:
    """QT + 154 (1 - RR), ms.

    Examples
    --------
    >>> qtc_framingham(360.0, 0.5)
    437.0
    """
    return qt_ms + 154.0 * (1.0 - rr_s)


CORRECTIONS = {
    "qtc_fridericia": qtc_fridericia,
    "qtc_bazett": qtc_bazett,
    "qtc_framingham": qtc_framingham,
}


def measure_beats(averages: EpochBeats, chosen: Bool, rules: MorphologyRules) -> BeatMeasures:
    """Intervals and T amplitude of the beats of the chosen epochs. `chosen` is (n_epochs,).

    Raises
    ------
    RecipeError
        A method that nobody knows, or that is not installed.
    """
    methods = [_method(name) for name in rules.methods]
    epochs = np.flatnonzero(_of_one_rhythm(averages, chosen))
    if len(epochs) == 0:
        return BeatMeasures(None, {}, dict.fromkeys(NAMES, np.nan), {})
    beat = averaged_beat(averages, epochs)
    found = [method(beat, rules.least_t_share) for method in methods]
    halves = [averaged_beat(averages, epochs[k::2]) for k in (0, 1)] if len(epochs) > 1 else []
    others = [method(half, rules.least_t_share) for half in halves for method in methods]
    values: dict[str, float | None] = {}
    intervals: dict[str, Interval] = {}
    for name, of, widest in (
        ("qrs_duration", [marks.qrs_ms for marks in found + others], rules.largest_qrs_spread_ms),
        ("qt", [marks.qt_ms for marks in found + others], rules.largest_qt_spread_ms),
        ("t_amplitude", [marks.t_mv for marks in found + others], math.inf),
    ):
        values[name], span = _agreed(of, len(found), widest)
        intervals |= {name: span} if span else {}
    corrected, spans = _corrected(beat, values["qt"], intervals.get("qt"))
    return BeatMeasures(beat, dict(zip(rules.methods, found, strict=True)), values | corrected, intervals | spans)


def first_marks(averages: EpochBeats, chosen: Bool, rules: MorphologyRules) -> tuple[AveragedBeat, Marks] | None:
    """The averaged beat of the chosen epochs with the marks of the recipe's first method; None without beats."""
    epochs = np.flatnonzero(_of_one_rhythm(averages, chosen))
    if len(epochs) == 0:
        return None
    beat = averaged_beat(averages, epochs)
    return beat, _method(rules.methods[0])(beat, rules.least_t_share)


def _method(name: str) -> Callable[[AveragedBeat, float], Marks]:
    if name not in METHODS:
        raise RecipeError(f"morphology.methods: unknown method {name!r}; {did_you_mean(name, METHODS)}")
    return METHODS[name]


def _of_one_rhythm(averages: EpochBeats, chosen: Bool) -> Bool:
    """The chosen epochs with beats outside AF; those in AF where there are no others. array (n_epochs,)."""
    some = chosen & (averages.n_beats > 0)
    outside = some & ~averages.in_af
    return outside if outside.any() else some


def averaged_beat(averages: EpochBeats, epochs: np.ndarray) -> AveragedBeat:
    """The mean of the epochs' averaged beats, without the quarter of them least like it.

    `epochs` is (n,), of epochs that have one; n and RR are those of all of them.
    """
    n, rows = averages.n_beats[epochs], averages.mv[epochs]
    strange = ((rows - _weighted(rows, n)) ** 2).sum(axis=1)
    alike = strange <= np.quantile(strange, KEPT_SHARE)
    mv = _weighted(rows[alike], n[alike]).astype(np.float64)
    rr_s = float(np.average(averages.rr_s[epochs], weights=n))
    in_af = bool(averages.in_af[epochs].all())
    return AveragedBeat(mv, averages.fs, averages.r_index, int(n.sum()), rr_s, in_af)


def _weighted(rows: NDArray[np.float32], n: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean of rows that stand for n beats each. array (n_samples,)."""
    return (n / n.sum()).astype(np.float32) @ rows


def _agreed(found: list[float | None], n_methods: int, widest: float) -> tuple[float, Interval | None]:
    """The first value and the span of all; NaN where a method sees none on the whole beat, or the span is too wide."""
    if any(value is None for value in found[:n_methods]):
        return np.nan, None
    seen = [value for value in found if value is not None]
    if max(seen) - min(seen) > widest:
        return np.nan, None
    return seen[0], (min(seen), max(seen))


def _corrected(
    beat: AveragedBeat, qt_ms: float | None, span: Interval | None
) -> tuple[dict[str, float | None], dict[str, Interval]]:
    """QT by every formula at the mean RR of the beats averaged, and its span; None in AF."""
    if beat.in_af:
        return dict.fromkeys(CORRECTIONS), {}
    if qt_ms is None or span is None:
        return dict.fromkeys(CORRECTIONS, np.nan), {}
    values: dict[str, float | None] = {name: formula(qt_ms, beat.rr_s) for name, formula in CORRECTIONS.items()}
    low, high = span
    return values, {name: (formula(low, beat.rr_s), formula(high, beat.rr_s)) for name, formula in CORRECTIONS.items()}


def level_of(beat: AveragedBeat, marks: Marks) -> Float:
    """The averaged beat above the end of its PQ segment, for drawing, mV. array (n_samples,)."""
    at = beat.r_index + round((marks.qrs_on_s if marks.qrs_on_s is not None else -0.05) * beat.fs)
    return beat.mv - beat.mv[max(0, at)]
