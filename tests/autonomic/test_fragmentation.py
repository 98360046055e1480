"""Fragmentation and asymmetry: patterns whose values can be counted, random series with known chances, breaks."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from made_nights import nn_of
from made_series import backwards, sinus, with_breaks

from holter2sleep.autonomic.asymmetry import asymmetry_measures
from holter2sleep.autonomic.fragmentation import fragmentation_measures
from holter2sleep.night import NN


def of_signs(signs: str, step_ms: float = 10.0) -> NN:
    """Intervals longer (+), shorter (-) or the same (0) as the one before."""
    return nn_of(800 + step_ms * np.cumsum([0, *({"+": 1, "-": -1, "0": 0}[sign] for sign in signs)]))


def fragmentation(signs: str) -> tuple[float, float, float, float]:
    found = fragmentation_measures(of_signs(signs))
    return found["pip"], found["ials"], found["pss"], found["pas"]


def test_every_place_of_an_alternation_is_an_inflection_point() -> None:
    assert fragmentation("+-" * 20) == pytest.approx((100, 1, 100, 100))


def test_a_steady_change_has_no_inflection_point() -> None:
    assert fragmentation("+" * 20) == pytest.approx((0, 1 / 20, 0, 0))


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ("++++----" * 3, (100 * 5 / 23, 1 / 4, 0, 0)),
        ("++--" * 6, (100 * 11 / 23, 1 / 2, 100, 0)),
        ("+++--" * 4, (100 * 7 / 19, 8 / 20, 40, 0)),
        ("+++00---", (100 * 2 / 7, 1 / 3, 25, 0)),  # the two that are the same are in no long segment
        ("+0+0+0+0", (100, 1, 100, 0)),  # what does not change its direction does not alternate
        ("+++-+---", (100 * 3 / 7, 4 / 8, 25, 50)),
        ("+++-+++", (100 * 2 / 6, 3 / 7, 100 / 7, 0)),  # three in turn are no alternation
    ],
)
def test_counted_patterns(signs: str, expected: tuple[float, ...]) -> None:
    assert fragmentation(signs) == pytest.approx(expected)


def test_white_noise_turns_at_two_of_three_places() -> None:
    """The middle one of three random values is the largest or smallest with a chance of 2/3."""
    found = fragmentation_measures(nn_of(np.random.default_rng(0).normal(900, 50, 60_000)))
    assert found["pip"] == pytest.approx(200 / 3, abs=0.5)
    assert found["ials"] == pytest.approx(2 / 3, abs=0.005)


def test_a_slow_sine_turns_twice_a_cycle() -> None:
    at = np.arange(20_000)
    found = fragmentation_measures(nn_of(900 + 50 * np.sin(2 * np.pi * (at + 0.25) / 20)))
    assert found["pip"] == pytest.approx(10.0, abs=0.1)
    assert (found["pss"], found["pas"]) == (0, 0)


def test_a_break_ends_a_segment_and_is_no_inflection_point() -> None:
    """Two rising runs with a fall between them that nobody saw: no turn, two segments of three."""
    nn = with_breaks([800.0, 810, 820, 830, 700, 710, 720, 730], [0, 4])
    assert list(fragmentation_measures(nn).values()) == pytest.approx([0, 1 / 3, 0, 0])


def test_single_intervals_before_the_first_run_change_nothing() -> None:
    values = np.r_[900.0, 700, 800, sinus(40)]
    alone = fragmentation_measures(nn_of(values[3:]))
    assert fragmentation_measures(with_breaks(values, [0, 1, 2, 3])) == pytest.approx(alone)


def test_runs_too_short_to_turn_say_nothing() -> None:
    for nn in (nn_of([]), nn_of([800.0]), nn_of([800.0, 810]), with_breaks(sinus(40), np.arange(0, 40, 2))):
        assert all(math.isnan(value) for value in fragmentation_measures(nn).values())


def test_a_constant_rate_never_turns_and_has_no_segments() -> None:
    pip, ials, pss, pas = fragmentation("0" * 30)
    assert (pip, pss, pas) == (0, 100, 0)
    assert math.isnan(ials)


def test_direction_shift_and_scale_do_not_matter() -> None:
    nn = with_breaks(sinus(500), [0, 100, 333])
    expected = fragmentation_measures(nn)
    assert fragmentation_measures(backwards(nn)) == pytest.approx(expected)
    assert fragmentation_measures(with_breaks(1500 - nn.nn_ms / 2, [0, 100, 333])) == pytest.approx(expected)


# --- asymmetry -------------------------------------------------------------------------------------


def test_backwards_slowing_is_quickening() -> None:
    nn = with_breaks(sinus(500), [0, 100])
    there, back = asymmetry_measures(nn), asymmetry_measures(backwards(nn))
    for name in ("guzik_index", "porta_index"):
        assert there[name] + back[name] == pytest.approx(100)


def test_slow_rises_and_sudden_falls_are_told() -> None:
    """Four steps of 10 ms up, one of 40 ms down: 400 of 2,000 ms2, and one of five."""
    found = asymmetry_measures(of_signs("++++"))
    assert (found["guzik_index"], found["porta_index"]) == (100, 0)
    found = asymmetry_measures(nn_of(np.tile([800.0, 810, 820, 830, 840], 10)[:46]))
    assert (found["guzik_index"], found["porta_index"]) == pytest.approx((20, 20))


def test_without_a_change_there_is_no_asymmetry() -> None:
    for nn in (nn_of([]), nn_of([900.0] * 50)):
        found = asymmetry_measures(nn)
        assert set(found) == {"guzik_index", "porta_index"}
        assert all(math.isnan(value) for value in found.values())


def test_neurokit2_agrees() -> None:
    """It divides inflection points by all intervals; its PSS and PAS count segments, not intervals."""
    nn = nn_of(sinus(400))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neurokit2 = pytest.importorskip("neurokit2")
        theirs = neurokit2.hrv_nonlinear({"RRI": nn.nn_ms, "RRI_Time": nn.end_s}).iloc[0]
    ours = {**fragmentation_measures(nn), **asymmetry_measures(nn)}
    assert ours["pip"] * 398 / 400 == pytest.approx(100 * theirs["HRV_PIP"])
    assert ours["ials"] == pytest.approx(theirs["HRV_IALS"], rel=0.005)
    assert ours["guzik_index"] == pytest.approx(100 * theirs["HRV_C1d"])
    assert ours["porta_index"] == pytest.approx(theirs["HRV_PI"])
