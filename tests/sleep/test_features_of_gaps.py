"""Days without a beat cost nothing, and change no feature."""

from __future__ import annotations

from datetime import time

import numpy as np
import pytest
from numpy.typing import NDArray

from holter2sleep.sleep.staging import sleepecg_features as features
from holter2sleep.sleep.staging.sleepecg_features import Context, sleepecg_features

DAY_S = 86400.0
CONTEXT = Context(time(22, 30), 50.0, "F")


def beats(n: int, start_s: float) -> NDArray[np.float64]:
    return start_s + np.cumsum(np.random.default_rng(n).normal(0.9, 0.05, n))


@pytest.mark.parametrize(
    "starts_s", [(0.0,), (0.0, 3 * 3600.0), (DAY_S / 4, DAY_S, DAY_S + 900.0), (1000.0, 1000.0 + 0.9 * 700 + 271)]
)
def test_features_with_gaps_are_those_of_every_epoch_worked_out(
    starts_s: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    beat_s = np.concatenate([beats(700, start_s) for start_s in starts_s])
    quick = sleepecg_features(beat_s, CONTEXT)
    none = np.empty(0, np.intp)
    monkeypatch.setattr(features, "_worth_work", lambda _beats, onset_s: (np.arange(len(onset_s)), none))
    np.testing.assert_array_equal(quick, sleepecg_features(beat_s, CONTEXT))


def test_only_epochs_near_beats_are_worked_out() -> None:
    rr_end_s = np.r_[beats(100, 0.0), beats(100, 20 * DAY_S)]
    onset_s = 30.0 * np.arange(20 * 2880)
    worked, alike = features._worth_work(rr_end_s, onset_s)
    assert len(worked) < 20
    assert len(worked) + len(alike) == len(onset_s) + 1  # one of the empty ones stands for all
