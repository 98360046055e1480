"""Small cohorts of RR texts, which are analysed in a fraction of a second each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from holter2sleep.recipe import load_recipe
from holter2sleep.request import Request

FAST = ("--no-report", "--stager", "clock")


def write_rr(path: Path, seed: int, minutes: float = 10.0) -> Path:
    """Intervals of a quiet sleeper, in ms, one a line."""
    rng = np.random.default_rng(seed)
    n = int(minutes * 65)
    rr_ms = 900 + 40 * np.sin(0.9 * np.arange(n)) + rng.normal(0, 15, n)
    path.write_text("".join(f"{value:.0f}\n" for value in rr_ms), encoding="utf-8")
    return path


def write_cohort(folder: Path, n: int, minutes: float = 10.0, columns: Sequence[str] = ()) -> Path:
    """Recordings n0, n1, ... and their manifest; `columns` is what is added to its header, and then to each row."""
    folder.mkdir(parents=True, exist_ok=True)
    more = columns or [""] * (n + 1)
    lines = [f"recording_id,path{more[0]}"]
    for i in range(n):
        write_rr(folder / f"n{i}.txt", i, minutes)
        lines.append(f"n{i},n{i}.txt{more[i + 1]}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


def asked(out: Path, **options: Any) -> Request:
    """What the command line asks for all nights with the options `FAST`."""
    recipe = load_recipe("overnight", ('staging.stager="clock"',))
    return dataclasses.replace(Request(out, recipe, report=False), **options)
