"""Spans are sets of time: the laws of sets hold for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holter2sleep.spans import (
    EMPTY,
    Spans,
    as_spans,
    complement,
    contains,
    covers,
    duration,
    intersection,
    overlap_per_cell,
    spans_of_mask,
    subtraction,
)

# quarters of a second: sums of them are exact, so that laws can be tested as equalities
quarter = st.integers(-40, 400).map(lambda n: n / 4)
pairs = st.lists(st.tuples(quarter, quarter), max_size=12)
spans = pairs.map(as_spans)
PROBES = np.arange(-41, 401) / 4 + 0.1
FIRST_S, LAST_S = -20.0, 110.0

laws = settings(deadline=None, max_examples=150)


@laws
@given(pairs)
def test_spans_are_sorted_disjoint_and_hold_what_the_pairs_hold(given_pairs: list[tuple[float, float]]) -> None:
    made = as_spans(given_pairs)
    assert (made[:, 0] < made[:, 1]).all()
    assert (made[1:, 0] > made[:-1, 1]).all()  # touching ones are merged
    held = [any(start <= probe < end for start, end in given_pairs) for probe in PROBES]
    assert contains(made, PROBES).tolist() == held


@laws
@given(spans)
def test_making_spans_of_spans_changes_nothing(a: Spans) -> None:
    np.testing.assert_array_equal(as_spans(a), a)


@laws
@given(spans, spans)
def test_a_time_is_in_the_intersection_when_it_is_in_both(a: Spans, b: Spans) -> None:
    both = intersection(a, b)
    np.testing.assert_array_equal(contains(both, PROBES), contains(a, PROBES) & contains(b, PROBES))
    np.testing.assert_array_equal(both, intersection(b, a))


@laws
@given(spans)
def test_spans_and_their_complement_share_no_time_and_fill_the_whole(a: Spans) -> None:
    rest = complement(a, FIRST_S, LAST_S)
    inside = intersection(a, as_spans([(FIRST_S, LAST_S)]))
    assert len(intersection(inside, rest)) == 0
    assert duration(inside) + duration(rest) == LAST_S - FIRST_S
    np.testing.assert_array_equal(complement(rest, FIRST_S, LAST_S), inside)


@laws
@given(spans, spans)
def test_union_and_intersection_add_up_to_both(a: Spans, b: Spans) -> None:
    union = as_spans(np.concatenate([a, b]))
    assert duration(union) + duration(intersection(a, b)) == duration(a) + duration(b)


@laws
@given(spans, spans, spans)
def test_de_morgan(a: Spans, b: Spans, c: Spans) -> None:
    def outside(x: Spans) -> Spans:
        return complement(x, FIRST_S, LAST_S)

    np.testing.assert_array_equal(
        outside(intersection(intersection(a, b), c)), as_spans(np.concatenate([outside(x) for x in (a, b, c)]))
    )


@laws
@given(spans, st.sampled_from([0.25, 1.0, 7.5, 30.0]))
def test_the_overlap_of_all_cells_is_the_duration(a: Spans, cell_s: float) -> None:
    edges = np.arange(-60.0, 180.0, cell_s)
    overlap = overlap_per_cell(a, edges)
    assert overlap.shape == (len(edges) - 1,)
    assert overlap.min() >= 0
    assert overlap.max() <= cell_s
    assert overlap.sum() == duration(a)


@laws
@given(st.lists(st.booleans(), min_size=1, max_size=60), quarter)
def test_the_spans_of_a_mask_hold_its_true_cells(mask: list[bool], offset_s: float) -> None:
    made = spans_of_mask(np.array(mask), 30.0, offset_s)
    middles = offset_s + 30.0 * np.arange(len(mask)) + 15.0
    assert contains(made, middles).tolist() == mask
    assert duration(made) == 30.0 * sum(mask)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(0, 1), (1, 2)], [[0, 2]]),  # touching
        ([(5, 6), (0, 10), (7, 8)], [[0, 10]]),  # one holds the others
        ([(0, 10), (5, 12), (11, 20)], [[0, 20]]),  # a chain
        ([(0, 1), (2, 9), (8, 10)], [[0, 1], [2, 10]]),
        ([(3, 3), (5, 4)], []),  # nothing
    ],
)
def test_touching_and_overlapping_spans_are_one(pairs: list[tuple[int, int]], expected: list[list[int]]) -> None:
    assert as_spans(pairs).tolist() == expected


def test_nothing_less_something_is_nothing() -> None:
    assert len(subtraction(EMPTY, as_spans([(0, 1)]))) == 0


def test_a_mask_begins_at_zero_unless_told() -> None:
    assert spans_of_mask(np.array([True, False, True]), 30.0).tolist() == [[0.0, 30.0], [60.0, 90.0]]


@laws
@given(spans, quarter, quarter)
def test_an_interval_is_covered_when_no_time_of_it_is_missing(a: Spans, start: float, length: float) -> None:
    end = start + abs(length) + 0.25
    missing = duration(complement(a, start, end))
    assert bool(covers(a, np.array([start]), np.array([end]))[0]) == (missing == 0)


def test_spans_are_half_open() -> None:
    made = as_spans([(1.0, 2.0)])
    assert contains(made, np.array([1.0, 2.0])).tolist() == [True, False]


def test_empty_and_reversed_pairs_hold_no_time() -> None:
    assert as_spans([(3.0, 3.0), (5.0, 4.0)]).shape == (0, 2)
    assert duration(as_spans([])) == 0.0
