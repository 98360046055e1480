"""What a process of its own costs: seconds, seconds of processor time, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROGRAM = ("-m", "holter2sleep")

# A small process starts the one that is watched: the system counts the memory of whoever starts a process as its own.
WATCH = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
code = subprocess.call([sys.executable, *sys.argv[2:]])
wall_s, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump({"wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}, file)
sys.exit(code)
"""


@dataclass(frozen=True)
class Cost:
    """Of one run from its start to its end, imports included."""

    wall_s: float
    cpu_s: float
    peak_mb: float  # as Linux counts it
    said: str  # standard output


def cost_of(*words: str) -> Cost:
    """Python, run with these words; RuntimeError with what it said where it fails."""
    compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # modules are compiled once, as they are when installed
    with tempfile.TemporaryDirectory() as name:
        told = Path(name) / "cost.json"
        command = [sys.executable, "-c", WATCH, str(told), *words]
        run = subprocess.run(command, capture_output=True, text=True, env=compiled)
        if run.returncode:
            raise RuntimeError(f"{' '.join(words)}: exit code {run.returncode}\n{run.stderr[-2000:]}")
        return Cost(**json.loads(told.read_text()), said=run.stdout)


def peak_of(pid: int) -> float:
    """Peak memory of a process so far, MB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
