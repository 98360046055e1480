"""Time and memory of whole runs on 8 h, 24 h, 48 h and 14 days: `python -m benchmarks.long_recordings [hours ...]`.

The long files hold a simulated day again and again, 256 Hz, one lead. Peak memory is that of the process as the system
counts it.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from pathlib import Path

import edfio
import numpy as np

from benchmarks.processes import PROGRAM, cost_of
from holter2sleep.simulate import preset, simulate_night

FS_HZ = 256
HOURS = (8, 24, 48, 14 * 24)
COMMANDS = {
    "audit": ["audit"],
    "analyze": ["analyze"],
    "analyze --night whole": ["analyze", "--night", "whole"],
}


def one_day(path: Path, hours: float) -> None:
    """A plain EDF of a simulated night, or of a whole day."""
    night = simulate_night(dataclasses.replace(preset("sample"), hours=hours), np.random.default_rng(0))
    ecg = np.nan_to_num(np.asarray(night.recording.ecg, np.float64))
    ecg = ecg[: len(ecg) // FS_HZ * FS_HZ]
    signal = edfio.EdfSignal(ecg, FS_HZ, label="ECG", physical_dimension="mV", physical_range=(-25, 25))
    edfio.Edf([signal], data_record_duration=1).write(path)


def repeated(day: Path, path: Path, times: int) -> None:
    """The data records of a file again and again."""
    content = day.read_bytes()
    header_bytes, n_records = int(content[184:192]), int(content[236:244])
    with path.open("wb") as file:
        file.write(content[:236] + str(times * n_records).ljust(8).encode() + content[244:header_bytes])
        for _ in range(times):
            file.write(content[header_bytes:])


def main() -> None:
    """Print a Markdown table."""
    os.environ["OMP_NUM_THREADS"] = "1"
    chosen = [int(word) for word in sys.argv[1:]] or HOURS
    print("| recording | command | wall s | peak MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one_day(folder / "day.edf", 24)
        for hours in chosen:
            path = folder / f"h{hours}.edf"
            if hours < 24:
                one_day(path, hours)
            else:
                repeated(folder / "day.edf", path, hours // 24)
            for title, command in COMMANDS.items():
                more = ["--out", str(folder / "out"), "--overwrite"] if "analyze" in command else []
                cost = cost_of(*PROGRAM, *command, str(path), *more)
                print(f"| {hours} h | {title} | {cost.wall_s:.1f} | {cost.peak_mb:.0f} |", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
