"""Cost of a batch: two processes against one, seconds and memory by the number of nights, and a ledger of 100,000 rows.

`python -m benchmarks.batch [jobs] [nights] [ledger]` prints Markdown tables, without words all of them. The nights are
RR texts of a simulated sleeper (10 min each, so that what batch itself costs is a large share), and simulated
recordings of 2 h where processes are compared: from the end of the first night on, for a cohort is long and the loading
of libraries is not. Peak memory is VmHWM of the parent, which Linux alone tells.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.processes import peak_of
from holter2sleep.batch.address import content_address, method_address
from holter2sleep.batch.ledger import DONE, Record, open_ledger, read_ledger
from holter2sleep.batch.manifest import read_manifest
from holter2sleep.batch.plan import plan_of
from holter2sleep.io.export import write_edf
from holter2sleep.recipe import load_recipe
from holter2sleep.request import Request
from holter2sleep.simulate import preset, simulate_night

T = TypeVar("T")

N_NIGHTS = (10, 100, 1000)
N_COMPARED = 30
N_LEDGER = 100_000
RR_MINUTES = 10


def write_rr(path: Path, seed: int) -> None:
    """Intervals of a quiet sleeper, ms."""
    rng = np.random.default_rng(seed)
    rr_ms = 900 + 40 * np.sin(0.9 * np.arange(65 * RR_MINUTES)) + rng.normal(0, 15, 65 * RR_MINUTES)
    path.write_text("".join(f"{value:.0f}\n" for value in rr_ms), encoding="utf-8")


def write_recording(path: Path, seed: int) -> None:
    """A simulated lead of 2 h."""
    plan = dataclasses.replace(preset("sample"), hours=2.0)
    write_edf(path, simulate_night(plan, np.random.default_rng(seed)).recording)


def cohort(folder: Path, n: int, write: Callable[[Path, int], None], suffix: str) -> Path:
    """Recordings and their manifest."""
    folder.mkdir()
    for i in range(n):
        write(folder / f"n{i:04d}{suffix}", i)
    manifest = folder / "manifest.csv"
    lines = [f"n{i:04d},n{i:04d}{suffix}" for i in range(n)]
    manifest.write_text("\n".join(["recording_id,path", *lines]) + "\n", encoding="utf-8")
    return manifest


def measured(manifest: Path, out: Path, *words: str) -> tuple[float, float, float]:
    """Seconds of a batch, seconds of processor time of all its processes, and the parent's peak in MB."""
    command = [sys.executable, "-m", "holter2sleep", "batch", str(manifest), "--out", str(out), "--no-report", *words]
    begun, before, peak_mb = time.perf_counter(), os.times(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak_mb = max(peak_mb, peak_of(process.pid))
            time.sleep(0.2)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: code {process.returncode}")
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu_s, peak_mb


def jobs(folder: Path) -> None:
    """One process against two."""
    manifest = cohort(folder / "recordings", N_COMPARED, write_recording, ".edf")
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| processes | seconds | processor seconds | nights/min from the first on | times faster | share at work |")
    print("|---|---|---|---|---|---|")
    alone = None
    for n in (1, 2):
        seconds, cpu_s, _ = measured(manifest, folder / f"jobs{n}", "--jobs", str(n))
        rate, share = rate_of(folder / f"jobs{n}", n)
        alone = alone or rate
        print(f"| {n} | {seconds:.1f} | {cpu_s:.1f} | {rate:.1f} | {rate / alone:.2f} | {share:.3f} |", flush=True)


def rate_of(out: Path, n_processes: int) -> tuple[float, float]:
    """Nights a minute from the end of the first one on; share of the processes' time in which they are in a night."""
    nights = sorted((datetime.fromisoformat(record.at), record.seconds or 0.0) for record in read_ledger(out).values())
    (first, _), (last, _) = nights[0], nights[-1]
    rate = 60 * (len(nights) - 1) / (last - first).total_seconds()
    begun = min(end - timedelta(seconds=seconds) for end, seconds in nights)
    whole_s = n_processes * (last - begun).total_seconds()
    return rate, sum(seconds for _, seconds in nights) / whole_s


def nights(folder: Path) -> None:
    """Processor time and memory by the number of nights; a second call that finds everything made."""
    print("\n| nights | processor seconds | ms a night beyond the first 10 | parent, MB | called again |")
    print("|---|---|---|---|---|")
    first_s = None
    for n in N_NIGHTS:
        manifest = cohort(folder / f"cohort{n}", n, write_rr, ".txt")
        _, seconds, peak_mb = measured(manifest, folder / f"out{n}", "--stager", "clock")
        _, again_s, _ = measured(manifest, folder / f"out{n}", "--stager", "clock")
        first_s = first_s or seconds
        each = f"{1000 * (seconds - first_s) / (n - N_NIGHTS[0]):.0f}" if n > N_NIGHTS[0] else "-"
        print(f"| {n} | {seconds:.1f} | {each} | {peak_mb:.0f} | {again_s:.1f} |", flush=True)


def ledger(folder: Path) -> None:
    """What 100,000 nights cost in manifest, ledger and plan; their folders are not there."""
    out, manifest = folder / "large", folder / "large.csv"
    (folder / "one.txt").write_text("900\n", encoding="utf-8")
    lines = [f"n{i},one.txt,I{i}" for i in range(N_LEDGER)]
    manifest.write_text("\n".join(["recording_id,path,channel", *lines]) + "\n", encoding="utf-8")
    request = Request(out, load_recipe(), report=False)
    rows = timed("check the manifest", lambda: read_manifest(manifest)).rows
    method = method_address(request)
    address = functools.partial(content_address, asked=request, method=method)
    addresses = timed("address every night", lambda: [address(row) for row in rows])
    facts = {"version": "0", "manifest_sha256": "m", "shard": (1, 1)}

    def write() -> None:
        with open_ledger(out, facts) as file:
            for row, address in zip(rows, addresses, strict=True):
                file.add(Record(row.recording_id, DONE, address, (row.recording_id,), seconds=1.0))

    timed("write the ledger", write)
    known = timed("read the ledger", lambda: read_ledger(out))
    found = timed("plan", lambda: plan_of(rows, request, known, retry_failed=False, verify=False))
    if len(found.tasks) != N_LEDGER:  # no folder is there
        raise RuntimeError("the plan is wrong")
    print(f"\npeak memory of all this: {peak_of(os.getpid()):.0f} MB")


def timed(what: str, work: Callable[[], T]) -> T:
    """Print how long something takes."""
    begun = time.perf_counter()
    result = work()
    print(f"| {what} | {time.perf_counter() - begun:.2f} |", flush=True)
    return result


def main() -> None:
    """Print the tables that are asked for."""
    asked = sys.argv[1:] or ["jobs", "nights", "ledger"]
    with tempfile.TemporaryDirectory() as folder:
        if "jobs" in asked:
            jobs(Path(folder))
        if "nights" in asked:
            nights(Path(folder))
        if "ledger" in asked:
            print(f"\n| {N_LEDGER:,} nights | seconds |\n|---|---|")
            ledger(Path(folder))


if __name__ == "__main__":
    main()
