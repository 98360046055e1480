"""Odd files of known truth, read by this package and by its peers, as one Markdown table.

    python -m benchmarks.odd_files

The bytes are made by hand in `tests/io/odd_*.py`. Each reader runs in a process of its own with a time limit.
"""

from __future__ import annotations

import collections
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path

from benchmarks.odd_readers import READERS, read_guarded  # first: it shows the way to the files

from odd_all import odd_files  # isort: skip
from odd_truth import Found, OddFile, Verdict, judge  # isort: skip

_LIMIT_S = 60.0
_COUNTED = ("right", "incomplete", "wrong", "wrong, warned", "error")
_HEADS = (
    "right",
    "right, but start or date missing",
    "silently wrong",
    "wrong, but warned",
    "error on a readable file",
    "of",
)


def main() -> None:
    """Write the files, ask every reader, print the table and the counts."""
    files = odd_files()
    with tempfile.TemporaryDirectory() as folder:
        paths = [_written(Path(folder, f"{i:03d}"), odd) for i, odd in enumerate(files)]
        columns = {name: _ask(name, paths, files) for name in READERS}
    print(f"{len(files)} files, {date.today()}\n")
    print(f"| file | truth | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 2)}")
    for i, odd in enumerate(files):
        cells = [column[i].text if column[i] else "-" for column in columns.values()]
        print(f"| {odd.name} | {truth_of(odd)} | {' | '.join(cells)} |")
    print(f"\n| reader | {' | '.join(_HEADS)} |\n|{'---|' * (len(_HEADS) + 1)}")
    for name, column in columns.items():
        kinds = collections.Counter(verdict.kind for verdict in column if verdict)
        print(f"| {name} | {' | '.join(str(kinds[kind]) for kind in _COUNTED)} | {kinds.total()} |")


def truth_of(odd: OddFile) -> str:
    """A file's truth in a few words."""
    truth = odd.truth
    if truth.refused:
        return f"refuse: {truth.refused}"
    if truth.beat_s is not None:
        return f"{len(truth.beat_s)} beats, {truth.beat_s[-1] - truth.beat_s[0]:.6g} s"
    if truth.mv is None or truth.fs is None:
        raise ValueError(f"{odd.name}: no truth")
    gaps = f", {len(truth.gaps)} gap{'s' * (len(truth.gaps) > 1)}" if truth.gaps else ""
    start = str(truth.start or "start unknown").removesuffix("0000")
    return f"{len(truth.mv) / truth.fs:.6g} s at {truth.fs:.6g} Hz{gaps}, {start}"


def _written(folder: Path, odd: OddFile) -> Path:
    folder.mkdir()
    for name, content in odd.files.items():
        (folder / name).write_bytes(content)
    return folder / odd.file


def _ask(reader: str, paths: list[Path], files: list[OddFile]) -> list[Verdict | None]:
    """A reader's verdicts; a new process follows one that died or hung."""
    pool, verdicts = _pool(), list[Verdict | None]()
    for path, odd in zip(paths, files, strict=True):
        suffixes = READERS[reader][1]
        if suffixes is not None and odd.kind not in suffixes:
            verdicts.append(None)
            continue
        try:
            found = pool.submit(read_guarded, reader, path, odd).result(_LIMIT_S)
        except (TimeoutError, BrokenProcessPool) as error:
            found = Found(error="no answer" if isinstance(error, TimeoutError) else "crash")
            for process in list(pool._processes.values()):  # a hung one does not end by itself
                process.kill()
            pool = _pool()
        verdicts.append(judge(odd.truth, found))
    pool.shutdown()
    return verdicts


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


if __name__ == "__main__":
    main()
