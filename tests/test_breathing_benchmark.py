"""The reference of the breathing benchmark reads what was planted, and ours is near it on real records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_nights import RECIPE

from benchmarks.breathing import figures, least_limit, result, spectral_bpm
from benchmarks.breathing_reference import counted_bpm, reference_rates, repeated_bpm

FS = 125.0
TIME_S = np.arange(int(600 * FS)) / FS
CENTRE_S = np.arange(45.0, 555.0, 30.0)


def breaths(rate_bpm: float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    slow = np.sin(2 * np.pi * rate_bpm / 60 * TIME_S) + 0.3 * np.sin(4 * np.pi * rate_bpm / 60 * TIME_S + 1)
    return slow + noise * np.random.default_rng(seed).standard_normal(len(TIME_S))


@pytest.mark.parametrize("rate_bpm", [8.0, 14.0, 20.0, 33.0])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_reference_reads_a_planted_rate(rate_bpm: float, noise: float) -> None:
    found = reference_rates(breaths(rate_bpm, noise), FS, CENTRE_S, 60.0)
    assert np.isfinite(found).mean() > 0.9
    np.testing.assert_allclose(found[np.isfinite(found)], rate_bpm, atol=0.6)


def test_noise_has_hardly_a_reference() -> None:
    noise = np.random.default_rng(1).standard_normal(len(TIME_S))
    assert np.isfinite(reference_rates(noise, FS, CENTRE_S, 60.0)).mean() < 0.3


def test_a_window_beyond_the_signal_has_none() -> None:
    found = reference_rates(breaths(15.0), FS, np.array([15.0, 300.0, 590.0]), 60.0)
    assert np.isfinite(found).tolist() == [False, True, False]


def test_small_swings_are_no_breaths_and_two_unlike_breaths_are_one_repetition() -> None:
    at_s = np.arange(1500) / 25.0
    ripple = np.sin(2 * np.pi * 0.25 * at_s) + 0.05 * np.sin(2 * np.pi * 1.1 * at_s)
    assert counted_bpm(ripple, 25.0) == pytest.approx(15.0, abs=0.5)
    assert repeated_bpm(ripple, 25.0) == pytest.approx(15.0, abs=0.5)
    assert np.isnan(counted_bpm(np.linspace(0, 1, 1500), 25.0))


def test_the_peers_spectrum_is_read_at_its_peak() -> None:
    assert spectral_bpm(breaths(15.0)[: int(60 * FS)], FS) == pytest.approx(15.0, abs=0.2)


def test_a_limit_is_the_lowest_above_which_the_wanted_share_is_right() -> None:
    confidence = np.linspace(0.3, 1.0, 701)
    assert least_limit(confidence, confidence > 0.6) == pytest.approx(0.58, abs=0.015)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["af_011", "af_015", "non_af_002", "non_af_006"])
def test_real_records_are_right_where_they_are_sure(shared_data: Path, name: str) -> None:
    import wfdb

    header = shared_data / "mimic_perform_af" / f"mimic_perform_{name}.hea"
    record = wfdb.rdrecord(str(header.with_suffix("")))
    place = {label.split(",")[0]: at for at, label in enumerate(record.sig_name)}
    respiration = record.p_signal[:, place["resp"]]
    found = result(header, record.sig_name[place["ECG"]], respiration, float(record.fs), RECIPE)
    mae, within, share = figures([found], "ours", everywhere=False)
    assert mae <= 1.0
    assert within > 90
    assert share > 50
