"""Odd ISHNE and GDF files, tables of samples and beat files with their truth."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from datetime import datetime, time, timedelta

import h5py
import numpy as np
import polars as pl
from gdf_bytes import GdfSignal, gdf_bytes
from odd_truth import Float, OddFile, Start, Truth, ecg_mv
from test_ishne import ishne_bytes

START = datetime(2020, 3, 2, 22, 30)
FS_HZ = 250
N = 60 * FS_HZ
MV = np.round(ecg_mv(N, FS_HZ), 4)
FINEST_MV = 1e-4  # what the texts write


def _file(name: str, file: str, content: bytes | str, truth: Truth, **changes: object) -> OddFile:
    raw = content if isinstance(content, bytes) else content.encode()
    return OddFile(name, file, {file: raw}, truth, **changes)  # type: ignore[arg-type]


# --- ISHNE -----------------------------------------------------------------------------------------

NV_PER_COUNT = 4878  # the resolution that `ishne_bytes` writes
ISHNE_FS_HZ = 200
ISHNE_START = datetime(2008, 11, 5, 5, 9)


def ishne_files() -> list[OddFile]:
    """Recordings, and an annotation file."""
    counts = np.round(ecg_mv(60 * ISHNE_FS_HZ, ISHNE_FS_HZ) * 1e6 / NV_PER_COUNT).astype(int)[:, None]
    noise = np.arange(len(counts))[:, None] % 777
    three = np.hstack([noise, counts, noise[::-1]])

    def made(name: str, content: bytes, start: Start = ISHNE_START, n: int = len(counts), **changes: object) -> OddFile:
        mv = counts[:n, 0] * NV_PER_COUNT / 1e6
        truth = Truth(mv, ISHNE_FS_HZ, start, count_mv=NV_PER_COUNT / 1e6)
        return _file(f"ISHNE {name}", "night.ecg", content, truth, channels=("ECG II",), **changes)

    def refused(name: str, content: bytes, why: str) -> OddFile:
        return _file(f"ISHNE {name}", "night.ecg", content, Truth(refused=why))

    not_given = {"recorded": (-9, -9, -9), "birth": (-9, -9, -9)}
    whole = ishne_bytes(counts)
    return [
        made("one lead", whole),
        made("three leads, II the second", ishne_bytes(three, leads=(5, 6, 15)), told=None),
        made("variable block of 1000 bytes", ishne_bytes(counts, variable=b"x" * 1000)),
        made("wrong number of samples", ishne_bytes(counts, n_announced=8_056_200), told=True),
        made("checksum 0", ishne_bytes(counts, crc=0), told=True),
        made("ECG offset wrong", ishne_bytes(counts, ecg_offset=0), told=None),
        made("date -9, clock given", ishne_bytes(counts, **not_given), time(5, 9), told=True),
        made("date and clock -9", ishne_bytes(counts, **not_given, clock=(-9, -9, -9)), None, told=True),
        made("cut within a sample", whole[: -2 * 1000 - 1], n=len(counts) - 1001, told=True),
        refused("resolution -9", ishne_bytes(counts, resolution_nv=-9), "no scale"),
        refused("header cut", whole[:300], "no layout"),
        refused("no sample", ishne_bytes(counts[:0]), "no sample"),
        ishne_annotations(),
    ]


def ishne_annotations() -> OddFile:
    """Beats by distance; the first position, then one of each class."""
    head = ishne_bytes(np.zeros((0, 1)))
    rng = np.random.default_rng(2)
    distance = rng.integers(140, 190, 300)
    letters = "".join(rng.choice(list("NVS"), 300))
    beats = b"".join(struct.pack("<ccH", a.encode(), b"\0", d) for a, d in zip(letters, distance.tolist(), strict=True))
    beat_s = np.cumsum(np.r_[100, distance]) / ISHNE_FS_HZ
    truth = Truth(start=ISHNE_START, beat_s=beat_s, labels="Q" + letters)
    content = b"ANN  1.0" + head[8:] + struct.pack("<i", 100) + beats
    return _file("ISHNE annotations", "night.ann", content, truth, told=None)


# --- GDF -------------------------------------------------------------------------------------------


def gdf_files() -> list[OddFile]:
    """Versions 1 and 2, a slow channel beside the lead, microvolts."""
    counts = np.round(ecg_mv(60 * 200, 200) * 1000).astype(np.int64)
    slow = GdfSignal("SpO2", np.full(60, 97), 1, "")
    truth = Truth(counts / 1000, 200.0, START, count_mv=1e-3)
    in_uv = GdfSignal("ECG", counts, 200, "uV", (-32768.0, 32767.0))
    files = {
        "GDF 2.10": gdf_bytes([GdfSignal("ECG", counts, 200)], START),
        "GDF 2.10, mixed rates, uV": gdf_bytes([slow, in_uv], START),
        "GDF 1.25": gdf_bytes([GdfSignal("ECG", counts, 200)], START, version="1.25"),
    }
    return [_file(name, "night.gdf", content, truth, told=None) for name, content in files.items()]


# --- tables of samples -----------------------------------------------------------------------------


def rows(times: Sequence[str] | None, mv: Float, header: str, separator: str = ",", comma: bool = False) -> str:
    """A table of a lead with its times."""
    values = [f"{value:.4f}" for value in mv]
    lines = values if times is None else [f"{t}{separator}{value}" for t, value in zip(times, values, strict=True)]
    return "\n".join([header, *(line.replace(".", ",") if comma else line for line in lines)]) + "\n"


def tables() -> list[OddFile]:
    """CSV, TSV, Parquet, HDF5."""
    wave = Truth(MV, FS_HZ, count_mv=FINEST_MV)
    dated = Truth(MV, FS_HZ, START, count_mv=FINEST_MV)
    seconds = [f"{i / FS_HZ:.3f}" for i in range(N)]
    iso = [(START + timedelta(seconds=i / FS_HZ)).isoformat(timespec="milliseconds") for i in range(N)]
    late = [f"{i / FS_HZ + 10.0 * (i >= 5000):.3f}" for i in range(N)]
    with_gap = np.r_[MV[:5000], np.full(2500, np.nan), MV[5000:]]
    frame = pl.DataFrame({"time_s": np.arange(N) / FS_HZ, "ecg_mV": MV})
    parquet, hdf5, bare = io.BytesIO(), io.BytesIO(), io.BytesIO()
    frame.write_parquet(parquet)
    with h5py.File(hdf5, "w") as file:
        lead = file.create_dataset("signals/ecg", data=MV * 1000)
        lead.attrs.update({"unit": "uV", "fs": FS_HZ})
        file.attrs["start_time"] = START.isoformat()
    with h5py.File(bare, "w") as file:
        file.create_dataset("ecg", data=MV).attrs["unit"] = "mV"
    rate = {"fs": float(FS_HZ)}
    return [
        _file("CSV with ; and decimal commas", "a.csv", rows(seconds, MV, "time_s;ECG_mV", ";", True), wave),
        _file("CSV with ISO times", "a.csv", rows(iso, MV, "time,ECG (mV)"), dated),
        _file("TSV with a hole of 10 s", "a.tsv", rows(late, MV, "time_s\tECG_mV", "\t"),
              Truth(with_gap, FS_HZ, gaps=[(20.0, 30.0)], count_mv=FINEST_MV), told=None),
        _file("CSV in uV, rate by the user", "a.csv", rows(None, MV * 1000, "ECG_uV"), wave, options=rate),
        _file("CSV in V, rate by the user", "a.csv", "\n".join(["ECG_V", *(f"{v / 1000:.7f}" for v in MV)]), wave,
              options=rate),
        _file("CSV without rate", "a.csv", rows(None, MV, "ECG_mV"), Truth(refused="no rate")),
        _file("Parquet with a time column", "a.parquet", parquet.getvalue(), wave),
        _file("HDF5 with rate, unit and start as attributes", "a.h5", hdf5.getvalue(), dated),
        _file("HDF5, rate by the user", "a.h5", bare.getvalue(), wave, options=rate),
        _file("HDF5 without rate", "a.h5", bare.getvalue(), Truth(refused="no rate")),
    ]  # fmt: skip


# --- beats without waveform ------------------------------------------------------------------------


def beat_files() -> list[OddFile]:
    """RR text, Polar, NSRR R points, WFDB annotations."""
    rng = np.random.default_rng(3)
    rr_ms = rng.integers(700, 900, 300)
    beats = Truth(beat_s=np.r_[0.0, np.cumsum(rr_ms)] / 1000)
    in_s = [f"{rr / 1000:.3f}" for rr in rr_ms]
    lines = "\n".join(map(str, rr_ms))
    ends = np.cumsum(rr_ms) / 1000
    with_time = "\n".join(["time,RR", *(f"{end:.3f},{rr}" for end, rr in zip(ends, rr_ms, strict=True))])
    polar = f"[Params]\nVersion=106\nDate=20200302\nStartTime=22:30:00.0\nInterval=238\n\n[HRData]\n{lines}\n"
    made = {
        "RR text in ms": ("a.txt", lines),
        "RR text in s": ("a.txt", "\n".join(in_s)),
        "RR text with decimal commas": ("a.txt", "\n".join(in_s).replace(".", ",")),
        "RR text with header, blank tail and CR LF": (
            "a.txt",
            "RR [ms]\r\n" + lines.replace("\n", "\r\n") + "\r\n\r\n",
        ),
        "RR table with times": ("a.csv", with_time),
        "RR text called .ibi": ("a.ibi", lines),
    }
    found = [_file(name, file, content, beats, told=None) for name, (file, content) in made.items()]
    found.append(_file("Polar .hrm", "a.hrm", polar, Truth(start=START, beat_s=beats.beat_s), told=None))
    found.append(_file("RR text with letters in the middle", "a.txt", lines.replace("\n", "\nabc\n", 5),
                       Truth(refused="no interval")))  # fmt: skip
    found.append(_file("RR text, empty", "a.txt", "", Truth(refused="nothing there")))
    return [*found, nsrr_points(rr_ms), wfdb_annotations(rr_ms)]


def nsrr_points(rr_ms: Float) -> OddFile:
    """R points of a 125 Hz recording: sample numbers as if at 256 Hz, `seconds` right, rows unsorted."""
    seconds = np.cumsum(rr_ms) / 1000
    order = np.random.default_rng(4).permutation(len(seconds))
    types = np.array([1, 2, 3])[np.arange(len(seconds)) % 3]
    table = ["RPoint,Start,End,Type,samplingrate,seconds,epoch,rpointadj"]
    for i in order:
        at = seconds[i]
        table.append(f"{round(at * 256)},0,0,{types[i]},125,{at:.6f},{int(at // 30) + 1},{round(at * 125)}")
    labels = "".join("NVS"[kind - 1] for kind in types)
    truth = Truth(beat_s=seconds, labels=labels)
    return _file("NSRR R points, 256 Hz clock, unsorted", "a-rpoint.csv", "\n".join(table), truth, told=True)


def wfdb_annotations(rr_ms: Float) -> OddFile:
    """An `.atr` with a long SKIP, beside a header whose signal file is absent."""
    sample = np.cumsum(rr_ms // 4)
    sample[150:] += 1_000_000
    codes = {"N": 1, "V": 5, "S": 9}
    letters = "".join("NNNNVS"[i % 6] for i in range(len(sample)))
    words = b""
    for step, letter in zip(np.diff(sample, prepend=0).tolist(), letters, strict=True):
        if step > 1023:
            words += struct.pack("<HHH", 59 << 10, step >> 16, step & 0xFFFF)
            step = 0
        words += struct.pack("<H", codes[letter] << 10 | step)
    files = {
        "a.hea": b"a 1 250 1100000 22:30:00 02/03/2020\na.dat 16 200 12 0 0 0 0 ECG\n",
        "a.atr": words + b"\0\0",
    }
    truth = Truth(start=START, beat_s=sample / 250, labels=letters)
    return OddFile("WFDB annotations with a long gap, no signal file", "a.atr", files, truth)


def other_files() -> list[OddFile]:
    """Every odd file that is neither EDF nor a WFDB record."""
    return [*ishne_files(), *gdf_files(), *tables(), *beat_files()]
