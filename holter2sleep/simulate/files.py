"""A synthetic night as files: the recording, and beside it the truth as `analyze` and `evaluate` read it."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import holter2sleep
from holter2sleep.errors import UsageError
from holter2sleep.io.export import write_edf, write_wfdb
from holter2sleep.night import Hypnogram, Recording
from holter2sleep.simulate.night import SyntheticNight
from holter2sleep.whole_files import write_bytes

WRITERS: dict[str, Callable[[Path, Recording], None]] = {".edf": write_edf, ".hea": write_wfdb}
TRUTH_SUFFIXES = (".beats.csv", ".hypnogram.csv", ".episodes.csv", ".truth.json")


def output_paths(path: Path) -> list[Path]:
    """Every file that a night written to `path` consists of.

    Raises
    ------
    UsageError
        A suffix that names no format.
    """
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"{path}: suffix {path.suffix!r} names no format to write; known: {', '.join(WRITERS)}")
    signal = [path.with_suffix(".dat")] if path.suffix.lower() == ".hea" else []
    return [path, *signal, *(path.with_name(path.stem + suffix) for suffix in TRUTH_SUFFIXES)]


def write_night(path: Path, night: SyntheticNight, seed: int) -> list[Path]:
    """Write the recording and its truth; the paths written.

    `.beats.csv` leaves out the beats the lead does not show; `.truth.json` counts them. Same night, same bytes.
    """
    paths = output_paths(path)
    WRITERS[path.suffix.lower()](path, night.recording)
    seen = night.beats.where(night.beats.usable)
    beats = ((_s(t), label) for t, label in zip(seen.time_s, seen.label.tolist(), strict=True))
    episodes = night.episodes
    spans = zip(episodes.start_s, episodes.end_s, episodes.kind.tolist(), strict=True)
    contents = {
        ".beats.csv": _csv(("time_s", "label"), beats),
        ".hypnogram.csv": _csv(("onset", "duration", "stage"), _stages(night.hypnogram)),
        ".episodes.csv": _csv(("start_s", "end_s", "kind"), ((_s(a), _s(b), kind) for a, b, kind in spans)),
        ".truth.json": json.dumps(_facts(night, seed), indent=2) + "\n",
    }
    for suffix, content in contents.items():
        write_bytes(path.with_name(path.stem + suffix), content.encode())
    return paths


def _s(seconds: float) -> str:
    return f"{seconds:.6f}"


def _csv(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _stages(hypnogram: Hypnogram) -> Iterable[tuple[str, str, str]]:
    """One row an epoch."""
    grid = hypnogram.grid
    for onset_s, end_s, stage in zip(grid.edges_s[:-1], grid.edges_s[1:], hypnogram.stage.tolist(), strict=True):
        yield f"{onset_s:.3f}", f"{min(end_s, grid.duration_s) - onset_s:.3f}", stage


def _facts(night: SyntheticNight, seed: int) -> dict[str, object]:
    return {
        "version": holter2sleep.__version__,
        "seed": seed,
        "plan": dataclasses.asdict(night.plan) | {"start": night.plan.start.isoformat()},
        "n_beats": dict(sorted(Counter(night.beats.label.tolist()).items())),
        "n_beats_hidden": int((~night.beats.usable).sum()),
        "n_episodes": dict(sorted(Counter(night.episodes.kind.tolist()).items())),
        "stage_min": {stage: n / 2 for stage, n in sorted(Counter(night.hypnogram.stage.tolist()).items())},
    }
