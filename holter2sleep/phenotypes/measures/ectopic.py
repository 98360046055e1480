"""How many ectopic beats of one kind: number, rate, share of all beats, scatter."""

from __future__ import annotations

import numpy as np

from holter2sleep.autonomic.blocks import Interval, ratio
from holter2sleep.heart.class_net import count_spread
from holter2sleep.night import Beats, Night
from holter2sleep.phenotypes.ectopy import dispersion, doubt_of, intervals_of
from holter2sleep.phenotypes.measures.measured import Measured, Values
from holter2sleep.phenotypes.measures.staged import around, count_draws, summed
from holter2sleep.spans import Spans, complement, contains, duration, intersection, overlap_per_cell

NAMES = {"V": "veb", "S": "sveb"}


def ectopic_measures(label: str, part: Night, night: Night, left_out: Spans) -> Measured:
    """Numbers of the usable beats of a kind, V or S, outside the time that is left out."""
    looked_at = complement(left_out, 0.0, night.recording.duration_s)
    name, beats, spans = NAMES[label], _counted(part, left_out), intersection(part.usable_spans, looked_at)
    called, seconds = beats.label == label, duration(spans)
    n = int(called.sum())
    counts: dict[str, float] = {
        f"n_{name}": n,
        f"{name}_per_hour": 3600 * n / seconds if seconds else np.nan,
        f"{name}_share": 100 * n / len(beats) if len(beats) else np.nan,
    }
    values: Values = {**counts, f"{name}_dispersion": dispersion(beats.time_s[called], spans)}
    if part.sampled is None:
        intervals = intervals_of(counts, called, _chance(beats, label), count_spread(label), seconds)
    else:
        intervals = _stage_intervals(counts, label, part, night, left_out)
    return Measured(values, len(beats), seconds, intervals)


def _stage_intervals(
    counts: dict[str, float], label: str, part: Night, night: Night, left_out: Spans
) -> dict[str, Interval]:
    """Which beats are of the kind, and which are in the stage, both drawn."""
    beats, grid = _counted(night, left_out), night.grid
    called = beats.label == label
    doubt = doubt_of(called, _chance(beats, label))
    if part.sampled is None or not np.isfinite(doubt).all():
        return {}
    per_epoch = summed(np.column_stack([called, doubt]), beats.time_s, grid)
    n = count_draws(part.sampled, per_epoch, count_spread(label))
    looked_at = intersection(night.usable_spans, complement(left_out, 0.0, night.recording.duration_s))
    seconds = part.sampled @ overlap_per_cell(looked_at, grid.edges_s)
    n_beats = part.sampled @ summed(np.ones(len(beats)), beats.time_s, grid)
    return around(counts, dict(zip(counts, (n, 3600 * ratio(n, seconds), 100 * ratio(n, n_beats)), strict=True)))


def _counted(night: Night, left_out: Spans) -> Beats:
    return night.beats.where(night.beats.usable & ~contains(left_out, night.beats.time_s))


def _chance(beats: Beats, label: str) -> np.ndarray:
    return beats.chance_v if label == "V" else beats.chance_s
