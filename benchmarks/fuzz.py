"""Damaged recordings against the program: `python -m benchmarks.fuzz --seconds 3600`.

Each case damages a good file of a few minutes, at random but from a seed, and gives it to the command line in a process
of its own. What must hold: an exit code of the contract, no traceback, at most 20 s, less than 2 GB, and no folder that
looks finished unless the code is 0. Failing files are kept beside the counts.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.fuzz_seeds import good_files

LONGEST_S = 20.0
MOST_BYTES = 2 * 1024**3
CODES = {0, 2, 3, 4, 5, 6}
# What a header field must never be: too large, negative, no number, another alphabet, markup, a format.
NASTY = (
    *(b"-1", b"0", b"1", b"9999", b"99999999", b"-9999999", b"1e308", b"1e-300", b"nan", b"inf", b"0.00001"),
    *(b"2147483648", b"18446744073709551616", b"", b" ", b"\x00", b"\xff\xff\xff\xff", b"\x7f\xff", b"\x80\x00"),
    *("µé漢".encode(), b"../../etc", b"%s%n", b"<!ENTITY a '&a;'>", b"\r\n", b"31.02.99", b"25.61.61", b"~"),
    *(b"EDF+D", b"+1e9\x14\x14\x00", b"+-5\x14\x14\x00"),
)

Rng = np.random.Generator
Damage = Callable[[bytearray, Rng], bytearray]


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    code: int | None  # None: killed for taking too long
    seconds: float
    peak_bytes: int
    words: str  # stdout and stderr


# --- damage ----------------------------------------------------------------------------------------


def _place(content: bytearray, rng: Rng) -> int:
    """A place in the file, mostly in its first bytes, where headers are."""
    near = min(len(content), 1024 if rng.random() < 0.7 else len(content))
    return int(rng.integers(max(near, 1)))


def _flip(content: bytearray, rng: Rng) -> bytearray:
    for _ in range(rng.integers(1, 20)):
        at = _place(content, rng)
        content[at : at + 1] = bytes([rng.integers(256)])
    return content


def _nasty_field(content: bytearray, rng: Rng) -> bytearray:
    at, word = _place(content, rng) // 8 * 8, NASTY[rng.integers(len(NASTY))]
    content[at : at + 8] = word[:8].ljust(8)
    return content


def _nasty_word(content: bytearray, rng: Rng) -> bytearray:
    """A word between blanks, commas or line ends replaced: text headers."""
    marks = [i for i, byte in enumerate(content[:2000]) if byte in b" ,;\t\n/"] or [0]
    start = marks[rng.integers(len(marks))] + 1
    stop = next((i for i in marks if i > start), start)
    content[start:stop] = NASTY[rng.integers(len(NASTY))]
    return content


def _cut(content: bytearray, rng: Rng) -> bytearray:
    return content[: rng.integers(len(content) + 1)]


def _pad(content: bytearray, rng: Rng) -> bytearray:
    return content + rng.bytes(int(rng.integers(1, 5000)))


def _drop(content: bytearray, rng: Rng) -> bytearray:
    at = _place(content, rng)
    del content[at : at + int(rng.integers(1, 300))]
    return content


def _double(content: bytearray, rng: Rng) -> bytearray:
    at, n = _place(content, rng), int(rng.integers(1, 2000))
    content[at:at] = content[at : at + n]
    return content


def _randomize(content: bytearray, rng: Rng) -> bytearray:
    at, n = _place(content, rng), int(rng.integers(1, 2000))
    content[at : at + n] = rng.bytes(min(n, len(content) - at))
    return content


DAMAGES: tuple[Damage, ...] = (_flip, _nasty_field, _nasty_word, _cut, _pad, _drop, _double, _randomize)


def damaged(content: bytes, rng: Rng) -> bytes:
    """The content with one to three damages."""
    broken = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        broken = DAMAGES[rng.integers(len(DAMAGES))](broken, rng)
    return bytes(broken)


# --- cases -----------------------------------------------------------------------------------------


def cases(folder: Path, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Name of each damaged file and the command line that gives it to the program; without end."""
    rng = np.random.default_rng(seed)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        good = apart.submit(good_files).result()  # elsewhere, for a process that has used polars cannot be forked
    while True:
        one = good[rng.integers(len(good))]
        case = folder / "case"
        case.mkdir(exist_ok=True)
        for old in case.iterdir():
            old.unlink()
        for name, content in one.files.items():
            hurt = damaged(content, rng) if name == one.hurt else content
            (case / name).write_bytes(hurt)
        yield one.name, [word.replace("CASE", str(case)) for word in one.command]


def run(command: list[str], folder: Path, longest_s: float = LONGEST_S) -> Result:
    """The command line in a process of its own, watched."""
    words = folder / "words"
    words.unlink(missing_ok=True)
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        _become(command, words)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, longest_s)
    _, status, usage = os.wait4(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    code = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    text = words.read_text(encoding="utf-8", errors="replace") if words.exists() else ""
    return Result(None if code == -signal.SIGKILL else code, seconds, usage.ru_maxrss * 1024, text)


def _become(command: list[str], words: Path) -> None:
    """The child: its output into a file, its memory limited a little above what is allowed."""
    from holter2sleep.cli import main

    code = 1
    try:
        with words.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_DATA, (4 * MOST_BYTES, 4 * MOST_BYTES))
        main(command)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def complaint(result: Result, out: Path) -> str | None:
    """What is wrong with how a run ended; None when nothing is."""
    if result.code is None:
        return f"still running after {result.seconds:.0f} s"
    if result.code not in CODES or "Traceback" in result.words or "defect of ours" in result.words:
        return f"exit code {result.code}: {result.words.strip()[-300:]}"
    if re.search(r"[A-Z]\w*Warning\b", result.words):
        return f"a library's warning: {result.words.strip()[-300:]}"
    if result.peak_bytes > MOST_BYTES:
        return f"{result.peak_bytes / 1024**2:.0f} MB"
    finished = [file.parent.name for file in out.glob("*/run.json")]
    return f"folder {finished[0]} looks finished" if result.code and finished and "_nights" not in finished[0] else None


def fuzz(seconds: float, seed: int, keep: Path, n_most: int | None = None) -> tuple[Counter[str], list[str]]:
    """Counts of exit codes by kind of file, and the complaints; failing files go to `keep`."""
    counts: Counter[str] = Counter()
    complaints: list[str] = []
    worst = {"s": 0.0, "MB": 0.0}
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for i, (kind, command) in enumerate(cases(folder, seed)):
            if time.monotonic() > end or i == n_most:
                break
            out = folder / f"out{i}"
            result = run([*command, "--out", str(out)] if "analyze" in command else command, folder)
            counts[f"{kind}: exit {result.code}"] += 1
            worst = {"s": max(worst["s"], result.seconds), "MB": max(worst["MB"], result.peak_bytes / 1024**2)}
            if found := complaint(result, out):
                complaints.append(f"{kind}, seed {seed}, case {i}: {found}")
                _keep(folder / "case", keep / f"{seed}_{i}_{kind.replace(' ', '_')}")
            _remove(out)
    counts["worst time, s"], counts["worst memory, MB"] = round(worst["s"]), round(worst["MB"])
    return counts, complaints


def _keep(case: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for file in case.iterdir():
        (place / file.name).write_bytes(file.read_bytes())


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    if folder.exists():
        folder.rmdir()


def main() -> None:
    """Run for some seconds, print the counts and the complaints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz_failures"), help="where failing files go")
    options = parser.parse_args()
    # loaded once, before the first fork: each case then costs its own work only
    import torch

    import holter2sleep.report.pdf
    import holter2sleep.run  # noqa: F401

    torch.set_num_threads(1)
    counts, complaints = fuzz(options.seconds, options.seed, options.keep)
    for name in sorted(counts):
        print(f"{name:40} {counts[name]}")
    print(f"{sum(n for name, n in counts.items() if 'exit' in name)} cases, {len(complaints)} complaints")
    for line in complaints[:50]:
        print(line)
    sys.exit(bool(complaints))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main()
