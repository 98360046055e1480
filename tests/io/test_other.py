"""What mne reads for us: one channel, in mV, with a naive clock, or a refusal of one line."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording

FS_HZ = 200.0
START = datetime(2020, 3, 2, 22, 30)
RNG = np.random.default_rng(3)
MICROVOLT = RNG.integers(-3000, 3000, (2, 4000)).astype(np.float64)  # C3 and ECG, 20 s
NAMES = ["C3", "ECG"]


def brainvision(folder: Path, markers: str = "", unit: str = "µV") -> Path:
    """Header, markers and 16-bit samples, 0.5 of the unit a count, as Brain Vision writes them."""
    path = folder / "night.vhdr"
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\nDataFile=night.eeg\n"
        "MarkerFile=night.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=2\n"
        f"SamplingInterval=5000\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=C3,,0.5,{unit}\n"
        f"Ch2=ECG,,0.5,{unit}\n"
    )
    (folder / "night.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\nDataFile=night.eeg\n"
        f"[Marker Infos]\nMk1=New Segment,,1,1,0,20200302223000000000\n{markers}"
    )
    (folder / "night.eeg").write_bytes((MICROVOLT * 2).astype("<i2").T.tobytes())
    return path


def eeglab(folder: Path) -> Path:
    path = folder / "night.set"
    locations = np.array([(name,) for name in NAMES], dtype=[("labels", object)])
    content = {
        "setname": "night", "nbchan": 2.0, "trials": 1.0, "pnts": 4000.0, "srate": FS_HZ, "xmin": 0.0, "xmax": 19.995,
        "data": MICROVOLT, "chanlocs": locations, "event": np.empty((0,)), "icaweights": np.empty((0, 0)),
        "icawinv": np.empty((0, 0)), "icasphere": np.empty((0, 0)), "icachansind": np.empty((0, 0)),
    }  # fmt: skip
    savemat(path, {"EEG": content}, appendmat=False)
    return path


def raw_fif(folder: Path, change: Callable[[Any], object] = lambda raw: None, kinds: str = "eeg", **names: str) -> Path:
    import mne

    info = mne.create_info(
        [names.get(name, name) for name in NAMES], FS_HZ, [*kinds.split(), "eeg"][:2], verbose="error"
    )
    raw = mne.io.RawArray(MICROVOLT / 1e6, info, first_samp=400, verbose="error")
    raw.set_meas_date(START.replace(tzinfo=UTC))
    change(raw)
    raw.save(folder / "night_raw.fif", verbose="error")
    return folder / "night_raw.fif"


def test_brainvision_is_read_by_any_of_its_files(tmp_path: Path) -> None:
    path = brainvision(tmp_path)
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, MICROVOLT[1] / 1000, atol=1e-6)
    assert (recording.fs, recording.duration_s, recording.channel) == (FS_HZ, 20.0, "ECG")
    assert recording.start == START
    assert recording.source.format == "BrainVision"
    assert recording.source.scale_to_mv == pytest.approx(1e-3)
    assert recording.warnings == ()
    for suffix in (".eeg", ".vmrk"):
        assert read_recording(path.with_suffix(suffix)).source == recording.source


def test_the_samples_are_part_of_the_hash(tmp_path: Path) -> None:
    first = read_recording(brainvision(tmp_path)).source.sha256
    (tmp_path / "night.eeg").write_bytes(b"\1" * 16000)
    assert read_recording(tmp_path / "night.vhdr").source.sha256 != first


def test_a_unit_in_the_header_and_one_of_the_user_are_followed(tmp_path: Path) -> None:
    milli = read_recording(brainvision(tmp_path, unit="mV"))
    np.testing.assert_allclose(milli.ecg, MICROVOLT[1], rtol=1e-5)
    told = read_recording(brainvision(tmp_path, unit="mV"), unit="uV")
    np.testing.assert_allclose(told.ecg, MICROVOLT[1] / 1000, rtol=1e-5)


@pytest.mark.parametrize(
    ("unit", "to_mv"),
    [("mv", 1.0), ("µv", 1e-3), ("UV", 1e-3), ("microV", 1e-3), ("mVolt", 1.0), ("V", 1e3), ("nV", 1e-6)],
)
def test_a_unit_is_read_whatever_its_letters_though_mne_takes_it_for_volt(
    tmp_path: Path, unit: str, to_mv: float
) -> None:
    recording = read_recording(brainvision(tmp_path, unit=unit))
    np.testing.assert_allclose(recording.ecg, MICROVOLT[1] * to_mv, rtol=1e-5)
    assert (recording.source.scale_to_mv, recording.warnings) == (to_mv, ())


@pytest.mark.parametrize("unit", ["ADU", "a.u.", "n/a"])
def test_what_is_no_voltage_is_told_and_gives_way_to_the_unit_of_the_user(tmp_path: Path, unit: str) -> None:
    recording = read_recording(brainvision(tmp_path, unit=unit))
    np.testing.assert_allclose(recording.ecg, MICROVOLT[1] / 1000, rtol=1e-5)
    assert "one taken as 1 uV, so amplitudes are relative (--unit)" in " ".join(recording.warnings)
    told = read_recording(brainvision(tmp_path, unit=unit), unit="mV")
    np.testing.assert_allclose(told.ecg, MICROVOLT[1], rtol=1e-5)
    assert told.source.scale_to_mv == 1.0


def test_an_interruption_is_told(tmp_path: Path) -> None:
    recording = read_recording(brainvision(tmp_path, "Mk2=New Segment,,2001,1,0,20200302230000000000\n"))
    assert "1 interruptions of unknown length" in " ".join(recording.warnings)
    np.testing.assert_allclose(recording.ecg[1990:2010], MICROVOLT[1, 1990:2010] / 1000, atol=1e-6)


def test_eeglab_is_read_in_microvolt(tmp_path: Path) -> None:
    recording = read_recording(eeglab(tmp_path))
    np.testing.assert_allclose(recording.ecg, MICROVOLT[1] / 1000, atol=1e-6)
    assert (recording.fs, recording.start, recording.source.format) == (FS_HZ, None, "EEGLAB")


def test_fif_starts_where_its_samples_start_and_says_that_its_clock_is_utc(tmp_path: Path) -> None:
    recording = read_recording(raw_fif(tmp_path))
    np.testing.assert_allclose(recording.ecg, MICROVOLT[1] / 1000, atol=1e-6)
    assert recording.start == datetime(2020, 3, 2, 22, 30, 2)  # 400 samples after the start of the measurement
    assert "UTC" in " ".join(recording.warnings)


def test_a_channel_that_the_file_types_as_ecg_is_one_whatever_its_name(tmp_path: Path) -> None:
    assert read_recording(raw_fif(tmp_path, kinds="eeg ecg", ECG="BIO007")).channel == "BIO007"


def test_time_without_samples_is_a_gap_and_marks_of_bad_signal_are_told(tmp_path: Path) -> None:
    import mne

    def skip(raw: Any) -> None:
        # onsets count from the start of the measurement, 2 s before the first sample
        raw.set_annotations(
            mne.Annotations([7.0, 14.0], [3.0, 1.5], ["BAD_ACQ_SKIP", "BAD_move"], raw.info["meas_date"])
        )

    recording = read_recording(raw_fif(tmp_path, skip))
    assert recording.gaps.tolist() == [[5.0, 8.0]]
    assert np.isnan(recording.ecg[1000:1600]).all()
    assert np.isfinite(recording.ecg[:1000]).all()
    assert np.isfinite(recording.ecg[1600:]).all()
    assert "1 stretches (2 s) are marked as bad" in " ".join(recording.warnings)


def test_a_birth_date_gives_the_age_and_nothing_more(tmp_path: Path) -> None:
    def person(raw: Any) -> None:
        raw.info["subject_info"] = {
            "last_name": "Doe",
            "his_id": "4711",
            "birthday": datetime(1960, 3, 3).date(),
            "sex": 2,
        }

    recording = read_recording(raw_fif(tmp_path, person))
    assert (recording.subject.age_years, recording.subject.sex) == (59.0, "F")
    assert "Doe" not in repr(recording)


@pytest.mark.parametrize("suffix", [".vhdr", ".set", ".fif", ".cnt", ".eeg", ".lay"])
@pytest.mark.parametrize("content", [b"just text", bytes(range(256)) * 20, b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_other_content_is_refused_in_one_line_without_the_folder(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"night{suffix}"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        read_recording(path)
    assert str(caught.value).startswith(f"night{suffix}: ")
    assert "What would work: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_fif_file_whose_tags_go_round_or_beyond_its_end_is_refused_at_once(tmp_path: Path) -> None:
    path = raw_fif(tmp_path)
    whole = path.read_bytes()
    (first_size,) = struct.unpack_from(">i", whole, 8)
    second = 16 + first_size
    for at, value in ((second + 12, second), (second + 12, 4), (second + 8, -1), (second + 8, 1 << 30), (0, 7)):
        damaged = bytearray(whole)
        struct.pack_into(">i", damaged, at, value)
        path.write_bytes(damaged)
        with pytest.raises(RecordingError, match=r"a damaged FIF file \(at byte \d+ of"):
            read_recording(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordingError, match="a damaged FIF file"):
        read_recording(path)


def test_a_missing_companion_is_a_refusal(tmp_path: Path) -> None:
    path = brainvision(tmp_path)
    (tmp_path / "night.eeg").unlink()
    with pytest.raises(RecordingError, match="BrainVision by mne"):
        read_recording(path)


def test_the_package_does_not_load_mne_before_it_is_needed() -> None:
    code = "import sys, holter2sleep.io; print({'mne', 'h5py', 'wfdb'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


@pytest.mark.realdata
def test_a_nihon_kohden_file_holds_what_its_edf_export_holds(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "reader_samples" / "mne-testing-data"
    native = read_recording(folder / "MB0400FU.EEG", channel="X1")
    assert (native.fs, native.duration_s, native.start) == (200.0, 29.0, datetime(2019, 4, 3, 16, 0, 16))
    export = read_recording(folder / "MB0400FU.EDF", channel="POL X1")
    both = min(len(native.ecg), len(export.ecg))
    np.testing.assert_allclose(native.ecg[:both], export.ecg[:both], atol=1e-3)
    with pytest.raises(RecordingError, match="no ECG channel"):
        read_recording(folder / "MB0400FU.EEG")
    shutil.copy(folder / "MB0400FU.EEG", tmp_path / "alone.eeg")
    with pytest.raises(RecordingError):
        read_recording(tmp_path / "alone.eeg")
