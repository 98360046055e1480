"""Runs of atrial beats between sinus pauses, and what only looks like them."""

from __future__ import annotations

import numpy as np
from made_nights import RECIPE, beats_of_rr

from holter2sleep.heart.atrial_runs import atrial_runs

RULES = RECIPE.classes.atrial_runs


def found(rr_s: list[float]) -> np.ndarray:
    beats = beats_of_rr(rr_s)
    trusted = np.isfinite(beats.rr_s)
    return atrial_runs(beats.time_s, beats.rr_s, trusted, RULES)


def test_every_beat_of_runs_between_sinus_pauses_is_found_and_none_after_a_pause() -> None:
    rr_s = [*([1.9] + [0.70, 0.73, 0.74, 0.73] * 2) * 8, 1.9]
    assert found(rr_s)[1:].tolist() == [rr < 1.0 for rr in rr_s]


def test_dropped_beats_are_no_runs_for_the_pause_is_a_multiple_of_the_interval() -> None:
    assert not found([*([1.6] + [0.8] * 6) * 8, 1.6]).any()
    assert not found([*([2.4] + [0.8] * 6) * 8, 2.4]).any()


def test_breathing_is_no_run_for_it_speeds_up_beat_by_beat() -> None:
    assert not found([1.3, 1.1, 0.9, 0.75, 0.65, 0.75, 0.9, 1.1] * 10).any()


def test_a_single_run_is_chance() -> None:
    assert not found([1.0] * 60 + [1.9, 0.7, 0.7, 0.7, 1.9] + [1.0] * 60).any()


def test_a_recording_without_a_pause_has_none() -> None:
    assert not found([0.8] * 50).any()
    assert not found([]).any()
