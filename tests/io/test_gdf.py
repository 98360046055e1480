"""GDF: each signal at its own rate, in its own unit, whatever lies beside it."""

from __future__ import annotations

import struct
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from gdf_bytes import GdfSignal, gdf_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import read_or_refusal

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording

START = datetime(2020, 3, 2, 22, 30)
RNG = np.random.default_rng(7)
COUNTS = RNG.integers(-3000, 3000, 20 * 128)
VERSIONS = pytest.mark.parametrize("version", ["1.25", "2.10"])


def psg(unit: str = "mV") -> list[GdfSignal]:
    """20 s: EEG at 512 Hz, ECG at 128 Hz (1 uV a count in mV), SpO2 at 1 Hz."""
    return [
        GdfSignal("C3", RNG.integers(-3000, 3000, 20 * 512), 512, "uV", (-3276.8, 3276.7)),
        GdfSignal("ECG", COUNTS, 128, unit),
        GdfSignal("SpO2", np.full(20, 97), 1, "", (-32768, 32767)),
    ]


def written(folder: Path, content: bytes, name: str = "night.gdf") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@VERSIONS
def test_the_ecg_comes_at_its_own_rate_beside_faster_and_slower_signals(tmp_path: Path, version: str) -> None:
    recording = read_recording(written(tmp_path, gdf_bytes(psg(), START, version=version)))
    assert (recording.fs, recording.duration_s, recording.channel) == (128.0, 20.0, "ECG")
    assert recording.start == START
    np.testing.assert_allclose(recording.ecg, COUNTS / 1000, atol=1e-6)
    assert recording.warnings == ()


@VERSIONS
@pytest.mark.parametrize(("unit", "to_mv"), [("V", 1000.0), ("mV", 1.0), ("uV", 1e-3), ("nV", 1e-6)])
def test_every_unit_becomes_millivolt(tmp_path: Path, version: str, unit: str, to_mv: float) -> None:
    recording = read_recording(written(tmp_path, gdf_bytes(psg(unit), START, version=version)))
    assert recording.source.scale_to_mv == to_mv
    np.testing.assert_allclose(recording.ecg, COUNTS / 1000 * to_mv, rtol=1e-5, atol=1e-9)


def test_the_unit_the_user_gives_goes_before_that_of_the_file(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, gdf_bytes(psg("mV"))), unit="uV")
    np.testing.assert_allclose(recording.ecg, COUNTS / 1e6, rtol=1e-5, atol=1e-9)
    assert recording.start is None


def test_version_2_knows_the_sex(tmp_path: Path) -> None:
    assert read_recording(written(tmp_path, gdf_bytes(psg(), START))).subject.sex == "F"


def test_slices_across_records_are_those_of_the_whole(tmp_path: Path) -> None:
    ecg = read_recording(written(tmp_path, gdf_bytes(psg()))).ecg
    np.testing.assert_allclose(ecg[100:1000], COUNTS[100:1000] / 1000, atol=1e-6)


def test_a_file_of_one_rate_agrees_with_mne(tmp_path: Path) -> None:
    import mne

    path = written(tmp_path, gdf_bytes([GdfSignal("ECG", COUNTS, 128, "uV")], START, version="2.10"))
    theirs = mne.io.read_raw_gdf(path, preload=False, verbose="error")
    np.testing.assert_allclose(read_recording(path).ecg, theirs.get_data()[0] * 1000, atol=1e-9)
    assert theirs.info["meas_date"].replace(tzinfo=None) == read_recording(path).start


def test_a_cut_file_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    whole = gdf_bytes(psg(), START)
    record_bytes = 2 * (512 + 128 + 1)
    recording = read_recording(written(tmp_path, whole[: 256 * 4 + 10 * record_bytes + 100]))
    assert recording.duration_s == 10.0
    assert "announces 20 data records; the file holds 10" in " ".join(recording.warnings)


def broken(at: int, layout: str, value: int) -> bytes:
    content = bytearray(gdf_bytes(psg(), START))
    struct.pack_into(layout, content, at, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"GDF 2.10", "cut after 8 of 256 bytes"),
        (gdf_bytes(psg())[:600], "cut within its 3 signals"),
        (broken(252, "<H", 0), "0 signals"),
        (broken(252, "<H", 60000), "60000 signals"),
        (broken(244, "<I", 0), "records of 0 s"),
        (broken(184, "<H", 1), "data from byte 256"),
        (broken(256 + 220 * 3 + 4, "<I", 99), "data type 99"),
        (broken(256 + 216 * 3 + 4, "<I", 10), "too low for an ECG"),
        (broken(236, "<q", 0), "no data record"),
        (gdf_bytes([GdfSignal("C3", COUNTS, 128)]), "no ECG channel"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(RecordingError, match=says) as caught:
        read_recording(written(tmp_path, content))
    assert str(caught.value).startswith("night.gdf: ")
    assert "\n" not in str(caught.value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1023), st.binary(min_size=1, max_size=8)), min_size=1, max_size=5))
def test_a_damaged_header_never_raises_a_foreign_exception(tmp_path: Path, changes: list[tuple[int, bytes]]) -> None:
    damaged = bytearray(gdf_bytes(psg(), START))
    for at, patch in changes:
        damaged[at : at + len(patch)] = patch
    found = read_or_refusal(written(tmp_path, b"GDF " + damaged[4:]))
    assert found.startswith("night.gdf") if isinstance(found, str) else len(found.ecg[:1000]) <= 1000


@pytest.mark.realdata
def test_the_real_sample_is_read_as_its_header_says_byte_by_byte(shared_data: Path) -> None:
    path = shared_data / "reader_samples" / "mne-testing-data" / "test_1ch.gdf"
    content = path.read_bytes()
    # 4,500 records of 1/150 s, one signal "ECG" in mV (code 4274), one 32-bit float a record, data from byte 512
    assert struct.unpack_from("<qIIH", content, 236) == (4500, 1, 150, 1)
    assert (content[256:259], struct.unpack_from("<H", content, 256 + 102)[0]) == (b"ECG", 4274)
    assert struct.unpack_from("<ii", content, 256 + 216) == (1, 16)
    recording = read_recording(path)
    assert (recording.fs, recording.duration_s, recording.start) == (150.0, 30.0, None)
    np.testing.assert_allclose(recording.ecg, np.frombuffer(content, "<f4", 4500, 512), atol=1e-6)
