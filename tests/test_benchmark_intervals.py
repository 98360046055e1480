"""Intervals of the benchmark are over people, not over records or beats."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import rhythm
from benchmarks.people import CLASS_COLUMNS, QRS_COLUMNS, TIME_COLUMNS, beat_rates, time_rates
from holter2sleep.evaluate.ec57 import BeatMatrix, EpisodeAgreement
from holter2sleep.evaluate.tables import line_table
from holter2sleep.night import Episodes
from holter2sleep.spans import EMPTY, Spans, as_spans


def matrix(found: int, missed: int, extra: int = 0) -> BeatMatrix:
    """Normal beats found, and missed; beats that are none."""
    counts = np.zeros((7, 7), np.int64)
    counts[0, 0], counts[0, 5], counts[5, 0] = found, missed, extra
    return BeatMatrix(counts, 1500.0)


def test_people_who_are_alike_have_no_spread() -> None:
    rates = beat_rates({name: matrix(90, 10, 30) for name in ("100", "101", "103")})
    assert rates["qrs_sensitivity"] == pytest.approx((0.9, 0.9, 0.9))
    assert rates["qrs_positive_predictivity"] == pytest.approx((0.75, 0.75, 0.75))
    assert rates["veb_sensitivity"] == (None, None, None)


def test_of_two_people_a_draw_may_take_one_twice() -> None:
    assert beat_rates({"100": matrix(100, 0), "101": matrix(0, 100)})["qrs_sensitivity"] == (0.5, 0.0, 1.0)


def test_201_and_202_are_one_person() -> None:
    assert beat_rates({"201": matrix(100, 0), "202": matrix(0, 100)})["qrs_sensitivity"] == (0.5, None, None)


def test_one_person_with_a_beat_of_a_class_gives_no_interval_of_it() -> None:
    counts = np.zeros((7, 7), np.int64)
    counts[2, 2] = 10
    people = {"100": BeatMatrix(counts, 1500.0), "101": matrix(100, 0), "103": matrix(100, 0)}
    assert beat_rates(people)["veb_sensitivity"] == (1.0, None, None)
    assert beat_rates({**people, "105": BeatMatrix(counts, 1500.0)})["veb_sensitivity"] == (1.0, 1.0, 1.0)


def test_more_people_give_a_narrower_interval_around_the_gross_rate() -> None:
    def width(n: int) -> float:
        value, low, high = beat_rates({str(i): matrix(90 + i % 10, 10) for i in range(n)})["qrs_sensitivity"]
        assert value is not None
        assert low is not None
        assert high is not None
        assert low < value < high
        return high - low

    assert width(90) < 0.5 * width(10)


def test_time_in_episodes_is_summed_before_it_is_divided() -> None:
    people = {
        "100": EpisodeAgreement(1, 1, 1, 1, 100.0, 50.0, 50.0),
        "101": EpisodeAgreement(0, 0, 1, 0, 0.0, 50.0, 0.0),
    }
    rates = time_rates(people)
    assert rates["duration_sensitivity"] == (0.5, None, None)
    assert rates["duration_positive_predictivity"] == (0.5, 0.0, 1.0)


def in_rhythm(name: str, reference: Spans, found: Spans) -> rhythm.Result:
    """A record of 100 s."""
    each = np.ones(len(found))
    episodes = Episodes(*found.T, np.full(len(found), "AFIB"), each.astype(int), each, each)
    return rhythm.Result(name, False, reference, episodes, as_spans([(0.0, 100.0)]), {})


def test_shares_of_time_in_fibrillation_are_of_all_people_together() -> None:
    whole, early = as_spans([(0.0, 100.0)]), as_spans([(0.0, 50.0)])
    times = rhythm.times_of([in_rhythm("a", whole, early), in_rhythm("b", early, whole), in_rhythm("c", EMPTY, EMPTY)])
    assert times["time Se"] == pytest.approx((100 / 150, 0.5, 1.0))
    assert times["time Sp"] == pytest.approx((100 / 150, 0.0, 1.0))
    assert times["time +P"] == pytest.approx((100 / 150, 0.5, 1.0))
    assert times["false AF of time"] == pytest.approx((50 / 300, 0.0, 0.5))
    line = rhythm.line_of("made", [in_rhythm("a", whole, early)])
    assert "time Se 50.00 %  time Sp -  time +P 100.00 %" in line
    assert "episode Se 100.00 %" in line


@pytest.mark.parametrize("columns", [QRS_COLUMNS, CLASS_COLUMNS])
def test_a_table_prints_the_value_and_both_ends(columns: tuple) -> None:
    text = line_table("made", columns, {"ours": beat_rates({"100": matrix(99, 1), "101": matrix(98, 2)})}).text()
    assert len(text.splitlines()[2].split()) == 1 + len(columns)
    assert len(TIME_COLUMNS) == 6
