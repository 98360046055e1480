"""Recordings written by us are read back by other tools."""

from __future__ import annotations

import hashlib
import tracemalloc
from datetime import datetime
from pathlib import Path

import edfio
import numpy as np
import pyedflib
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from holter2sleep import waveform
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io import export
from holter2sleep.io.export import Scale, edf_blocks, write_edf, write_wfdb
from holter2sleep.night import Beats, Recording, Source, Subject
from holter2sleep.whole_files import write_bytes, write_files

START = datetime(2024, 3, 8, 22, 40, 7)
HALF_COUNT_MV = 0.0001 + 1e-7  # 0.2 uV a count in the range of 5 mV


def recording(ecg: object, fs: float = 200.0, **facts: object) -> Recording:
    samples = np.asarray(ecg, np.float32)
    values = {"start": START, "subject": Subject(44.0, "M"), "channel": "ECG", **facts}
    return Recording("r", Source("r.edf", "made", ""), len(samples) / fs, fs, ecg=samples, **values)


def wave(n: int) -> np.ndarray:
    return 1.3 * np.sin(np.arange(n) / 7) + 0.2 * np.cos(np.arange(n) / 3)


def record_onsets(path: Path) -> list[float]:
    """Time stamp of each data record, read from the bytes of the file."""
    content = path.read_bytes()
    n_signals = int(content[252:256])
    samples = content[256 + 216 * n_signals : 256 + 224 * n_signals]
    n_ecg, n_tal = int(samples[:8]), int(samples[8:16])
    body = content[256 * (n_signals + 1) :]
    size = 2 * (n_ecg + n_tal)
    records = [body[i : i + size][2 * n_ecg :] for i in range(0, len(body), size)]
    return [float(tals.split(b"\x14")[0]) for tals in records]


def test_edf_comes_back_within_half_a_count_in_two_other_readers(tmp_path: Path) -> None:
    ecg = wave(200 * 60)
    write_edf(tmp_path / "r.edf", recording(ecg))
    edf = edfio.read_edf(tmp_path / "r.edf")
    assert edf.signals[0].sampling_frequency == 200
    assert np.abs(edf.signals[0].data / 1000 - ecg).max() <= HALF_COUNT_MV
    with pyedflib.EdfReader(str(tmp_path / "r.edf")) as reader:
        assert np.abs(reader.readSignal(0) / 1000 - ecg).max() <= HALF_COUNT_MV
        assert reader.getStartdatetime() == START


def test_edf_says_age_sex_start_and_channel(tmp_path: Path) -> None:
    write_edf(tmp_path / "r.edf", recording(wave(400), channel="II"))
    edf = edfio.read_edf(tmp_path / "r.edf")
    assert edf.reserved == "EDF+C"
    assert edf.is_continuous
    assert (edf.startdatetime, edf.patient.sex, edf.patient.birthdate.year) == (START, "M", 1980)
    assert edf.labels == ("II",)
    assert edf.signals[0].physical_dimension == "uV"


def test_what_is_unknown_stays_unknown_in_edf(tmp_path: Path) -> None:
    write_edf(tmp_path / "r.edf", recording(wave(400), start=None, subject=Subject()))
    content = (tmp_path / "r.edf").read_bytes()
    assert content[8:88].decode().rstrip() == "X X X X"
    assert content[88:168].decode().rstrip() == "Startdate X X X X"
    assert content[168:184].decode() == "01.01.8500.00.00"


def test_a_fraction_of_a_second_of_the_start_is_kept(tmp_path: Path) -> None:
    start = START.replace(microsecond=250_000)
    write_edf(tmp_path / "r.edf", recording(wave(400), start=start), [(1.0, None, "Lights off")])
    edf = edfio.read_edf(tmp_path / "r.edf")
    assert edf.startdatetime == start
    assert edf.annotations[0].onset == pytest.approx(1.0)


def test_annotations_come_back_whatever_their_number_and_letters(tmp_path: Path) -> None:
    notes = [(float(i) / 4, None if i % 2 else 0.25, f"Été {i}") for i in range(40)]
    write_edf(tmp_path / "r.edf", recording(wave(200 * 4)), reversed(notes))
    read = [(a.onset, a.duration, a.text) for a in edfio.read_edf(tmp_path / "r.edf").annotations]
    assert read == notes


def test_missing_samples_make_edf_d_with_true_time_stamps(tmp_path: Path) -> None:
    ecg = wave(200 * 20)
    ecg[200 * 5 : 200 * 8 + 31] = np.nan
    write_edf(tmp_path / "r.edf", recording(ecg))
    edf = edfio.read_edf(tmp_path / "r.edf")
    assert edf.reserved == "EDF+D"
    assert not edf.is_continuous
    expected = [0, 1, 2, 3, 4, *(8.155 + np.arange(12))]
    np.testing.assert_allclose(record_onsets(tmp_path / "r.edf"), expected, atol=1e-6)
    present = ecg[~np.isnan(ecg)]
    assert np.abs(edf.signals[0].data[: len(present)] / 1000 - present).max() <= HALF_COUNT_MV


def test_a_lead_that_starts_late_keeps_its_time(tmp_path: Path) -> None:
    ecg = wave(200 * 10)
    ecg[: 200 * 3] = np.nan
    write_edf(tmp_path / "r.edf", recording(ecg))
    assert edfio.read_edf(tmp_path / "r.edf").reserved == "EDF+D"
    assert record_onsets(tmp_path / "r.edf") == [3, 4, 5, 6, 7, 8, 9]


def test_a_rest_is_filled_with_the_last_sample_and_the_file_says_so(tmp_path: Path) -> None:
    ecg = wave(200 * 3 + 50)
    write_edf(tmp_path / "r.edf", recording(ecg))
    edf = edfio.read_edf(tmp_path / "r.edf")
    assert len(edf.signals[0].data) == 800
    assert np.abs(edf.signals[0].data[650:] / 1000 - ecg[-1]).max() <= HALF_COUNT_MV
    (note,) = edf.annotations
    assert (note.onset, note.duration) == (3.25, 0.75)


def test_a_gap_too_short_for_edf_d_is_refused_and_wfdb_offered(tmp_path: Path) -> None:
    ecg = wave(200 * 10)
    ecg[1010:1020] = np.nan
    with pytest.raises(RecordingError, match=r"write WFDB \(\.hea\) instead"):
        write_edf(tmp_path / "r.edf", recording(ecg))
    assert not list(tmp_path.iterdir())
    write_wfdb(tmp_path / "r.hea", recording(ecg))
    assert np.isnan(wfdb.rdrecord(str(tmp_path / "r")).p_signal[1010:1020, 0]).all()


@pytest.mark.parametrize(("fs", "seconds"), [(360.0, 1), (249.9, 10), (128.5, 2), (102.4, 5)])
def test_a_fractional_rate_gets_a_record_of_whole_seconds(fs: float, seconds: int, tmp_path: Path) -> None:
    write_edf(tmp_path / "r.edf", recording(wave(5000), fs=fs))
    edf = edfio.read_edf(tmp_path / "r.edf")
    assert edf.data_record_duration == seconds
    assert edf.signals[0].sampling_frequency == pytest.approx(fs, abs=1e-9)


def test_a_rate_without_such_a_record_is_right_to_a_part_in_a_million(tmp_path: Path) -> None:
    write_edf(tmp_path / "r.edf", recording(wave(5000), fs=181.337))
    assert edfio.read_edf(tmp_path / "r.edf").signals[0].sampling_frequency == pytest.approx(181.337, rel=2e-6)


@pytest.mark.parametrize(("largest_mv", "range_uv"), [(4.9, 5000), (5.1, 10_000), (80.0, 100_000)])
def test_the_range_grows_with_the_signal_and_nothing_is_clipped(
    largest_mv: float, range_uv: int, tmp_path: Path
) -> None:
    ecg = wave(2000) / np.abs(wave(2000)).max() * largest_mv
    write_edf(tmp_path / "r.edf", recording(ecg))
    signal = edfio.read_edf(tmp_path / "r.edf").signals[0]
    assert signal.physical_max == range_uv
    assert np.abs(signal.data / 1000 - ecg).max() <= range_uv / 1000 / 25_000 / 2 * 1.01


def test_wfdb_comes_back_with_missing_samples_start_age_and_sex(tmp_path: Path) -> None:
    ecg = wave(200 * 30 + 7)
    ecg[1000:1500] = np.nan
    write_wfdb(tmp_path / "r_1.hea", recording(ecg))
    record = wfdb.rdrecord(str(tmp_path / "r_1"))
    assert (record.fs, record.base_datetime, record.sig_name) == (200, START, ["ECG"])
    assert record.comments == ["44 M"]
    np.testing.assert_allclose(record.p_signal[:, 0], ecg, atol=HALF_COUNT_MV)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r_1.dat", "r_1.hea"]


def test_wfdb_without_facts_has_no_comment(tmp_path: Path) -> None:
    write_wfdb(tmp_path / "r.hea", recording(wave(500), start=None, subject=Subject()))
    record = wfdb.rdrecord(str(tmp_path / "r"))
    assert (record.comments, record.base_datetime) == ([], None)


def test_a_name_wfdb_forbids_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        write_wfdb(tmp_path / "a b.hea", recording(wave(500)))


@pytest.mark.parametrize("write", [write_edf, write_wfdb])
def test_beats_without_waveform_cannot_be_written_as_a_signal(write: object, tmp_path: Path) -> None:
    beats = Recording("b", Source("b.atr", "wfdb", ""), 10.0, 200.0, given_beats=Beats.at([1.0, 2.0]))
    with pytest.raises(RecordingError, match=r"b\.atr: beats without waveform"):
        write(tmp_path / "b.hea", beats)


@pytest.mark.parametrize("write", [write_edf, write_wfdb])
@pytest.mark.parametrize("ecg", [np.full(500, np.nan), np.full(500, 9000.0)])
def test_a_lead_that_is_missing_or_no_ecg_is_refused_and_leaves_no_file(
    write: object, ecg: np.ndarray, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError, match=r"r\.edf: "):
        write(tmp_path / "r.hea", recording(ecg))
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_bytes(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_files_written_together_appear_together_or_not_at_all(tmp_path: Path) -> None:
    def breaks_off() -> object:
        yield b"half"
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        write_files({tmp_path / "a": [b"one", b"two"], tmp_path / "b": breaks_off()})
    assert not list(tmp_path.iterdir())
    write_files({tmp_path / "a": [b"one", b"two"], tmp_path / "b": [b"three"]})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"onetwo", "b": b"three"}


def ramp_with_gaps(n: int) -> np.ndarray:
    """Samples that differ from their neighbours and are the same on every machine; gaps at the start and within."""
    ecg = ((np.arange(n) * 37) % 2000 - 1000) / 512
    ecg[:300] = np.nan
    ecg[5000:5713] = np.nan
    return ecg


@pytest.mark.parametrize("block_samples", [1 << 18, 1000, 77])
def test_the_bytes_do_not_depend_on_the_blocks(
    block_samples: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BLOCK_SAMPLES", block_samples)
    notes = [(float(i) / 3, None, f"note {i}") for i in range(70)]
    start = START.replace(microsecond=250_000)
    write_edf(tmp_path / "r.edf", recording(ramp_with_gaps(10_050), fs=100.0, start=start), notes)
    # Written by the version that held the whole lead in memory.
    expected = "722309938f68c6b07a8e1337060a0eb3a20a3ec139421a0b524c4cd9d6a76796"
    assert hashlib.sha256((tmp_path / "r.edf").read_bytes()).hexdigest() == expected


def test_a_longer_recording_needs_no_more_memory(tmp_path: Path) -> None:
    def samples(first: int, last: int) -> waveform.Signal:
        return (np.arange(first, last) % 1000 / 500).astype("f4")

    def peak_bytes(n_samples: int) -> int:
        lead = waveform.Waveform(n_samples, samples, kept_samples=1)
        long = Recording("r", Source("r.edf", "made", ""), n_samples / 200, 200.0, ecg=lead, start=START)
        tracemalloc.start()
        try:
            write_edf(tmp_path / "r.edf", long)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    once, eightfold = peak_bytes(1_000_000), peak_bytes(8_000_000)
    assert (tmp_path / "r.edf").stat().st_size > 16_000_000
    assert eightfold < 1.1 * once


@pytest.mark.parametrize("step_mv", [4.878e-3, 0.005, 1 / 1027.3, 0.2])
def test_a_lead_whose_step_is_known_is_written_count_by_count(step_mv: float, tmp_path: Path) -> None:
    counts = np.random.default_rng(1).integers(-30_000, 30_001, 4000)
    lead = recording((counts * step_mv).astype(np.float32))
    scale = Scale.of_step(step_mv, float(np.abs(lead.ecg[:]).max()))
    write_files({tmp_path / "r.edf": edf_blocks(lead, scale=scale)})
    signal = edfio.read_edf(tmp_path / "r.edf").signals[0]
    np.testing.assert_array_equal(signal.digital, counts)
    np.testing.assert_allclose(signal.data / 1000, lead.ecg, rtol=2e-7)


def test_a_lead_of_more_than_sixteen_bits_has_no_such_scale() -> None:
    assert Scale.of_step(0.001, 40.0) is None
    assert Scale.of_step(0.001, 0.0) is None


@settings(max_examples=25, deadline=None)
@given(
    n_records=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    gaps=st.lists(st.integers(1, 900), min_size=5, max_size=5),
)
def test_any_pattern_of_gaps_between_whole_records_keeps_every_sample_at_its_time(
    n_records: list[int], gaps: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts, starts, length = [], [], 0
    for n, gap in zip(n_records, gaps, strict=False):
        starts += [(length + 100 * i) / 100 for i in range(n)]
        parts += [wave(100 * n), np.full(gap, np.nan)]
        length += 100 * n + gap
    path = tmp_path_factory.mktemp("gaps") / "r.edf"
    write_edf(path, recording(np.concatenate(parts)[: length - gaps[len(n_records) - 1]], fs=100.0))
    np.testing.assert_allclose(record_onsets(path), starts, atol=1e-6)
