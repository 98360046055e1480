"""Stretches of ECG with the rhythm of one person and the beat shapes of others: the class of each beat is known.

Waveforms with annotated beats are of few people, beat times with classes of many hours. Rhythms come from annotation
files, with further S and V beats planted among them; shapes of normal and of V beats from recordings that may be
learned from, mixed between leads and people, stretched, turned over. An S beat has the QRS complex of a normal one and
another P wave, a beat in AF none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io.matlab import MatReadError

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.night import AF_KINDS, Beats, Bool, Float, Recording, Source
from holter2sleep.spans import Spans, as_spans, contains, intersection
from holter2sleep.training.fibrillation import read_afdb
from holter2sleep.training.semi_synthetic import AFTER_S, BEFORE_S, Rows, add_beats, aligned, tapered
from holter2sleep.waveform import Waveform

FS = 360.0  # Hz, of MIT-BIH, where most shapes come from
STRETCH_S = 120.0
DRAWS = 200  # of a stretch, until one fits
FEWEST_BEATS = 60  # of a stretch
SPEEDS = (0.8, 1.3)  # of a rhythm
RR_S = (0.36, 1.6)  # of the median interval afterwards
SHORTEST_RR_S, LONGEST_RR_S = 0.3, 3.5
SHARE_AF = 0.2  # of the stretches, taken from people with AF
FEWEST_SHAPES, MOST_SHAPES = 5, 60  # of a person and a kind
FREE_BEFORE_S, FREE_AFTER_S = {"N": 0.6, "V": 0.35}, {"N": 0.65, "V": 0.55}  # to the neighbours of a beat that is cut
V_RAMP_S = 0.16  # from the start of a V beat's window: the T wave before it fades out
QRS_S = 0.06  # either side of the R peak

TIME_S = np.arange(-round(BEFORE_S * FS), round(AFTER_S * FS) + 1) / FS


@dataclass(frozen=True)
class Rhythm:
    """Beats of a person, with their classes and the time in AF."""

    beats: Beats
    af: Spans


@dataclass(frozen=True)
class Donor:
    """Beat shapes of a person: arrays (n_beats, n_leads, len(TIME_S)), mV."""

    normal: Rows
    ventricular: Rows


# --- sources ---------------------------------------------------------------------------------------


def read_rhythm(path: Path) -> Rhythm:
    """The rhythm of an annotation file, or of a MATLAB file of `afdb_rr`.

    Raises
    ------
    RecordingError
        It is neither.
    """
    if path.suffix == ".mat":
        try:
            record = read_afdb(path)
        except (OSError, ValueError, KeyError, TypeError, NotImplementedError, MatReadError) as error:
            raise RecordingError(f"{path}: is no file of afdb_rr (qrs, targetsRR, Fs): {error}") from None
        return Rhythm(record.beats, record.af)
    return Rhythm(read_beats(path), read_rhythm_spans(path, AF_KINDS))


def donor_of(leads: Sequence[Recording], beats: Beats) -> Donor | None:
    """Shapes of the normal and of the V beats; None with too few normal ones."""
    samples = np.stack([_resampled(lead) for lead in leads])
    cut = {kind: _cut(samples, beats, kind) for kind in "NV"}
    return Donor(cut["N"], cut["V"]) if len(cut["N"]) >= FEWEST_SHAPES else None


def _resampled(lead: Recording) -> Rows:
    samples = np.nan_to_num(np.asarray(lead.ecg, np.float64))
    return signal.resample_poly(samples, round(FS), round(lead.fs or FS)).astype(np.float32)


def _cut(samples: Rows, beats: Beats, kind: str) -> Rows:
    """Beats of a kind that stand free of their neighbours, aligned by their QRS in the first lead, ends at zero."""
    rr_s = np.diff(beats.time_s, prepend=-np.inf, append=np.inf)
    free = (rr_s[:-1] > FREE_BEFORE_S[kind]) & (rr_s[1:] > FREE_AFTER_S[kind])
    chosen = np.flatnonzero((beats.label == kind) & free & beats.usable)
    time_s = beats.time_s[chosen[:: max(1, len(chosen) // MOST_SHAPES)][:MOST_SHAPES]]
    if len(time_s) < FEWEST_SHAPES:
        return np.empty((0, len(samples), len(TIME_S)), np.float32)
    at = np.round(aligned(samples[0], FS, time_s) * FS).astype(np.int64)
    at = at[(at >= -TIME_S[0] * FS) & (at + TIME_S[-1] * FS < samples.shape[1])]
    rows = samples[:, at[:, None] + np.round(TIME_S * FS).astype(np.int64)].transpose(1, 0, 2)
    rows = tapered(rows, FS)
    return rows * _ramp(V_RAMP_S) if kind == "V" else rows


def _ramp(length_s: float) -> Rows:
    """From 0 to 1 at the start of a beat's window."""
    rise = np.clip((TIME_S - TIME_S[0]) / length_s, 0, 1)
    return np.asarray(np.sin(rise * np.pi / 2) ** 2, np.float32)


# --- rhythm ----------------------------------------------------------------------------------------


def stretch_of(rhythms: Sequence[Rhythm], rng: np.random.Generator) -> Rhythm:
    """Two minutes of somebody, faster or slower, with N, S and V beats alone, beginning at 0 s.

    Raises
    ------
    UsageError
        None was found.
    """
    with_af = [rhythm for rhythm in rhythms if len(rhythm.af)]
    for _ in range(DRAWS):
        group = with_af if with_af and rng.random() < SHARE_AF else rhythms
        rhythm = group[int(rng.integers(len(group)))]
        speed = rng.uniform(*SPEEDS)
        spans = rhythm.af if group is with_af else as_spans([rhythm.beats.time_s[[0, -1]]])
        start_s = rng.uniform(*spans[rng.integers(len(spans))])
        found = rhythm.beats.where(slice(*np.searchsorted(rhythm.beats.time_s, [start_s, start_s + STRETCH_S * speed])))
        beats = Beats.at((found.time_s - start_s) / speed, found.label)
        if _fits(beats):
            window = np.array([[start_s, start_s + STRETCH_S * speed]])
            return Rhythm(beats, (intersection(rhythm.af, window) - start_s) / speed)
    raise UsageError(
        f"--rhythms: no stretch of {STRETCH_S:g} s with N, S and V beats alone was found in {DRAWS} draws; give others"
    )


def _fits(beats: Beats) -> bool:
    if len(beats) < FEWEST_BEATS or not set(beats.label.tolist()) <= set("NSV"):
        return False
    rr_s = np.diff(beats.time_s)
    return bool(RR_S[0] < np.median(rr_s) < RR_S[1] and rr_s.min() > SHORTEST_RR_S and rr_s.max() < LONGEST_RR_S)


def with_ectopy(beats: Beats, rng: np.random.Generator) -> Beats:
    """S or V beats planted among the others: one by one, in runs, or every second, third or fourth for a while."""
    kind = rng.choice(["", "S", "V"], p=[0.3, 0.35, 0.35])
    if not kind:
        return beats
    time_s, label = beats.time_s.copy(), beats.label.copy()
    coupling = rng.uniform(0.55, 0.85)
    for i in _places(len(beats), rng):
        if label[i - 1] != "N" and kind == "S":
            continue
        rr_s = time_s[i] - time_s[i - 1]
        early_s = rr_s - max(rr_s * (coupling + rng.normal(0, 0.02)), SHORTEST_RR_S)
        if early_s <= 0:
            continue
        label[i] = kind
        time_s[i] -= early_s
        if kind == "S":  # the sinus node is reset; a V beat leaves it alone
            time_s[i + 1 :] -= early_s * rng.uniform(0.8, 1.0)
    return beats.but(time_s=time_s, label=label)


def _places(n: int, rng: np.random.Generator) -> Iterator[int]:
    """Beats to become ectopic, in order."""
    pattern = rng.choice(["single", "repeated", "runs"], p=[0.5, 0.35, 0.15])
    if pattern == "single":
        chosen = np.flatnonzero(rng.random(n) < np.exp(rng.uniform(np.log(0.02), np.log(0.25))))
    elif pattern == "repeated":
        first, length = int(rng.integers(1, max(2, n - 20))), int(rng.integers(12, n))
        chosen = np.arange(first, min(first + length, n), int(rng.integers(2, 5)))
    else:
        length = int(rng.integers(2, 6))
        chosen = np.unique(np.flatnonzero(rng.random(n) < 0.04)[:, None] + np.arange(length))
    yield from (int(i) for i in chosen if 1 <= i < n)


# --- shapes ----------------------------------------------------------------------------------------


def one_lead(rows: Rows, rng: np.random.Generator) -> Rows:
    """A mixture of the leads, with a median beat of height 1. array (n_beats, len(TIME_S))."""
    mixed = rows.transpose(0, 2, 1) @ rng.normal(size=(rows.shape[1],)).astype(np.float32)
    return mixed / max(float(np.ptp(np.median(mixed, axis=0))), 1e-6)


def blended(rows: Rows, others: Rows, rng: np.random.Generator) -> Rows:
    """Now and then towards the median beat of somebody else."""
    share = rng.choice([0.0, rng.uniform(0, 0.6)])
    return (1 - share) * rows + share * np.median(others, axis=0)


def altered(rows: Rows, width: float, before: float, after: float) -> Rows:
    """The QRS complex made wider, what lies before and behind it made larger or turned over, by factors."""
    wide_s = QRS_S * width
    own_s = np.interp(TIME_S, [TIME_S[0], -wide_s, wide_s, TIME_S[-1]], [TIME_S[0], -QRS_S, QRS_S, TIME_S[-1]])
    gain = np.interp(TIME_S, [-wide_s - 0.04, -wide_s, wide_s, wide_s + 0.06], [before, 1, 1, after])
    place = np.asarray((own_s - TIME_S[0]) * FS)
    left = np.minimum(place.astype(np.int64), len(TIME_S) - 2)
    part = (place - left).astype(np.float32)
    return ((1 - part) * rows[:, left] + part * rows[:, left + 1]) * gain.astype(np.float32)


def drawn_shapes(donors: Sequence[Donor], rng: np.random.Generator) -> dict[str, Rows]:
    """Shapes of N, S and V beats and of beats in AF (A), of one made-up person in one lead."""
    one, other = (donors[i] for i in rng.choice(len(donors), 2))
    with_v = [donor for donor in donors if len(donor.ventricular)]
    own_v = len(one.ventricular) > 0 and rng.random() < 0.4
    source = one if own_v else with_v[rng.integers(len(with_v))]
    normal = blended(one_lead(one.normal, rng), one_lead(other.normal, rng), rng)
    width = float(np.clip(np.exp(rng.normal(0.05, 0.2)), 0.75, 1.8))
    after = rng.uniform(0.2, 1.6) * rng.choice([1, -1], p=[0.85, 0.15])
    aberrant = rng.uniform(1.0, 1.4) if rng.random() < 0.15 else 1.0
    wide = altered(one_lead(source.ventricular, rng), float(np.exp(rng.normal(0, 0.15))), 1, rng.uniform(0.5, 1.4))
    return {
        "N": altered(normal, width, rng.uniform(0.3, 1.8), after),
        "S": altered(normal, width * aberrant, rng.uniform(-1, 0.6), after),
        "V": wide * float(np.exp(rng.normal(0.2, 0.4))),
        "A": altered(normal, width, 0, after),
    }


# --- waveform --------------------------------------------------------------------------------------


def waveform(rhythm: Rhythm, shapes: dict[str, Rows], rng: np.random.Generator) -> Rows:
    """The stretch, its normal beats about 1 mV high, with the swing of breathing, fibrillation and some noise."""
    time_s, label = rhythm.beats.time_s, rhythm.beats.label
    in_af = contains(rhythm.af, time_s)
    rr_s = np.diff(time_s, prepend=time_s[0] - np.median(np.diff(time_s)))
    ecg = np.zeros(round(STRETCH_S * FS), np.float32)
    for kind, rows in shapes.items():
        here = _of_kind(kind, label, in_af)
        if here.any():
            add_beats(ecg, time_s[here], rr_s[here], rows, np.full(len(rows), float(np.median(rr_s))), FS, rng)
    at_s = np.arange(len(ecg)) / FS
    breathing = 1 + rng.uniform(0, 0.2) * np.sin(2 * np.pi * (rng.uniform(0.13, 0.4) * at_s + rng.random()))
    noise = np.exp(rng.uniform(np.log(0.004), np.log(0.04))) * rng.normal(size=len(ecg))
    return (ecg * breathing + contains(rhythm.af, at_s) * fibrillation(at_s, rng) + noise).astype(np.float32)


def _of_kind(kind: str, label: np.ndarray, in_af: Bool) -> Bool:
    if kind == "A":
        return (label != "V") & in_af
    return (label == kind) & (~in_af if kind in "NS" else True)


def fibrillation(at_s: Float, rng: np.random.Generator) -> Float:
    """Waves of 4 to 8.5 Hz whose rate and height wander, mV."""
    height = np.exp(rng.uniform(np.log(0.01), np.log(0.12)))
    turns = rng.uniform(4, 8.5) * at_s + rng.uniform(0.1, 0.6) * np.sin(2 * np.pi * rng.uniform(0.2, 0.6) * at_s)
    swell = 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * at_s)
    return height * swell * (np.sin(2 * np.pi * turns) + rng.uniform(0, 0.5) * np.sin(4 * np.pi * turns))


@dataclass(frozen=True)
class Composed:
    """A made-up stretch of ECG with what is true of it."""

    recording: Recording
    rhythm: Rhythm


def compose(rhythms: Sequence[Rhythm], donors: Sequence[Donor], n: int, seed: int) -> Iterator[Composed]:
    """Stretches of two minutes, no two of one rhythm and one heart; the same seed gives the same samples."""
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        drawn = stretch_of(rhythms, rng)
        rhythm = replace(drawn, beats=with_ectopy(drawn.beats, rng))
        ecg = waveform(rhythm, drawn_shapes(donors, rng), rng)
        name = f"composed-{i}"
        yield Composed(Recording(name, Source(name, "composed", ""), STRETCH_S, FS, ecg=Waveform.of(ecg)), rhythm)
