"""Normal beats of the record's dominant shape, averaged epoch by epoch.

A night's beats are aligned and averaged once, in each epoch of 30 s. A stage or an hour is a choice of epochs, so its
averaged beat costs no second look at the waveform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import AF_KINDS, Beats, Bool, Episodes, EpochBeats, EpochGrid, Float, Recording
from holter2sleep.spans import Spans, contains
from holter2sleep.waveform import Waveform

AVERAGE_HZ = 500.0  # the time line of averaged beats, whatever the recorder's rate
BEFORE_S, AFTER_S = 0.35, 0.75  # P wave to the end of the T wave of a QT of 0.7 s
CORE_S = 0.07  # either side of R: the QRS complex, by which beats are aligned and compared
STEP_S = 0.001  # fineness of the alignment
SAMPLE_BEATS = 1000  # spread over the record, these say what its dominant shape is
BATCH = 2048  # bounds the memory

Rows = NDArray[np.floating]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class AverageRules:
    """Keys of `[averages]`."""

    least_correlation: float
    largest_shift_s: float


@dataclass(frozen=True)
class _Aligner:
    """The dominant QRS at every shift tried, centred and of unit norm."""

    shift: NDArray[np.int64]  # (n_shifts,), in parts of a sample
    shapes: Rows  # (n_core, n_shifts)
    parts: int  # of a sample

    def place(self, core: Rows) -> tuple[Index, Float]:
        """Shift of each beat's QRS against the dominant one, and its correlation with it there. Two (n_beats,)."""
        centred = core - core.mean(axis=1, keepdims=True)
        norm = np.maximum(np.linalg.norm(centred, axis=1), 1e-9)
        likeness = (centred @ self.shapes) / norm[:, None]
        best = likeness.argmax(axis=1)
        return self.shift[best], likeness[np.arange(len(core)), best].astype(np.float64)


def average_by_epoch(
    recording: Recording, grid: EpochGrid, beats: Beats, episodes: Episodes, usable_spans: Spans, rules: AverageRules
) -> EpochBeats | None:
    """The averaged beat of every epoch; None without waveform.

    Taken are usable beats labelled N between two beats labelled N, without a gap before them, whose QRS correlates with
    the dominant one. Beats in AF enter only where an epoch has no others.
    """
    if recording.ecg is None or recording.fs is None:
        return None
    in_af = contains(episodes.of(*AF_KINDS).spans, beats.time_s)
    chosen = _candidates(beats, usable_spans)
    epoch = grid.epoch_of(beats.time_s)
    free = np.zeros(grid.n, bool)
    free[epoch[chosen & ~in_af]] = True
    chosen &= ~in_af | ~free[epoch]
    index = np.flatnonzero(chosen)
    centre = np.clip(np.round(beats.time_s[index] * recording.fs).astype(np.int64), 0, len(recording.ecg) - 1)
    sums = _Sums(grid.n)
    aligner = _aligner(recording.ecg, recording.fs, centre, rules)
    for first in range(0, len(index), BATCH) if aligner else ():
        part = slice(first, first + BATCH)
        of, rr_s = epoch[index[part]], beats.rr_s[index[part]]
        _add_beats(sums, recording.ecg, recording.fs, aligner, centre[part], of, rr_s, rules)
    return sums.means(~free)


def _candidates(beats: Beats, usable_spans: Spans) -> Bool:
    """Beats labelled N between two such, with a trusted interval before: no ectopic beat lies on the T wave.

    array (n_beats,)
    """
    normal = np.pad(beats.label == "N", 1, constant_values=True)
    return trusted_rr(beats, usable_spans) & normal[:-2] & normal[1:-1] & normal[2:]


class _Sums:
    """Running sums of the beats of each epoch."""

    def __init__(self, n_epochs: int) -> None:
        n = round((BEFORE_S + AFTER_S) * AVERAGE_HZ) + 1
        self.mv = np.zeros((n_epochs, n), np.float32)
        self.n_beats = np.zeros(n_epochs, np.int64)
        self.rr_s = np.zeros(n_epochs)

    def means(self, in_af: Bool) -> EpochBeats:
        count = np.where(self.n_beats > 0, self.n_beats, 1)
        some = self.n_beats > 0
        mv = np.where(some[:, None], self.mv / count[:, None], np.float32(np.nan))
        rr_s = np.where(some, self.rr_s / count, np.nan)
        return EpochBeats(mv, AVERAGE_HZ, round(BEFORE_S * AVERAGE_HZ), self.n_beats, rr_s, some & in_af)


def _add_beats(
    sums: _Sums,
    ecg: Waveform,
    fs: float,
    aligner: _Aligner | None,
    centre: Index,
    epoch: Index,
    rr_s: Float,
    rules: AverageRules,
) -> None:
    """Align a batch of beats, and add those of the dominant shape to their epochs."""
    if aligner is None:
        return
    shift, likeness = aligner.place(np.nan_to_num(ecg.around(centre, _core(fs))))
    whole, part = np.divmod(shift, aligner.parts)
    rows, x_s = _windows(ecg, fs, centre + whole)
    keep = (likeness >= rules.least_correlation) & np.isfinite(rows).all(axis=1)
    rows = rows[keep] - rows[keep].mean(axis=1, keepdims=True)
    epoch, part = epoch[keep], part[keep]
    np.add.at(sums.n_beats, epoch, 1)
    np.add.at(sums.rr_s, epoch, rr_s[keep])
    line_s = np.arange(sums.mv.shape[1]) / AVERAGE_HZ - BEFORE_S
    for p in np.unique(part):
        # beats of one epoch that lie alike between two samples are summed before they are interpolated
        of, first = np.unique(epoch[part == p], return_index=True)
        summed = np.add.reduceat(rows[part == p], first, axis=0)
        sums.mv[of] += make_interp_spline(x_s, summed, axis=1)(line_s + p / aligner.parts / fs).astype(np.float32)


def _windows(ecg: Waveform, fs: float, centre: Index) -> tuple[Rows, Float]:
    """The signal around each centre, a little wider than the time line, and its seconds from the centre."""
    before, after = (int(np.ceil(s * fs)) + 2 for s in (BEFORE_S, AFTER_S))
    half = max(before, after)
    rows = ecg.around(centre, half)[:, half - before : half + after + 1]
    return rows, np.arange(-before, after + 1) / fs


def _core(fs: float) -> int:
    """Samples of the QRS complex on each side of R."""
    return max(3, round(CORE_S * fs))


def _aligner(ecg: Waveform, fs: float, centre: Index, rules: AverageRules) -> _Aligner | None:
    """The dominant QRS, learnt from beats spread over the record; None without any."""
    if len(centre) == 0:
        return None
    parts = max(1, round(1 / (fs * STEP_S)))
    core, margin = _core(fs), round(rules.largest_shift_s * fs) + 2
    shift = np.arange(-(margin - 2) * parts, (margin - 2) * parts + 1)
    sample = centre[:: max(1, len(centre) // SAMPLE_BEATS)]
    aligner = None
    for _ in range(3):  # the first median is blurred where the beats are not aligned yet
        rows = np.nan_to_num(ecg.around(sample, core + margin))
        if aligner is not None:
            moved, likeness = aligner.place(rows[:, margin:-margin])
            kept = likeness >= np.median(likeness)
            rows = np.nan_to_num(
                ecg.around(sample[kept] + np.round(moved[kept] / parts).astype(np.int64), core + margin)
            )
        aligner = _shifted(np.median(rows, axis=0), shift, parts, core, margin)
    return aligner


def _shifted(shape: Rows, shift: Index, parts: int, core: int, margin: int) -> _Aligner:
    """An aligner with one shape, moved by every shift."""
    line = np.arange(-(core + margin), core + margin + 1)
    at = np.arange(-core, core + 1)[:, None] - shift[None, :] / parts
    moved = make_interp_spline(line, shape)(at)
    moved -= moved.mean(axis=0)
    return _Aligner(shift, (moved / np.maximum(np.linalg.norm(moved, axis=0), 1e-9)).astype(np.float32), parts)
