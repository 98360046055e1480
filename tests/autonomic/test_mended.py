"""Beats that were taken out or put in come back mended; what is no missed beat stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from apnea_nights import rr_with_cycles
from made_nights import RECIPE, all_of, beats_of_rr

from holter2sleep.autonomic.mended import mended_intervals, restored_intervals
from holter2sleep.autonomic.nn import nn_intervals, normal_intervals
from holter2sleep.night import NN, Beats, Episodes
from holter2sleep.spans import EMPTY

RR_S = rr_with_cycles(1.0)  # breathing, and a surge of the rate every 50 s
N = len(RR_S)


def mended(beats: Beats) -> NN:
    return mended_intervals(normal_intervals(beats, Episodes.none(), all_of(beats)), RECIPE.nn)


def without(beats: Beats, missed: np.ndarray) -> Beats:
    return Beats.at(np.delete(beats.time_s, missed))


def error_ms(found: NN, truth: Beats) -> np.ndarray:
    """Distance of each end found to the nearest true beat."""
    return 1000 * np.abs(found.end_s[:, None] - truth.time_s).min(axis=1)


def rate_error_ms(found: NN, truth: Beats) -> np.ndarray:
    """Distance of the intervals found from the true ones, each second."""
    at_s = np.arange(60.0, 3500.0)
    true_ms = np.interp(at_s, truth.time_s[1:], 1000 * np.diff(truth.time_s))
    return np.abs(np.interp(at_s, found.end_s, found.nn_ms) - true_ms)


# --- planted truth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("in_a_row", [1, 2, 3])
def test_missed_beats_come_back_where_they_were(in_a_row: int) -> None:
    truth = beats_of_rr(RR_S)
    missed = (np.arange(50, N - 50, 40)[:, None] + np.arange(in_a_row)).ravel()
    found = mended(without(truth, missed))
    back_ms = 1000 * np.abs(truth.time_s[missed][:, None] - found.end_s).min(axis=1)
    assert np.median(back_ms) < 20
    assert np.quantile(back_ms, 0.9) < 100  # of a second from beat to beat
    assert found.nn_ms.sum() / 1000 > 0.985 * (truth.time_s[-1] - truth.time_s[0])


def test_the_rate_is_there_again_when_a_quarter_of_the_beats_is_missed() -> None:
    truth = beats_of_rr(RR_S)
    missed = np.flatnonzero(np.random.default_rng(0).random(N) < 0.25)
    beats = without(truth, missed[(missed > 0) & (missed < N - 1)])
    nn = nn_intervals(beats, Episodes.none(), all_of(beats), RECIPE.nn)
    of_nn, of_mended = (rate_error_ms(found, truth) for found in (nn, mended(beats)))
    assert np.median(of_mended) < 2
    assert np.quantile(of_mended, 0.9) < 20
    assert np.quantile(of_nn, 0.9) > 25  # NN alone, a line drawn over its holes


@pytest.mark.parametrize("seed", [0, 1])
def test_most_of_the_night_comes_back_when_a_third_of_the_beats_is_missed(seed: int) -> None:
    truth = beats_of_rr(RR_S)
    missed = np.flatnonzero(np.random.default_rng(seed).random(N) < 0.35)
    beats = without(truth, missed[(missed > 0) & (missed < N - 1)])
    normal = normal_intervals(beats, Episodes.none(), all_of(beats))
    known_s = restored_intervals(normal, RECIPE.nn).nn_ms.sum() / 1000
    # divided once only, or by the median of few intervals around, it is 0.74 at most
    assert known_s > 0.77 * (truth.time_s[-1] - truth.time_s[0])


def test_a_false_beat_goes() -> None:
    truth = beats_of_rr(RR_S)
    false_s = truth.time_s[60 : N - 60 : 40] + 0.35
    found = mended(Beats.at(np.sort(np.r_[truth.time_s, false_s])))
    assert np.abs(false_s[:, None] - found.end_s).min() > 0.1
    assert error_ms(found, truth).max() < 1
    assert len(found) == N


def test_a_premature_beat_and_its_pause_become_two_even_intervals() -> None:
    rr_s = np.r_[np.full(40, 0.9), 0.5, 1.3, np.full(40, 0.9)]
    found = mended(beats_of_rr(rr_s))
    np.testing.assert_allclose(found.nn_ms, 900.0, atol=1e-6)
    assert len(found) == len(rr_s)
    assert found.adjacent[1:].all()


def test_a_ventricular_beat_is_mended_by_its_class_alone() -> None:
    beats = beats_of_rr(np.full(80, 0.9), "N" * 40 + "V" + "N" * 40)  # in time with the others
    assert len(normal_intervals(beats, Episodes.none(), all_of(beats))) == 78
    np.testing.assert_allclose(mended(beats).nn_ms, np.full(80, 900.0), atol=1e-6)


# --- what is left as it is ---------------------------------------------------------------------------


def test_a_rhythm_without_slips_is_untouched() -> None:
    normal = normal_intervals(beats := beats_of_rr(RR_S), Episodes.none(), all_of(beats))
    found = mended(beats)
    assert (found.end_s == normal.end_s).all()
    assert (found.nn_ms == normal.nn_ms).all()


@pytest.mark.parametrize("pause_s", [1.4, 2.3, 3.1, 5.0, 20.0])
def test_a_pause_that_is_no_multiple_of_the_beats_around_stays_a_hole(pause_s: float) -> None:
    found = mended(beats_of_rr(np.r_[np.full(40, 0.9), pause_s, np.full(40, 0.9)]))
    np.testing.assert_allclose(found.nn_ms, np.full(80, 900.0), atol=1e-6)
    assert found.adjacent.sum() == 78


def test_a_pause_twice_as_long_cannot_be_told_from_a_missed_beat() -> None:
    found = mended(beats_of_rr(np.r_[np.full(40, 0.9), 1.8, np.full(40, 0.9)]))
    np.testing.assert_allclose(found.nn_ms, np.full(82, 900.0), atol=1e-6)


def test_bigeminy_is_no_rhythm_of_the_sinus_node() -> None:
    bigeminy = np.tile([0.55, 1.15], 60)
    found = mended(beats_of_rr(np.r_[np.full(60, 0.9), bigeminy, np.full(60, 0.9)]))
    inside = (found.end_s > 60) & (found.end_s < 150)
    assert not inside.any()


def test_fibrillation_is_not_made_regular() -> None:
    beats = beats_of_rr(np.random.default_rng(0).uniform(0.4, 1.2, 3000))
    normal = normal_intervals(beats, Episodes.none(), all_of(beats))
    found = mended(beats)
    assert np.diff(found.nn_ms)[found.adjacent[1:]].std() > 60  # of a sinus rhythm at night 30
    assert len(found) < 1.15 * len(normal)


def test_more_missed_beats_than_can_be_counted_stay_a_hole() -> None:
    truth = beats_of_rr(np.full(100, 0.9))
    three, four = (mended(without(truth, np.arange(50, 50 + n))) for n in (3, 4))
    assert len(three) == 100
    assert len(four) == 100 - 5


# --- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_few_intervals_are_no_error(n: int) -> None:
    nn = NN(np.arange(n) + 1.0, np.full(n, 1000.0), np.arange(n) > 0)
    found = mended_intervals(nn, RECIPE.nn)
    assert found.nn_ms.tolist() == nn.nn_ms.tolist()
    assert found.adjacent.tolist() == nn.adjacent.tolist()


def test_no_beat_at_all_is_no_error() -> None:
    beats = Beats.at(np.empty(0))
    assert len(mended_intervals(normal_intervals(beats, Episodes.none(), EMPTY), RECIPE.nn)) == 0


def test_intervals_of_no_length_are_left_out() -> None:
    found = mended_intervals(NN(np.full(30, 5.0), np.zeros(30), np.ones(30, bool)), RECIPE.nn)
    assert len(found) == 0
