"""Which part of a recording is looked at, and what the first steps of the analysis make of it.

Faults, beats and quality come from the same functions as in an analysis, so that the verdict is the one of `analyze`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.heart.detect import Detection, amplitude_at, detect_beats
from holter2sleep.heart.faults import Faults, find_faults
from holter2sleep.heart.quality import agreement, assess_quality, usable_beats
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.night import EpochGrid, Float, Quality, Recording
from holter2sleep.recipe import Recipe
from holter2sleep.spans import EMPTY, Spans, as_spans, complement, duration, intersection

WHOLE_UP_TO_S = 2 * 3600.0  # half a second of work
N_STRETCHES = 12
STRETCH_S = 600.0  # a block of the detectors
SHORTEST_S = 10.0  # a window of the quality index
ENOUGH_S = 720.0  # analysable seconds seen: far from the two minutes that decide
DECIDES_S = (60.0, 240.0)  # near them


@dataclass(frozen=True)
class Stretch:
    """A part of a recording and what is found in it; all times count from the start of the part."""

    start_s: float  # in the recording
    recording: Recording  # the part alone
    faults: Faults
    detection: Detection
    beat_s: Float  # (n_beats,), given or detected
    amplitude_mv: Float  # (n_beats,), signed; NaN without a waveform
    usable: np.ndarray  # (n_beats,), bool
    quality: Quality
    bsqi: Float  # (n_windows,), agreement of the detectors

    @property
    def ecg(self) -> np.ndarray:
        """Samples of the part, mV; empty without a waveform."""
        return np.empty(0, np.float32) if self.recording.ecg is None else self.recording.ecg[:]


def spread(duration_s: float, gaps: Spans = EMPTY) -> Spans:
    """The whole of a short recording; stretches evenly spread over what a long one has recorded.

    Examples
    --------
    >>> spread(3600.0).tolist()
    [[0.0, 3600.0]]
    >>> float(duration(spread(28800.0))), len(spread(28800.0))
    (7200.0, 12)
    >>> spread(36000.0, as_spans([(0.0, 28000.0)]))[0].tolist()
    [28000.0, 28600.0]
    """
    if duration_s <= WHOLE_UP_TO_S:
        return as_spans([(0.0, duration_s)])
    recorded = complement(gaps, 0.0, duration_s)
    at = np.linspace(0.0, max(0.0, duration(recorded) - STRETCH_S), N_STRETCHES)  # seconds of signal before it
    before = np.cumsum(np.r_[0.0, recorded[:, 1] - recorded[:, 0]])
    piece = np.searchsorted(before[:-1], at, side="right") - 1
    first = recorded[piece, 0] + at - before[piece]
    return as_spans(np.column_stack([first, np.minimum(first + STRETCH_S, duration_s)]))


def look(recording: Recording, recipe: Recipe) -> tuple[Stretch, ...]:
    """What the analysis would see: everything of a short recording, else evenly spread stretches.

    Where these hold too little to be sure of the verdict, the rest is looked at as well, until enough is seen.
    """
    if recording.ecg is None:
        return (_stretch(recording, 0.0, recording.duration_s, recipe),)
    spans = spread(recording.duration_s, recording.gaps)
    stretches = [_stretch(recording, start, end, recipe) for start, end in spans.tolist()]
    for start, end in _rest(spans, recording).tolist():
        if usable_s(tuple(stretches)) >= ENOUGH_S:
            break
        stretches.append(_stretch(recording, start, end, recipe))
    if len(stretches) > 1 and DECIDES_S[0] < usable_s(tuple(stretches)) < DECIDES_S[1]:
        return (_stretch(recording, 0.0, recording.duration_s, recipe),)  # the borders of stretches could decide
    return tuple(sorted(stretches, key=lambda stretch: stretch.start_s))


def _rest(spans: Spans, recording: Recording) -> Spans:
    """What was recorded between the stretches, in stretches of the same length."""
    unseen = complement(as_spans(np.concatenate([spans, recording.gaps])), 0.0, recording.duration_s)
    long = unseen[unseen[:, 1] - unseen[:, 0] >= SHORTEST_S]
    cuts = [np.r_[np.arange(start, end, STRETCH_S), end] for start, end in long.tolist()]
    return np.concatenate([np.column_stack([cut[:-1], cut[1:]]) for cut in cuts]) if cuts else EMPTY


def usable_s(stretches: tuple[Stretch, ...]) -> float:
    """Analysable seconds of what was looked at."""
    return sum(duration(stretch.quality.usable_spans) for stretch in stretches)


def looked_s(stretches: tuple[Stretch, ...]) -> float:
    """Seconds looked at."""
    return sum(stretch.recording.duration_s for stretch in stretches)


def estimated(seconds: float, stretches: tuple[Stretch, ...], recording: Recording) -> float:
    """Seconds of the whole recording, from seconds of what was looked at: as rare in the rest of what was recorded."""
    looked = sum(_recorded_s(stretch.recording) for stretch in stretches)
    return seconds / looked * _recorded_s(recording) if looked > 0 else 0.0


def _recorded_s(recording: Recording) -> float:
    """Length without the gaps."""
    return recording.duration_s - duration(intersection(recording.gaps, as_spans([(0.0, recording.duration_s)])))


def _stretch(recording: Recording, start_s: float, end_s: float, recipe: Recipe) -> Stretch:
    part = _part(recording, start_s, end_s)
    faults = find_faults(part, recipe.faults)
    detection = detect_beats(part, faults, recipe.beats)
    given = part.given_beats
    beat_s = detection.time_s if given is None else given.time_s
    height = detection.amplitude_mv if given is None else amplitude_at(part, beat_s, recipe.beats).astype(np.float64)
    shape = beat_shapes(part, beat_s, recipe.shape)
    grid = EpochGrid.covering(part.duration_s)
    quality = assess_quality(part, grid, faults, beat_s, detection, shape, recipe.quality)
    usable = usable_beats(beat_s, quality)
    if given is not None:
        usable &= given.usable
    bsqi = agreement(detection.time_s, detection.second_s, part.duration_s, recipe.quality)
    return Stretch(start_s, part, faults, detection, beat_s, height, usable, quality, bsqi)


def _part(recording: Recording, start_s: float, end_s: float) -> Recording:
    """A part of a recording as a recording of its own."""
    if start_s == 0 and end_s == recording.duration_s:
        return recording
    if recording.ecg is None or recording.fs is None:
        raise ValueError("only a waveform is looked at in parts")
    first, last = round(start_s * recording.fs), round(end_s * recording.fs)
    ecg = recording.ecg.cut(first, last)
    inside = intersection(recording.gaps, as_spans([(start_s, end_s)]))
    gaps = inside - start_s if len(inside) else EMPTY
    return recording.but(ecg=ecg, gaps=gaps, duration_s=len(ecg) / recording.fs)
