"""Night folders with planted numbers, for tests and measurements of cohorts: nothing is analysed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep import __version__
from holter2sleep.night import STAGE_STRATA
from holter2sleep.phenotypes.dictionary import STRATA_SETS, load_dictionary
from holter2sleep.phenotypes.epochs import BEAT_SCHEMA, EPISODE_SCHEMA, EPOCH_SCHEMA
from holter2sleep.phenotypes.files import STRIP_SCHEMA, write_parquet
from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA

Key = tuple[str, str]  # phenotype, stratum
DEFAULTS: dict[Key, float] = {
    ("analysable_time", "night"): 7.5,
    ("analysable_share", "night"): 95.0,
    ("sqi_mean", "night"): 0.95,
    ("af_burden", "night"): 0.0,
    ("heart_rate_mean", "night"): 60.0,
    ("rmssd", "night"): 40.0,
}


def long_table(recording_id: str, values: Mapping[Key, float | None]) -> pl.DataFrame:
    """A long table with the units of the dictionary; None is `insufficient_data`."""
    rows = [
        (recording_id, name, stratum, value, load_dictionary()[name].unit, _status(value), 900, 900.0, None, None)
        for (name, stratum), value in values.items()
    ]
    return pl.DataFrame(rows, PHENOTYPE_SCHEMA, orient="row")


def _status(value: float | None) -> str:
    return "insufficient_data" if value is None else "ok"


def dictionary_keys(n: int) -> list[Key]:
    """The first `n` phenotypes by stratum: of the whole night, then of the stages."""
    keys = [
        (entry.name, stratum)
        for stratum in ("night", *STAGE_STRATA)
        for entry in load_dictionary().values()
        if stratum in STRATA_SETS[entry.strata]
    ]
    return keys[:n]


def write_night(
    out: Path,
    recording_id: str,
    values: Mapping[Key, float | None] | None = None,
    *,
    epochs: pl.DataFrame | None = None,
    **changes: Any,
) -> Path:
    """The folder of a night with these numbers beside the usual ones; `changes` are keys of `run.json`."""
    folder = out / recording_id
    folder.mkdir(parents=True)
    write_parquet(folder / "phenotypes.parquet", long_table(recording_id, DEFAULTS | dict(values or {})))
    write_parquet(folder / "epochs.parquet", pl.DataFrame(schema=EPOCH_SCHEMA) if epochs is None else epochs)
    for name, schema in (("beats", BEAT_SCHEMA), ("episodes", EPISODE_SCHEMA), ("strips", STRIP_SCHEMA)):
        write_parquet(folder / f"{name}.parquet", pl.DataFrame(schema=schema))
    write_parquet(folder / "averages.parquet", pl.DataFrame(schema={"stratum": pl.String}))
    (folder / "run.json").write_text(json.dumps({**run_facts(recording_id), **changes}), encoding="utf-8")
    return folder


def run_facts(recording_id: str) -> dict[str, Any]:
    """What `run.json` says of a night that begins at 22:30 of a day of 2024."""
    return {
        "recording_id": recording_id,
        "input": {"file": f"{recording_id}.edf", "sha256": f"hash of {recording_id}", "format": "EDF"},
        "channel": "ECG",
        "fs": 256.0,
        "start": datetime.datetime(2024, 3, 1, 22, 30).isoformat(),
        "time_zone": None,
        "duration_s": 28800.0,
        "part": None,
        "subject": {"age": 50.0, "sex": "F"},
        "lights": {"off_s": 600.0, "on_s": 28000.0, "source": "option"},
        "hypnogram": {"scheme": "AASM5", "scorer": "fusion"},
        "version": __version__,
        "recipe": {"name": "overnight", "sha256": "recipe"},
        "models": [{"role": "stager", "name": "fusion", "sha256": None}],
        "warnings": [],
    }


def epoch_rows(
    stages: str,
    confidence: float | None = 0.9,
    respiratory: float | None = 0.1,
    sure: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Epochs of one-letter stages (`1 2 3` are N1 N2 N3, `U` unscored); `sure` are chances by column."""
    letters = [{"1": "N1", "2": "N2", "3": "N3"}.get(letter, letter) for letter in stages]
    n = len(letters)
    columns: dict[str, Any] = {
        "epoch": range(n),
        "onset_s": [30.0 * i for i in range(n)],
        "stage": letters,
        "confidence": [confidence] * n,
        "p_respiratory": [respiratory] * n,
        "usable": [True] * n,
        **{name: [value] * n for name, value in (sure or {}).items()},
    }
    return pl.DataFrame([pl.Series(name, columns.get(name, [None] * n), kind) for name, kind in EPOCH_SCHEMA.items()])
