"""Beats that were taken out or put in come back mended; what is no missed beat stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from apnea_nights import rr_with_cycles
from made_nights import RECIPE, all_of, beats_of_rr, nn_of

from holter2sleep.autonomic.mended import REACH, filled_intervals, mended_intervals, restored_intervals
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


# --- limits ------------------------------------------------------------------------------------------


def with_hole(before_ms: list[float], hole_ms: float, after_ms: list[float]) -> NN:
    """Intervals one after another, a hole, and others."""
    nn = nn_of([*before_ms, hole_ms, *after_ms])
    known = np.arange(len(nn)) != len(before_ms)
    return NN(nn.end_s[known], nn.nn_ms[known], (nn.adjacent & np.r_[False, known[:-1]])[known])


@pytest.mark.parametrize(
    ("hole_ms", "n"),
    [
        (740, 0),
        (750, 1),
        (1250, 1),
        (1260, 0),
        (1740, 0),
        (1750, 2),
        (2250, 2),
        (2260, 0),
        (4250, 4),
        (4260, 0),
        (5000, 0),
    ],
)
def test_a_hole_is_filled_by_whole_intervals_give_or_take_a_quarter_of_one(hole_ms: float, n: int) -> None:
    even = [1000.0] * 10
    holed = with_hole(even, hole_ms, even)
    found = filled_intervals(holed)
    assert found.nn_ms.tolist() == pytest.approx([*even, *[hole_ms / max(n, 1)] * n, *even])
    if n:
        assert found.end_s[9 : 11 + n] == pytest.approx(
            np.r_[10 + np.arange(n + 1) * hole_ms / 1000 / n, 11 + hole_ms / 1000]
        )
        assert found.adjacent.tolist() == [False, *[True] * (19 + n)]
    else:
        assert np.flatnonzero(~found.adjacent).tolist() == [0, 10]


@pytest.mark.parametrize(
    ("before_ms", "hole_ms", "after_ms"),
    [
        ([600] * 9 + [1000] * 3, 1850, [800] * 3 + [600] * 9),  # 2.06 of 900, 2.3 of 800 (four to each side)
        ([1000] * 11 + [600], 2240, [600] + [1000] * 11),  # 2.24 of 1000, 2.8 of 800 (two to each side)
    ],
)
def test_a_hole_is_held_against_three_intervals_to_each_side(
    before_ms: list[float], hole_ms: float, after_ms: list[float]
) -> None:
    assert len(filled_intervals(with_hole(before_ms, hole_ms, after_ms))) == 24 + 2


@pytest.mark.parametrize("ends", [slice(None), slice(None, None, -1)], ids=["first", "last"])
def test_beside_the_first_or_last_interval_as_much_is_taken_from_either_side(ends: slice) -> None:
    """Of 1000 ms three times and 600 three times the median is 800: the hole of 1600 is two of them, and 2.7 of 600."""
    sides = [[1000.0], [600.0] * 5][ends]
    found = filled_intervals(with_hole(sides[0], 1600, sides[1]))
    assert found.nn_ms.tolist() == pytest.approx([*sides[0], 800, 800, *sides[1]])


@pytest.mark.parametrize(("off_s", "adjacent"), [(0.00095, True), (0.00105, False), (-0.00095, True)])
def test_intervals_that_share_a_beat_but_for_less_than_a_millisecond_are_neighbours(
    off_s: float, adjacent: bool
) -> None:
    nn = nn_of(np.full(9, 1200.0))
    moved = filled_intervals(NN(nn.end_s + np.where(np.arange(9) < 5, 0, off_s), nn.nn_ms, nn.adjacent))
    assert moved.adjacent.tolist() == [False, *[True] * 4, adjacent, *[True] * 3]


IRREGULAR_MS = (540.0, 1260.0)  # in turn: neither is 900 give or take a quarter


def around(typical: set[int]) -> list[float]:
    """Fifteen intervals, of 900 ms at the given distances from the first of them on."""
    return [900.0 if at in typical else IRREGULAR_MS[at % 2] for at in range(1, REACH + 1)]


@pytest.mark.parametrize(
    ("before", "after", "beyond_ms", "divided"),
    [
        ({1, 2, 3, 4, 5, 6, 15}, {1, 2, 3, 4, 5, 15}, IRREGULAR_MS, True),  # 13 of 31 are typical
        ({1, 2, 3, 4, 5, 6, 15}, {1, 2, 3, 4, 15}, IRREGULAR_MS, False),  # 12 of 31
        ({1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 4, 5, 6}, (900.0, 900.0), True),
        ({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}, (900.0, 900.0), False),
    ],
)
def test_a_long_interval_is_divided_where_four_tenths_of_those_around_are_typical(
    before: set[int], after: set[int], beyond_ms: tuple[float, float], divided: bool
) -> None:
    before_ms = [*beyond_ms * 16, *around(before)[::-1]]
    intervals = nn_of([*before_ms, 1800.0, *around(after), *beyond_ms * 16])
    found = restored_intervals(intervals, RECIPE.nn)
    begin_s = sum(before_ms) / 1000
    inside = (found.end_s > begin_s + 0.01) & (found.end_s < begin_s + 1.81)
    assert found.nn_ms[inside].tolist() == pytest.approx([900.0] * 2 * divided)


@pytest.mark.parametrize(("n", "comes_back"), [(36, True), (38, False)])
def test_every_third_beat_missed_comes_back_from_both_sides_in_three_rounds(n: int, comes_back: bool) -> None:
    """One length and two in turn: neither is typical but near a side, which comes nearer with each round."""
    found = restored_intervals(nn_of([*[900.0] * 60, *[900.0, 1800.0] * n, *[900.0] * 60]), RECIPE.nn)
    assert (len(found) == 120 + 3 * n) == comes_back


@pytest.mark.parametrize("way", [1, -1], ids=["first", "last"])
def test_the_first_and_last_interval_count_as_much_as_any_other(way: int) -> None:
    """Beside a beat missed at the very end eleven of fifteen intervals are typical."""
    rr_s = np.full(80, 0.9)
    rr_s[0] = 1.8
    rr_s[[3, 5, 7, 9]] = 0.54, 1.26, 0.54, 1.26
    found = mended(beats_of_rr(rr_s[::way]))
    np.testing.assert_allclose(found.nn_ms, np.full(80 - 4 + 1, 900.0), atol=1e-6)


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
