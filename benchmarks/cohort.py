"""A cohort of 10,000 nights with 800 numbers each: seconds and memory of `cohort`, and of its merging alone.

`python -m benchmarks.cohort [N_NIGHTS]`. The night folders are synthetic, written once to a temporary folder, and not
timed. Each part runs in a process of its own, with the start of Python; processor seconds count where the computer is
busy with other work.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded: with two, both cores fight

import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.processes import PROGRAM, cost_of
from benchmarks.synthetic_nights import dictionary_keys, epoch_rows, long_table, write_night
from holter2sleep.phenotypes.dictionary import load_dictionary

N_NIGHTS, N_NUMBERS, NIGHTS_A_SUBJECT = 10_000, 800, 2
LIMIT_S, LIMIT_MB = 10.0, 1500.0  # of the merging: long and wide table

MERGE = """
import sys, tempfile, time
from pathlib import Path
from holter2sleep.cohort.merge import NightTable, merge_nights
nights = [NightTable(path.parent.name, path) for path in sorted(Path(sys.argv[1]).glob("*/phenotypes.parquet"))]
with tempfile.TemporaryDirectory() as scratch:
    begun = time.perf_counter()
    wide = merge_nights(nights, Path(scratch)).wide
    wide.write_parquet(Path(scratch) / "wide.parquet")
    print(f"{time.perf_counter() - begun:.2f}", *wide.shape)
"""


def write_nights(folder: Path, n_nights: int) -> None:
    """Nights of two a subject; numbers within their plausible range, a tenth of them missing."""
    rng = np.random.default_rng(1)
    keys = dictionary_keys(N_NUMBERS)
    entries = [load_dictionary()[name] for name, _ in keys]
    low, high = np.array([entry.plausible for entry in entries]).T
    first = write_night(folder, "n00000", dict.fromkeys(keys, None), epochs=epoch_rows("W" * 60 + "2" * 840))
    template = long_table("", dict.fromkeys(keys, 0.0))
    others = {path.name: path.read_bytes() for path in first.iterdir()}
    for i in range(n_nights):
        night = folder / f"n{i:05d}"
        night.mkdir(exist_ok=True)
        value = np.where(rng.random(N_NUMBERS) < 0.1, np.nan, low + rng.random(N_NUMBERS) * (high - low))
        values = pl.Series(value).fill_nan(None)
        status = pl.select(
            pl.when(values.is_null()).then(pl.lit("insufficient_data")).otherwise(pl.lit("ok"))
        ).to_series()
        table = template.with_columns(recording_id=pl.lit(night.name), value=values, status=status)
        table.write_parquet(night / "phenotypes.parquet")
        run = others["run.json"].replace(b"n00000", night.name.encode())
        subject = b'"hash of s%d"' % (i // NIGHTS_A_SUBJECT)
        (night / "run.json").write_bytes(run.replace(f'"hash of {night.name}"'.encode(), subject))
        for name, content in others.items():
            if name not in ("run.json", "phenotypes.parquet"):
                (night / name).write_bytes(content)


def timed(what: str, *words: str) -> str:
    """Run a process to its end and print a row of the table; what it said."""
    cost = cost_of(*words)
    print(f"| {what} | {cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.peak_mb:.0f} |", flush=True)
    return cost.said


def main() -> None:
    """Print the table."""
    n_nights = int(sys.argv[1]) if len(sys.argv) > 1 else N_NIGHTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_nights(folder, n_nights)
        print(f"{n_nights:,} nights of {N_NUMBERS} numbers\n")
        print("| part | seconds | processor s | peak MB |\n|---|---|---|---|")
        said = timed("merging to long and wide table, with the start of Python", "-c", MERGE, str(folder)).split()
        cohort = (*PROGRAM, "cohort", "run", str(folder), "--no-report")
        timed("cohort DIR --no-report, all tables, end to end", *cohort)
        timed("cohort DIR --no-report --exclude cohort", *cohort, "--exclude", "cohort")
        timed("cohort report DIR, the PDF", *PROGRAM, "cohort", "report", str(folder))
        timed("cohort audit DIR --by sex,af", *PROGRAM, "cohort", "audit", str(folder), "--by", "sex,af")
    print(f"\nmerging itself: {said[0]} s, {said[1]} rows and {said[2]} columns; limit {LIMIT_S:g} s, {LIMIT_MB:g} MB")


if __name__ == "__main__":
    main()
