"""Which test belongs to which reference: night folders and files, matched by recording id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.errors import UsageError

NIGHT_TABLES = ("beats.parquet", "episodes.parquet", "epochs.parquet")  # one of them stands for its night


@dataclass(frozen=True)
class Pair:
    """One record: its id, its reference file, and what is tested (a night folder or a file)."""

    recording_id: str
    reference: Path
    test: Path

    def table(self, name: str) -> Path:
        """A table of the tested night, or the tested file itself."""
        return self.test / name if self.test.is_dir() else self.test

    def run(self) -> dict[str, Any]:
        """What the tested night's `run.json` says; empty when a bare file is tested."""
        return json.loads((self.test / "run.json").read_text(encoding="utf-8")) if self.test.is_dir() else {}


def find_pairs(
    tests: Sequence[Path], references: Sequence[Path], reference_dir: Path | None, suffix: str
) -> list[Pair]:
    """Tests with their references, in the order given.

    A folder without `run.json` stands for the night folders in it. References are either given one by one,
    as many as tests, or looked up in `reference_dir` as recording id + `suffix`.

    Raises
    ------
    UsageError
        No night found, a missing reference, or lists of different length.
    """
    nights = [night for test in tests for night in _nights(test)]
    if bool(references) == bool(reference_dir):
        raise UsageError("Give either --reference once for each --test, or --reference-dir")
    if reference_dir:
        references = [reference_dir / f"{_recording_id(night)}{suffix}" for night in nights]
        missing = [path for path in references if not path.is_file()]
        if missing:
            raise UsageError(f"{missing[0]}: no such reference; give the ending of its name with --suffix")
    if len(references) != len(nights):
        raise UsageError(f"{len(nights)} tests and {len(references)} references: give as many of one as of the other")
    return [Pair(_recording_id(night), path, night) for night, path in zip(nights, references, strict=True)]


def _nights(test: Path) -> list[Path]:
    if test.is_file():
        return [test.parent if test.name in NIGHT_TABLES and (test.parent / "run.json").is_file() else test]
    if (test / "run.json").is_file():
        return [test]
    inside = sorted(path.parent for path in test.glob("*/run.json"))
    if not inside:
        raise UsageError(f"{test}: holds no night; give a folder written by 'holter2sleep analyze', or a file")
    return inside


def _recording_id(test: Path) -> str:
    return test.resolve().name if test.is_dir() else test.stem
