"""Small tables, and edits made on them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.edits import Edit
from holter2sleep.phenotypes.epochs import BEAT_SCHEMA, EPISODE_SCHEMA, EPOCH_SCHEMA
from holter2sleep.review.apply import Editable, apply
from holter2sleep.review.ask import change_of

N_EPOCHS = 10
DURATION_S = 30.0 * N_EPOCHS
TABLES = ("beats", "episodes", "epochs", "phenotypes", "cardio_sleep", "strips", "averages")


def editable() -> Editable:
    """Five minutes with a beat a second, one V, two episodes, all N2."""
    time_s = np.arange(0.5, DURATION_S)
    beats = {
        "time_s": time_s,
        "label": ["V" if i == 100 else "N" for i in range(len(time_s))],
        "confidence": np.linspace(0.5, 1.0, len(time_s)),
        "rr_ms": [None, *([1000.0] * (len(time_s) - 1))],
        "usable": [True] * len(time_s),
        "amplitude_mv": np.linspace(0.9, 1.1, len(time_s)),
        "p_s": np.full(len(time_s), 0.01),
        "p_v": np.full(len(time_s), 0.02),
        "p_qrs": np.full(len(time_s), 0.99),
    }
    rows = [(10.5, 70.5, "AFIB", 61, 60.0, "N2", 0.9), (200.5, 203.5, "PAUSE", 2, None, "N2", None)]
    episodes = pl.DataFrame(rows, schema=EPISODE_SCHEMA, orient="row")
    epochs = {name: [None] * N_EPOCHS for name in EPOCH_SCHEMA} | {
        "epoch": range(N_EPOCHS),
        "onset_s": 30.0 * np.arange(N_EPOCHS),
        "stage": ["N2"] * N_EPOCHS,
    }
    return Editable(pl.DataFrame(beats, schema=BEAT_SCHEMA), episodes, pl.DataFrame(epochs, schema=EPOCH_SCHEMA))


def logged(*asked: dict, tables: Editable | None = None) -> tuple[Edit, ...]:
    """The edits that these requests become, one behind the other."""
    tables = tables or editable()
    edits: list[Edit] = []
    for each in asked:
        change = change_of(each, apply(tables, edits), edits, DURATION_S)
        before = edits[-1].sha256 if edits else "0" * 64
        edits.append(
            Edit(len(edits) + 1, "A. Reader", "2026-01-31T10:00:00.000+00:00", **vars(change), before_sha256=before)
        )
    return tuple(edits)


def same(one: Editable, other: Editable) -> bool:
    return all(getattr(one, name).equals(getattr(other, name)) for name in ("beats", "episodes", "epochs"))


def hashes(folder: Path) -> dict[str, str]:
    """Content of the tables of a night, as hashes."""
    return {name: hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in TABLES}
