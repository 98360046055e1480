"""However little is read at a time, a night is the same; memory grows with beats, not with samples."""

from __future__ import annotations

import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, simulated

from holter2sleep import waveform
from holter2sleep.analyze import analyze_night
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.io import read_recording
from holter2sleep.io.export import write_edf
from holter2sleep.night import Night, Recording
from holter2sleep.phenotypes.files import tables_of
from holter2sleep.waveform import Waveform

FS_HZ = 128.0


@pytest.fixture(scope="module")
def edf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of a night with a gap, ectopy and AF, upside down."""
    path = tmp_path_factory.mktemp("streaming") / "night.edf"
    night = simulated("gaps", hours=1.0, fs=FS_HZ, pvc_per_hour=30.0, polarity=-1)
    write_edf(path, night.recording)
    return path


def analysed_in_blocks(path: Path, block_samples: int, kept_samples: int) -> Night:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Waveform.__init__, "__defaults__", (block_samples, kept_samples))
        return analyze_night(read_recording(path), RECIPE)


def tables(night: Night) -> dict[str, pl.DataFrame]:
    return tables_of(night, RECIPE)


@pytest.mark.parametrize(("block_samples", "kept_samples"), [(997, 997), (16_384, 1), (10**7, 10**7)])
def test_the_size_of_a_block_changes_no_beat_stage_or_phenotype(
    edf: Path, block_samples: int, kept_samples: int
) -> None:
    expected = tables(analysed_in_blocks(edf, waveform.BLOCK_SAMPLES, waveform.KEPT_SAMPLES))
    found = tables(analysed_in_blocks(edf, block_samples, kept_samples))
    assert set(found) >= {"beats", "epochs", "phenotypes"}
    for name, table in expected.items():
        assert len(table)
        assert table.equals(found[name]), name


def peak_bytes(recording: Recording) -> int:
    """What the steps that see the waveform allocate at most."""
    tracemalloc.start()
    try:
        faults = find_faults(recording, RECIPE.faults)
        beats = detect_beats(recording, faults, RECIPE.beats)
        beat_shapes(recording, beats.time_s, RECIPE.shape)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def repeated(recording: Recording, times: int, rest_s: float) -> Recording:
    """The recording again and again, with a rest without beats after each."""
    ecg = np.asarray(recording.ecg)
    one = np.concatenate([ecg, np.zeros(round(rest_s * FS_HZ), np.float32)])
    whole = Waveform(times * len(one), lambda first, last: one[np.arange(first, last) % len(one)], kept_samples=1)
    return dataclasses.replace(recording, ecg=whole, duration_s=len(whole) / FS_HZ)


def test_memory_grows_with_beats_and_not_with_samples() -> None:
    clean = simulated("clean", hours=0.1, fs=FS_HZ).recording
    rest_s = 4 * 3600.0
    short, long = repeated(clean, 1, rest_s), repeated(clean, 6, rest_s)
    assert long.ecg is not None
    assert short.ecg is not None
    more_samples = len(long.ecg) - len(short.ecg)
    assert peak_bytes(long) - peak_bytes(short) < 4 * more_samples / 10  # of float32
