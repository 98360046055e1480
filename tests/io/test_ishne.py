"""ISHNE 1.0: a standard of 1998, and files that bend it."""

from __future__ import annotations

import binascii
import struct
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.night import Subject


def ishne_bytes(
    counts: np.ndarray, *, variable: bytes = b"", fs: int = 200, leads: tuple[int, ...] = (6,), **changes: object
) -> bytes:
    """A file by the standard: `counts` (n_samples, n_leads), resolution 4,878 nV; `changes` bend single fields."""
    fields = {
        "sex": 2, "birth": (15, 6, 1950), "recorded": (5, 11, 2008), "clock": (5, 9, 0),
        "resolution_nv": 4878, "n_announced": counts.size, "ecg_offset": 522 + len(variable), "n_leads": len(leads),
    } | changes  # fmt: skip
    fixed = bytearray(b"\0" * 512)

    def put(offset: int, layout: str, *values: object) -> None:
        struct.pack_into("<" + layout, fixed, offset - 10, *values)

    put(10, "iiiih", len(variable), fields["n_announced"], 522, fields["ecg_offset"], 1)
    put(128, "hh", fields["sex"], 0)
    put(132, "3h3h3h3h", *fields["birth"], *fields["recorded"], *fields["recorded"], *fields["clock"])
    put(156, "h12h", fields["n_leads"], *leads, *[-9] * (12 - len(leads)))
    put(206, "12h", *[fields["resolution_nv"]] * len(leads), *[-9] * (12 - len(leads)))
    put(272, "h", fs)
    head = bytes(fixed) + variable
    crc = fields.get("crc", binascii.crc_hqx(head, 0xFFFF))
    return b"ISHNE1.0" + struct.pack("<H", crc) + head + counts.astype("<i2").tobytes()


def written(folder: Path, content: bytes) -> Path:
    path = folder / "night.ecg"
    path.write_bytes(content)
    return path


RAMP = np.arange(-500, 500)[:, None]


def test_a_file_by_the_standard_gives_millivolts_clock_and_person(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, ishne_bytes(RAMP, variable=b"comment")))
    np.testing.assert_allclose(recording.ecg, RAMP[:, 0] * 0.004878, rtol=1e-6)
    assert (recording.fs, recording.duration_s, recording.channel) == (200.0, 5.0, "ECG II")
    assert recording.start == datetime(2008, 11, 5, 5, 9)
    assert recording.subject == Subject(58.0, "F")
    assert recording.source.format == "ISHNE"
    assert recording.source.scale_to_mv == pytest.approx(0.004878)
    assert recording.warnings == ()


def test_leads_are_interleaved_and_chosen_by_name(tmp_path: Path) -> None:
    three = np.column_stack([np.full(400, 1), np.full(400, 2), np.full(400, 3)])
    path = written(tmp_path, ishne_bytes(three, leads=(5, 6, 15)))
    assert read_recording(path).channel == "ECG II"
    assert read_recording(path, channel="ECG V5").ecg[0] == pytest.approx(3 * 0.004878)
    with pytest.raises(RecordingError, match="ECG I"):
        read_recording(path, channel="ECG aVF")


def test_the_length_of_the_file_is_believed_and_its_header_doubted(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, ishne_bytes(RAMP, n_announced=8_056_200, crc=0) + b"\1"))
    assert recording.duration_s == 5.0
    assert [note.split()[0] for note in recording.warnings] == ["the", "the", "the"]
    said = " ".join(recording.warnings)
    assert "checksum" in said
    assert "8056200" in said
    assert "within a sample" in said


def test_what_is_not_given_is_unknown(tmp_path: Path) -> None:
    none = (-9, -9, -9)
    recording = read_recording(written(tmp_path, ishne_bytes(RAMP, sex=-9, birth=none, recorded=none, clock=none)))
    assert recording.start is None
    assert recording.subject == Subject()
    clock_only = read_recording(written(tmp_path, ishne_bytes(RAMP, recorded=none)))
    assert clock_only.start == datetime(1985, 1, 1, 5, 9)
    assert clock_only.subject.age_years is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ISHNE1.0" + b"\0" * 100, "cut after 108 of 522 bytes"),
        (ishne_bytes(RAMP, n_leads=13), "13 leads"),
        (ishne_bytes(RAMP, fs=0), "0 Hz"),
        (ishne_bytes(RAMP[:0]), "no sample"),
        (ishne_bytes(RAMP, resolution_nv=-9), "resolution is not given"),
        (ishne_bytes(RAMP, fs=10), "too low"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(RecordingError, match=says) as caught:
        read_recording(written(tmp_path, content))
    assert str(caught.value).startswith("night.ecg")


@pytest.mark.realdata
def test_the_real_sample_holds_25_minutes_whatever_its_header_says(shared_data: Path) -> None:
    recording = read_recording(shared_data / "hrv_reference" / "MarcusVollmer_HRV" / "1-300m.ecg")
    assert (recording.fs, recording.duration_s) == (200.0, 1500.0)
    assert recording.start == datetime(2008, 11, 5, 5, 9)
    assert recording.source.scale_to_mv == pytest.approx(0.004878)
    assert 0.2 < np.percentile(np.abs(recording.ecg), 99.5) < 5
    assert "8056200" in " ".join(recording.warnings)
