"""WFDB records of several signal files: only those of the ECG decide how much of it there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.waveform import Waveform

COUNTS = (np.arange(2000) % 1999).astype("<i2")
ECG, RESP = "16 200/mV 16 0 0 0 0 ECG", "16 200/mV 16 0 0 0 0 RESP"


def record(folder: Path, name: str = "night", fs: str = "250", n_resp: int | None = 2000, n_ecg: int = 2000) -> Path:
    """A record with the ECG in one file and the breathing in another, of which fewer samples are there or none."""
    path = folder / f"{name}.hea"
    path.write_text(f"{name} 2 {fs} 2000\n{name}_r.dat {RESP}\n{name}.dat {ECG}\n")
    (folder / f"{name}.dat").write_bytes(COUNTS[:n_ecg].tobytes())
    if n_resp is not None:
        (folder / f"{name}_r.dat").write_bytes(COUNTS[:n_resp].tobytes())
    return path


@pytest.mark.parametrize("n_resp", [None, 0, 100])
def test_a_short_or_missing_file_of_another_signal_leaves_the_ecg_whole_and_is_told(
    tmp_path: Path, n_resp: int | None
) -> None:
    recording = read_recording(record(tmp_path, n_resp=n_resp))
    np.testing.assert_allclose(recording.ecg, COUNTS / 200, rtol=1e-6)
    assert recording.warnings == (
        "1 of 2 signal files missing or shorter than announced, none of them the ECG's: not used",
    )


def test_a_short_file_of_the_ecg_ends_the_recording_whatever_the_others_hold(tmp_path: Path) -> None:
    recording = read_recording(record(tmp_path, n_ecg=700))
    np.testing.assert_allclose(recording.ecg, COUNTS[:700] / 200, rtol=1e-6)
    assert recording.duration_s == 2.8
    assert recording.warnings == (
        "number of samples: header says 2000, the signal files hold 700; the files were trusted",
    )


def test_whole_files_are_read_without_a_word(tmp_path: Path) -> None:
    assert read_recording(record(tmp_path)).warnings == ()


def test_a_missing_file_of_the_ecg_refuses_the_record_and_names_the_beats_beside_it(tmp_path: Path) -> None:
    path = record(tmp_path)
    (tmp_path / "night.dat").unlink()
    (tmp_path / "night.qrs").write_bytes(b"\0\0")
    with pytest.raises(RecordingError, match=r"'ECG'.*signal file missing or empty \(beside it.*night\.qrs"):
        read_recording(path)
    with pytest.raises(RecordingError, match="'ECG' cannot be used: signal file missing"):
        read_recording(path, channel="ECG")


@pytest.mark.parametrize("n_resp", [None, 100])
def test_in_segments_too_only_the_file_of_the_ecg_counts(tmp_path: Path, n_resp: int | None) -> None:
    record(tmp_path, "a", n_resp=n_resp)
    record(tmp_path, "b")
    path = tmp_path / "night.hea"
    path.write_text("night/2 2 250 4000\na 2000\nb 2000\n")
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, np.r_[COUNTS, COUNTS] / 200, rtol=1e-6)
    assert recording.warnings == ("other signal files are missing or cut in 1 of 2 segments: the ECG is whole there",)


def test_a_segment_with_a_cut_ecg_has_a_gap_that_is_told(tmp_path: Path) -> None:
    record(tmp_path, "a", n_ecg=1000)
    record(tmp_path, "b")
    path = tmp_path / "night.hea"
    path.write_text("night/2 2 250 4000\na 2000\nb 2000\n")
    recording = read_recording(path)
    np.testing.assert_allclose(recording.gaps, [[4.0, 8.0]])
    assert recording.warnings == ("the signal file of the ECG is missing or cut in 1 of 2 segments: kept as gaps",)


def test_a_segment_with_another_rate_is_refused(tmp_path: Path) -> None:
    record(tmp_path, "a")
    record(tmp_path, "b", fs="500")
    path = tmp_path / "night.hea"
    path.write_text("night/2 2 250 4000\na 2000\nb 2000\n")
    with pytest.raises(RecordingError, match=r"b\.hea.*500 frames per second in a record of 250.*rate of their record"):
        read_recording(path)


@pytest.mark.parametrize("block", [37, 1 << 20])
@pytest.mark.parametrize("per_frame", [1, 4])
def test_a_skewed_signal_is_missing_at_its_end_and_never_zero(
    tmp_path: Path, per_frame: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waveform.__init__, "__defaults__", (block, block))
    counts = np.arange(1, 401).reshape(-1, per_frame)  # no zero among them
    path = tmp_path / "night.hea"
    lines = f"night.dat 16x{per_frame}:5 200/mV 16 0 0 0 0 ECG\nnight.dat 16 200/mV 16 0 0 0 0 RESP\n"
    path.write_text(f"night 2 {250 // per_frame} {len(counts)}\n{lines}")
    (tmp_path / "night.dat").write_bytes(np.c_[counts, np.full(len(counts), 9)].astype("<i2").tobytes())
    missing = np.full(5 * per_frame, np.nan)
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, np.r_[counts.ravel()[5 * per_frame :] / 200, missing], rtol=1e-6)
