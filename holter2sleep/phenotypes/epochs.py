"""A night to its per-epoch, per-beat and per-episode tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holter2sleep.autonomic.epoch_rates import epoch_rates
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import AF_KINDS, Float, Night, Quality
from holter2sleep.spans import as_spans, overlap_per_cell

MINIMUM_DIFFERENCES = 10  # in 30 s, for an RMSSD of the epoch

EPOCH_SCHEMA = {
    "epoch": pl.Int32,
    "onset_s": pl.Float64,
    "clock": pl.String,
    "stage": pl.String,
    "p_w": pl.Float32,
    "p_n1": pl.Float32,
    "p_n2": pl.Float32,
    "p_n3": pl.Float32,
    "p_r": pl.Float32,
    "p_light": pl.Float32,
    "p_nrem": pl.Float32,
    "confidence": pl.Float32,
    "usable": pl.Boolean,
    "quality_flags": pl.UInt16,
    "sqi": pl.Float32,
    "heart_rate_bpm": pl.Float64,
    "heart_rate_median_bpm": pl.Float64,
    "heart_rate_p05_bpm": pl.Float64,
    "heart_rate_p95_bpm": pl.Float64,
    "rmssd_ms": pl.Float64,
    "n_beats": pl.Int32,
    "n_sveb": pl.Int32,
    "n_veb": pl.Int32,
    "af_fraction": pl.Float64,
    "p_respiratory": pl.Float32,
    "p_arousal": pl.Float32,
    "respiration_rate_bpm": pl.Float64,
    "respiration_confidence": pl.Float32,
    "coupling": pl.String,  # HFC, LFC, VLFC
}
PROBABILITY_COLUMN = {
    "W": "p_w",
    "N1": "p_n1",
    "N2": "p_n2",
    "N3": "p_n3",
    "R": "p_r",
    "L": "p_light",
    "NREM": "p_nrem",
}
BEAT_SCHEMA = {
    "time_s": pl.Float64,
    "label": pl.String,
    "confidence": pl.Float32,
    "rr_ms": pl.Float64,
    "usable": pl.Boolean,
    "amplitude_mv": pl.Float32,
    "p_s": pl.Float32,
    "p_v": pl.Float32,
    "p_qrs": pl.Float32,
}
EPISODE_SCHEMA = {
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "kind": pl.String,
    "n_beats": pl.Int64,
    "rate_bpm": pl.Float64,
    "stage_at_onset": pl.String,
    "confidence": pl.Float32,
}


def epoch_table(night: Night) -> pl.DataFrame:
    """One row for each 30 s epoch from the recording's start; null where a thing is unknown."""
    grid, quality, hypnogram = night.grid, night.quality, night.hypnogram
    rates = epoch_rates(night.beats, quality.usable_spans, grid)
    columns = {
        "epoch": np.arange(grid.n),
        "onset_s": grid.onset_s,
        "clock": _clock(night),
        "stage": hypnogram.stage.tolist(),
        **_probabilities(night),
        "usable": quality.usable,
        "quality_flags": quality.flags,
        "sqi": quality.sqi,
        "heart_rate_bpm": rates.mean_bpm,
        "heart_rate_median_bpm": rates.median_bpm,
        "heart_rate_p05_bpm": rates.p05_bpm,
        "heart_rate_p95_bpm": rates.p95_bpm,
        **_beat_counts(night),
        "rmssd_ms": _rmssd_ms(night),
        "af_fraction": overlap_per_cell(night.episodes.of(*AF_KINDS).spans, grid.edges_s) / np.diff(grid.edges_s),
        "p_respiratory": night.respiration.p_respiratory,
        "p_arousal": night.respiration.p_arousal,
        "respiration_rate_bpm": night.respiration.rate_bpm,
        "respiration_confidence": night.respiration.confidence,
        **_coupling(night),
    }
    return _table(columns, EPOCH_SCHEMA, grid.n)


def _coupling(night: Night) -> dict[str, list[str | None]]:
    return {} if night.coupling is None else {"coupling": [state or None for state in night.coupling.state.tolist()]}


def beat_table(night: Night) -> pl.DataFrame:
    """One row for each beat; `rr_ms` is null where signal was lost since the beat before."""
    beats = night.beats
    trusted = trusted_rr(beats.but(usable=np.ones(len(beats), bool)), night.quality.usable_spans)
    columns = {
        "time_s": beats.time_s,
        "label": beats.label.tolist(),
        "confidence": beats.confidence,
        "rr_ms": np.where(trusted, 1000 * beats.rr_s, np.nan),
        "usable": beats.usable,
        "amplitude_mv": beats.amplitude_mv,
        "p_s": beats.chance_s,
        "p_v": beats.chance_v,
        "p_qrs": beats.chance_qrs,
    }
    return _table(columns, BEAT_SCHEMA, len(beats))


def episode_table(night: Night) -> pl.DataFrame:
    """One row for each episode, with the stage at its onset."""
    episodes = night.episodes
    columns = {
        "start_s": episodes.start_s,
        "end_s": episodes.end_s,
        "kind": episodes.kind.tolist(),
        "n_beats": episodes.n_beats,
        "rate_bpm": episodes.rate_bpm,
        "stage_at_onset": night.hypnogram.stage[night.grid.epoch_of(episodes.start_s)].tolist(),
        "confidence": episodes.confidence,
    }
    return _table(columns, EPISODE_SCHEMA, len(episodes))


def _table(columns: dict[str, object], schema: dict[str, type[pl.DataType]], n: int) -> pl.DataFrame:
    """A table of the given schema; columns left out are null, and so is every NaN."""
    series = [pl.Series(name, columns.get(name, [None] * n), dtype=dtype) for name, dtype in schema.items()]  # type: ignore[arg-type]
    return pl.DataFrame(series).with_columns(pl.selectors.float().fill_nan(None))


def _clock(night: Night) -> list[str | None]:
    moments = [night.recording.clock(onset_s) for onset_s in night.grid.onset_s.tolist()]
    return [f"{moment:%H:%M:%S}" if moment else None for moment in moments]


def _probabilities(night: Night) -> dict[str, Float]:
    """Chance of each stage, and as confidence that of the stage the epoch was given."""
    proba = night.hypnogram.proba
    if proba is None:
        return {}
    named = {PROBABILITY_COLUMN[letter]: proba[:, i] for i, letter in enumerate(night.hypnogram.classes)}
    given = night.hypnogram.stage[:, None] == np.array(night.hypnogram.classes)
    confidence = np.where(given.any(axis=1), np.where(given, proba, 0).sum(axis=1), np.nan)
    return {**named, "confidence": confidence}


def _rmssd_ms(night: Night) -> Float:
    nn = night.nn
    squares = np.diff(nn.nn_ms, prepend=np.nan)[nn.adjacent] ** 2
    epoch = night.grid.epoch_of(nn.end_s[nn.adjacent])
    n = np.bincount(epoch, minlength=night.grid.n)
    total = np.bincount(epoch, squares, night.grid.n)
    return np.where(n >= MINIMUM_DIFFERENCES, np.sqrt(total / np.maximum(n, 1)), np.nan)


def _beat_counts(night: Night) -> dict[str, np.ndarray]:
    beats = night.beats.where(night.beats.usable)
    epoch = night.grid.epoch_of(beats.time_s)
    masks = {"n_beats": np.ones(len(beats), bool)}
    if night.recording.beats_classified:
        masks |= {"n_sveb": beats.label == "S", "n_veb": beats.label == "V"}
    return {name: np.bincount(epoch[mask], minlength=night.grid.n) for name, mask in masks.items()}


def quality_of(run: dict[str, Any], epochs: pl.DataFrame) -> Quality:
    """The judgement of quality that the tables of a night hold."""
    sqi = epochs["sqi"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return Quality(epochs["quality_flags"].to_numpy(), sqi, epochs["usable"].to_numpy(), as_spans(run["usable"]))
