"""The bench measures what it says: noise of the stated level, rates by EC57, errors where they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_annotations import write_annotations
from made_nights import recording_of

from benchmarks.classes import DS1, DS2, PACED
from benchmarks.detection import near_normal_beats, pooled, score, worst
from benchmarks.detectors import Annotated, annotated_headers, first_channel, read_annotated
from benchmarks.noise import noisy_spans, with_noise
from holter2sleep.errors import UsageError
from holter2sleep.evaluate.sides import Side
from holter2sleep.night import Beats
from holter2sleep.spans import EMPTY, as_spans
from holter2sleep.training.noise_stress import gain_for, noise_gain, noise_rms, qrs_height, trimmed_mean

FS = 100.0
DURATION_S = 900.0


def spikes(height_mv: float = 2.0) -> Annotated:
    """A beat a second, each a spike of one sample."""
    beats = Beats.at(np.arange(1.0, 899.0))
    ecg = np.zeros(round(DURATION_S * FS))
    ecg[np.round(beats.time_s * FS).astype(int)] = height_mv
    return Annotated("made", recording_of(ecg, FS), Side(beats))


def white(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, round(DURATION_S * FS))


# --- noise -----------------------------------------------------------------------------------------


def test_noise_begins_at_five_minutes_and_comes_and_goes_every_two() -> None:
    assert noisy_spans(900.0).tolist() == [[300.0, 420.0], [540.0, 660.0], [780.0, 900.0]]
    assert noisy_spans(360.0).tolist() == [[300.0, 360.0]]
    assert len(noisy_spans(299.0)) == 0


def test_a_trimmed_mean_leaves_out_a_twentieth_at_either_end() -> None:
    assert trimmed_mean(np.r_[-1000.0, np.ones(18), 1000.0]) == 1.0


def test_signal_power_is_that_of_a_sine_as_high_as_the_qrs_complexes() -> None:
    """A sine of 2 mV from peak to peak has the power 0.5: as much as noise of 0.707 mV."""
    assert noise_gain(2.0, np.sqrt(0.5), 0) == pytest.approx(1.0)
    assert noise_gain(2.0, np.sqrt(0.5), -20) == pytest.approx(10.0)


def test_added_noise_has_the_level_asked_for() -> None:
    record, noise = spikes(), white()
    assert qrs_height(np.asarray(record.recording.ecg), FS, record.reference.beats.time_s) == 2.0
    added = np.asarray(with_noise(record, noise, 6).recording.ecg) - np.asarray(record.recording.ecg)
    power = noise_rms(added[30000:42000].astype(float), FS) ** 2
    assert 10 * np.log10(2.0**2 / 8 / power) == pytest.approx(6, abs=0.25)  # other seconds than those measured


def test_clean_minutes_stay_as_they_are_but_for_an_offset() -> None:
    record, noise = spikes(), white()
    added = np.asarray(with_noise(record, noise, 0).recording.ecg) - np.asarray(record.recording.ecg)
    assert not added[:30000].any()
    assert np.ptp(added[42000:54000]) == pytest.approx(0, abs=1e-6)
    assert added[42000] == pytest.approx(added[41999], abs=1e-6)


@pytest.mark.realdata
def test_noise_of_record_118e_6_has_our_gain(shared_data: Path) -> None:
    """PhysioNet made 118e_6 by `nst` from 118 and em at -6 dB; its samples are about 0, those of 118 about 1024."""
    record = read_annotated(shared_data / "mitdb" / "118.hea")
    em = np.asarray(first_channel(shared_data / "nstdb" / "em.hea").ecg, float)
    theirs = np.fromfile(shared_data / "nstdb" / "118e_6.dat", "<i2")[::2] / 200
    ecg = np.asarray(record.recording.ecg, float)
    noisy = slice(300 * 360, 420 * 360)
    gain = np.polyfit(em[noisy], theirs[noisy] - ecg[noisy], 1)[0]
    normal = record.reference.beats.where(record.reference.beats.label == "N")
    ours = gain_for(ecg, normal.time_s, em, 360.0, -6)
    assert ours == pytest.approx(gain, rel=0.01)  # measured: 5.874 and 5.908


# --- scores ----------------------------------------------------------------------------------------


def test_a_constant_offset_leaves_every_beat_near() -> None:
    reference = Side(Beats.at([400.0, 401.0, 402.0, 403.0]))
    assert near_normal_beats(reference, Beats.at([400.04, 401.04, 402.05, 403.06]), EMPTY) == (3, 4)


def test_only_paired_normal_beats_of_scored_time_are_looked_at() -> None:
    reference = Side(Beats.at([100.0, 400.0, 401.0, 402.0, 403.0], list("NNVNN")))
    test = Beats.at([100.0, 400.0, 401.0, 402.0])
    assert near_normal_beats(reference, test, as_spans([(401.5, 402.5)])) == (1, 1)
    assert near_normal_beats(reference, Beats.at([]), EMPTY) == (0, 0)


def test_a_beat_found_60_ms_late_counts_in_the_wide_window_only() -> None:
    record = spikes()
    found = score(record, Beats.at(record.reference.beats.time_s + 0.06), 1.0)
    assert (found.missed, found.extra) == (0, 0)
    assert found.tight.measures()["qrs_sensitivity"] == 0.0
    assert found.n_near == found.n_normal > 500


def test_the_worst_records_have_the_most_errors() -> None:
    record = spikes()
    times = record.reference.beats.time_s
    found = {str(n): score(record, Beats.at(times[times < 880 - n]), 1.0) for n in range(8)}
    assert list(worst(found)) == ["7", "6", "5", "4", "3"]
    assert pooled(list(found.values())).n_records == 8


def test_noise_elsewhere_is_left_out_of_a_score() -> None:
    record = spikes()
    clean = as_spans([(0.0, 300.0), (420.0, 900.0)])
    found = score(record, Beats.at(record.reference.beats.time_s), 1.0, excluded=clean)
    assert found.wide.scored_s == 120.0


# --- the command -----------------------------------------------------------------------------------


def test_the_sets_of_de_chazal_do_not_overlap_and_hold_no_paced_record() -> None:
    assert not set(DS1) & set(DS2)
    assert not set(PACED) & {*DS1, *DS2}
    assert (len(DS1), len(DS2)) == (22, 22)


def test_records_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no record with a header"):
        annotated_headers(tmp_path)
    write_annotations(tmp_path / "100.atr", [(1.0, "N")])
    assert [path.stem for path in annotated_headers(tmp_path)] == ["100"]
    with pytest.raises(UsageError, match="no annotated record 999"):
        annotated_headers(tmp_path, ["100", "999"])


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.holter", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


@pytest.mark.slow
def test_a_folder_without_records_ends_in_one_line(tmp_path: Path) -> None:
    done = bench(tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.realdata
def test_one_record_gives_every_table(shared_data: Path, tmp_path: Path) -> None:
    done = bench(shared_data, "--records", 208, "--detector", "holter2sleep", "--quick", "--csv", tmp_path)
    assert done.returncode == 0, done.stderr
    for heading in ("QRS detection", "Worst 5 records", "Noise stress, em", "Noise stress, ma", "Runs of S", "Atrial"):
        assert heading in done.stdout
    written = {path.stem for path in tmp_path.glob("*.csv")}
    assert {"detection", "noise_em", "noise_ma", "beats", "runs_V", "runs_S", "af", "worst_V", "worst_S"} <= written
