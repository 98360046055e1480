"""Nights with both sides planted, in memory and as folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from holter2sleep.evaluate.judged import StagedNight
from holter2sleep.night import SCHEMES, EpochGrid, Hypnogram, Lights
from holter2sleep.phenotypes.epochs import PROBABILITY_COLUMN

LETTERS = np.array(SCHEMES["AASM5"])


def hypnogram(stage: np.ndarray | list[str], scheme: str = "AASM5", proba: np.ndarray | None = None) -> Hypnogram:
    return Hypnogram(EpochGrid.covering(30.0 * len(stage)), np.asarray(stage), scheme, "made", proba)


def staged(
    name: str, reference: Hypnogram, test: Hypnogram, subject: str | None = None, facts: dict[str, str] | None = None
) -> StagedNight:
    lights = Lights(0.0, reference.grid.duration_s, "recording")
    return StagedNight(name, subject or name, reference, test, lights, 0.2, facts or {})


def course(seed: int, n: int = 240) -> np.ndarray:
    """Stages that last ten minutes, beginning with wake. array (n,) of letters."""
    rng = np.random.default_rng(seed)
    stage = np.repeat(LETTERS[rng.integers(0, 5, n // 20)], 20)
    stage[:20] = "W"
    return stage


def blurred(stage: np.ndarray, seed: int, share: float = 0.3) -> np.ndarray:
    """The same with a share of the epochs said at random."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(stage)) < share
    return np.where(wrong, LETTERS[rng.integers(0, 5, len(stage))], stage)


def sure_of(stage: np.ndarray, scheme: str = "AASM5", chance: float = 0.8) -> np.ndarray:
    """Probabilities that give each stage said the chance, and the others the rest. array (n, n_classes)."""
    said = np.asarray(stage)[:, None] == np.array(SCHEMES[scheme])
    rest = (1 - chance) / (said.shape[1] - 1)
    return np.where(said.any(axis=1, keepdims=True), np.where(said, chance, rest), np.nan).astype(np.float32)


def write_night(
    folder: Path, stage: np.ndarray, *, scheme: str = "AASM5", chance: bool = True, **facts: object
) -> Path:
    """A night folder as far as stages need it."""
    folder.mkdir(parents=True)
    columns = dict(zip((PROBABILITY_COLUMN[x] for x in SCHEMES[scheme]), sure_of(stage, scheme).T, strict=True))
    table = pl.DataFrame({"stage": np.asarray(stage).astype(str), **(columns if chance else {})})
    table.with_columns(pl.col(pl.Float32).fill_nan(None)).write_parquet(folder / "epochs.parquet")
    duration_s = 30.0 * len(stage)
    run = {
        "duration_s": duration_s,
        "start": None,
        "subject": {"age": 44.0, "sex": "F"},
        "hypnogram": {"scheme": scheme, "scorer": "made"},
        "lights": {"off_s": 0.0, "on_s": duration_s, "source": "recording"},
        "recipe": {"resolved": {"sleep": {"max_unscored_share": 0.2}}},
    }
    (folder / "run.json").write_text(json.dumps(run | facts))
    return folder
