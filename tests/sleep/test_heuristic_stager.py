"""The rules of physiology on nights whose autonomic state is planted."""

from __future__ import annotations

import numpy as np
import pytest
from staging_nights import evidence_of

from holter2sleep.sleep.staging import get_stager

BLOCK_S = 3600.0
# rate (bpm), amplitude of slow swings (s), amplitude of respiratory swings (s)
QUIET, SWINGING, FAST = (55.0, 0.01, 0.04), (55.0, 0.09, 0.008), (75.0, 0.12, 0.008)


def beats_of(*states: tuple[float, float, float]) -> np.ndarray:
    """Beats of one hour per state: slow swings of 100 s, respiration of 4 s."""
    rng = np.random.default_rng(3)
    time_s, beats = 0.0, []
    while time_s < BLOCK_S * len(states):
        rate, swing, breath = states[int(time_s // BLOCK_S)]
        slow, fast = np.sin(2 * np.pi * time_s / 100), np.sin(2 * np.pi * time_s / 4.1)
        time_s += 60 / rate + swing * slow + breath * fast + rng.normal(0, 0.002)
        beats.append(time_s)
    return np.array(beats[:-1])


def stages_of(*states: tuple[float, float, float]) -> list[str]:
    """The stage most often given within each planted hour, borders left out."""
    evidence = evidence_of(beats_of(*states), BLOCK_S * len(states))
    proba, _ = get_stager("heuristic").stage(evidence)
    middle = np.array(["W", "NREM", "R"])[proba.argmax(axis=1)].reshape(len(states), -1)[:, 10:-10]
    names = [np.unique(row, return_counts=True) for row in middle]
    return [str(letters[counts.argmax()]) for letters, counts in names]


def test_fast_and_swinging_is_wake_quiet_is_nrem_and_late_swings_at_low_rate_are_rem() -> None:
    assert stages_of(FAST, QUIET, QUIET, QUIET, SWINGING) == ["W", "NREM", "NREM", "NREM", "R"]


def test_a_steady_night_is_answered_with_the_base_shares_halfway_through() -> None:
    beat_s = np.arange(1.0, 7200.0)
    proba, _ = get_stager("heuristic").stage(evidence_of(beat_s, 7200.0))
    assert proba[120] == pytest.approx([0.2, 0.6, 0.2], abs=0.005)


def test_a_minute_of_beats_within_five_is_needed() -> None:
    beat_s = np.r_[np.arange(0.0, 600.0), np.arange(1200.0, 1800.0)]
    proba, _ = get_stager("heuristic").stage(evidence_of(beat_s, 1800.0))
    silent = np.isnan(proba).any(axis=1)
    # windows centred on 705 s and later begin at 555 s and hold under 60 intervals
    assert np.flatnonzero(silent).tolist() == list(range(23, 37))


def test_no_epoch_is_decided_by_one_feature_out_of_range() -> None:
    beat_s = beats_of(QUIET, QUIET)
    racing = np.arange(3000.0, 3030.0, 0.35)
    beat_s = np.sort(np.r_[beat_s[(beat_s < 3000) | (beat_s > 3030)], racing])
    proba, _ = get_stager("heuristic").stage(evidence_of(beat_s, 7200.0))
    assert proba.max() < 0.999
