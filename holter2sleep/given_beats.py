"""Beats that the user gives, beside the waveform they are said to belong to."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from holter2sleep.errors import RecordingError
from holter2sleep.heart.detect import Detection
from holter2sleep.heart.quality import nearest
from holter2sleep.night import Float, Recording
from holter2sleep.spans import Spans, as_spans, duration

log = logging.getLogger(__name__)

MATCH_S = 0.150  # ANSI/AAMI EC57: beats pair within 150 ms
NEAR_S = 1.0  # a beat farther from every QRS lies in noise or in a pause, and tells nothing
ENOUGH = 50  # beats near a QRS, for a share to mean something
# Share beyond chance, 0 (no better than beats of anybody) to 1 (each at a QRS). Beats of another night reach 0.1, those
# of a clock that drifts away something between; the truth of noisy synthetic nights and MIT-BIH stays above 0.9.
FOREIGN, DOUBTFUL = 0.3, 0.8


@dataclass(frozen=True)
class Fit:
    """How given beats lie to the QRS complexes: of those near one, the share at one, and what chance would give."""

    n: int
    share: float
    by_chance: float

    @property
    def beyond_chance(self) -> float:
        """0 for chance, 1 for every beat at a QRS."""
        return (self.share - self.by_chance) / max(1.0 - self.by_chance, 1e-9)


def fit_of(given_s: Float, detection: Detection) -> Fit:
    """Fit of given beats to the QRS complexes on which both detectors agree.

    Examples
    --------
    >>> qrs_s = np.arange(1.0, 100.0)
    >>> detection = Detection(qrs_s, np.ones(99), np.ones(99), qrs_s)
    >>> fit_of(qrs_s + 0.1, detection).share, fit_of(qrs_s + 0.4, detection).share
    (1.0, 0.0)
    """
    sure_s = _within(detection.time_s, detection.second_s, MATCH_S)
    n = len(_within(given_s, sure_s, NEAR_S))
    if n == 0:
        return Fit(0, 0.0, 0.0)
    by_chance = duration(_around(sure_s, MATCH_S)) / duration(_around(sure_s, NEAR_S))
    return Fit(n, len(_within(given_s, sure_s, MATCH_S)) / n, by_chance)


def doubt_given_beats(recording: Recording, detection: Detection) -> tuple[str, ...]:
    """A warning where the beats given for a waveform miss its QRS complexes.

    Raises
    ------
    RecordingError
        They fit no better than the beats of anybody.
    """
    beats, source = recording.given_beats, recording.beats_source
    if recording.ecg is None or beats is None or source is None:
        return ()
    fit = fit_of(beats.time_s, detection)
    if fit.n < ENOUGH or fit.beyond_chance >= DOUBTFUL:
        return ()
    found = (
        f"{100 * fit.share:.0f} % of the beats of {source.file} lie within {1000 * MATCH_S:.0f} ms of a QRS of "
        f"{recording.source.file}, where chance gives {100 * fit.by_chance:.0f} %"
    )
    if fit.beyond_chance < FOREIGN:
        raise RecordingError(
            f"{found}: beats of another recording, or of another clock. What would work: beats of this recording, "
            "in seconds from its first sample"
        )
    note = f"{found}: look whether they belong to this recording, and whether their clock drifts"
    log.warning("%s: %s", recording.recording_id, note)
    return (note,)


def _within(times: Float, among: Float, tolerance_s: float) -> Float:
    """The times with one of `among` (sorted) within the tolerance."""
    if len(times) == 0 or len(among) == 0:
        return times[:0]
    return times[np.abs(among[nearest(times, among)] - times) <= tolerance_s]


def _around(times: Float, reach_s: float) -> Spans:
    return as_spans(np.column_stack([times - reach_s, times + reach_s]))
