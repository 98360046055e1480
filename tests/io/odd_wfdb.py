"""Odd WFDB records with their truth, by header(5) and signal(5) of the WFDB Applications Guide."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, time

import numpy as np
import soundfile
from numpy.typing import NDArray
from odd_truth import Float, OddFile, Start, Truth, ecg_mv

START = datetime(2020, 3, 2, 22, 30)
FS_HZ = 250
N = 60 * FS_HZ
CLOCK = "22:30:00 02/03/2020"
Counts = NDArray[np.int64]

# What a format writes for "no sample here".
INVALID = {
    16: -32768,
    24: -(1 << 23),
    32: -(1 << 31),
    61: -32768,
    80: -128,
    160: -32768,
    212: -2048,
    310: -512,
    311: -512,
}


# --- samples as bytes ------------------------------------------------------------------------------


def packed(samples: Counts, signal_format: int) -> bytes:
    """Samples of all signals in turn, as a signal file of that format holds them."""
    if signal_format in (212, 310, 311):
        return _bits(samples, signal_format)
    if signal_format in (24, 32):
        return samples.astype("<i4").view(np.uint8).reshape(-1, 4)[:, : signal_format // 8].tobytes()
    if signal_format in (80, 160):
        half = 128 if signal_format == 80 else 32768
        return (samples + half).astype("<u1" if signal_format == 80 else "<u2").tobytes()
    return samples.astype({16: "<i2", 61: ">i2"}[signal_format]).tobytes()


def _bits(samples: Counts, signal_format: int) -> bytes:
    """Two 12-bit samples in three bytes, or three 10-bit samples in four."""
    group = 2 if signal_format == 212 else 3
    a = np.pad(samples, (0, -len(samples) % group)).reshape(-1, group)
    if signal_format == 212:
        high = (a[:, 0] >> 8 & 15) | (a[:, 1] >> 8 & 15) << 4
        return np.column_stack([a[:, 0] & 255, high, a[:, 1] & 255]).astype("<u1").tobytes()
    a = a & 1023
    if signal_format == 311:
        return (a[:, 0] | a[:, 1] << 10 | a[:, 2] << 20).astype("<u4").tobytes()
    pairs = np.column_stack([a[:, 0] << 1 | (a[:, 2] & 31) << 11, a[:, 1] << 1 | (a[:, 2] >> 5) << 11])
    return pairs.astype("<u2").tobytes()


def differences(columns: Sequence[Counts]) -> tuple[bytes, list[int]]:
    """Format 8: first differences of each signal, and the initial values that belong into the header."""
    first = [int(column[0]) - 3 for column in columns]
    steps = [np.diff(column, prepend=start) for column, start in zip(columns, first, strict=True)]
    assert max(np.abs(step).max() for step in steps) < 128
    return np.column_stack(steps).astype("<i1").tobytes(), first


def flac(columns: Sequence[Counts], bits: int) -> bytes:
    """Formats 508, 516 and 524: the signals as channels of a FLAC stream."""
    content = io.BytesIO()
    left_aligned = (np.column_stack(columns) << (32 - bits)).astype(np.int32)
    soundfile.write(content, left_aligned, 96000, f"PCM_{'S8' if bits == 8 else bits}", format="FLAC")
    return content.getvalue()


# --- records ---------------------------------------------------------------------------------------


def counts_of(gain: float = 200.0, zero: int = 0, n: int = N, fs: float = FS_HZ, seed: int = 0) -> Counts:
    """An ECG in counts."""
    return np.round(ecg_mv(n, fs, seed) * gain).astype(np.int64) + zero


def record(
    name: str, lines: Sequence[str], data: Mapping[str, bytes], mv: Float | None = None, *, rest: str | None = None,
    fs: float = FS_HZ, start: Start = START, told: bool | None = False, refused: str = "", count_mv: float = 0.005,
    gaps: Sequence[tuple[float, float]] = (), label: str = "ECG", n_signals: int | None = None, ending: str = "\n",
    head: Sequence[str] = (), more: Mapping[str, str] | None = None, title: str = "night",
) -> OddFile:  # fmt: skip
    """A header of these signal (or segment) lines with its files; `rest` follows the number of signals."""
    stem = "".join(letter if letter.isalnum() else "_" for letter in name)
    rest = f"{FS_HZ} {N} {CLOCK}" if rest is None else rest
    first = f"{title} {len(lines) if n_signals is None else n_signals} {rest}"
    texts = {f"{stem}.hea": ending.join([*head, first, *lines]) + ending, **(more or {})}
    files = {file: text.encode() for file, text in texts.items()} | dict(data)
    truth = Truth(refused=refused) if refused else Truth(mv, fs, start, gaps, count_mv)
    return OddFile(name, f"{stem}.hea", files, truth, told, (label,))


def one(name: str, line: str, counts: Counts, mv: Float, **changes: object) -> OddFile:
    """A record of one signal in format 16; the line follows the file's name."""
    return record(name, [f"night.dat {line}"], {"night.dat": packed(counts, 16)}, mv, **changes)  # type: ignore[arg-type]


def every_format() -> list[OddFile]:
    """Two signals in each format."""
    ecg, other = counts_of(100.0), np.arange(N) % 90 - 45
    both = np.column_stack([ecg, other]).ravel()
    made = {f: packed(both, f) for f in INVALID}
    made |= {500 + bits: flac([ecg, other], bits) for bits in (8, 16, 24)}
    found = []
    for signal_format, content in sorted(made.items()):
        lines = [f"night.dat {signal_format} 100/mV 12 0 0 0 0 {label}" for label in ("ECG", "ABP")]
        found.append(record(f"WFDB format {signal_format}", lines, {"night.dat": content}, ecg / 100, count_mv=0.01))
    content, first = differences([ecg, other])
    lines = [f"night.dat 8 100/mV 12 0 {first[i]} 0 0 {label}" for i, label in enumerate(("ECG", "ABP"))]
    found.append(record("WFDB format 8", lines, {"night.dat": content}, ecg / 100, count_mv=0.01))
    long = counts_of(100.0, n=20 * N)
    content, first = differences([long])
    found.append(record("WFDB format 8, 20 min", [f"night.dat 8 100/mV 12 0 {first[0]} 0 0 ECG"],
                        {"night.dat": content}, long / 100, count_mv=0.01, rest=f"250 {20 * N} {CLOCK}"))  # fmt: skip
    odd_length = counts_of(n=N - 1)
    for signal_format in (212, 310, 311):
        found.append(record(f"WFDB format {signal_format}, one signal, odd length",
                            [f"night.dat {signal_format} 200/mV 12 0 0 0 0 ECG"],
                            {"night.dat": packed(odd_length, signal_format)}, odd_length / 200,
                            rest=f"250 {N - 1} {CLOCK}"))  # fmt: skip
    return found


def signal_lines() -> list[OddFile]:
    """Gain, baseline, unit, skew, offset, samples a frame, missing samples."""
    ecg, mv = counts_of(), counts_of() / 200
    lost = ecg.copy()
    lost[5000:5500] = INVALID[16]
    lost_mv = np.where(lost == INVALID[16], np.nan, mv)
    lost12 = np.where(lost == INVALID[16], INVALID[212], lost)
    skewed = np.column_stack([np.r_[np.zeros(5, np.int64), ecg[:-5]], np.arange(N) % 90]).ravel()
    skewed_mv = np.r_[mv[:-5], np.full(5, np.nan)]
    frames = np.column_stack([ecg.reshape(-1, 2), np.arange(N // 2) % 90]).ravel()
    slow = counts_of(fs=125, n=N // 2)
    fast = np.column_stack([slow, (np.arange(2 * N) % 90).reshape(-1, 4)]).ravel()
    tail = "12 0 0 0 0 ECG"
    return [
        one("WFDB gain 0", f"16 0 {tail}", ecg, mv),
        record("WFDB gain absent", ["night.dat 16"], {"night.dat": packed(ecg, 16)}, mv, told=None, label=""),
        one("WFDB negative gain", f"16 -200/mV {tail}", -ecg, mv),
        one("WFDB baseline (100)", f"16 200(100)/mV {tail}", counts_of(zero=100), mv),
        one("WFDB baseline (-100)", f"16 200(-100)/mV {tail}", counts_of(zero=-100), mv),
        one("WFDB ADC zero 1024, no baseline", "16 200/mV 12 1024 0 0 0 ECG", counts_of(zero=1024), mv),
        one("WFDB gain nan", "16 nan 16 0 0 0 0 ECG", ecg, mv, refused="no scale"),
        one("WFDB gain x", "16 x/mV 16 0 0 0 0 ECG", ecg, mv, refused="no scale"),
        one("WFDB unit uV", f"16 0.2/uV {tail}", ecg, mv),
        one("WFDB unit V", f"16 200000/V {tail}", ecg, mv),
        one("WFDB gain 2e2", f"16 2e2/mV {tail}", ecg, mv),
        record("WFDB skew of 5 samples", [f"night.dat 16:5 200/mV {tail}", "night.dat 16 200/mV 12 0 0 0 0 ABP"],
               {"night.dat": packed(skewed, 16)}, skewed_mv),
        one("WFDB samples behind 24 bytes", f"16+24 200/mV {tail}", np.r_[np.full(12, 7), ecg], mv),
        record("WFDB two samples a frame", [f"night.dat 16x2 200/mV {tail}", "night.dat 16 200/mV 12 0 0 0 0 ABP"],
               {"night.dat": packed(frames, 16)}, mv, rest=f"125 {N // 2} {CLOCK}"),
        record("WFDB 125 Hz ECG beside 500 Hz", [f"night.dat 16 200/mV {tail}", "night.dat 16x4 1/mmHg 12 0 0 0 0 ABP"],
               {"night.dat": packed(fast, 16)}, slow / 200, fs=125, rest=f"125 {N // 2} {CLOCK}"),
        record("WFDB two signal files", ["other.dat 16 200/mV 12 0 0 0 0 ABP", f"night.dat 16 200/mV {tail}"],
               {"night.dat": packed(ecg, 16), "other.dat": packed(ecg[::-1], 16)}, mv),
        one("WFDB lead-off of 2 s (-32768)", f"16 200/mV {tail}", lost, lost_mv, gaps=[(20.0, 22.0)]),
        record("WFDB lead-off of 2 s in format 212", [f"night.dat 212 200/mV {tail}"],
               {"night.dat": packed(lost12, 212)}, lost_mv, gaps=[(20.0, 22.0)]),
        one("WFDB label with blanks", "16 200/mV 12 0 0 0 0 ECG lead II", ecg, mv, label="ECG lead II"),
        record("WFDB signal file absent", [f"night.dat 16 200/mV {tail}"], {}, refused="no samples"),
        record("WFDB signal file empty", [f"night.dat 16 200/mV {tail}"], {"night.dat": b""}, refused="no samples"),
        record("WFDB unknown format 999", [f"night.dat 999 200/mV {tail}"], {"night.dat": b"\0" * 999},
               refused="no layout"),
    ]  # fmt: skip


def record_lines() -> list[OddFile]:
    """Rate, length, clock, comments, line ends."""
    ecg, mv = counts_of(), counts_of() / 200
    line = "16 200/mV 12 0 0 0 0 ECG"
    half_s = START.replace(microsecond=500_000)
    return [
        one("WFDB without length", line, ecg, mv, rest="250", start=None),
        one("WFDB length 0", line, ecg, mv, rest=f"250 0 {CLOCK}"),
        one("WFDB without rate", line, ecg, mv, rest="", start=None),
        one("WFDB rate 249.9", line, ecg, mv, rest=f"249.9 {N} {CLOCK}", fs=249.9),
        one("WFDB rate with counter (250/1(0))", line, ecg, mv, rest=f"250/1(0) {N} {CLOCK}"),
        one("WFDB rate 0", line, ecg, mv, rest=f"0 {N} {CLOCK}", refused="no rate"),
        one("WFDB date in ISO form", line, ecg, mv, rest=f"250 {N} 22:30:00 2020-03-02"),
        one("WFDB time without date", line, ecg, mv, rest=f"250 {N} 22:30:00", start=time(22, 30), told=True),
        one("WFDB time with fraction", line, ecg, mv, rest=f"250 {N} 22:30:00.500 02/03/2020", start=half_s),
        one("WFDB signal file cut", line, ecg[:10000], mv[:10000], told=True),
        one("WFDB header with CR LF", line, ecg, mv, ending="\r\n"),
        one("WFDB comments before the record line", line, ecg, mv, head=["# a comment", "", "#another"]),
        one("WFDB record name unlike the file's", line, ecg, mv, title="other"),
        record("WFDB without signals", [], {}, rest=f"250 {N}", refused="no signal"),
        one("WFDB two signals announced, one described", line, ecg, mv, n_signals=2, refused="header cut"),
    ]  # fmt: skip


def segments() -> list[OddFile]:
    """Records of several segments."""
    ecg, mv = counts_of(), counts_of() / 200
    line, other = "200/mV 12 0 0 0 0 ECG", "200/mV 12 0 0 0 0 ABP"
    parts = {"a": ecg[:5000], "b": ecg[5000:]}
    more = {f"{n}.hea": f"{n} 1 250 {len(part)}\n{n}.dat 16 {line}\n" for n, part in parts.items()}
    data = {f"{n}.dat": packed(part, 16) for n, part in parts.items()}
    apart = np.r_[mv[:5000], np.full(2500, np.nan), mv[5000:]]
    gap = [(20.0, 30.0)]
    # Variable layout: the ECG is the second of two signals in b.
    two = np.column_stack([np.arange(10000) % 90, 2 * parts["b"]]).ravel()
    layout = {
        "a.hea": more["a.hea"],
        "b.hea": f"b 2 250 10000\nb.dat 16 {other}\nb.dat 16 400/mV 12 0 0 0 0 ECG\n",
        "lay.hea": f"lay 2 250 0\n~ 0 {line}\n~ 0 {other}\n",
    }
    variable = data | {"b.dat": packed(two, 16)}

    def several(name: str, names: Sequence[str], files: Mapping[str, bytes], true: Float, n: int,
                headers: Mapping[str, str], **changes: object) -> OddFile:  # fmt: skip
        return record(name, names, files, true, rest=f"250 {n} {CLOCK}", more=headers, n_signals=1,
                      title=f"night/{len(names)}", **changes)  # type: ignore[arg-type]  # fmt: skip

    def variable_record(name: str, names: Sequence[str], true: Float, **changes: object) -> OddFile:
        made = several(name, names, variable, true, len(true), layout, **changes)
        head = made.files[made.file].replace(f"/{len(names)} 1 ".encode(), f"/{len(names)} 2 ".encode(), 1)
        return OddFile(name, made.file, {**made.files, made.file: head}, made.truth, made.told, made.channels)

    lost_first = np.r_[np.full(5000, np.nan), mv[5000:]]
    only_b = {"b.dat": data["b.dat"]}
    return [
        several("WFDB two segments", ["a 5000", "b 10000"], data, mv, N, more),
        several("WFDB two segments and a gap (~)", ["a 5000", "~ 2500", "b 10000"], data, apart, N + 2500, more,
                gaps=gap),
        variable_record("WFDB variable layout, other place and gain", ["lay 0", "a 5000", "b 10000"], mv),
        variable_record("WFDB variable layout with a gap (~)", ["lay 0", "a 5000", "~ 2500", "b 10000"], apart,
                        gaps=gap),
        several("WFDB a segment without files", ["a 5000", "b 10000"], only_b, lost_first, N,
                {"b.hea": more["b.hea"]}, gaps=[(0.0, 20.0)], told=True),
        several("WFDB every segment without files", ["a 5000", "b 10000"], {}, mv, N, {}, refused="no samples"),
        several("WFDB every segment a gap (~)", ["~ 5000", "~ 10000"], {}, mv, N, {}, refused="no samples"),
        record("WFDB layout header by itself", [f"~ 0 {line}"], {}, rest="250 0", refused="no samples"),
    ]  # fmt: skip


def wfdb_files() -> list[OddFile]:
    """Every odd WFDB record."""
    return [*every_format(), *signal_lines(), *record_lines(), *segments()]
