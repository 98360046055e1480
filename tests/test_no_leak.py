"""Nothing of a person that stands in a file comes out of the program: not in a log, a table, run.json or the PDF."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pypdf
import pytest
from numpy.typing import NDArray

from holter2sleep.audit.fix import write_fixed

sys.path.insert(0, str(Path(__file__).parent / "io"))

from edf_bytes import FS_HZ, EdfFile, Signal

N_SECONDS = 330  # above the five minutes that give a full set of tables
SECRET = re.compile(r"Zq[A-Z][a-z]{2,}")  # what every secret looks like


def heartbeat() -> NDArray[np.int64]:
    """Counts of a lead with about 70 beats a minute, 5 mV at 32,767."""
    rng = np.random.default_rng(7)
    counts = rng.normal(0, 60, N_SECONDS * FS_HZ)
    spike = np.exp(-((np.arange(-20, 21) / 5.0) ** 2)) * 7000
    for at in np.cumsum(rng.normal(0.85, 0.03, 380)) * FS_HZ:
        if 20 <= int(at) < len(counts) - 21:
            counts[int(at) - 20 : int(at) + 21] += spike
    return counts.astype(np.int64)


def edf(folder: Path, kind: str = "EDF", plus: bool = True) -> Path:
    """EDF+, BDF+ or plain EDF with a secret in every field that may hold text."""
    ecg = Signal("ECG", heartbeat(), FS_HZ)
    other = Signal("ZqLabel", heartbeat() // 2, FS_HZ, "ZqUnit")
    subfields = {
        "patient": "ZqCode F 02-MAR-1961 ZqName ZqMore",
        "recording": "Startdate 02-MAR-2020 ZqAdmin ZqTech ZqBoxes",
    }
    free = {"patient": "ZqFirst ZqLast born 02.03.1961", "recording": "ZqWard ZqDoctor", "reserved": "ZqReserved"}
    wrong_kind = {"date": "ZqDate", "n_records": "ZqCount", "header_bytes": "ZqBytes"}
    fields = {**subfields, **wrong_kind} if plus else {**free, **wrong_kind}
    notes = {3: "+3\x14ZqNote was here\x14\x00", 5: "+5\x14Lights off\x14\x00", 300: "+300\x14Lights on\x14\x00"}
    onsets = [f"+{i}" for i in range(N_SECONDS)] if plus else None
    reserved = f"{kind}+C" if plus else ""
    file = EdfFile([ecg, other], N_SECONDS, "1", kind, reserved, onsets, notes if plus else {}, fields)
    content = bytearray(file.tobytes())
    n = 3 if plus else 2
    for offset, width, text in ((16 * n, 80, b"ZqTransducer"), (136 * n, 80, b"ZqFilter"), (224 * n, 32, b"ZqRest")):
        for i in range(n):
            content[256 + offset + i * width : 256 + offset + i * width + len(text)] = text
    path = folder / f"{kind.lower()}{'_plus' if plus else ''}.{kind.lower()}"
    path.write_bytes(content)
    return path


def wfdb_record(folder: Path) -> Path:
    """A WFDB record whose comments, description and clock hold secrets."""
    heartbeat().astype("<i2").tofile(folder / "record.dat")
    header = (
        f"record 2 {FS_HZ} {N_SECONDS * FS_HZ // 2} ZqClock\n"
        "record.dat 16 6553/mV 16 0 0 0 0 ECG\nrecord.dat 16 6553 16 0 0 0 0 ZqLabel\n"
        "# 44 F ZqName\n# Medications: ZqDrug\n#ZqDoctor\n"
    )
    header = header.replace(" 2 ", " 1 ", 1).replace(f" {N_SECONDS * FS_HZ // 2} ", f" {N_SECONDS * FS_HZ} ")
    (folder / "record.hea").write_text(header.replace("record.dat 16 6553 16 0 0 0 0 ZqLabel\n", ""))
    return folder / "record.hea"


def ishne(folder: Path) -> Path:
    """An ISHNE file with names, id, recorder, free fields and a variable block that hold secrets."""
    variable = b"ZqVariable block"
    head = bytearray(522)
    head[:8] = b"ISHNE1.0"
    counts = heartbeat()
    struct.pack_into("<iiiih", head, 10, len(variable), len(counts), 522, 522 + len(variable), 1)
    for offset, text in (
        (28, b"ZqFirst"), (68, b"ZqLast"), (108, b"ZqIdent"), (232, b"ZqRecorder"), (274, b"ZqOwner"),
        (354, b"ZqCopyright"), (434, b"ZqReserved"),
    ):  # fmt: skip
        head[offset : offset + len(text)] = text
    struct.pack_into("<2h", head, 128, 2, 0)
    struct.pack_into("<12h", head, 132, 2, 3, 1961, 2, 3, 2020, 2, 3, 2020, 22, 30, 0)
    struct.pack_into("<13h", head, 156, 1, 6, *[-9] * 11)
    struct.pack_into("<12h", head, 206, 153, *[-9] * 11)
    struct.pack_into("<h", head, 272, FS_HZ)
    path = folder / "holter.ecg"
    path.write_bytes(bytes(head) + variable + counts.astype("<i2").tobytes())
    return path


def hdf5(folder: Path) -> Path:
    """An HDF5 file with secrets as attributes, and as the name and content of another dataset."""
    import h5py

    path = folder / "store.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("ECG", data=(heartbeat() / 6553).astype("f4"))
        dataset.attrs["fs"], dataset.attrs["unit"] = float(FS_HZ), "mV"
        file.attrs["patient"] = dataset.attrs["operator"] = "ZqName"
        file.create_dataset("ZqNotes", data=np.bytes_("ZqText"))
    return path


def table(folder: Path) -> Path:
    """Beats with a column of secrets."""
    rows = "\n".join(f"{time_s:.3f},N,ZqText" for time_s in np.cumsum(np.full(380, 0.85)))
    path = folder / "beats.csv"
    path.write_text(f"time_s,label,ZqComment\n{rows}\n")
    return path


MADE: dict[str, Callable[[Path], Path]] = {
    "EDF+": edf,
    "BDF+": lambda folder: edf(folder, "BDF"),
    "EDF": lambda folder: edf(folder, plus=False),
    "WFDB": wfdb_record,
    "ISHNE": ishne,
    "HDF5": hdf5,
    "beats": table,
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("inputs")
    return [make(folder) for make in MADE.values()]


def holter2sleep(*words: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "holter2sleep", "--verbose", "--debug", *map(str, words)]
    return subprocess.run(command, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)


def assert_silent(content: bytes, where: str, but: tuple[str, ...] = ()) -> None:
    """No secret in the bytes, however they are coded; `but` are channel labels that the output lists by design."""
    for allowed in but:
        content = content.replace(allowed.encode(), b"")
    for text in (content.decode("latin-1"), content.replace(b"\0", b"").decode("latin-1")):  # UTF-16 has zero bytes
        found = SECRET.search(text)
        assert found is None, f"{where}: {text[max(0, found.start() - 80) : found.end() + 20]!r}"
    assert b"1961" not in content, f"{where}: year of birth"


def words_of(path: Path) -> bytes:
    """Content of an output file; of a PDF its text, its facts, and its streams unpacked; of Parquet its values."""
    content = path.read_bytes()
    if path.suffix == ".pdf":
        reader = pypdf.PdfReader(path)
        told = " ".join(page.extract_text() for page in reader.pages) + str(reader.metadata)
        return content + told.encode("utf-8", "replace") + unpacked(content)
    if path.suffix == ".parquet":
        import polars as pl

        return content + repr(pl.read_parquet(path).to_dict(as_series=False)).encode()
    return content


def unpacked(content: bytes) -> bytes:
    parts = []
    for piece in content.split(b"stream")[1:]:
        try:
            parts.append(zlib.decompressobj().decompress(piece.lstrip(b"\r\n")))
        except zlib.error:
            continue
    return b"".join(parts)


def test_an_analysis_tells_nothing_of_the_person(inputs: list[Path], tmp_path: Path) -> None:
    with_report, without = inputs[:1], inputs[1:]
    for paths, report in ((with_report, "--report"), (without, "--no-report")):
        done = holter2sleep("analyze", *paths, "--out", tmp_path / "out", report)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        assert_silent(done.stdout + done.stderr, "messages and logs")
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.parent.name for path in written} == {path.stem for path in inputs}
    assert sum(path.suffix == ".pdf" for path in written) == 1
    for path in written:
        # 02-MAR-1961 gives an age, which is told; the numbers of the tables may hold any four digits
        content = words_of(path)
        assert_silent(content if path.suffix == ".json" else content.replace(b"1961", b""), path.name)


def test_an_audit_tells_nothing_of_the_person(inputs: list[Path], tmp_path: Path) -> None:
    table_file = tmp_path / "audit.csv"
    for output in ((), ("--json", "--csv", table_file)):
        done = holter2sleep("audit", *inputs, *output)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        assert_silent(done.stdout.replace(b"1961", b"") + done.stderr, f"audit {output}", LABELS_OF_CHANNELS)
    assert_silent(table_file.read_bytes().replace(b"1961", b""), "audit.csv", LABELS_OF_CHANNELS)


LABELS_OF_CHANNELS = (
    "ZqLabel",
    "ZqNotes",
    "ZqUnit",
)  # the channel table of an audit lists labels and units as they are


def test_a_fixed_copy_tells_nothing_of_the_person(inputs: list[Path], tmp_path: Path) -> None:
    for path in inputs[:-1]:  # beats have no waveform to write
        out = tmp_path / f"{path.stem}.{'bdf' if path.suffix == '.bdf' else 'edf'}"
        write_fixed(path, out, "drop")
        content = out.read_bytes()
        assert_silent(content[: 256 * (1 + int(content[252:256]))], f"header of {out.name}")
        assert SECRET.search(content.decode("latin-1")) is None, out.name
        assert_silent(out.with_name(out.name + ".changes.json").read_bytes(), f"changes of {out.name}")


def test_a_refused_file_tells_nothing_of_the_person(tmp_path: Path) -> None:
    good = edf(tmp_path).read_bytes()
    broken = {
        "signals.edf": good[:252] + b"ZqNa" + good[256:],
        "duration.edf": good[:244] + b"ZqName  " + good[252:],
        "samples.edf": good[: 256 + 3 * 216] + b"ZqName  " + good[256 + 3 * 216 + 8 :],
        "text.edf": b"ZqName was here, and nothing else",
        "empty.hea": b"ZqName was here\n",
        "line.hea": b"line 1 256 800\nZqName\n",
        "rate.hea": b"rate 1 ZqName 800\nrate.dat 16 200 ECG\n",
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
    for command in (("analyze", "--out", tmp_path / "out"), ("audit",)):
        done = holter2sleep(*command, *(tmp_path / name for name in broken))
        assert done.returncode == 3, done.stderr.decode()[-2000:]
        assert_silent(done.stdout + done.stderr, f"{command[0]} of broken files")
