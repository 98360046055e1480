"""Tables of invented nights, as `analyze` leaves them, for drawing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.night import EPOCH_S, SCHEMES, STAGE_STRATA
from holter2sleep.phenotypes.averages import AVERAGE_SCHEMA
from holter2sleep.phenotypes.dictionary import STRATA_SETS, load_dictionary
from holter2sleep.phenotypes.epochs import EPISODE_SCHEMA, PROBABILITY_COLUMN
from holter2sleep.phenotypes.files import STRIP_SCHEMA

START = datetime(2026, 1, 31, 22, 41, 5)
FS = 200.0


@dataclass
class NightPlan:
    """What an invented night is like."""

    hours: float = 8.05
    scheme: str = "CARDIO4"
    start: datetime | None = START
    staged: bool = True
    unusable_share: float = 0.06
    waveform: bool = True
    af: bool = False
    values: dict[tuple[str, str], float] = field(default_factory=dict)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)


def write_night(folder: Path, plan: NightPlan | None = None) -> Path:
    """Write the tables of a night and `run.json` into a folder."""
    plan = plan or NightPlan()
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    duration_s = plan.hours * 3600
    epochs = epoch_table(plan, rng)
    beats = beat_table(plan, rng)
    episodes = episode_table(plan, duration_s)
    strips = strip_table(plan, beats)
    phenotype_table(plan, rng).write_parquet(folder / "phenotypes.parquet")
    averages = average_table(plan)
    tables = {"epochs": epochs, "beats": beats, "episodes": episodes, "strips": strips, "averages": averages}
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    (folder / "run.json").write_text(json.dumps(run_facts(plan, duration_s)))
    return folder


def stages(plan: NightPlan, n: int, rng: np.random.Generator) -> np.ndarray:
    classes = SCHEMES[plan.scheme]
    cycle = {"AASM5": "N1 N2 N3 N2 R", "CARDIO4": "L N3 L R", "CARDIO3": "NREM NREM NREM R"}[plan.scheme].split()
    stage = np.array([cycle[int(i / 180 * len(cycle)) % len(cycle)] for i in range(n)], "<U4")
    stage[: min(30, n // 6)] = "W"
    stage[-min(20, n // 8) :] = "W"
    for at in rng.integers(0, n, max(1, n // 60)):
        stage[at : at + 3] = "W"
    assert set(stage) <= set(classes)
    return stage if plan.staged else np.full(n, "U", "<U4")


def epoch_table(plan: NightPlan, rng: np.random.Generator) -> pl.DataFrame:
    n = max(1, round(plan.hours * 120))
    onset_s = EPOCH_S * np.arange(n)
    stage = stages(plan, n, rng)
    usable = np.ones(n, bool)
    bad = round(plan.unusable_share * n)
    usable[n - bad :] = False
    if bad and bad < n:
        usable[n // 3 : n // 3 + max(1, bad // 4)] = False
    stage[~usable] = "U"
    base = np.select([stage == "W", stage == "R", np.isin(stage, ["N3"])], [72.0, 64.0, 54.0], 58.0)
    rate = base + np.cumsum(rng.normal(0, 0.25, n)) * 0.3 + rng.normal(0, 1.2, n)
    flags = np.where(usable, 0, 2).astype(np.uint16)
    flags[~usable & (np.arange(n) % 2 == 0)] = 8
    table = {
        "epoch": np.arange(n),
        "onset_s": onset_s,
        "clock": [f"{plan.start + timedelta(seconds=s):%H:%M:%S}" if plan.start else None for s in onset_s],
        "stage": stage,
        **_probabilities(plan, stage, rng),
        "usable": usable,
        "quality_flags": flags,
        "sqi": np.where(usable, np.clip(rng.normal(0.93, 0.05, n), 0, 1), 0.2) if plan.waveform else np.full(n, np.nan),
        "heart_rate_bpm": np.where(usable, rate, np.nan),
        "heart_rate_median_bpm": np.where(usable, rate, np.nan),
        "heart_rate_p05_bpm": np.where(usable, rate - 4, np.nan),
        "heart_rate_p95_bpm": np.where(usable, rate + 5, np.nan),
        "rmssd_ms": np.where(usable, np.exp(rng.normal(3.5, 0.25, n)), np.nan),
        "n_beats": np.where(usable, (rate / 2).astype(int), 0),
        "n_sveb": rng.poisson(0.15, n) * usable,
        "n_veb": rng.poisson(0.08, n) * usable,
        "af_fraction": np.full(n, float(plan.af)),
    }
    frame = pl.DataFrame(table)
    return frame.with_columns(pl.selectors.float().fill_nan(None), **_breathing(usable))


def _breathing(usable: np.ndarray) -> dict[str, pl.Series]:
    """A rate that is sure where the signal is usable, one respiratory half hour, coupling by turns."""
    n = len(usable)
    rate = np.where(usable, 14 + np.sin(np.arange(n) / 40), np.nan)
    band = np.where(np.arange(n) % 90 < 60, "HFC", "LFC")
    return {
        "p_respiratory": pl.Series(np.where(usable, np.where(np.arange(n) // 60 == 2, 0.8, 0.1), np.nan)).fill_nan(
            None
        ),
        "p_arousal": pl.Series([None] * n, dtype=pl.Float32),
        "respiration_rate_bpm": pl.Series(rate).fill_nan(None),
        "respiration_confidence": pl.Series(np.where(usable, 0.97, 0.2)),
        "coupling": pl.Series(
            [state if known else None for state, known in zip(band, usable, strict=True)], dtype=pl.String
        ),
    }


def _probabilities(plan: NightPlan, stage: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    classes = SCHEMES[plan.scheme]
    weight = rng.gamma(0.6, 0.35, (len(stage), len(classes))) + 3.0 * (
        stage[:, None] == np.array(classes)
    ) * rng.random((len(stage), 1))
    proba = weight / weight.sum(axis=1, keepdims=True)
    proba[stage == "U"] = np.nan
    columns = {name: np.full(len(stage), np.nan) for name in PROBABILITY_COLUMN.values()}
    columns.update({PROBABILITY_COLUMN[name]: proba[:, i] for i, name in enumerate(classes)})
    return {**columns, "confidence": proba.max(axis=1)}


def beat_table(plan: NightPlan, rng: np.random.Generator) -> pl.DataFrame:
    rr_s = np.abs(rng.normal(1.0, 0.18 if plan.af else 0.04, int(plan.hours * 3600)))
    time_s = np.cumsum(rr_s)
    label = rng.choice(list("NSV"), len(time_s), p=[0.985, 0.01, 0.005])
    if plan.unusable_share == 1.0:
        time_s, label, rr_s = time_s[:0], label[:0], rr_s[:0]
    table = {
        "time_s": time_s,
        "label": label.tolist(),
        "confidence": np.full(len(time_s), 0.95, np.float32),
        "rr_ms": rr_s * 1000,
        "usable": np.ones(len(time_s), bool),
        "amplitude_mv": np.full(len(time_s), 1.1, np.float32),
        **{name: np.full(len(time_s), 0.05, np.float32) for name in ("p_s", "p_v", "p_qrs")},
    }
    return pl.DataFrame(table, schema_overrides={"label": pl.String})


def episode_table(plan: NightPlan, duration_s: float) -> pl.DataFrame:
    found: list[tuple[Any, ...]] = []
    if plan.unusable_share < 1.0:
        found = [
            (duration_s * 0.31, duration_s * 0.31 + 2.6, "PAUSE", 2, None),
            (duration_s * 0.42, duration_s * 0.42 + 3, "VT", 4, 130.0),
            (duration_s * 0.52, duration_s * 0.52 + 4, "SVTA", 6, 140.0),
            (duration_s * 0.60, duration_s * 0.60 + 90, "BRADY", 60, 38.0),
            (duration_s * 0.05, duration_s * 0.05 + 60, "TACHY", 110, 110.0),
        ]
    if plan.af:
        found.append((0.0, duration_s, "AFIB", 30000, 78.0))
    elif found:
        found.append((duration_s * 0.7, duration_s * 0.74, "AFIB", 900, 88.0))
    rows = [(*row, "N2", None) for row in sorted(found)]
    return pl.DataFrame(rows, schema=EPISODE_SCHEMA, orient="row")


def heart_beat_mv(time_s: np.ndarray, beats_s: np.ndarray) -> np.ndarray:
    """P, QRS and T as bumps around each beat."""
    ecg = np.zeros_like(time_s)
    for at_s, width_s, height_mv in (
        (-0.17, 0.025, 0.12),
        (-0.03, 0.010, -0.12),
        (0.0, 0.011, 1.1),
        (0.035, 0.012, -0.25),
        (0.27, 0.05, 0.28),
    ):
        for beat_s in beats_s:
            ecg += height_mv * np.exp(-0.5 * ((time_s - beat_s - at_s) / width_s) ** 2)
    return ecg


def average_table(plan: NightPlan) -> pl.DataFrame:
    """The same averaged beat in every stage that the scheme can say."""
    if not plan.waveform or plan.unusable_share == 1.0:
        return pl.DataFrame([], schema=AVERAGE_SCHEMA)
    strata = [name for name, (_, schemes) in STAGE_STRATA.items() if plan.staged and plan.scheme in schemes]
    ecg = heart_beat_mv(np.arange(551) / 500 - 0.35, np.zeros(1)).astype(np.float32).tolist()
    rows = [(name, 1234, 1000.0, 500.0, 175, ecg, -48.0, 60.0, 270.0, 370.0) for name in ("night", *strata)]
    return pl.DataFrame(rows, schema=AVERAGE_SCHEMA, orient="row")


def strip_table(plan: NightPlan, beats: pl.DataFrame) -> pl.DataFrame:
    reasons = [
        "longest pause 2.6 s",
        "onset of AF pattern",
        "ventricular run, 4 beats",
        "lowest heart rate, 8 intervals",
        "clean reference, highest signal quality",
        "lowest signal quality still analysed",
    ]
    if not plan.waveform or beats.is_empty():
        return pl.DataFrame([], schema=STRIP_SCHEMA)
    rows = []
    for i, reason in enumerate(reasons):
        start_s = float(round(plan.hours * 3600 * (0.1 + 0.13 * i)))
        time_s = start_s + np.arange(round(7.6 * FS)) / FS
        inside = beats["time_s"].to_numpy()
        inside = inside[(inside > start_s - 1) & (inside < start_s + 8.6)]
        noise = np.random.default_rng(i).normal(0, 0.12 if i == 5 else 0.012, len(time_s))
        ecg = (heart_beat_mv(time_s, inside) + noise).astype(np.float32)
        clock = f"{plan.start + timedelta(seconds=start_s):%H:%M:%S}" if plan.start else None
        rows.append(
            (chr(65 + i), reason, start_s, FS, ecg.tolist(), "U" if not plan.staged else SCHEMES[plan.scheme][1], clock)
        )
    return pl.DataFrame(rows, schema=STRIP_SCHEMA, orient="row")


def phenotype_table(plan: NightPlan, rng: np.random.Generator) -> pl.DataFrame:
    hours = [f"hour_{h:02d}" for h in range(1, int(np.ceil(plan.hours - 1e-9)) + 1)]
    rows = []
    for name, entry in load_dictionary().items():
        strata = [s for stratum in STRATA_SETS[entry.strata] for s in (hours if stratum == "hour" else [stratum])]
        for stratum in strata:
            rows.append(_phenotype(plan, name, stratum, rng))
    return pl.DataFrame(
        rows,
        schema=[
            "recording_id",
            "phenotype",
            "stratum",
            "value",
            "unit",
            "status",
            "n",
            "coverage_s",
            "ci_low",
            "ci_high",
        ],
        schema_overrides={
            "value": pl.Float64,
            "n": pl.Int64,
            "coverage_s": pl.Float64,
            "ci_low": pl.Float64,
            "ci_high": pl.Float64,
        },
        orient="row",
    )


TYPICAL = {  # range of invented values by unit
    "ms": (20, 90),
    "ms2": (200, 1500),
    "s": (1, 3),
    "min": (5, 100),
    "h": (0.5, 1),
    "bpm": (50, 80),
    "Hz": (0.1, 0.3),
    "nu": (30, 70),
    "%": (1, 30),
    "count": (0, 40),
    "count/h": (0, 10),
    "ratio": (0.5, 3),
    "mV": (0.8, 1.4),
    "1": (0.5, 1),
}


def _phenotype(plan: NightPlan, name: str, stratum: str, rng: np.random.Generator) -> tuple[Any, ...]:
    entry = load_dictionary()[name]
    share = 1 - plan.unusable_share
    known = {"recorded_time": plan.hours, "analysable_time": plan.hours * share, "analysable_share": 100 * share}
    value: float | None = float(rng.uniform(*TYPICAL[entry.unit]))
    if stratum == "night" and name in known:
        value = known[name]
    if entry.unit == "count":
        value = float(round(value or 0))
    if name == "n_beats":
        value = 3480.0 * (plan.hours if stratum == "night" else 1)
    value = plan.values.get((name, stratum), value)
    status = plan.statuses.get((name, stratum), "ok")
    schemes = STAGE_STRATA.get(stratum, (None, SCHEMES))[1]
    if plan.scheme not in schemes or (entry.needs and "waveform" in entry.needs and not plan.waveform):
        status = "not_applicable"
    stage_name = name.removesuffix("_min").removesuffix("_pct")
    if stage_name in STAGE_STRATA and plan.scheme not in STAGE_STRATA[stage_name][1]:
        status = "not_applicable"
    if plan.unusable_share == 1.0 and name not in known:
        status = "insufficient_data"
    if not plan.staged and (entry.domain == "sleep" or stratum in STAGE_STRATA):
        status = "insufficient_data"
    interval = (value * 0.95, value * 1.04) if name in ("tst", "se", "waso") and value else (None, None)
    if status not in ("ok", "implausible"):
        value, interval = None, (None, None)
    n = 0 if status == "insufficient_data" else 2311
    return ("n01", name, stratum, value, entry.unit, status, n, share * 3000.0, *interval)


def run_facts(plan: NightPlan, duration_s: float) -> dict[str, Any]:
    return {
        "recording_id": "n01",
        "input": {"file": "n01.edf", "sha256": "3f" * 32, "format": "EDF+C"},
        "channel": "ECG II" if plan.waveform else None,
        "fs": FS if plan.waveform else None,
        "start": plan.start.isoformat() if plan.start else None,
        "duration_s": duration_s,
        "gaps": [[5000.0, 5042.0]] if plan.waveform else [],
        "polarity": -1,
        "unit": {"file": "uV", "scale_to_mv": 0.001},
        "subject": {"age": 54.0, "sex": "F"},
        "version": "0.1.0",
        "recipe": {
            "name": "overnight",
            "sha256": "9c" * 32,
            "resolved": {
                "rhythm": {
                    "pause_s": 2.0,
                    "brady_bpm": 40.0,
                    "tachy_bpm": 90.0,
                    "sustained_s": 30.0,
                    "af": {"minimum_s": 30.0},
                },
                "morphology": {"largest_qrs_spread_ms": 30.0, "largest_qt_spread_ms": 50.0},
                "quality": {"minimum_sqi": 0.8, "no_beat_s": 10.0},
                "breathing": {"least_confidence": 0.9},
                "strips": {"n": 6, "length_s": 7.6},
            },
        },
        "models": [{"role": "stager", "name": "sleepecg-mesa", "sha256": "ab" * 32}],
        "warnings": ["Lead ECG II is inverted: it was turned upright"],
        "lights": {"off_s": 900.0, "on_s": duration_s - 600.0, "source": "recording"},
        "hypnogram": {"scheme": plan.scheme, "scorer": "sleepecg-mesa"},
        "steps_s": {"read": 1.2345},
        "peak_memory_mb": 765.4,
    }
