"""The one path: a recording in, a night out.

read -> grid -> faults -> beats -> quality -> classes -> episodes -> averaged beats -> NN -> breathing -> stages
-> Night.
The detectors come before the judgement of quality, because their agreement is its best evidence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from holter2sleep.autonomic.apnea import respiratory_chances, respiratory_episodes
from holter2sleep.autonomic.breathing_rate import find_breathing
from holter2sleep.autonomic.correction import correct_intervals
from holter2sleep.autonomic.coupling import find_coupling
from holter2sleep.autonomic.cvhr import find_cvhr
from holter2sleep.autonomic.mended import restored_intervals
from holter2sleep.autonomic.nn import nn_intervals, normal_intervals, rr_intervals
from holter2sleep.autonomic.surges import arousal_index, find_surges
from holter2sleep.counted import counted
from holter2sleep.errors import NotEnoughSignal
from holter2sleep.given_beats import doubt_given_beats
from holter2sleep.heart.classify import classify_beats
from holter2sleep.heart.detect import BeatRules, Detection, amplitude_at, detect_beats, is_inverted
from holter2sleep.heart.faults import Faults, find_faults
from holter2sleep.heart.morphology_average import average_by_epoch
from holter2sleep.heart.p_waves import p_waves
from holter2sleep.heart.polarity import is_swapped, opposite_spans, turned_within
from holter2sleep.heart.qrs_sizes import QrsSizes
from holter2sleep.heart.quality import assess_quality, holes_with_signal, usable_beats
from holter2sleep.heart.rhythm import classes_in_af, find_episodes, with_s_in_runs
from holter2sleep.heart.scale import doubt_scale, typical_r_mv
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.io.files import refusal
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import (
    NN,
    UNSCORED,
    Beats,
    Corrections,
    Coupling,
    Episodes,
    EpochBeats,
    EpochGrid,
    Hypnogram,
    Lights,
    Night,
    Quality,
    Recording,
    Respiration,
)
from holter2sleep.recipe import Recipe
from holter2sleep.sleep.parts import parts_of_night
from holter2sleep.sleep.periods import DETECTED, NOT_FOUND, find_sleep_periods, main_sleep, unscored_outside
from holter2sleep.sleep.sampling import sampled_stages
from holter2sleep.sleep.staging import Evidence, StagingRules, stage_sleep
from holter2sleep.sleep.staging.base import unheard
from holter2sleep.spans import Spans, as_spans, duration

log = logging.getLogger(__name__)

MINIMUM_S = 120.0  # less analysable signal is no night
WARNING_S = 300.0  # less is a night with a warning

Step = Callable[[str], AbstractContextManager[object]]
Polarity = Literal["auto", "upright", "inverted"]


@dataclass(frozen=True)
class Given:
    """What the user brings to the night instead of having it found."""

    lights: Lights | None = None
    hypnogram: Path | None = None
    hypnogram_code: str | None = None  # meaning of its integer stages; inferred when not given
    polarity: Polarity = "auto"  # which way up the lead is: found out, as recorded, or upside down


def analyze_night(
    recording: Recording,
    recipe: Recipe,
    given: Given = Given(),
    step: Step = nullcontext,
    told: Callable[[str], None] = unheard,
) -> Night:
    """Everything the program can tell of one recording.

    Parameters
    ----------
    recording, recipe, given
        What was recorded, the choices of the analysis, what the user says of the night.
    step
        Called with the name of each step; the context it gives surrounds the step.
    told
        Hears how far a step is that takes long.

    Raises
    ------
    NotEnoughSignal
        Less than two minutes of analysable beats.
    RecordingError
        A given hypnogram cannot be read, or scores no epoch of the recording.
    """
    grid = EpochGrid.covering(recording.duration_s)
    with step("beats"):
        faults = find_faults(recording, recipe.faults)
        recording, detection = _upright(recording, faults, given.polarity, recipe)
    with step("quality"):
        recording, found = _beats_of(recording, detection, recipe.beats)
        shape = beat_shapes(recording, found.time_s, recipe.shape)
        quality = assess_quality(recording, grid, faults, found.time_s, detection, shape, recipe.quality)
        found = found.but(usable=found.usable & usable_beats(found.time_s, quality))
        recording, scale = _doubt_scale(recording, found)
        holes = _warn_of_holes(recording, holes_with_signal(recording, faults, found.time_s, recipe.quality))
        short = _refuse_or_warn(recording, duration(quality.usable_spans), int(found.usable.sum()))
    with step("rhythm"):
        given_classes = recording.given_beats is not None and recording.beats_classified  # S stays S, in AF too
        if shape is not None and not given_classes:
            found = classify_beats(found, shape, quality.usable_spans, recipe.classes)
            recording = recording.but(beats_classified=True)
        waves = p_waves(recording, found)
        episodes = find_episodes(found, quality.usable_spans, recipe.rhythm, waves, given_classes)
        beats = found if given_classes else _own_classes(found, episodes, shape is not None, recipe)
    with step("averaged beats"):
        averages = average_by_epoch(recording, grid, beats, episodes, quality.usable_spans, recipe.averages)
    with step("variability"):
        intervals = intervals_of(beats, episodes, quality.usable_spans, recipe)
        nn = intervals.nn
    with step("breathing"):
        sizes = None if shape is None else shape.sizes
        respiration, events = breathing_of(grid, beats, intervals, sizes, quality.usable_spans, recipe)
        episodes = episodes.and_also(events)
        coupling = None if recording.ecg is None else find_coupling(nn, beats, grid, recipe.coupling)
    with step("sleep stages"):
        lights, unlit = _lights(recording, beats, quality, given, recipe)
        evidence = Evidence(recording, grid, beats, quality, nn, lights, told)
        hypnogram, notes = _stages(evidence, given, recipe.staging)
    recording = recording.but(warnings=(*recording.warnings, *short, *scale, *holes, *unlit, *notes))
    return whole_night(
        recording, grid, quality, beats, episodes, intervals, averages, respiration, coupling, hypnogram, lights
    )


@dataclass(frozen=True)
class Intervals:
    """The intervals of a recording, with its ectopic beats handled in each way that `Night` knows."""

    nn: NN
    rr: NN
    corrected: NN
    corrections: Corrections
    restored: NN  # with missed beats put in: apnoeas are looked for in them


def intervals_of(beats: Beats, episodes: Episodes, usable_spans: Spans, recipe: Recipe) -> Intervals:
    """The intervals between beats whose classes and rhythm are known."""
    rr = rr_intervals(beats, episodes, usable_spans)
    nn = nn_intervals(beats, episodes, usable_spans, recipe.nn)
    restored = restored_intervals(normal_intervals(beats, episodes, usable_spans), recipe.nn)
    return Intervals(nn, rr, *correct_intervals(rr, recipe.correction, recipe.nn), restored)


def breathing_of(
    grid: EpochGrid,
    beats: Beats,
    intervals: Intervals,
    sizes: QrsSizes | None,
    usable_spans: Spans,
    recipe: Recipe,
) -> tuple[Respiration, Episodes]:
    """Breathing epoch by epoch, and the episodes that may be its events, or what they do to the heart rate."""
    nn = intervals.nn
    respiration = find_breathing(beats, nn, sizes, grid, recipe.breathing).but(
        p_respiratory=respiratory_chances(beats, intervals.restored, usable_spans, grid, recipe.respiratory),
        p_arousal=arousal_index(nn, grid, recipe.surges),
    )
    respiratory = respiratory_episodes(respiration.p_respiratory, beats, grid)
    return respiration, find_cvhr(nn, recipe.cvhr).and_also(find_surges(nn, recipe.surges)).and_also(respiratory)


def whole_night(
    recording: Recording,
    grid: EpochGrid,
    quality: Quality,
    beats: Beats,
    episodes: Episodes,
    intervals: Intervals,
    averages: EpochBeats | None,
    respiration: Respiration,
    coupling: Coupling | None,
    hypnogram: Hypnogram,
    lights: Lights,
) -> Night:
    """The night of a whole recording, with what follows from its stages: its parts, and draws of the stages."""
    return Night(
        recording,
        grid,
        quality,
        beats,
        episodes,
        intervals.nn,
        hypnogram,
        lights,
        respiration,
        spans=as_spans([(0.0, recording.duration_s)]),
        warnings=recording.warnings,
        averages=averages,
        parts=parts_of_night(hypnogram, lights, episodes, recording.duration_s),
        rr=intervals.rr,
        corrected=intervals.corrected,
        corrections=intervals.corrections,
        stage_samples=None if hypnogram.proba is None else sampled_stages(hypnogram.proba),
        coupling=coupling,
    )


def _own_classes(beats: Beats, episodes: Episodes, has_waveform: bool, recipe: Recipe) -> Beats:
    """Classes of ours, the rhythm known: beats of sudden atrial runs are S, in AF none is, and V must be likely."""
    return classes_in_af(with_s_in_runs(beats, episodes) if has_waveform else beats, episodes, recipe.rhythm)


def _doubt_scale(recording: Recording, beats: Beats) -> tuple[Recording, tuple[str, ...]]:
    """The scale that would make the R waves plausible, kept beside the file's, and a warning; nothing is rescaled."""
    source = recording.source
    doubt = doubt_scale(typical_r_mv(beats), source.unit, source.scale_to_mv, source.relative_scale)
    if doubt is None:
        return recording, ()
    log.warning("%s: %s", recording.recording_id, doubt.text)
    proposed = source.scale_to_mv * doubt.factor if doubt.factor and source.scale_to_mv else None
    return recording.but(source=replace(source, proposed_scale_to_mv=proposed)), (doubt.text,)


def _upright(recording: Recording, faults: Faults, polarity: Polarity, recipe: Recipe) -> tuple[Recording, Detection]:
    """The recording with its R waves pointing up, reported in `polarity`, and its beats."""
    detection = detect_beats(recording, faults, recipe.beats)
    if recording.ecg is None or recording.fs is None:
        return recording, detection
    opposite = opposite_spans(recording, detection.time_s, recipe.polarity)
    if len(opposite):
        believed = is_swapped(opposite, recipe.polarity)
        recording = _noted(recording, _told_of_swaps(opposite, believed, polarity))
        if believed and polarity == "auto":
            # the beats lay on another wave there: they are looked for again
            recording = turned_within(recording, opposite)
            detection = detect_beats(recording, faults, recipe.beats)
    if polarity == "upright":
        return _noted(recording, "the lead was taken as it is (--polarity upright)"), detection
    if polarity == "auto" and not is_inverted(detection, recipe.beats):
        return recording, detection
    why = "(--polarity inverted)" if polarity == "inverted" else "(its dominant deflection points down)"
    ecg = -recording.ecg if recording.ecg is not None else None
    turned = _noted(recording, f"the lead is inverted {why}; it was turned upright").but(ecg=ecg, polarity=-1)
    return turned, replace(detection, amplitude_mv=-detection.amplitude_mv)


def _told_of_swaps(spans: Spans, believed: bool, polarity: Polarity) -> str:
    listed = ", ".join(f"{start_s:.0f} to {end_s:.0f} s" for start_s, end_s in spans)
    told = f"the lead points the other way in {len(spans)} stretches ({listed})"
    if not believed:
        return f"{told}: too short for a swapped electrode, left as it is; ectopic beats there are doubtful"
    done = "turned over there" if polarity == "auto" else "left as it is, as told by --polarity"
    return f"{told}, as if an electrode was swapped; {done}"


def _noted(recording: Recording, note: str) -> Recording:
    """The recording with one more warning."""
    log.warning("%s: %s", recording.recording_id, note)
    return recording.but(warnings=(*recording.warnings, note))


def _beats_of(recording: Recording, detection: Detection, rules: BeatRules) -> tuple[Recording, Beats]:
    """The beats the user or the file gives, else the ones detected, with their height where there is a waveform.

    The recording has one more warning where given beats miss the QRS complexes.
    """
    given = recording.given_beats
    if given is not None:
        recording = recording.but(warnings=(*recording.warnings, *doubt_given_beats(recording, detection)))
        return recording, given.but(amplitude_mv=amplitude_at(recording, given.time_s, rules))
    found = Beats.at(detection.time_s)
    return recording, found.but(amplitude_mv=detection.amplitude_mv, chance_qrs=detection.chance)


def _refuse_or_warn(recording: Recording, usable_s: float, n_beats: int) -> tuple[str, ...]:
    whose = f"{recording.source.file!r}: {usable_s:.0f} s analysable of {recording.duration_s:.0f} s"
    if usable_s < MINIMUM_S or n_beats < 2:
        of_waveform = "Another lead may be better (--channel), or trusted beats (--beats)"
        works = "A longer file of beats would work" if recording.ecg is None else of_waveform
        raise NotEnoughSignal(
            f"Not enough analysable signal in {whose} ({counted(n_beats, 'beat')}); at least {MINIMUM_S:.0f} s are "
            f"needed. {works}"
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
    stretches = counted(len(holes), "long stretch that holds", "long stretches that hold")
    note = (
        f"no beat in {stretches} signal (the longest {end_s - start_s:.0f} s, from {start_s:.0f} s): beats "
        "lost, or asystole; they are not analysed, look at them"
    )
    log.warning("%s: %s", recording.recording_id, note)
    return (note,)


def _lights(
    recording: Recording, beats: Beats, quality: Quality, given: Given, recipe: Recipe
) -> tuple[Lights, tuple[str, ...]]:
    """Lights as given; else the main sleep period of what is too long for one night, or the whole recording."""
    everything = Lights(0.0, recording.duration_s, "recording")
    one_night = recording.duration_s <= 3600 * recipe.nights.longest_h
    if given.lights is not None or given.hypnogram is not None or one_night:
        return given.lights or everything, ()
    periods = find_sleep_periods(beats, quality, recording.duration_s, recording.wall_clock, recipe.nights)
    if periods:
        return main_sleep(periods), ()
    note = (
        f"no main sleep period found in {recording.duration_s / 3600:.1f} h: no stages and no sleep measures; "
        f"--lights-off and --lights-on, or --hypnogram, say when it was"
    )
    log.warning("%s: %s", recording.recording_id, note)
    return replace(everything, source=NOT_FOUND), (note,)


def _stages(evidence: Evidence, given: Given, rules: StagingRules) -> tuple[Hypnogram, tuple[str, ...]]:
    if given.hypnogram is None:
        hypnogram, notes = stage_sleep(evidence, rules)
        by_day_too = evidence.lights.source in (DETECTED, NOT_FOUND)
        return unscored_outside(hypnogram, evidence.lights) if by_day_too else hypnogram, notes
    recording = evidence.recording
    hypnogram, notes = read_hypnogram(given.hypnogram, evidence.grid, recording.wall_clock, code=given.hypnogram_code)
    if (hypnogram.stage == UNSCORED).all():
        found = f"no stage within the {recording.duration_s:.0f} s of {recording.source.file}"
        raise refusal(given.hypnogram, found, "stages of this recording, on its clock or from its first sample")
    return hypnogram, notes
