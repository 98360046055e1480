"""Variability as other packages published it (`hrv_reference`), by the comparisons of `benchmarks/hrv.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.hrv import SAME, pyhrv_pairs, toolbox_ratios, vector_pairs

pytestmark = pytest.mark.realdata

# What pyHRV computes otherwise, with the largest difference that leaves, in %
PYHRV_DIFFERS = {
    "sd1": 0.2,  # RMSSD / sqrt(2): n where the others have n - 1
    "sd2": 0.2,
    "poincare_area": 0.4,
    "lf_hf": 3.0,  # Hamming, padded to 4096
    "total_power": 0.2,
    "sdnn_index": 0.1,  # windows of so many seconds of intervals, not of the clock
    "sdann": 0.4,
}


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "hrv_reference"


@pytest.mark.parametrize("record", ["nsr001", "nsr004"])
def test_231_windows_of_the_cardiovascular_signal_toolbox(folder: Path, record: str) -> None:
    """It cleans its intervals in another way: windows that both keep whole agree to the digits printed, powers too."""
    ratios = toolbox_ratios(folder, record)
    same = np.abs(ratios["sdnn"] - 1) < SAME
    assert (len(same), same.sum()) == (231, {"nsr001": 60, "nsr004": 175}[record])
    for name in ("nn_mean", "nn_median", "rmssd", "sd1", "vlf", "lf", "hf", "lf_hf"):
        assert np.median(np.abs(ratios[name][same] - 1)) < 1e-5, name
    limits = {"nn_mean": 0.002, "sdnn": 0.01, "rmssd": 0.01, "sd2": 0.01, "vlf": 0.01, "lf": 0.01, "lf_hf": 0.1}
    for name, limit in limits.items():
        assert np.median(np.abs(ratios[name] - 1)) < limit, name


def test_two_series_of_pyhrv(folder: Path) -> None:
    pairs = list(pyhrv_pairs(folder))
    assert len(pairs) == 25
    for series, name, ours, theirs in pairs:
        assert ours == pytest.approx(theirs, rel=PYHRV_DIFFERS.get(name, 0.005) / 100), f"{series} {name}"


def test_the_vector_of_hrv_analysis_by_neurokit2(folder: Path) -> None:
    for _, name, ours, theirs in vector_pairs(folder):
        if name != "tinn":  # 203 against 172 ms: theirs is not the triangle of the least squares (test_task_force_1996)
            assert ours == pytest.approx(theirs, rel=1e-6), name
