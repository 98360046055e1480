"""HDF5 says nothing of what a dataset means: names, attributes and the user do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from reading import read_or_refusal

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.io.hdf5 import _chunk
from holter2sleep.io.hdf5_chunks import ChunkedLead
from holter2sleep.io.hdf5_leads import Lead

FS_HZ = 250.0
ECG = np.random.default_rng(5).normal(0, 0.5, 5000)  # 20 s, mV


def made(folder: Path, fill: Callable[[h5py.File], object], name: str = "night.h5", user_block: bytes = b"") -> Path:
    path = folder / name
    with h5py.File(path, "w", userblock_size=512 if user_block else 0) as file:
        fill(file)
    if user_block:
        with path.open("r+b") as raw:
            raw.write(user_block.ljust(512))
    return path


def with_attributes(file: h5py.File) -> None:
    lead = file.create_dataset("signals/ecg", data=(ECG * 1000).astype(np.int16), chunks=(512,), compression="gzip")
    lead.attrs["unit"] = "uV"
    file["signals"].attrs["sampling_rate"] = FS_HZ
    file.attrs["start_time"] = "2024-03-01T22:30:00.500+01:00"
    file["signals/spo2"] = np.full(300, 97.0)


def test_a_lead_is_read_with_rate_unit_and_start_of_the_attributes_around_it(tmp_path: Path) -> None:
    recording = read_recording(made(tmp_path, with_attributes), channel=None)
    np.testing.assert_allclose(recording.ecg, (ECG * 1000).astype(np.int16) / 1000, atol=1e-6)
    assert (recording.fs, recording.duration_s, recording.channel) == (FS_HZ, 20.0, "ecg")
    assert recording.start == datetime(2024, 3, 1, 22, 30, 0, 500_000)
    assert (recording.source.unit, recording.source.scale_to_mv) == ("uV", 1e-3)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "fs",
            "Fs",
            "sfreq",
            "SamplingRate",
            "sampling_frequency",
            "sample_rate_hz",
            "rate",
            "srate",
            "fs_hz",
            "FS-Hz",
        ),
        *("Sampling Rate", "sampling_frequency_hz", "sample rate", "samplerate", "SRATE", "Sampling Rate in Hz"),
    ],
)
@pytest.mark.parametrize("as_dataset", [False, True])
def test_the_rate_has_many_names(tmp_path: Path, name: str, as_dataset: bool) -> None:
    def fill(file: h5py.File) -> None:
        file["ecg"] = ECG
        if as_dataset:
            file[name] = [[FS_HZ]]  # as MATLAB has numbers
        else:
            file["ecg"].attrs[name] = FS_HZ

    assert read_recording(made(tmp_path, fill)).fs == FS_HZ


@pytest.mark.parametrize("text", ["250", "250 Hz", " 250.0hz", "250,0 Hz", "0.25 kHz", np.bytes_("250")])
def test_a_rate_may_be_a_text(tmp_path: Path, text: str | bytes) -> None:
    path = made(tmp_path, lambda file: file.create_dataset("ecg", data=ECG).attrs.update({"fs": text}))
    assert read_recording(path).fs == FS_HZ


@pytest.mark.parametrize("text", ["fast", "250 bpm", "0 Hz", "", "1e400"])
def test_a_text_that_is_no_rate_gives_none(tmp_path: Path, text: str) -> None:
    path = made(tmp_path, lambda file: file.create_dataset("ecg", data=ECG).attrs.update({"fs": text}))
    with pytest.raises(RecordingError, match="no sampling rate"):
        read_recording(path)


@pytest.mark.parametrize("name", ["data", "signal", "values", "samples", "waveform", "Data", "raw"])
def test_a_dataset_whose_name_says_nothing_is_known_by_its_group(tmp_path: Path, name: str) -> None:
    def fill(file: h5py.File) -> None:
        file[f"PPG/{name}"], file[f"ECG/{name}"] = -ECG, ECG
        file.attrs.update({"fs": FS_HZ, "units": "mV"})

    path = made(tmp_path, fill)
    recording = read_recording(path)
    assert (recording.channel, recording.warnings) == ("ECG", ())
    np.testing.assert_allclose(recording.ecg, ECG, rtol=1e-6)
    assert read_recording(path, channel=f"PPG/{name}").ecg[0] == pytest.approx(-ECG[0])
    assert read_recording(path, channel="ppg").ecg[0] == pytest.approx(-ECG[0])
    with pytest.raises(RecordingError, match=f"paths: 'ECG/{name}', 'PPG/{name}'"):
        read_recording(path, channel="EEG")


def test_the_last_name_of_a_path_chooses_where_only_one_ends_so(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["x/data"], file["y/sig"] = ECG, -ECG
        file.attrs["fs"] = FS_HZ

    path = made(tmp_path, fill)
    assert read_recording(path, channel="data").channel == "x/data"
    with pytest.raises(RecordingError, match=r"no channel 'values'.*paths: 'x/data', 'y/sig'"):
        read_recording(path, channel="values")


def test_without_a_rate_fs_is_asked_for_and_taken(tmp_path: Path) -> None:
    path = made(tmp_path, lambda file: file.create_dataset("x9", data=ECG))
    with pytest.raises(RecordingError, match=r"no sampling rate.*--fs"):
        read_recording(path)
    recording = read_recording(path, fs=FS_HZ)
    assert (recording.fs, recording.channel) == (FS_HZ, "x9")
    assert "the unit is blank: mV assumed" in " ".join(recording.warnings)


def test_the_rate_of_the_user_goes_before_that_of_the_file_which_is_told(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.create_dataset("ecg", data=ECG).attrs.update({"fs": FS_HZ, "units": "mV"})

    path = made(tmp_path, fill)
    assert read_recording(path, fs=500.0).warnings == ("the file says 250 Hz, --fs 500 Hz: its rate was left out",)
    assert read_recording(path, fs=FS_HZ).warnings == ()


@pytest.mark.parametrize("units", [["au", "uV"], "au,uV"])
def test_units_a_column_are_followed(tmp_path: Path, units: object) -> None:
    def fill(file: h5py.File) -> None:
        data = file.create_dataset("data", data=np.column_stack([ECG * 0, ECG * 300]))
        data.attrs.update({"fs": FS_HZ, "channels": ["PPG", "ECG"], "units": units})

    recording = read_recording(made(tmp_path, fill))
    assert (recording.source.unit, recording.warnings) == ("uV", ())
    np.testing.assert_allclose(recording.ecg, ECG * 0.3, atol=1e-6)


def test_packed_numbers_are_unpacked_as_the_cf_convention_says(tmp_path: Path) -> None:
    counts = np.round(ECG * 400).astype(np.int16)

    def fill(file: h5py.File) -> None:
        lead = file.create_dataset("ecg", data=counts)
        lead.attrs.update({"fs": FS_HZ, "units": "uV", "scale_factor": 2.5, "add_offset": 100.0})

    recording = read_recording(made(tmp_path, fill))
    np.testing.assert_allclose(recording.ecg, (counts * 2.5 + 100) / 1000, atol=1e-6)
    assert "scale_factor 2.5 and add_offset 100" in " ".join(recording.warnings)


def nwb(file: h5py.File) -> None:
    """As `pynwb` lays out a time series, 0.5 mV per count."""
    file.attrs["nwb_version"] = "2.7.0"
    series = file.create_group("acquisition/ECG")
    series.attrs["neurodata_type"] = "TimeSeries"
    data = series.create_dataset("data", data=np.round(ECG * 400).astype(np.int16))
    data.attrs.update({"conversion": 2.5e-6, "offset": 1e-4, "resolution": 2e-6, "unit": "volts"})
    series.create_dataset("starting_time", data=0.0).attrs.update({"rate": FS_HZ, "unit": "seconds"})


def test_the_conversion_of_nwb_is_applied_and_its_rate_found(tmp_path: Path) -> None:
    recording = read_recording(made(tmp_path, nwb, "night.h5"))
    np.testing.assert_allclose(recording.ecg, np.round(ECG * 400) * 2.5e-3 + 0.1, atol=1e-6)
    assert (recording.fs, recording.source.unit) == (FS_HZ, "volts")
    assert recording.warnings == ("packed numbers: conversion 2.5e-06 and offset 0.0001 of the file were applied",)


@pytest.mark.parametrize("name", ["gain", "adc_gain", "lsb", "resolution", "conversion", "ScaleFactor", "uV_per_bit"])
@pytest.mark.parametrize("where", ["dataset", "group", "beside"])
def test_a_gain_that_may_mean_anything_is_told_and_not_applied(tmp_path: Path, name: str, where: str) -> None:
    def fill(file: h5py.File) -> None:
        data = file.create_dataset("a/ecg", data=ECG)
        data.attrs.update({"fs": FS_HZ, "units": "mV"})
        if where == "beside":
            file[f"a/{name}"] = 200.0
        else:
            (data if where == "dataset" else file["a"]).attrs[name] = 200.0

    recording = read_recording(made(tmp_path, fill))
    np.testing.assert_allclose(recording.ecg, ECG, rtol=1e-6)
    (note,) = recording.warnings
    assert note.startswith(f"the file has {name} 200: not applied")


@pytest.mark.parametrize("value", [1.0, "high", [1.0, 2.0, 3.0], float("nan")])
def test_a_gain_that_changes_nothing_is_not_told(tmp_path: Path, value: object) -> None:
    path = made(
        tmp_path,
        lambda file: file.create_dataset("ecg", data=ECG).attrs.update({"fs": FS_HZ, "units": "mV", "gain": value}),
    )
    assert read_recording(path).warnings == ()


@pytest.mark.parametrize("name", ["_FillValue", "missing_value"])
@pytest.mark.parametrize(("dtype", "fill"), [("i2", -32768), ("u2", 65535), ("f4", -9999.9), ("f8", -9999.9)])
def test_numbers_that_stand_for_missing_samples_are_missing(tmp_path: Path, name: str, dtype: str, fill: float) -> None:
    def write(file: h5py.File) -> None:
        counts = np.round(ECG * 400 + 2000).astype(dtype)
        counts[1000:2000] = fill
        lead = file.create_dataset("ecg", data=counts)
        lead.attrs.update({"fs": FS_HZ, "units": "uV", name: fill, "scale_factor": 2.5, "add_offset": -5000.0})

    recording = read_recording(made(tmp_path, write))
    assert recording.gaps.tolist() == [[4.0, 8.0]]
    expected = np.round(ECG * 400) * 2.5e-3
    np.testing.assert_allclose(recording.ecg[2000:], expected[2000:], atol=2e-3)
    assert f"numbers {fill:g} stand for missing samples" in " ".join(recording.warnings)


def test_zero_as_a_missing_number_is_told_and_kept_as_a_baseline(tmp_path: Path) -> None:
    def write(file: h5py.File) -> None:
        lead = file.create_dataset("ecg", data=np.maximum(np.round(ECG * 400), 0).astype(np.int16))
        lead.attrs.update({"fs": FS_HZ, "units": "uV", "_FillValue": 0})

    recording = read_recording(made(tmp_path, write))
    assert np.isfinite(recording.ecg[:]).all()
    assert "0 stands for a missing sample by the file: not applied" in " ".join(recording.warnings)


@pytest.mark.parametrize(("name", "factor", "units"), [("time", 1, ""), ("time_ms", 1000, ""), ("t", 1000, "ms")])
def test_a_dataset_of_times_gives_the_rate_and_the_holes(tmp_path: Path, name: str, factor: float, units: str) -> None:
    times = np.arange(len(ECG)) / FS_HZ
    times[3000:] += 8.0

    def fill(file: h5py.File) -> None:
        file["ecg"] = ECG
        file.create_dataset(name, data=times * factor).attrs["units"] = units

    recording = read_recording(made(tmp_path, fill))
    assert (recording.fs, recording.duration_s) == (FS_HZ, 28.0)
    np.testing.assert_allclose(recording.gaps, [[12.0, 20.0]])
    np.testing.assert_allclose(recording.ecg[5000:], ECG[3000:], atol=1e-6)
    assert f"by the dataset {name!r}, 1 hole in it: 2000 samples missing" in " ".join(recording.warnings)


def test_a_counter_named_as_a_time_gives_no_rate(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["ecg"] = ECG
        file["t"] = np.arange(len(ECG))

    with pytest.raises(RecordingError, match="no sampling rate"):
        read_recording(made(tmp_path, fill))


def test_windows_one_after_the_other_are_not_taken_for_leads(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.create_dataset("ecg", data=ECG.reshape(10, 500)).attrs["fs"] = FS_HZ

    path = made(tmp_path, fill)
    with pytest.raises(RecordingError, match=r"10 columns without names, 2 s each: windows.*one dimension"):
        read_recording(path)
    assert read_recording(path, channel="ecg 3").duration_s == 2.0


@pytest.mark.parametrize("turned", [False, True])
def test_columns_are_found_by_their_names_whichever_way_the_table_lies(tmp_path: Path, turned: bool) -> None:
    def fill(file: h5py.File) -> None:
        table = np.column_stack([ECG * 0, ECG, ECG * 2])
        data = file.create_dataset("data", data=table.T if turned else table)
        data.attrs["channels"] = ["C3", "ECG", "EMG"]
        data.attrs["fs"] = FS_HZ

    recording = read_recording(made(tmp_path, fill))
    assert recording.channel == "ECG"
    np.testing.assert_allclose(recording.ecg[3:4000], ECG[3:4000], rtol=1e-6)


def test_a_dataset_is_chosen_by_its_path(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["a/sig"], file["b/sig"] = ECG, -ECG
        file.attrs["fs"] = FS_HZ

    path = made(tmp_path, fill)
    assert read_recording(path, channel="/b/sig").ecg[0] == pytest.approx(-ECG[0])
    assert read_recording(path, channel="a/sig").channel == "a/sig"
    with pytest.raises(RecordingError, match="no channel 'c/sig'"):
        read_recording(path, channel="c/sig")


def test_a_matlab_7_3_file_is_read(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["ecg"] = ECG[None, :]  # a column vector of MATLAB
        file["fs"] = [[FS_HZ]]
        file["comment"] = np.frombuffer("a long comment, which MATLAB keeps as numbers".encode("utf-16-le"), np.uint16)
        file["comment"].attrs["MATLAB_class"] = np.bytes_("char")

    path = made(tmp_path, fill, "night.mat", b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, ECG, rtol=1e-6)
    assert (recording.fs, recording.channel) == (FS_HZ, "ecg")


def test_missing_samples_are_gaps(tmp_path: Path) -> None:
    holed = ECG.copy()
    holed[1000:1500], holed[2000:2010], holed[3000] = np.nan, np.nan, np.inf

    def fill(file: h5py.File) -> None:
        file.create_dataset("ecg", data=holed).attrs["fs"] = FS_HZ

    recording = read_recording(made(tmp_path, fill))
    assert recording.gaps.tolist() == [[4.0, 6.0]]
    assert np.isnan(recording.ecg[2000:2010]).all()
    assert np.isnan(recording.ecg[3000])


def test_a_file_that_grows_to_gigabytes_when_read_whole_is_read_by_slices(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        lead = file.create_dataset("ecg", (100_000_000,), "f4", chunks=(1 << 16,), compression="gzip")
        lead[:5000] = ECG
        lead.attrs["fs"] = 1000.0

    path = made(tmp_path, fill)
    import resource

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    recording = read_recording(path)
    assert recording.duration_s == 100_000.0
    np.testing.assert_allclose(recording.ecg[:5000], ECG, rtol=1e-6)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 300_000


def compound(file: h5py.File) -> None:
    file["ecg"] = np.zeros(500, dtype=[("t", "f8"), ("mv", "f8")])


def elsewhere(file: h5py.File) -> None:
    file["ecg"] = h5py.ExternalLink("other.h5", "/ecg")


def loop(file: h5py.File) -> None:
    file.create_group("a")["back"] = file["/"]
    file["soft"] = h5py.SoftLink("/a")


def raw_elsewhere(file: h5py.File) -> None:
    file.create_dataset("ecg", (5000,), "f4", external=[("/etc/hostname", 0, 20000)]).attrs["fs"] = FS_HZ


def huge(file: h5py.File) -> None:
    file.create_dataset("ecg", (2**40,), "f4", chunks=(1024,)).attrs["fs"] = FS_HZ


def endless(file: h5py.File) -> None:
    lead = file.create_dataset("ecg", (2**40,), "f4", chunks=(1024,))
    lead[:10], lead.attrs["fs"] = 1.0, FS_HZ


def one_chunk(file: h5py.File) -> None:
    lead = file.create_dataset("ecg", (2**30,), "i1", chunks=(2**30,), compression="gzip")
    lead.id.write_direct_chunk((0,), b"x" * 100)


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (lambda file: None, "no dataset of samples"),
        (lambda file: file.create_dataset("ecg", data=np.array([b"text"] * 500)), "no numbers"),
        (compound, "compound values"),
        (elsewhere, "no dataset of samples"),
        (loop, "no dataset of samples"),
        (raw_elsewhere, "lie in other files"),
        (huge, "no sample was ever written"),
        (endless, "days of samples"),
        (one_chunk, "chunks are too large"),
        (lambda file: file.create_dataset("ecg", data=np.zeros((300, 300, 3))), "is not samples by channels"),
        (lambda file: file.create_dataset("ecg", data=np.arange(9000.0)).attrs.update(fs=FS_HZ), "only rises"),
        (lambda file: file.create_dataset("ecg", data=ECG).attrs.update(fs=-1.0), "no sampling rate"),
        (lambda file: file.create_dataset("ecg", data=ECG).attrs.update(fs=10.0), "too low"),
        (lambda file: file.create_dataset("ecg", data=ECG).attrs.update(fs=1e9), "too high"),
    ],
)
def test_what_is_no_lead_is_refused_in_one_line(tmp_path: Path, fill: Callable[[Any], object], says: str) -> None:
    path = made(tmp_path, fill)
    with pytest.raises(RecordingError, match=says) as caught:
        read_recording(path)
    assert str(caught.value).startswith("night.h5: ")
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(8, 12000), st.binary(min_size=1, max_size=8)), max_size=8),
    length=st.integers(9, 60000),
)
@example(changes=[(2008, b"\x80")], length=60000)  # the name of an attribute is no UTF-8
def test_a_damaged_file_never_raises_a_foreign_exception(
    tmp_path: Path, changes: list[tuple[int, bytes]], length: int
) -> None:
    path = made(tmp_path, with_attributes)
    damaged = bytearray(path.read_bytes())
    for at, patch in changes:
        damaged[at : at + len(patch)] = patch
    path.write_bytes(damaged[:length])
    found = read_or_refusal(path)
    assert found.startswith("night.h5: ") if isinstance(found, str) else len(found.ecg[:100]) <= 100


# --- layouts that cost -----------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
def test_a_large_chunk_is_unpacked_once_for_all_columns_and_slices_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turned: bool
) -> None:
    rows = np.random.default_rng(3).normal(size=(2000, 6)).astype(np.float32)

    def fill(file: h5py.File) -> None:
        data, chunks = (rows.T, (4, 300)) if turned else (rows, (300, 4))
        lead = file.create_dataset("ecg", data=data, chunks=chunks, compression="gzip")
        lead.attrs["fs"] = FS_HZ
        lead.attrs["columns"] = [f"ECG {name}" for name in ("I", "II", "III", "aVR", "aVL", "V1")]

    path = made(tmp_path, fill)
    monkeypatch.setattr("holter2sleep.io.hdf5_leads._LARGE_CHUNK_BYTES", 1)
    unpacked = []

    def counted(path: Path, *place: object) -> object:
        unpacked.append(place)
        return _chunk(path, *place)  # type: ignore[arg-type]

    monkeypatch.setattr("holter2sleep.io.hdf5._chunk", counted)
    for column, name in enumerate(("I", "II", "III", "aVR", "aVL", "V1")):
        unpacked.clear()
        recording = read_recording(path, channel=f"ECG {name}")
        for first, last in ((0, 2000), (299, 301), (1800, 2000)):
            np.testing.assert_allclose(recording.ecg[first:last], rows[first:last, column], rtol=1e-6)
        assert len(unpacked) <= 3 * 7  # seven along time, for the look at the first samples, the survey and the test


@pytest.mark.parametrize("has_room", [True, False])
@pytest.mark.parametrize("turned", [False, True])
def test_a_chunk_is_unpacked_once_as_long_as_the_disk_has_room_to_keep_it(has_room: bool, turned: bool) -> None:
    table = np.arange(4000, dtype=np.int16).reshape(1000, 4)
    unpacked = []

    def unpack(_: str, along: int, size: tuple[int, int], k: int, j: int) -> np.ndarray:
        unpacked.append(k)
        assert (along, size, j) == (int(turned), (300, 2), 1)
        return table[300 * k : 300 * (k + 1), 2:4]

    lead = ChunkedLead(Lead("ecg", 3, int(turned), 1000, "ECG", 4, chunk=(300, 2)), unpack)
    if not has_room:
        lead._file = FullDisk()
    for _ in range(3):
        for first, last in ((0, 1000), (299, 301), (250, 950), (999, 1000)):
            np.testing.assert_array_equal(lead.between(first, last), table[first:last, 3])
    assert (sorted(unpacked) == [0, 1, 2, 3]) == has_room


class FullDisk:
    """A file on a disk without room."""

    def seek(self, at: int) -> int:
        return at

    def write(self, content: object) -> int:
        raise OSError(28, "No space left on device")


def test_of_thousands_of_datasets_a_few_hundred_are_looked_at_those_of_an_ecg_first(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        for i in range(1500):
            file[f"feature{i:04d}"] = ECG[:300]
        file["ecg"] = ECG
        file.attrs["fs"] = FS_HZ

    path = made(tmp_path, fill)
    started = time.perf_counter()
    recording = read_recording(path)
    assert time.perf_counter() - started < 5  # s; a minute when each asks all others for its rate
    assert recording.channel == "ecg"
    assert any("1501 datasets and columns" in note and "256 were looked at" in note for note in recording.warnings)
    assert read_recording(path, channel="feature1499").channel == "feature1499"
    refused = read_or_refusal(path, channel="nowhere")
    assert isinstance(refused, str)
    assert "1501 datasets" in refused


def test_a_unit_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["ecg"] = ECG
        file.attrs["fs"] = FS_HZ
        file.attrs["unit"] = b"\xff\xfe"

    unit = read_recording(made(tmp_path, fill)).source.unit
    assert unit is not None
    assert unit.encode() == b"\xef\xbf\xbd" * 2  # the replacement character
