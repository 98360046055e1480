"""The one path: a recording in, a night out.

read -> grid -> faults -> beats -> quality -> classes -> episodes -> NN -> cyclic variation -> stages -> Night.
The detectors come before the judgement of quality, because their agreement is its best evidence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.autonomic.respiration import find_cvhr
from holter2sleep.errors import NotEnoughSignal
from holter2sleep.heart.classify import classify_beats
from holter2sleep.heart.detect import BeatRules, Detection, amplitude_at, detect_beats, is_inverted
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.quality import assess_quality, holes_with_signal, usable_beats
from holter2sleep.heart.rhythm import find_episodes, without_s_in_af
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import Beats, EpochGrid, Hypnogram, Lights, Night, Recording
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.staging import Evidence, StagingRules, stage_sleep
from holter2sleep.spans import Spans, as_spans, duration

log = logging.getLogger(__name__)

MINIMUM_S = 120.0  # less analysable signal is no night
WARNING_S = 300.0  # less is a night with a warning
PLAUSIBLE_R_MV = (0.05, 20.0)  # an R wave outside is a wrong unit rather than a heart

Step = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True)
class Given:
    """What the user brings to the night instead of having it found."""

    lights: Lights | None = None
    hypnogram: Path | None = None


def analyze_night(
    recording: Recording,
    recipe: Recipe,
    given: Given = Given(),
    step: Step = nullcontext,
) -> Night:
    """Everything the program can tell of one recording.

    Parameters
    ----------
    recording, recipe, given
        What was recorded, the choices of the analysis, what the user says of the night.
    step
        Called with the name of each step; the context it gives surrounds the step.

    Raises
    ------
    NotEnoughSignal
        Less than two minutes of analysable beats.
    """
    grid = EpochGrid.covering(recording.duration_s)
    with step("beats"):
        faults = find_faults(recording, recipe.faults)
        recording, detection = _upright(recording, detect_beats(recording, faults, recipe.beats), recipe)
    with step("quality"):
        found = _beats_of(recording, detection, recipe.beats)
        shape = beat_shapes(recording, found.time_s, recipe.shape)
        quality = assess_quality(recording, grid, faults, found.time_s, detection, shape, recipe.quality)
        found = found.but(usable=found.usable & usable_beats(found.time_s, quality))
        scale = _doubt_scale(recording, found.amplitude_mv)
        holes = _warn_of_holes(recording, holes_with_signal(recording, faults, found.time_s, recipe.quality))
        short = _refuse_or_warn(recording, duration(quality.usable_spans), int(found.usable.sum()))
    with step("rhythm"):
        if shape is not None and (recording.given_beats is None or not recording.beats_classified):
            found = classify_beats(found, shape, quality.usable_spans, recipe.classes)
            recording = recording.but(beats_classified=True)
        episodes = find_episodes(found, quality.usable_spans, recipe.rhythm)
        beats = without_s_in_af(found, episodes, recipe.rhythm)
    with step("variability"):
        nn = nn_intervals(beats, episodes, quality.usable_spans, recipe.nn)
        episodes = episodes.and_also(find_cvhr(nn, recipe.cvhr))
    with step("sleep stages"):
        lights = given.lights or Lights(0.0, recording.duration_s, "recording")
        evidence = Evidence(recording, grid, beats, quality, nn, lights)
        hypnogram, notes = _stages(evidence, given, recipe.staging)
    everything = as_spans([(0.0, recording.duration_s)])
    warnings = (*recording.warnings, *short, *scale, *holes, *notes)
    return Night(recording, grid, quality, beats, episodes, nn, hypnogram, lights, everything, warnings)


def _doubt_scale(recording: Recording, amplitude_mv: NDArray[np.float32]) -> tuple[str, ...]:
    """A warning when the R waves are too small or too tall for millivolts; nothing is rescaled."""
    known = np.abs(amplitude_mv[np.isfinite(amplitude_mv)])
    if len(known) == 0 or PLAUSIBLE_R_MV[0] <= np.median(known) <= PLAUSIBLE_R_MV[1]:
        return ()
    r_mv = float(np.median(known))
    factor = "0.001" if r_mv > PLAUSIBLE_R_MV[1] else "1000"
    unit = recording.source.unit or "no unit"
    note = f"R waves of {r_mv:.3g} mV: the unit in the file ({unit}) may be wrong by a factor of {factor}; not rescaled"
    log.warning("%s: %s", recording.recording_id, note)
    return (note,)


def _upright(recording: Recording, detection: Detection, recipe: Recipe) -> tuple[Recording, Detection]:
    """The recording with its R waves pointing up, reported in `polarity`."""
    if recording.ecg is None or not is_inverted(detection, recipe.beats):
        return recording, detection
    note = "the lead is inverted (its dominant deflection points down); it was turned upright"
    log.warning("%s: %s", recording.recording_id, note)
    turned = recording.but(ecg=-recording.ecg, polarity=-1, warnings=(*recording.warnings, note))
    return turned, replace(detection, amplitude_mv=-detection.amplitude_mv)


def _beats_of(recording: Recording, detection: Detection, rules: BeatRules) -> Beats:
    """The beats the user or the file gives, else the ones detected, with their height where there is a waveform."""
    if recording.given_beats is not None:
        return recording.given_beats.but(amplitude_mv=amplitude_at(recording, recording.given_beats.time_s, rules))
    n = len(detection.time_s)
    unknown = np.full(n, np.nan, np.float32)
    return Beats(detection.time_s, np.full(n, "N"), unknown, np.ones(n, bool), detection.amplitude_mv.astype("f4"))


def _refuse_or_warn(recording: Recording, usable_s: float, n_beats: int) -> tuple[str, ...]:
    whose = f"{recording.source.file!r}: {usable_s:.0f} s analysable of {recording.duration_s:.0f} s"
    if usable_s < MINIMUM_S or n_beats < 2:
        raise NotEnoughSignal(
            f"Not enough analysable signal in {whose} ({n_beats} beats); at least {MINIMUM_S:.0f} s are needed. "
            f"Another lead may be better (--channel), or trusted beats (--beats)"
        )
    if usable_s >= WARNING_S:
        return ()
    log.warning("%s: %s; most values need more", recording.recording_id, whose)
    return (f"only {usable_s:.0f} s analysable: most values need more",)


def _warn_of_holes(recording: Recording, holes: Spans) -> tuple[str, ...]:
    """A warning for stretches without a beat that do hold signal."""
    if recording.ecg is None or len(holes) == 0:
        return ()
    start_s, end_s = max(holes.tolist(), key=lambda hole: hole[1] - hole[0])
    note = (
        f"no beat in {len(holes)} long stretches that hold signal (the longest {end_s - start_s:.0f} s, from "
        f"{start_s:.0f} s): beats lost, or asystole; they are not analysed, look at them"
    )
    log.warning("%s: %s", recording.recording_id, note)
    return (note,)


def _stages(evidence: Evidence, given: Given, rules: StagingRules) -> tuple[Hypnogram, tuple[str, ...]]:
    if given.hypnogram is None:
        return stage_sleep(evidence, rules)
    return read_hypnogram(given.hypnogram, evidence.grid, evidence.recording.start)
