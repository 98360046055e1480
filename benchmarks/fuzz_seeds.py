"""Good files of a few minutes, one of each format, for the fuzzer to damage."""

from __future__ import annotations

import dataclasses
import io
import struct
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "io"))  # bytes of formats belong to the tests
from gdf_bytes import GdfSignal, gdf_bytes

from holter2sleep.io.export import write_edf, write_wfdb
from holter2sleep.night import Recording
from holter2sleep.simulate import SyntheticNight, preset, simulate_night

FS_HZ = 128.0
ANALYZE = ["analyze", "--no-report"]


@dataclass(frozen=True)
class Good:
    """A recording as its files, the one to damage, and the command (CASE stands for the folder)."""

    name: str
    files: dict[str, bytes]
    hurt: str
    command: list[str]


def good_files() -> list[Good]:
    """One of each."""
    night = _night()
    edf = _edf(night.recording)
    beats = night.beats.time_s
    rr_ms = np.round(1000 * np.diff(beats)).astype(int)
    single = {
        "night.edf": edf,
        "gaps.edf": _edf(_with_gap(night.recording)),
        "night.bdf": _bdf(edf),
        "night.gdf": _gdf(night.recording),
        "holter.ecg": _ishne(night.recording),
        "rr.txt": "\n".join(map(str, rr_ms)).encode(),
        "night.hrm": b"[Params]\nVersion=106\nInterval=238\nDate=20240308\nStartTime=22:40:00.0\n[HRData]\n"
        + "\n".join(map(str, rr_ms)).encode(),
        "beats.csv": ("time_s,label\n" + "\n".join(f"{t:.3f},N" for t in beats)).encode(),
        "x-rpoint.csv": ("RPoint,Type,seconds\n" + "\n".join(f"{t * 256:.0f},1,{t:.3f}" for t in beats)).encode(),
        "beats.parquet": _parquet(pl.DataFrame({"time_s": beats})),
    }
    found = [Good(name, {name: content}, name, [*ANALYZE, f"CASE/{name}"]) for name, content in single.items()]
    ecg = np.nan_to_num(np.asarray(night.recording.ecg))
    waves = {
        "wave.csv": ("ECG\n" + "\n".join(f"{x:.3f}" for x in ecg)).encode(),
        "wave.parquet": _parquet(pl.DataFrame({"ECG": ecg})),
        "wave.h5": _hdf5(ecg),
    }
    found += [
        Good(name, {name: content}, name, [*ANALYZE, "--fs", f"{FS_HZ:g}", f"CASE/{name}"])
        for name, content in waves.items()
    ]
    record = _wfdb(night.recording)
    found += [Good(f"wfdb {hurt}", record, hurt, [*ANALYZE, "CASE/night.hea"]) for hurt in ("night.hea", "night.dat")]
    annotated = {"night.atr": _annotations(beats), "night.hea": b"night 0 128\n"}
    found += [Good("night.atr", annotated, "night.atr", [*ANALYZE, "CASE/night.atr"])]
    parts = {"all.hea": b"all/3 1 128 62720\nnight 30720\n~ 1280\nnight 30720\n", **record}
    found += [Good("wfdb segments", parts, "all.hea", [*ANALYZE, "CASE/all.hea"])]
    scored = {
        "night.edf": edf,
        "scored.xml": _xml(),
        "scored.txt": b"0\n1\n2\n2\n3\n5\n2\n2\n",
        "beats.csv": single["beats.csv"],
    }
    for hurt in ("scored.xml", "scored.txt"):
        found += [Good(hurt, scored, hurt, [*ANALYZE, "CASE/night.edf", "--hypnogram", f"CASE/{hurt}"])]
    found += [Good("given beats", scored, "beats.csv", [*ANALYZE, "CASE/night.edf", "--beats", "CASE/beats.csv"])]
    audited = [one for one in found if one.command[:-1] == ANALYZE]
    found += [Good(f"audit {one.name}", one.files, one.hurt, ["audit", "--json", one.command[-1]]) for one in audited]
    mended = [one for one in audited if one.hurt in ("night.edf", "gaps.edf", "night.bdf", "night.hea", "holter.ecg")]
    fix = ["--fix", "CASE/mended.edf", "--overwrite"]
    return [*found, *(Good(f"fix {one.name}", one.files, one.hurt, ["audit", one.command[-1], *fix]) for one in mended)]


@cache
def _night() -> SyntheticNight:
    plan = dataclasses.replace(preset("clean"), hours=1 / 15, fs=FS_HZ)
    return simulate_night(plan, np.random.default_rng(0))


def _with_gap(recording: Recording) -> Recording:
    ecg = np.array(recording.ecg)
    ecg[50 * 128 : 80 * 128] = np.nan
    return recording.but(ecg=ecg)


def _edf(recording: Recording) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "night.edf")
        write_edf(path, recording, [(10.0, None, "Lights off"), (200.0, None, "Lights on")])
        return path.read_bytes()


def _wfdb(recording: Recording) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_wfdb(Path(folder, "night.hea"), recording)
        return {name: Path(folder, name).read_bytes() for name in ("night.hea", "night.dat")}


def _bdf(edf: bytes) -> bytes:
    """The same file with 24-bit samples, its annotations left out."""
    n_records, samples = int(edf[236:244]), int(edf[256 * 3 - 32 * 2 - 8 * 2 : 256 * 3 - 32 * 2 - 8])
    record_bytes = (len(edf) - 768) // n_records
    first = 256 + 2 * 0
    widths, fields, at = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), [], first
    for width in widths:
        fields.append(edf[at : at + width])
        at += 2 * width
    header = b"\xffBIOSEMI" + edf[8:184] + b"512     " + b"24BIT".ljust(44) + edf[236:252] + b"1   " + b"".join(fields)
    records = np.frombuffer(edf[768:], np.uint8).reshape(n_records, record_bytes)[:, : 2 * samples]
    wide = np.ascontiguousarray(records).view("<i2").astype("<i4")
    return header + wide.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()


def _gdf(recording: Recording) -> bytes:
    counts = np.round(np.nan_to_num(np.asarray(recording.ecg)) * 1000).astype(np.int64)
    return gdf_bytes([GdfSignal("ECG", counts[: len(counts) // int(FS_HZ) * int(FS_HZ)], int(FS_HZ))])


def _ishne(recording: Recording) -> bytes:
    """A file of one lead after the format description (Badilini 1998)."""
    counts = np.round(np.nan_to_num(np.asarray(recording.ecg)) * 1000).astype("<i2")
    fixed = bytearray(522)
    fixed[:8] = b"ISHNE1.0"
    struct.pack_into("<iiiih", fixed, 10, 0, len(counts), 522, 522, 1)
    struct.pack_into("<hh9h", fixed, 128, 1, 0, 1, 1, 1960, 8, 3, 2024, 8, 3, 2024)
    struct.pack_into("<3h13h", fixed, 150, 22, 40, 0, 1, 6, *[-9] * 11)
    struct.pack_into("<12h", fixed, 206, 1000, *[-9] * 11)
    struct.pack_into("<h", fixed, 272, int(FS_HZ))
    return bytes(fixed) + counts.tobytes()


def _annotations(beats: np.ndarray) -> bytes:
    """WFDB annotations (MIT format) of normal beats at 128 Hz."""
    steps = np.diff(np.round(beats * FS_HZ).astype(int), prepend=0)
    return np.append((1 << 10) | steps, 0).astype("<u2").tobytes()


def _parquet(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def _hdf5(ecg: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["ECG"] = ecg
    return buffer.getvalue()


def _xml() -> bytes:
    stages = "".join(
        f"<ScoredEvent><EventType>Stages|Stages</EventType><EventConcept>{concept}</EventConcept>"
        f"<Start>{30 * i}</Start><Duration>30</Duration></ScoredEvent>"
        for i, concept in enumerate(("Wake|0", "Stage 1 sleep|1", "Stage 2 sleep|2", "REM sleep|5") * 2)
    )
    return f"<?xml version='1.0'?><PSGAnnotation><ScoredEvents>{stages}</ScoredEvents></PSGAnnotation>".encode()
