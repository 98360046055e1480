"""Pairs of alike templates are counted as if each were compared with every other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from holter2sleep.autonomic import matches
from holter2sleep.autonomic.matches import count_matches
from holter2sleep.autonomic.pieces import box_starts, in_a_row, neighbour_runs


def counted(templates: np.ndarray, tolerance: int) -> tuple[int, int]:
    n, size = templates.shape
    return count_matches(templates.ravel(), size * np.arange(n), size, tolerance)


def counted_one_by_one(templates: np.ndarray, tolerance: int) -> tuple[int, int]:
    near = np.abs(templates[:, None] - templates[None]) <= tolerance
    upper = np.triu_indices(len(templates), 1)
    return int(near[..., :-1].all(axis=2)[upper].sum()), int(near.all(axis=2)[upper].sum())


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.int64, st.tuples(st.integers(0, 60), st.integers(2, 4)), elements=st.integers(-8, 8)), st.integers(0, 5)
)
def test_the_count_is_that_of_all_pairs(templates: np.ndarray, tolerance: int) -> None:
    assert counted(templates, tolerance) == counted_one_by_one(templates, tolerance)


@settings(deadline=None, max_examples=60)
@given(arrays(np.int64, st.integers(4, 80), elements=st.integers(-8, 8)), st.data())
def test_templates_may_overlap_and_leave_gaps(values: np.ndarray, data: st.DataObject) -> None:
    size, tolerance = data.draw(st.integers(2, 4)), data.draw(st.integers(0, 5))
    first = np.array(sorted(data.draw(st.sets(st.integers(0, len(values) - size)))), np.int64)
    templates = values[first[:, None] + np.arange(size)]
    assert count_matches(values, first, size, tolerance) == counted_one_by_one(templates, tolerance)


@pytest.mark.parametrize("block", [1, 64, 65, 300, 1024])
def test_the_size_of_a_block_does_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = np.random.default_rng(block).normal(0, 40, (700, 3)).astype(np.int64)
    monkeypatch.setattr(matches, "BLOCK", block)
    assert counted(templates, 12) == counted_one_by_one(templates, 12)


def test_templates_that_are_all_the_same_are_all_alike() -> None:
    assert counted(np.full((2000, 3), 7), 0) == (2000 * 1999 // 2,) * 2


def test_two_templates_are_one_pair() -> None:
    assert counted(np.array([[1, 5], [2, 6]]), 1) == (1, 1)
    assert counted(np.array([[1, 5], [2, 7]]), 1) == (1, 0)
    assert counted(np.array([[1, 5]]), 1) == (0, 0)


def test_rows_and_boxes_lie_within_runs() -> None:
    adjacent = np.array([0, 1, 1, 0, 0, 1, 1, 1, 1], bool)
    assert in_a_row(adjacent, 3).tolist() == [0, 4, 5, 6]
    assert box_starts(neighbour_runs(adjacent), 2).tolist() == [0, 4, 6]
    assert box_starts(neighbour_runs(adjacent), 1).tolist() == list(range(9))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_series_shorter_than_a_row_have_none(n: int) -> None:
    adjacent = np.arange(n) > 0
    assert len(in_a_row(adjacent, 3)) == len(box_starts(neighbour_runs(adjacent), 3)) == 0
