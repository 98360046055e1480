"""Windows of 5 min lie within one bout of a stage each, wherever on the clock it is."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, nn_of
from scipy.interpolate import CubicSpline

from holter2sleep.autonomic.windows import Windows, five_minute_windows, places_for_windows, resampled, windows_around
from holter2sleep.night import NN
from holter2sleep.spans import as_spans, covers


def windows_in(*spans: tuple[float, float], nn: NN | None = None) -> Windows:
    return five_minute_windows(nn_of(np.full(9000, 800.0)) if nn is None else nn, as_spans(spans), RECIPE.hrv)


def test_windows_lie_side_by_side_from_the_start_of_each_bout() -> None:
    assert windows_in((90, 720), (1000, 1330)).start_s.tolist() == [90, 390, 1000]


def test_bouts_astride_the_marks_of_the_clock_have_their_windows_too() -> None:
    """Six bouts of 6 min, each begun 2 min 30 s after a mark: none of them would fill a window of the clock."""
    bouts = [(600.0 * k + 150, 600.0 * k + 510) for k in range(6)]
    assert len(windows_in(*bouts)) == 6


@pytest.mark.parametrize(("length_s", "n"), [(239.0, 0), (241.0, 1), (300.0, 1), (539.0, 1), (541.0, 2), (600.0, 2)])
def test_the_last_window_of_a_bout_may_be_shorter_by_a_fifth(length_s: float, n: int) -> None:
    assert len(windows_in((200.0, 200 + length_s))) == n


@pytest.mark.parametrize(
    ("length_s", "n"),
    [(0.0, 0), (239.9, 0), (240.0, 1), (300.0, 1), (539.9, 1), (540.0, 2), (900.0, 3), (9539.9, 31), (9540.0, 32)],
)
def test_a_span_has_room_for_whole_windows_and_one_shorter_by_a_fifth(length_s: float, n: int) -> None:
    assert places_for_windows(np.array([[690.0, 690 + length_s]]), RECIPE.hrv).tolist() == [n]


@pytest.mark.parametrize(
    ("nn_ms", "n"), [([1000.0] * 240, 1), ([1000.0] * 239, 0), ([120_000.0] * 2, 1), ([250_000.0], 0)]
)
def test_a_window_is_filled_by_two_intervals_or_more_of_at_least_four_fifths_of_it(nn_ms: list[float], n: int) -> None:
    nn = nn_of([400.0, *nn_ms])  # the first is of the time before
    assert len(windows_in((0.5, 300.5), nn=nn)) == n


def test_the_parts_are_the_intervals_of_each_window_and_the_first_of_each_has_no_neighbour() -> None:
    nn = nn_of(np.random.default_rng(0).normal(850, 40, 1500))
    windows = windows_in((100.0, 1000.0), nn=nn)
    assert len(windows.parts) == 3
    for start_s, part in zip(windows.start_s, windows.parts, strict=True):
        inside = (nn.end_s >= start_s) & (nn.end_s < start_s + 300)
        np.testing.assert_array_equal(part.end_s, nn.end_s[inside])
        np.testing.assert_array_equal(part.nn_ms, nn.nn_ms[inside])
        assert part.adjacent.tolist() == [False, *[True] * (len(part) - 1)]


def test_no_window_holds_an_interval_of_another_bout() -> None:
    spans = as_spans([(90, 420), (420.5, 700), (900, 1900)])
    nn = nn_of(np.random.default_rng(0).normal(850, 40, 3000))
    windows = five_minute_windows(nn, spans, RECIPE.hrv)
    ends = np.minimum(windows.start_s + 300, spans[np.searchsorted(spans[:, 0], windows.start_s, "right") - 1, 1])
    assert covers(spans, windows.start_s, ends).all()
    for start_s, end_s, part in zip(windows.start_s, ends, windows.parts, strict=True):
        assert ((part.end_s >= start_s) & (part.end_s < end_s)).all()


def test_no_intervals_or_no_time_give_no_window() -> None:
    assert len(windows_in((0, 6000), nn=NN.none())) == 0
    assert len(windows_in()) == 0
    assert len(windows_in((8000, 20000))) == 0


def test_windows_around_given_times_reach_two_and_a_half_minutes_to_either_side_and_may_overlap() -> None:
    nn = nn_of(np.full(1500, 1000.0))  # one ends at each whole second up to 1500
    windows = windows_around(nn, np.array([100.0, 400.0, 460.5, 1400.0, 1500.0]), RECIPE.hrv)
    assert windows.start_s.tolist() == [-50.0, 250.0, 310.5, 1250.0]  # of the last only half has intervals
    ends = [(part.end_s[0], part.end_s[-1]) for part in windows.parts]
    assert ends == [(1, 249), (250, 549), (311, 610), (1250, 1500)]


@pytest.mark.parametrize("size", [1, 7, 24, 1000])
def test_batches_hold_all_windows_in_order_and_no_more_than_asked_for(size: int) -> None:
    windows = windows_in((0.0, 7200.0), nn=nn_of(np.random.default_rng(0).normal(800, 20, 9000)))
    batches = list(windows.batches(size))
    assert len(batches) == -(-24 // size)
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    for name in ("start_s", "first", "behind"):
        joined = np.concatenate([getattr(batch, name) for batch in batches])
        np.testing.assert_array_equal(joined, getattr(windows, name))
    assert sum(batch.covered_s for batch in batches) == pytest.approx(windows.covered_s)
    assert [len(batch) for batch in windows.batches()] == [24]


@pytest.mark.parametrize("start_s", [0.0, 100.0])
def test_whole_beats_are_resampled_by_the_cubic_spline_through_them(start_s: float) -> None:
    nn = nn_of(np.random.default_rng(0).normal(850, 60, 600))
    windows = windows_in((start_s, start_s + 300.0), nn=nn)
    here = slice(int(windows.first[0]), int(windows.behind[0]))
    at_s = np.clip(start_s + np.arange(1200) / 4, nn.end_s[here][0], nn.end_s[here][-1])
    expected = CubicSpline(nn.end_s[here], nn.nn_ms[here])(at_s)
    np.testing.assert_allclose(resampled(windows, RECIPE.hrv)[0], expected, rtol=1e-9)


def test_a_hole_behind_the_first_interval_is_a_straight_line() -> None:
    end_s = np.r_[1.0, 5.0 + np.arange(295)]
    nn = NN(end_s, np.r_[1000.0, 1008.0 + 2 * np.arange(295)], np.r_[False, False, np.ones(294, bool)])
    even_ms = resampled(windows_in((0.0, 300.0), nn=nn), RECIPE.hrv)[0]
    np.testing.assert_allclose(even_ms, 998 + 2 * np.clip(np.arange(1200) / 4, 1, 299))


def test_a_regular_series_is_the_same_when_resampled_and_level_beyond_its_ends() -> None:
    nn = nn_of(np.linspace(700, 900, 1500))
    windows = windows_in((300.0, 560.0), nn=nn)
    even_ms = resampled(windows, RECIPE.hrv)
    at_s = 300 + np.arange(1200) / 4
    inside = (at_s > 301) & (at_s < 559)
    np.testing.assert_allclose(even_ms[0, inside], np.interp(at_s, nn.end_s, nn.nn_ms)[inside], atol=0.01)
    assert np.ptp(even_ms[0, at_s > 560]) == 0.0
