"""What is read of every file of a folder, beside what its header says: `python -m benchmarks.reader_samples FOLDER`.

The header is read here once more, from its bytes, by a few lines of its own and by nothing of the package or its
libraries. A row ends with `=` where both agree in rate, length and start, else with what the header says instead.
"""

from __future__ import annotations

import argparse
import collections
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from holter2sleep.clock import date_known
from holter2sleep.errors import Holter2SleepError
from holter2sleep.io import read_recording
from holter2sleep.night import Recording


@dataclass(frozen=True)
class Said:
    """Rate (Hz), length (s) and start as a header has them; None where it does not say."""

    fs: float | None
    duration_s: float | None
    start: datetime | None
    scale: str


def edf_says(path: Path, label: str) -> Said:
    """An EDF or BDF header's word on a channel; the length by the size of the file."""
    content = path.read_bytes()
    n = int(content[252:256])
    width = {"label": 16, "_a": 80, "unit": 8, "pmin": 8, "pmax": 8, "dmin": 8, "dmax": 8, "_b": 80, "samples": 8}
    fields, at = {}, 256
    for name, size in width.items():
        fields[name] = [content[at + i * size : at + (i + 1) * size].decode("latin-1").strip() for i in range(n)]
        at += n * size
    samples = [int(x) for x in fields["samples"]]
    record_s = float(content[244:252])
    sample_bytes = 3 if content[:1] == b"\xff" else 2
    n_records = (len(content) - 256 * (n + 1)) // (sample_bytes * sum(samples))
    i = fields["label"].index(label)
    day, month, year = (int(x) for x in content[168:176].decode().split("."))
    clock = [int(x) for x in content[176:184].decode().split(".")]
    start = datetime((1900 if year >= 85 else 2000) + year, month, day, *clock)
    scale = f"{fields['pmin'][i]}..{fields['pmax'][i]} {fields['unit'][i]} / {fields['dmin'][i]}..{fields['dmax'][i]}"
    return Said(samples[i] / record_s, n_records * record_s, start, scale)


def wfdb_says(path: Path, label: str | None) -> Said:
    """A WFDB header's word on a channel; the length by its number of samples."""
    text = path.read_text(encoding="latin-1").splitlines()
    lines = [line for line in text if line.strip() and not line.startswith("#")]
    record = lines[0].split()
    fs = float(re.match(r"[\d.]+", record[2])[0]) if len(record) > 2 else 250.0
    n_frames = int(record[3]) if len(record) > 3 else 0
    times = [re.sub(r"(\.\d{6})\d+", r"\1", word) for word in record[4:6]]
    start = None
    if len(times) == 2:
        fraction = ".%f" if "." in times[0] else ""
        start = datetime.strptime(" ".join(times), f"%H:%M:%S{fraction} %d/%m/%Y")
    mine = [line for line in lines[1:] if label is not None and line.split(maxsplit=8)[-1].strip() == label]
    per_frame = re.search(r"^\S+ \d+x(\d+)", mine[0]) if mine else None
    scale = mine[0].split()[2] if mine else "in its segments" if "/" in record[0] else ""
    frames_s = n_frames / fs if n_frames else None
    return Said(fs * int(per_frame[1]) if per_frame else fs, frames_s, start, scale)


def gdf_says(path: Path, _label: str) -> Said:
    """A GDF 2 header's word on its only channel (Schloegl 2006, table of fields)."""
    content = path.read_bytes()
    n_records = int.from_bytes(content[236:244], "little")
    numerator, denominator = (int.from_bytes(content[i : i + 4], "little") for i in (244, 248))
    n = int.from_bytes(content[252:254], "little")
    samples = int.from_bytes(content[256 + 216 * n : 260 + 216 * n], "little")
    record_s = numerator / denominator
    return Said(samples / record_s, n_records * record_s, None, "")


SAYS = {".edf": edf_says, ".bdf": edf_says, ".hea": wfdb_says, ".gdf": gdf_says}


def row(path: Path, folder: Path) -> tuple[str, str]:
    """Kind of outcome, and the table's line for a file."""
    name = path.relative_to(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            recording = read_recording(path)
        except Holter2SleepError as error:
            why = str(error)
            kind = "refused" if why.startswith(path.name) else "belongs"  # the message names the header then
            return kind, f"| {name} | refused: {why.removeprefix(path.name).lstrip(': ')} | |"
    if recording.source.file != path.name:
        return "belongs", ""
    said = SAYS[path.suffix.lower()](path, recording.channel or "") if path.suffix.lower() in SAYS else None
    return "read", f"| {name} | {what_was_read(recording)} | {'' if said is None else compared(recording, said)} |"


def what_was_read(recording: Recording) -> str:
    """Channel, rate, length, start, gaps, scale."""
    source, n_beats = recording.source, 0 if recording.given_beats is None else len(recording.given_beats.time_s)
    gaps = ", ".join(f"{start_s:g}-{end_s:g} s" for start_s, end_s in recording.gaps)
    start = "no start" if recording.start is None else str(recording.start)
    if recording.start is not None and not date_known(recording.start):
        start = f"{recording.start.time()}, no date"
    what = f"{n_beats} beats" if recording.ecg is None else f"{recording.channel!r} {recording.fs:.10g} Hz"
    scale = "" if recording.ecg is None else f", {source.unit or 'no unit'} x {source.scale_to_mv:g} = mV"
    return f"{source.format}: {what}, {recording.duration_s:.10g} s, {start}{', gaps ' + gaps if gaps else ''}{scale}"


def compared(recording: Recording, said: Said) -> str:
    """`=`, or what the header says otherwise; and its scale."""
    other = []
    if said.fs is not None and abs(said.fs - (recording.fs or 0)) > 1e-6:
        other.append(f"{said.fs:g} Hz")
    if said.duration_s is None or abs(said.duration_s - recording.duration_s) > 1e-6:
        other.append("no length" if said.duration_s is None else f"{said.duration_s:.10g} s")
    if said.start != recording.start:
        other.append(str(said.start))
    return f"{'=' if not other else ', '.join(other)} ({said.scale})" if said.scale else ", ".join(other) or "="


def main() -> None:
    """Print the table and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [row(path, folder) for path in files]
    print("| file | what was read | header |\n|---|---|---|")
    print("\n".join(line for kind, line in rows if kind != "belongs"))
    print(f"\n{len(rows)} files: {dict(collections.Counter(kind for kind, _ in rows))}")


if __name__ == "__main__":
    main()
