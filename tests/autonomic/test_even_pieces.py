"""Intervals on a regular time line: holes part the pieces, short pieces are left out."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import nn_of

from holter2sleep.autonomic.even_pieces import even_pieces
from holter2sleep.night import NN

# Four beats a second apart, 5 s without an interval, four more: ends at 1, 2, 3, 4 and 10, 11, 12, 13 s
END_S = np.array([1.0, 2, 3, 4, 10, 11, 12, 13])
NN_MS = np.array([1000.0, 1000, 1000, 1000, 1000, 900, 800, 700])
BROKEN = NN(END_S, NN_MS, ~np.isin(np.arange(8), [0, 4]))


def test_a_hole_as_long_as_allowed_is_bridged_by_a_straight_line() -> None:
    [(time_s, nn_ms)] = even_pieces(BROKEN, 0.5, 5.0, 1.0)
    np.testing.assert_allclose(time_s, np.arange(1, 13, 0.5))
    np.testing.assert_allclose(nn_ms, np.interp(time_s, END_S, NN_MS))


def test_a_longer_hole_parts_the_pieces_at_the_beats_beside_it() -> None:
    first, second = even_pieces(BROKEN, 0.5, 4.99, 1.0)
    np.testing.assert_allclose(first, [np.arange(1, 4, 0.5), np.full(6, 1000.0)])
    np.testing.assert_allclose(second, [np.arange(10, 13, 0.5), [1000, 950, 900, 850, 800, 750]])


@pytest.mark.parametrize(("shortest_s", "n"), [(3.0, 2), (3.01, 0)])
def test_a_piece_as_long_as_asked_for_is_kept(shortest_s: float, n: int) -> None:
    assert len(even_pieces(BROKEN, 0.5, 1.0, shortest_s)) == n


def test_no_intervals_are_no_piece() -> None:
    assert even_pieces(nn_of([]), 0.5, 5.0, 0.0) == []
