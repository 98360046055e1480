"""EDF, EDF+ and BDF: the right samples on the right time line, or a clear refusal."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import edfio
import numpy as np
import pyedflib
import pytest
from edf_bytes import FS_HZ, N_RECORDS, EdfFile, Signal, ecg_digital, millivolt, plain
from reading import read_made, read_or_refusal

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.io.edf_annotations import find_lights, read_edf_annotations
from holter2sleep.io.edf_header import read_edf_header
from holter2sleep.io.edf_samples import digital_samples
from holter2sleep.night import Recording
from holter2sleep.waveform import Waveform

STEP_MV = 10 / 65535  # one count of the plain file


def read(tmp_path: Path, content: bytes | EdfFile, name: str = "night.edf", **options: str) -> Recording:
    return read_made(tmp_path, content if isinstance(content, bytes) else content.tobytes(), name, **options)


def stamps(step_s: float = 1.0, first_s: float = 0.0) -> list[str]:
    return [f"+{first_s + i * step_s:.10g}" for i in range(N_RECORDS)]


def drifting(dialect: str, onsets: list[str]) -> EdfFile:
    """A slow lead of many records, so that small differences of stamps add up."""
    counts = np.random.default_rng(1).integers(-999, 999, 50 * len(onsets))
    lead = Signal("ECG", counts, 50, "uV", ("-3276.8", "3276.7"))
    return EdfFile([lead], len(onsets), reserved=dialect, onsets=onsets)


def test_a_plain_file_gives_millivolts_rate_start_and_channel(tmp_path: Path) -> None:
    file = plain()
    recording = read(tmp_path, file)
    np.testing.assert_allclose(recording.ecg, millivolt(file), atol=STEP_MV / 10)
    assert recording.ecg is not None
    assert recording.ecg[:].dtype == np.float32
    assert (recording.fs, recording.duration_s, recording.channel) == (256.0, 20.0, "ECG")
    assert recording.start == datetime(2020, 3, 2, 22, 30)
    assert (recording.source.format, recording.source.unit, recording.source.scale_to_mv) == ("EDF", "mV", 1.0)
    assert (recording.recording_id, len(recording.gaps), recording.warnings) == ("night", 0, ())


# --- header oddities of the published readers' table ------------------------------------------------

ODD_HEADERS: dict[str, dict[str, str | bytes]] = {
    "records unknown": {"n_records": "-1"},
    "fewer records announced": {"n_records": "7"},
    "more records announced": {"n_records": "700"},
    "records blank": {"n_records": ""},
    "time with colons": {"time": "22:30:00"},
    "date with slashes": {"date": "02/03/20"},
    "latin-1 name": {"patient": "X M 01-JAN-1960 M\xfcller".encode("latin-1")},
    "empty subject": {"patient": ""},
    "empty recording field": {"recording": ""},
    "wrong header size": {"header_bytes": "1024"},
    "blank header size": {"header_bytes": ""},
    "strange reserved field": {"reserved": "made by hand"},
    "comma in record duration": {"record_s": "1,0"},
}


@pytest.mark.parametrize("fields", ODD_HEADERS.values(), ids=ODD_HEADERS.keys())
def test_an_odd_header_field_does_not_change_samples_rate_or_start(
    tmp_path: Path, fields: dict[str, str | bytes]
) -> None:
    file = plain(fields=fields)
    recording = read(tmp_path, file)
    np.testing.assert_allclose(recording.ecg, millivolt(file), atol=STEP_MV / 10)
    assert (recording.fs, recording.start) == (256.0, datetime(2020, 3, 2, 22, 30))


def test_a_wrong_number_of_records_is_reported(tmp_path: Path) -> None:
    assert "header says 7, the file holds 20" in read(tmp_path, plain(fields={"n_records": "7"})).warnings[0]
    assert "unknown (-1)" in read(tmp_path, plain(fields={"n_records": "-1"})).warnings[0]


def test_a_file_cut_in_mid_record_keeps_its_whole_records(tmp_path: Path) -> None:
    file = plain()
    recording = read(tmp_path, file.tobytes()[:-100])
    assert recording.duration_s == 19.0
    np.testing.assert_allclose(recording.ecg, millivolt(file)[: 19 * FS_HZ], atol=STEP_MV / 10)
    assert any("cut in mid-record" in warning for warning in recording.warnings)


def test_bytes_after_the_last_record_are_ignored_with_a_warning(tmp_path: Path) -> None:
    recording = read(tmp_path, plain().tobytes() + bytes(100))
    assert recording.duration_s == 20.0
    assert recording.warnings == ("100 bytes after the last record ignored",)


def test_comma_decimals_scale_like_points(tmp_path: Path) -> None:
    file = plain()
    file.signals[0].physical = ("-5,0", "5,0")
    np.testing.assert_allclose(read(tmp_path, file).ecg, millivolt(file), atol=STEP_MV / 10)


def test_physical_minimum_above_maximum_inverts(tmp_path: Path) -> None:
    file = plain()
    file.signals[0].physical = ("5", "-5")
    np.testing.assert_allclose(read(tmp_path, file).ecg, -millivolt(file), atol=STEP_MV / 10)


def test_a_dead_channel_beside_the_ecg_is_harmless(tmp_path: Path) -> None:
    file = plain()
    file.signals[1].physical = ("0", "0")
    assert read(tmp_path, file).warnings == ()


def test_an_ecg_without_physical_range_is_refused(tmp_path: Path) -> None:
    file = plain()
    file.signals[0].physical = ("0", "0")
    with pytest.raises(RecordingError, match=r"night\.edf: no ECG channel can be used .* minimum equals"):
        read(tmp_path, file)


@pytest.mark.parametrize(
    ("unit", "scale", "warned"),
    [("uV", 1e-3, 0), ("µV", 1e-3, 0), ("mV", 1.0, 0), ("V", 1e3, 0), ("nV", 1e-6, 0), ("", 1.0, 1), ("adu", 1.0, 1)],
)
def test_every_unit_becomes_millivolt(tmp_path: Path, unit: str, scale: float, warned: int) -> None:
    file = plain()
    file.signals[0].unit = unit
    recording = read(tmp_path, file)
    np.testing.assert_allclose(recording.ecg, millivolt(file) * scale, rtol=1e-5, atol=1e-9)
    assert recording.source.scale_to_mv == scale
    assert len(recording.warnings) == warned


def test_a_blank_unit_is_taken_from_the_range(tmp_path: Path) -> None:
    file = plain()
    file.signals[0].unit, file.signals[0].physical = "", ("-5000", "5000")
    recording = read(tmp_path, file)
    np.testing.assert_allclose(recording.ecg, millivolt(file), atol=STEP_MV / 10)
    assert "uV assumed" in recording.warnings[0]


@pytest.mark.parametrize(("record_s", "per_record"), [("0.5", 128), ("30", 7680), ("9.59375", 2456), ("2", 500)])
def test_the_rate_is_samples_by_record_duration(tmp_path: Path, record_s: str, per_record: int) -> None:
    file = EdfFile([Signal("ECG", ecg_digital(3 * per_record), per_record)], 3, record_s)
    recording = read(tmp_path, file)
    assert recording.fs == per_record / float(record_s)
    np.testing.assert_allclose(recording.ecg, millivolt(file), atol=STEP_MV / 10)


def test_the_full_year_of_the_recording_field_goes_before_two_digits(tmp_path: Path) -> None:
    fields = {"date": "02.03.yy", "recording": "Startdate 02-MAR-2002 X X X"}
    assert read(tmp_path, plain(fields=fields)).start == datetime(2002, 3, 2, 22, 30)
    assert read(tmp_path, plain(fields={"date": "02.03.86"})).start == datetime(1986, 3, 2, 22, 30)


def test_a_contradicted_date_is_reported(tmp_path: Path) -> None:
    recording = read(tmp_path, plain(fields={"recording": "Startdate 05-MAR-2020 X X X"}))
    assert recording.start == datetime(2020, 3, 5, 22, 30)
    assert "recording field says 2020-03-05" in recording.warnings[0]


@pytest.mark.parametrize("day", ["00.00.00", "31.02.20", ""])
def test_an_impossible_date_leaves_the_clock(tmp_path: Path, day: str) -> None:
    recording = read(tmp_path, plain(fields={"date": day}))
    assert recording.start == datetime(1985, 1, 1, 22, 30)
    assert "only the clock is known" in recording.warnings[0]


@pytest.mark.parametrize("fields", [{"date": "00.00.00", "time": "00.00.00"}, {"time": ""}, {"time": "25.00.00"}])
def test_an_impossible_time_leaves_the_start_unknown(tmp_path: Path, fields: dict[str, str]) -> None:
    recording = read(tmp_path, plain(fields=fields))
    assert recording.start is None
    assert "start unknown" in recording.warnings[0]


def test_age_is_whole_years_at_the_start_and_sex_a_letter(tmp_path: Path) -> None:
    before = read(tmp_path, plain(fields={"patient": "MCH-1 F 03-MAR-1960 X"})).subject
    on_birthday = read(tmp_path, plain(fields={"patient": "MCH-1 M 02-MAR-1960 X"})).subject
    assert (before.age_years, before.sex) == (59.0, "F")
    assert (on_birthday.age_years, on_birthday.sex) == (60.0, "M")


@pytest.mark.parametrize(
    ("fields", "age", "sex"),
    [
        ({"patient": "X X X X"}, None, None),
        ({"patient": "John Doe"}, None, None),
        ({"patient": "X F X X"}, None, "F"),
        ({"patient": "X F 01-JAN-1900 X"}, None, "F"),
        ({"patient": "X F 01-JAN-2030 X"}, None, "F"),
        ({"patient": "X M 01-JAN-1960 X", "date": "01.01.85"}, None, "M"),
        ({"patient": "X M 01-JAN-1960 X", "date": "00.00.00"}, None, "M"),
    ],
)
def test_age_is_unknown_where_it_cannot_be_trusted(
    tmp_path: Path, fields: dict[str, str | bytes], age: float | None, sex: str | None
) -> None:
    subject = read(tmp_path, plain(fields=fields)).subject
    assert (subject.age_years, subject.sex) == (age, sex)


# --- time line -------------------------------------------------------------------------------------


def test_edf_d_keeps_its_gap_and_never_joins_across_it(tmp_path: Path) -> None:
    onsets = [f"+{i if i < 8 else i + 100}" for i in range(N_RECORDS)]
    file = plain(reserved="EDF+D", onsets=onsets)
    recording = read(tmp_path, file)
    assert recording.ecg is not None
    truth = millivolt(file)
    assert recording.duration_s == 120.0
    np.testing.assert_allclose(recording.gaps, [[8.0, 108.0]])
    np.testing.assert_allclose(recording.ecg[: 8 * FS_HZ], truth[: 8 * FS_HZ], atol=STEP_MV / 10)
    np.testing.assert_allclose(recording.ecg[108 * FS_HZ :], truth[8 * FS_HZ :], atol=STEP_MV / 10)
    assert np.isnan(recording.ecg[8 * FS_HZ : 108 * FS_HZ]).all()


def test_every_single_gap_of_an_edf_d_is_listed(tmp_path: Path) -> None:
    onsets = [f"+{i + 0.25 * (i // 5)}" for i in range(N_RECORDS)]
    recording = read(tmp_path, plain(reserved="EDF+D", onsets=onsets))
    np.testing.assert_allclose(recording.gaps, [[5, 5.25], [10.25, 10.5], [15.5, 15.75]])


def test_edf_d_without_gap_is_contiguous(tmp_path: Path) -> None:
    file = plain(reserved="EDF+D", onsets=stamps())
    recording = read(tmp_path, file)
    np.testing.assert_allclose(recording.ecg, millivolt(file), atol=STEP_MV / 10)
    assert (len(recording.gaps), recording.warnings) == (0, ())


@pytest.mark.parametrize("dialect", ["EDF+D", "EDF+C"])
def test_overlapping_records_are_refused(tmp_path: Path, dialect: str) -> None:
    onsets = [f"+{i if i < 8 else i - 0.5}" for i in range(N_RECORDS)]
    with pytest.raises(RecordingError, match=r"data record 9 starts 0\.500 s before record 8 ends"):
        read(tmp_path, plain(reserved=dialect, onsets=onsets))


def test_edf_c_whose_stamps_have_a_gap_is_read_as_discontinuous_with_a_warning(tmp_path: Path) -> None:
    onsets = [f"+{i if i < 8 else i + 3}" for i in range(N_RECORDS)]
    recording = read(tmp_path, plain(reserved="EDF+C", onsets=onsets))
    np.testing.assert_allclose(recording.gaps, [[8.0, 11.0]])
    assert "says continuous" in recording.warnings[0]


def test_stamps_that_drift_within_a_run_never_overwrite_samples(tmp_path: Path) -> None:
    onsets = [f"+{i * 0.999 + (10 if i >= 12 else 0):.3f}" for i in range(N_RECORDS)]
    file = plain(reserved="EDF+D", onsets=onsets)
    recording = read(tmp_path, file)
    assert recording.ecg is not None
    assert np.isfinite(recording.ecg).sum() == N_RECORDS * FS_HZ


@pytest.mark.parametrize(("dialect", "step_s"), [("EDF+D", 1.001), ("EDF+C", 1.015), ("EDF+D", 0.998)])
def test_stamps_that_drift_by_seconds_within_the_tolerance_of_a_gap_are_told(
    tmp_path: Path, dialect: str, step_s: float
) -> None:
    n = 1600
    onsets = [f"+{i * step_s:.3f}" for i in range(n)]
    recording = read(tmp_path, drifting(dialect, onsets))
    assert (recording.duration_s, len(recording.gaps)) == (n, 0)
    assert f"drift by {(n - 1) * (step_s - 1):+.1f} s" in " ".join(recording.warnings)


def test_a_gap_does_not_vanish_behind_a_drift(tmp_path: Path) -> None:
    onsets = [f"+{i * 0.995 + (3 if i >= 1000 else 0):.3f}" for i in range(1200)]
    recording = read(tmp_path, drifting("EDF+D", onsets))
    np.testing.assert_allclose(recording.gaps, [[1000.0, 1003.0]])
    assert "1 gap would have vanished" in " ".join(recording.warnings)


def test_a_missing_stamp_is_reckoned_from_the_one_before(tmp_path: Path) -> None:
    onsets = [f"+{i + (5 if i >= 10 else 0)}" for i in range(N_RECORDS)]
    onsets[12] = "?"
    recording = read(tmp_path, plain(reserved="EDF+D", onsets=onsets))
    np.testing.assert_allclose(recording.gaps, [[10.0, 15.0]])
    assert "1 of 20 records have no time stamp" in recording.warnings[0]


def test_a_stamp_months_away_is_refused(tmp_path: Path) -> None:
    onsets = [*stamps()[:-1], "+999999999"]
    with pytest.raises(RecordingError, match="time stamps span 11574 days"):
        read(tmp_path, plain(reserved="EDF+D", onsets=onsets))


def test_the_fraction_of_the_first_stamp_belongs_to_the_start(tmp_path: Path) -> None:
    recording = read(tmp_path, plain(reserved="EDF+C", onsets=stamps(first_s=0.25)))
    assert recording.start == datetime(2020, 3, 2, 22, 30, 0, 250_000)
    assert recording.duration_s == 20.0


# --- BDF, annotations, channels --------------------------------------------------------------------


def test_bdf_samples_have_24_bits_and_a_sign(tmp_path: Path) -> None:
    digital = np.array([-8388608, -1, 0, 1, 8388607, 123456] * 50)
    signal = Signal("ECG", digital, 100, "uV", ("-8388608", "8388607"), ("-8388608", "8388607"))
    recording = read(tmp_path, EdfFile([signal], 3, kind="BDF", reserved="24BIT"), "night.bdf")
    np.testing.assert_allclose(recording.ecg, digital / 1000, rtol=1e-6)
    assert recording.source.format == "BDF"


def test_bdf_d_keeps_its_gap(tmp_path: Path) -> None:
    digital = ecg_digital(300)
    file = EdfFile([Signal("ECG", digital, 100)], 3, kind="BDF", reserved="BDF+D", onsets=["+0", "+1", "+7"])
    recording = read(tmp_path, file, "night.bdf")
    np.testing.assert_allclose(recording.gaps, [[2.0, 7.0]])
    np.testing.assert_allclose(recording.ecg[700:], millivolt(file)[200:], atol=STEP_MV / 10)  # type: ignore[index]


def test_annotations_count_from_the_first_sample(tmp_path: Path) -> None:
    notes = {
        0: "+0.5\x14Lights off\x14\x00",
        3: "+10.5\x1530\x14Sleep stage W\x14Arousal\x14\x00",
        19: "+19.5\x14Lights on\x14\x00",
    }
    path = tmp_path / "night.edf"
    path.write_bytes(plain(reserved="EDF+C", onsets=stamps(first_s=0.5), notes=notes).tobytes())
    found = read_edf_annotations(path)
    assert found == [
        (0.0, None, "Lights off"),
        (10.0, 30.0, "Sleep stage W"),
        (10.0, 30.0, "Arousal"),
        (19.0, None, "Lights on"),
    ]
    assert find_lights(found) == (0.0, 19.0)
    assert find_lights([(3.0, None, "Highlights of the night")]) == (None, None)


@pytest.mark.parametrize(
    ("texts", "lights"),
    [
        ("5 on, 60 off, 25000 on", (60.0, 25000.0)),
        ("60 off, 100 on, 200 off, 25000 on, 25100 off, 25200 on", (200.0, 25000.0)),
        ("60 off, 70 off, 25000 on, 25100 on", (60.0, 25000.0)),
        ("5 on, 60 off", (60.0, None)),
        ("60 off, 100 on, 200 off, 25000 asleep", (200.0, None)),
        ("25000 on", (None, 25000.0)),
        ("25000 asleep", (None, None)),
    ],
)
def test_lights_are_those_of_the_longest_dark(texts: str, lights: tuple[float | None, float | None]) -> None:
    pairs = [text.split() for text in texts.split(", ")]
    assert find_lights([(float(onset), None, f"Lights {word}") for onset, word in pairs]) == lights


def test_two_electrodes_are_subtracted_with_a_warning(tmp_path: Path) -> None:
    left, right = Signal("ECG L", ecg_digital(2560, 1), 256), Signal("ECG R", ecg_digital(2560, 2), 256)
    recording = read(tmp_path, EdfFile([right, left], 10))
    np.testing.assert_allclose(recording.ecg, (left.digital - right.digital) * STEP_MV, atol=1e-5)
    assert recording.channel == "ECG L - ECG R"
    assert "two chest electrodes" in recording.warnings[0]


def test_duplicate_labels_are_told_and_the_first_is_read(tmp_path: Path) -> None:
    first, second = Signal("ECG", ecg_digital(2560, 1), 256), Signal("ECG", ecg_digital(2560, 2), 256)
    recording = read(tmp_path, EdfFile([first, second], 10), channel="ECG")
    np.testing.assert_allclose(recording.ecg, (first.digital + 32768) * STEP_MV - 5, atol=1e-5)
    assert "2 channels are labelled 'ECG'" in recording.warnings[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (plain().tobytes()[:200], "not a complete EDF"),
        (plain().tobytes()[:600], "header is cut: 2 signals announced"),
        (plain().header(), "no data record"),
        (plain(fields={"n_signals": "0"}).tobytes(), "announces '0' signals"),
        (plain(fields={"n_signals": "many"}).tobytes(), r"announces \(4 characters of text\) signals"),
        (plain(fields={"record_s": "long"}).tobytes(), r"record duration \(4 characters of text\)"),
        (plain(fields={"record_s": "0"}).tobytes(), "no ECG channel can be used"),
        (EdfFile([], 2, "0", reserved="EDF+C", onsets=["+0", "+0"]).tobytes(), "annotations only"),
        (
            EdfFile([Signal("EEG C3", ecg_digital(512), 256)], 2).tobytes(),
            "no ECG channel found by label, and none by its signal. Channels: 'EEG C3'",
        ),
        (EdfFile([Signal("ECG", ecg_digital(20), 10)], 2).tobytes(), "rate of 10 Hz is too low"),
    ],
)
def test_what_holds_no_ecg_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(RecordingError, match=message) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith("night.edf: ")


# --- readers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
def test_samples_are_those_of_pyedflib_and_edfio(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(replace(plain(), kind=kind, signals=[plain().signals[1], plain().signals[0]]).tobytes())
    header = read_edf_header(path)
    ours = digital_samples(path, header, header.signals[1], 0, header.n_records)
    np.testing.assert_array_equal(ours, plain().signals[0].digital)
    with pyedflib.EdfReader(str(path)) as peer:
        np.testing.assert_array_equal(ours, peer.readSignal(1, digital=True))
    peer = edfio.read_edf(path) if kind == "EDF" else edfio.read_bdf(path)
    np.testing.assert_array_equal(ours, peer.signals[1].digital)


def test_one_channel_of_a_polysomnography_touches_only_that_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_records = 30
    signals = [Signal("ECG" if i == 9 else f"EEG {i}", ecg_digital(n_records * FS_HZ, i), FS_HZ) for i in range(14)]
    path = tmp_path / "psg.edf"
    path.write_bytes(EdfFile(signals, n_records).tobytes())
    touched: list[tuple[int, int]] = []

    def pread(file: int, n: int, at: int) -> bytes:
        touched.append((at, n))
        return real_pread(file, n, at)

    real_pread = os.pread
    monkeypatch.setattr("holter2sleep.io.edf_samples.os.pread", pread)
    recording = read_recording(path)
    assert touched == []  # nothing is read before it is asked for
    np.testing.assert_allclose(recording.ecg, (signals[9].digital + 32768) * 10 / 65535 - 5, atol=STEP_MV / 10)
    record_bytes, header_bytes = 14 * 2 * FS_HZ, 256 * 15
    assert touched == [(header_bytes + i * record_bytes + 9 * 2 * FS_HZ, 2 * FS_HZ) for i in range(n_records)]


@pytest.mark.parametrize("block_samples", [1, 100, 256, 777, 10_000])
def test_the_size_of_the_blocks_changes_no_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_samples: int
) -> None:
    onsets = [f"+{i + (i > 4) * 2.5 + (i > 11) * 0.1:g}" for i in range(N_RECORDS)]
    file = plain(reserved="EDF+D", onsets=onsets)
    whole = np.asarray(read(tmp_path, file).ecg)
    monkeypatch.setattr(Waveform.__init__, "__defaults__", (block_samples, block_samples))
    np.testing.assert_array_equal(read(tmp_path, file).ecg, whole)


def test_a_long_file_is_not_loaded_whole(tmp_path: Path) -> None:
    n_records, n_channels = 3600, 8
    digital = ecg_digital(n_records * FS_HZ)
    signals = [Signal("ECG" if i == 3 else f"EEG {i}", digital, FS_HZ) for i in range(n_channels)]
    path = tmp_path / "long.edf"
    path.write_bytes(EdfFile(signals, n_records).tobytes())
    tracemalloc.start()
    try:
        recording = read_recording(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert recording.ecg is not None
    assert peak < path.stat().st_size / 5  # the hash is taken in blocks of 1 MB


# --- real files ------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_every_sample_file_is_read_or_refused(shared_data: Path) -> None:
    folder = shared_data / "reader_samples"
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".edf", ".bdf", ".gdf")]
    assert len(files) > 25
    read_ones = set()
    for path in files:
        found = read_or_refusal(path)
        assert isinstance(found, Recording) or found.startswith(path.name)
        read_ones |= {path.name} if isinstance(found, Recording) else set()
    assert {"chtypes_edf.edf", "test_utf8_annotations.edf", "multiple_annotation_chans.bdf"} <= read_ones


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["edfio/short_psg.edf", "pyedflib/test_generator_datarec_generator_0_5.bdf"])
def test_every_channel_agrees_with_edfio_and_pyedflib(shared_data: Path, name: str) -> None:
    path = shared_data / "reader_samples" / name
    header = read_edf_header(path)
    other = (edfio.read_bdf if path.suffix == ".bdf" else edfio.read_edf)(path)
    with pyedflib.EdfReader(str(path)) as third:
        for i, signal in enumerate(signal for signal in header.signals if not signal.is_annotation):
            digital = digital_samples(path, header, signal, 0, header.n_records)
            np.testing.assert_array_equal(digital, other.signals[i].digital)
            np.testing.assert_array_equal(digital, third.readSignal(i, digital=True))
            physical = (digital - signal.digital_min) * signal.gain + signal.physical_min
            np.testing.assert_allclose(physical, other.signals[i].data, rtol=1e-9, atol=1e-9)


@pytest.mark.realdata
def test_a_real_edf_d_is_read_on_its_own_clock(shared_data: Path) -> None:
    path = shared_data / "reader_samples" / "mne-testing-data" / "MB0400FU.EDF"
    recording = read_recording(path, channel="EEG Fp2-Ref")
    assert recording.source.format == "EDF+D"
    assert recording.ecg is not None
    assert np.isfinite(recording.ecg).sum() == 29 * 200
    assert recording.duration_s == pytest.approx(29 + sum(end - start for start, end in recording.gaps))


@pytest.mark.realdata
def test_the_fraction_of_a_second_is_kept(shared_data: Path) -> None:
    path = shared_data / "reader_samples" / "pyedflib" / "test_subsecond.edf"
    assert b"+0.3945312\x14\x14" in path.read_bytes()  # the first stamp; pyedflib 0.1.42 makes 0.039453 s of it
    assert read_recording(path, channel="Fp1").start == datetime(2020, 1, 24, 4, 5, 56, 394_531)


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
def test_samples_of_long_data_records_are_those_of_short_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "night.edf"
    stamps = [f"+{i + (i > 9)}" for i in range(20)]  # a gap of a second in the middle
    path.write_bytes(plain(kind=kind, reserved=f"{kind}+D", onsets=stamps).tobytes())
    short = np.asarray(read_recording(path).ecg)
    monkeypatch.setattr("holter2sleep.io.edf.BLOCK_SAMPLES", 100)
    for first, last in ((0, len(short)), (300, 5000), (2500, 2900)):
        np.testing.assert_array_equal(read_recording(path).ecg[first:last], short[first:last])


# --- annotation signals that are odd ---------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "stamp"), [("EDF+C", "+0"), ("", "+0"), ("EDF+C", "+0.25")])
def test_stamps_that_are_all_the_same_leave_a_continuous_file_continuous_and_are_told(
    tmp_path: Path, dialect: str, stamp: str
) -> None:
    file = plain(reserved=dialect, onsets=[stamp] * N_RECORDS)
    recording = read(tmp_path, file)
    np.testing.assert_allclose(recording.ecg, millivolt(file), atol=STEP_MV / 10)
    assert (recording.duration_s, len(recording.gaps)) == (20.0, 0)
    assert [note for note in recording.warnings if "read as continuous" in note] == [*recording.warnings]
    assert len(recording.warnings) == 1


def test_stamps_that_are_all_the_same_say_nothing_of_the_gaps_of_edf_d(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="without overlap"):
        read(tmp_path, plain(reserved="EDF+D", onsets=["+0"] * N_RECORDS))


@pytest.mark.parametrize("label", [b"EDF annotations", b"edf annotations", b"EDF ANNOTATIONS"])
def test_an_annotation_signal_in_any_case_keeps_the_gaps(tmp_path: Path, label: bytes) -> None:
    onsets = [f"+{i + 100 * (i > 9)}" for i in range(N_RECORDS)]
    content = plain(reserved="EDF+D", onsets=onsets).tobytes().replace(b"EDF Annotations", label)
    recording = read(tmp_path, content)
    np.testing.assert_allclose(recording.gaps, [[10.0, 110.0]])
    assert recording.duration_s == 120.0
