"""Intervals by drawing blocks again: what they are where a closed form says so, and when there are none."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.autonomic.blocks import (
    BLOCK_S,
    MAXIMUM_BLOCKS,
    MINIMUM_BLOCKS,
    block_of,
    block_sums,
    estimates,
    interval_of_mean,
    intervals_of,
    ratio,
    spread,
)
from holter2sleep.night import Float

RNG = np.random.default_rng(7)


def test_the_interval_of_a_mean_is_that_of_the_central_limit() -> None:
    values = RNG.normal(50, 10, 200)
    found = interval_of_mean(values)
    assert found is not None
    half = 1.96 * values.std() / np.sqrt(200)
    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=0.15 * half)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    found = [interval_of_mean(RNG.normal(0, 1, 60)) for _ in range(400)]
    held = np.mean([low <= 0 <= high for low, high in (one for one in found if one)])
    assert 0.91 < held < 0.975


def test_the_ends_are_the_25th_values_from_either_side_of_a_thousand() -> None:
    order = np.random.default_rng(0).permutation(1000) + 1.0
    assert intervals_of(np.ones((10, 1)), lambda _: {"place": order}) == {"place": (25.0, 976.0)}


def test_the_same_blocks_give_the_same_interval_every_time() -> None:
    values = RNG.normal(0, 1, 30)
    assert interval_of_mean(values) == interval_of_mean(values.copy())


def test_an_interval_moves_and_stretches_with_the_values() -> None:
    values = RNG.normal(0, 1, 40)
    low, high = interval_of_mean(values) or (0, 0)
    assert interval_of_mean(3 * values + 5) == pytest.approx((3 * low + 5, 3 * high + 5))


@pytest.mark.parametrize(("n", "some"), [(0, False), (MINIMUM_BLOCKS - 1, False), (MINIMUM_BLOCKS, True)])
def test_fewer_than_ten_blocks_have_no_interval(n: int, some: bool) -> None:
    assert (interval_of_mean(np.arange(n, dtype=float)) is not None) == some


def test_a_measure_that_some_draw_leaves_undefined_has_no_interval() -> None:
    sums = np.column_stack([np.ones(12), np.r_[1.0, np.zeros(11)]])

    def formula(totals: Float) -> dict[str, Float]:
        return {"always": totals[..., 0], "rarely": ratio(totals[..., 0], totals[..., 1])}

    assert set(intervals_of(sums, formula)) == {"always"}
    assert estimates(sums, formula).values == {"always": 12.0, "rarely": 12.0}


def test_an_interval_that_does_not_hold_its_value_is_not_given() -> None:
    """The highest of equal bins grows by chance whenever blocks are drawn again."""
    sums = np.eye(40)

    def formula(totals: Float) -> dict[str, Float]:
        return {"total": totals.sum(axis=-1), "height": totals.max(axis=-1)}

    assert set(intervals_of(sums, formula)) == {"total", "height"}
    assert set(estimates(sums, formula).intervals) == {"total"}


def test_items_belong_to_the_five_minutes_that_hold_them_and_empty_ones_do_not_count() -> None:
    time_s = np.array([10.0, 299.9, 300.0, 1000.0, 1100.0, 1300.0])
    assert block_of(time_s).tolist() == [0, 0, 1, 2, 2, 3]
    assert block_sums(np.ones((6, 1)), time_s).ravel().tolist() == [2, 1, 2, 1]
    assert block_sums(np.ones((0, 3)), np.empty(0)).shape == (0, 3)


def test_a_fortnight_has_as_many_blocks_as_a_day_and_loses_nothing() -> None:
    time_s = np.arange(0, 14 * 86400, BLOCK_S)
    sums = block_sums(np.ones((len(time_s), 1)), time_s)
    assert (len(sums), sums.sum(), sums.min()) == (MAXIMUM_BLOCKS, len(time_s), 14)


def test_a_spread_of_sums_is_the_standard_deviation() -> None:
    values = RNG.normal(0, 3, 50)
    assert spread(50.0, values.sum(), (values**2).sum()) == pytest.approx(values.std(ddof=1))
    assert np.isnan(spread(np.float64(1), np.float64(4), np.float64(16)))
