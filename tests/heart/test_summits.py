"""The summit between samples is that of the parabola through the highest and those beside it."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.heart.summits import parabola_shift

AT = np.arange(9)


@pytest.mark.parametrize("shift", [-0.5, -0.3, 0.0, 0.2, 0.5])
@pytest.mark.parametrize("peak", [1, 4, 7])
def test_the_vertex_of_a_parabola_is_found(peak: int, shift: float) -> None:
    rows = np.array([3 - 2 * (AT - peak - shift) ** 2, 1 - 0.1 * (AT - 5.25) ** 2])
    assert parabola_shift(rows, np.array([peak, 5])) == pytest.approx([shift, 0.25])
    assert parabola_shift(rows.astype(np.float32), np.array([peak, 5])) == pytest.approx([shift, 0.25], abs=1e-5)


@pytest.mark.parametrize(("peak", "shift"), [(2, 0.5), (6, -0.5)])
def test_a_vertex_farther_off_is_half_a_sample_away(peak: int, shift: float) -> None:
    assert parabola_shift(-((AT[None] - 4.0) ** 2), np.array([peak])).tolist() == [shift]


@pytest.mark.parametrize("peak", [0, 8])
def test_beyond_the_first_and_last_sample_nothing_is_known(peak: int) -> None:
    assert parabola_shift(-((AT[None] - peak - 0.3) ** 2), np.array([peak])).tolist() == [0.0]


@pytest.mark.parametrize(
    "row", [[1.0, 1, 1], [1, 2, 3], [3, 1, 2], [1, 1, 1.5]], ids=["flat", "rise", "dip", "bent up"]
)
def test_what_has_no_summit_is_not_moved(row: list[float]) -> None:
    assert parabola_shift(np.array([row]), np.array([1])).tolist() == [0.0]


def test_no_row_is_no_error() -> None:
    assert parabola_shift(np.empty((0, 9)), np.empty(0, np.int64)).shape == (0,)
