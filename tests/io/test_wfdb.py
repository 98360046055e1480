"""WFDB records: the physical values of the standard, with missing stretches and odd headers."""

from __future__ import annotations

import hashlib
import time
import warnings
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.io.wfdb import _segments
from holter2sleep.io.wfdb_header import WfdbHeader, read_wfdb_header
from holter2sleep.night import Recording
from holter2sleep.waveform import Waveform

COUNTS = np.array([0, 100, -200, 2047, -2047, 7, 8, 9] * 100, dtype="<i2")


def write_record(folder: Path, header: str, *samples: ArrayLike, name: str = "night") -> Path:
    """A format-16 record: header text, and the signals interleaved in `<name>.dat`."""
    path = folder / f"{name}.hea"
    path.write_text(header, encoding="latin-1")
    (folder / f"{name}.dat").write_bytes(np.column_stack(samples).astype("<i2").tobytes())
    return path


def read_or_refusal(path: Path) -> Recording | str:
    """The recording, or the message of its refusal."""
    try:
        return read_recording(path)
    except RecordingError as error:
        return str(error)


@pytest.mark.parametrize(
    ("gain", "expected_mv"),
    [
        ("200/mV", COUNTS / 200),
        ("200", COUNTS / 200),
        ("0", COUNTS / 200),
        ("", COUNTS / 200),
        ("-200/mV", -COUNTS / 200),
        ("100(24)/mV", (COUNTS - 24.0) / 100),
        ("0.2/uV", COUNTS / 200),
        ("200000/V", COUNTS / 200),
    ],
)
def test_gain_baseline_and_unit_give_millivolts(tmp_path: Path, gain: str, expected_mv: np.ndarray) -> None:
    tail = " 12 0 0 0 0 ECG" if gain else ""
    path = write_record(tmp_path, f"night 1 250 800\nnight.dat 16 {gain}{tail}\n", COUNTS)
    recording = read_recording(path, channel=None if gain else "")
    np.testing.assert_allclose(recording.ecg, expected_mv, rtol=1e-6, atol=1e-7)
    assert (recording.fs, recording.duration_s) == (250.0, 3.2)


def test_the_invalid_sample_of_a_format_is_nan_and_a_second_of_it_a_gap(tmp_path: Path) -> None:
    counts = COUNTS.copy()
    counts[10] = -32768
    counts[300:600] = -32768
    path = write_record(tmp_path, "night 1 250 800\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", counts)
    recording = read_recording(path)
    np.testing.assert_array_equal(np.isnan(recording.ecg), counts == -32768)  # type: ignore[arg-type]
    np.testing.assert_allclose(recording.gaps, [[1.2, 2.4]])


def test_samples_per_frame_are_the_signals_own_rate(tmp_path: Path) -> None:
    frames = np.concatenate([np.arange(800).reshape(400, 2), np.zeros((400, 1))], axis=1)
    header = "night 2 125 400\nnight.dat 16x2 200/mV 16 0 0 0 0 ECG\nnight.dat 16 1/mmHg 16 0 0 0 0 ABP\n"
    recording = read_recording(write_record(tmp_path, header, *frames.T))
    assert (recording.fs, recording.duration_s) == (250.0, 3.2)
    np.testing.assert_allclose(recording.ecg, np.arange(800) / 200)


def test_blocks_do_not_change_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_record(tmp_path, "night 1 250 800\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS)
    whole = read_recording(path).ecg
    monkeypatch.setattr(Waveform.__init__, "__defaults__", (37, 37))
    np.testing.assert_array_equal(read_recording(path).ecg, whole)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("clock", "start", "n_warnings"),
    [
        ("", None, 0),
        ("23:07:00 19/1/1989", datetime(1989, 1, 19, 23, 7), 0),
        ("2014-05-08 05:05:15", datetime(2014, 5, 8, 5, 5, 15), 0),
        ("19:46:25.757", datetime(1985, 1, 1, 19, 46, 25, 757_000), 1),
        ("31:51.982", datetime(1985, 1, 1, 0, 31, 51, 982_000), 1),
        ("27:99:00 19/1/1989", None, 1),
    ],
)
def test_start_by_time_and_date_and_1985_where_only_the_clock_is_known(
    tmp_path: Path, clock: str, start: datetime | None, n_warnings: int
) -> None:
    path = write_record(tmp_path, f"night 1 250 800 {clock}\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS)
    header = read_wfdb_header(path)
    assert (header.start, len(header.warnings)) == (start, n_warnings)


def test_an_iso_date_that_wfdb_refuses_is_read(tmp_path: Path) -> None:
    path = write_record(tmp_path, "night 1 250 800 2014-05-08 05:05:15 \nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS)
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, COUNTS / 200, rtol=1e-6)
    assert recording.start == datetime(2014, 5, 8, 5, 5, 15)


@pytest.mark.parametrize(
    ("comment", "age", "sex"),
    [
        ("# 44 M 89 32-01-89", 44.0, "M"),
        ("# 69 M 1085 1629 x1", 69.0, "M"),
        ("# Age: 64 Sex: F", 64.0, "F"),
        ("#<age>: 28  <sex>: M  <Height>: 170", 28.0, "M"),
        ("# age: 81\n# sex: female", 81.0, "F"),
        ("# x M x 24-01-90", None, "M"),
        ("# 999 F", None, "F"),
        ("# The PVCs are multiform.\n#vfon: 24:34:56", None, None),
    ],
)
def test_age_and_sex_come_from_comments(tmp_path: Path, comment: str, age: float | None, sex: str | None) -> None:
    header = f"night 1 250 800\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n{comment}\n"
    subject = read_recording(write_record(tmp_path, header, COUNTS)).subject
    assert (subject.age_years, subject.sex) == (age, sex)


def test_header_record_name_and_signal_file_open_the_same_recording(tmp_path: Path) -> None:
    path = write_record(tmp_path, "night 1 250 800\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS)
    found = [read_recording(given) for given in (path, tmp_path / "night", tmp_path / "night.dat")]
    assert {recording.recording_id for recording in found} == {"night"}
    content = path.read_bytes() + (tmp_path / "night.dat").read_bytes()
    assert {recording.source.sha256 for recording in found} == {hashlib.sha256(content).hexdigest()}


def test_segments_are_joined_on_their_clock_with_nan_where_none_is(tmp_path: Path) -> None:
    signal = "16 200/mV 16 0 0 0 0 ECG"
    write_record(tmp_path, f"a 1 250 800\na.dat {signal}\n", COUNTS, name="a")
    write_record(tmp_path, f"b 1 250 800\nb.dat {signal}\n", -COUNTS, name="b")
    path = tmp_path / "night.hea"
    (tmp_path / "layout.hea").write_text(f"layout 1 250 0\n~ {signal}\n")
    path.write_text("night/4 1 250 2600\nlayout 0\na 800\n~ 1000\nb 800\n")
    recording = read_recording(path)
    expected = np.concatenate([COUNTS / 200, np.full(1000, np.nan), -COUNTS / 200])
    np.testing.assert_allclose(recording.ecg, expected, rtol=1e-6)
    np.testing.assert_allclose(recording.gaps, [[3.2, 7.2]])


def test_what_is_missing_at_the_end_is_a_gap_too(tmp_path: Path) -> None:
    write_record(tmp_path, "a 1 250 800\na.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS, name="a")
    path = tmp_path / "night.hea"
    path.write_text("night/4 1 250 2900\n~ 300\na 800\n~ 1000\nlost 800\n")
    recording = read_recording(path)
    assert recording.duration_s == 2900 / 250
    np.testing.assert_allclose(recording.gaps, [[0.0, 1.2], [4.4, 11.6]])


def test_samples_beyond_those_announced_are_told(tmp_path: Path) -> None:
    path = write_record(tmp_path, "night 1 250 400\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS)
    recording = read_recording(path)
    assert recording.duration_s == 1.6
    assert any("header says 400, the signal files hold 800" in warning for warning in recording.warnings)


def test_a_segment_whose_files_are_missing_is_a_gap_and_said(tmp_path: Path) -> None:
    write_record(tmp_path, "a 1 250 800\na.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS, name="a")
    path = tmp_path / "night.hea"
    path.write_text("night/3 1 250 2400\na 800\nlost 800\na 800\n")
    recording = read_recording(path)
    assert recording.warnings == ("1 of 3 segments are missing: kept as gaps",)
    np.testing.assert_allclose(recording.gaps, [[3.2, 6.4]])
    assert recording.ecg is not None
    np.testing.assert_allclose(recording.ecg[1600:], COUNTS / 200, rtol=1e-6)


@pytest.mark.parametrize(("n_announced", "n_warned"), [(800_000, 1), (800, 0), (790, 0)])
def test_a_cut_signal_file_is_read_as_far_as_it_goes_and_said(tmp_path: Path, n_announced: int, n_warned: int) -> None:
    header = f"night 1 250 {n_announced}\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n"
    recording = read_recording(write_record(tmp_path, header, COUNTS))
    np.testing.assert_allclose(recording.ecg, COUNTS[:n_announced] / 200, rtol=1e-6)
    assert len(recording.warnings) == n_warned
    assert not n_warned or "header says 800000, the signal files hold 800" in recording.warnings[0]


def test_missing_signal_files_are_named_with_the_annotations_that_would_work(tmp_path: Path) -> None:
    path = write_record(tmp_path, "night 1 250 800\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", COUNTS)
    (tmp_path / "night.dat").unlink()
    (tmp_path / "night.ecg").write_bytes(b"\0\0")
    with pytest.raises(RecordingError, match=r"signal file missing: night\.dat \(beside it.*night\.ecg\)"):
        read_recording(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "empty"),
        ("# only a comment\n", "no record line"),
        ("night\n", "no record line"),
        ("night 1 fast 800\nnight.dat 16 200 ECG\n", r"sampling rate \(4 characters of text\)"),
        ("night 1 0 800\nnight.dat 16 200 ECG\n", "sampling rate '0'"),
        ("night 2 250 800\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", "2 signals announced, 1 described"),
        ("night 1 250 800\nnight.dat\n", r"signal line \(9 characters of text\)"),
        ("night 0 250 800\n", "no signal"),
        ("night 1 250 800\nnight.dat 16 200/mV 16 0 0 0 0 Pleth\n", "none by its signal. Channels: 'Pleth'"),
        ("night 1 25 800\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n", "rate of 25 Hz is too low"),
        ("night 1 250 800\nnight.dat 99 200/mV 16 0 0 0 0 ECG\n", "wfdb cannot read the samples"),
        ("night/2 1 250 800\na 400\nb 400\n", r"files missing of every segment \(a, b\)"),
    ],
)
def test_a_broken_header_is_refused_with_what_was_found(tmp_path: Path, header: str, message: str) -> None:
    path = write_record(tmp_path, header, COUNTS)
    with pytest.raises(RecordingError, match=message):
        read_recording(path)


# --- real records ----------------------------------------------------------------------------------


@pytest.mark.realdata
def test_mitdb_100_has_the_values_wfdb_prints(shared_data: Path) -> None:
    recording = read_recording(shared_data / "mitdb" / "100.hea")
    assert recording.ecg is not None
    # rdsamp -r mitdb/100 -p: the first samples of MLII, 995 counts at 200/mV around 1024
    np.testing.assert_allclose(recording.ecg[:10], [-0.145] * 8 + [-0.12, -0.135], atol=1e-6)
    assert (recording.channel, recording.fs, len(recording.ecg)) == ("MLII", 360.0, 650_000)
    assert (recording.subject.age_years, recording.subject.sex) == (69.0, "M")


@pytest.mark.realdata
def test_every_mitdb_record_is_read_as_wfdb_does_and_114_by_its_second_lead(shared_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    headers = sorted((shared_data / "mitdb").glob("*.hea"))
    assert len(headers) == 42
    for path in headers:
        recording = read_recording(path)
        other = wfdb.rdrecord(str(path.with_suffix("")), sampto=1000)
        lead = other.sig_name.index(recording.channel)
        np.testing.assert_allclose(recording.ecg[:1000], other.p_signal[:, lead], atol=1e-6)  # type: ignore[index]
    assert read_recording(shared_data / "mitdb" / "114.hea").channel == "MLII"
    assert read_recording(shared_data / "mitdb" / "114.hea", channel="V5").channel == "V5"


@pytest.mark.realdata
def test_cinc2017_headers_with_iso_dates_are_read(shared_data: Path) -> None:
    recording = read_recording(shared_data / "cinc2017_validation" / "A00001.mat")
    assert (recording.fs, recording.duration_s) == (300.0, 30.0)
    assert recording.start == datetime(2014, 5, 8, 5, 5, 15)
    raw = np.frombuffer((shared_data / "cinc2017_validation" / "A00001.mat").read_bytes()[24:], "<i2")
    np.testing.assert_allclose(recording.ecg, raw / 1000, atol=1e-6)


@pytest.mark.realdata
def test_every_wfdb_sample_is_read_or_refused(shared_data: Path) -> None:
    headers = sorted((shared_data / "reader_samples" / "wfdb-python").rglob("*.hea"))
    assert len(headers) > 80
    n_read = 0
    for path in headers:
        found = read_or_refusal(path)
        assert isinstance(found, Recording) or found.startswith(path.name)
        n_read += isinstance(found, Recording)
    assert n_read >= 50


# --- headers that lie ------------------------------------------------------------------------------

LINE = "16 200/mV 16 0 0 0 0 ECG"


@pytest.mark.parametrize("name", ["/etc/passwd", "../../night.dat", "folder/night.dat", "x" * 5000])
def test_a_signal_file_elsewhere_is_refused_without_being_looked_at(tmp_path: Path, name: str) -> None:
    found = read_or_refusal(write_record(tmp_path, f"night 1 250 800\n{name} {LINE}\n", COUNTS))
    assert isinstance(found, str)
    assert "no name of a file beside the header" in found


@pytest.mark.parametrize("header", ["night/1 1 250 800\n../night 800\n", "night/1 1 250 800\nnight 800\n"])
def test_a_segment_elsewhere_or_a_record_within_itself_is_refused(tmp_path: Path, header: str) -> None:
    found = read_or_refusal(write_record(tmp_path, header, COUNTS))
    assert isinstance(found, str)
    assert "no name of a header beside it" in found or "itself a record of segments" in found


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (f"night 1 250 800\nnight.dat {LINE.replace('16 ', '16+99999999 ', 1)}\n", "no sample"),
        (f"night 1 250 800\nnight.dat {LINE.replace('16 ', '16:999999999 ', 1)}\n", "skew"),
        (f"night 1 250 {10**12}\nnight.dat 508 200 16 0 0 0 0 ECG\n", "FLAC"),
        ("night 9999999 250 800\n", "9999999 signals"),
        ("night/20000 1 250 800\n" + "part 10\n" * 20_000, "20000 segments"),
        (f"night 1 250 800\nnight.hea {LINE}\n", "the header as its own signal file"),
        (f"night {'1' * 5000} 250 800\nnight.dat {LINE}\n", "a number of signals"),
    ],
)
def test_sizes_that_none_has_are_refused(tmp_path: Path, header: str, says: str) -> None:
    found = read_or_refusal(write_record(tmp_path, header, COUNTS))
    assert isinstance(found, str)
    assert says in found


@pytest.mark.parametrize("clock", ["99:99:99", "22:00:00 01/01/0000", "23:59:59.999999 31/12/9999"])
def test_a_time_that_is_none_does_not_keep_the_samples_from_being_read(tmp_path: Path, clock: str) -> None:
    recording = read_recording(write_record(tmp_path, f"night 1 250 800 {clock}\nnight.dat {LINE}\n", COUNTS))
    np.testing.assert_allclose(recording.ecg, COUNTS / 200, rtol=1e-6)
    assert recording.warnings


def test_spare_lines_are_not_read_again_for_every_block(tmp_path: Path) -> None:
    header = f"night 1 250 800\nnight.dat {LINE}\n" + f"night.dat {LINE}\n" * 100_000
    path = write_record(tmp_path, header, COUNTS)
    started = time.perf_counter()
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, COUNTS / 200, rtol=1e-6)
    assert time.perf_counter() - started < 3  # s; half a minute when every block read them


def test_a_segment_that_comes_again_and_again_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(tmp_path, f"part 1 250 800\npart.dat {LINE}\n", COUNTS, name="part")
    path = tmp_path / "night.hea"
    path.write_text("night/5000 1 250 50000\n" + "part 10\n" * 5000)
    n_read = 0

    def counted(path: Path) -> WfdbHeader:
        nonlocal n_read
        n_read += 1
        return read_wfdb_header(path)

    monkeypatch.setattr("holter2sleep.io.wfdb.read_wfdb_header", counted)
    header = counted(path)
    segments, _ = _segments(path, header)
    assert (len(segments), n_read) == (5000, 2)


def test_the_length_of_flac_samples_comes_from_their_own_header(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = write_record(tmp_path, "night 1 250\nnight.dat 516 200/mV 16 0 0 0 0 ECG\n", COUNTS)
    soundfile.write(tmp_path / "night.dat", COUNTS, 96000, format="FLAC", subtype="PCM_16")
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, COUNTS / 200, rtol=1e-6)
