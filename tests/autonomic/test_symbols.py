"""Symbolic dynamics by Porta 2001."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from made_nights import nn_of
from made_series import backwards, sinus, with_breaks

from holter2sleep.autonomic.symbols import NAMES, symbolic_measures


def shares(values) -> list[float]:
    return [symbolic_measures(nn_of(values))[name] for name in NAMES[:4]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([800.0, 860] * 20, [0, 0, 0, 100]),
        (list(800.0 + 10 * np.arange(7)), [0, 20, 80, 0]),  # levels 0 1 2 3 4 5 5: the top belongs to the last
        (list(800.0 + 0.125 * np.arange(7)), [0, 20, 80, 0]),  # a range of less than a millisecond has six levels too
        ([800.0] * 50 + [860.0] * 50, [100 * 96 / 98, 100 * 2 / 98, 0, 0]),
    ],
)
def test_patterns_are_counted_by_their_variations(values: list[float], expected: list[float]) -> None:
    assert shares(values) == pytest.approx(expected)


def test_random_levels_have_the_chances_of_six_levels() -> None:
    """0V 1/36, 1V 10/36; of the rest 40/216 rise or fall twice and 110/216 turn. All words: ln 216."""
    levels = np.random.default_rng(0).integers(0, 6, 1_000_000)
    found = symbolic_measures(nn_of(800.0 + 20 * levels))
    assert list(found.values())[:4] == pytest.approx([100 / 36, 1000 / 36, 4000 / 216, 11_000 / 216], abs=0.2)
    assert found["symbolic_entropy"] == pytest.approx(math.log(216), abs=0.002)


def test_two_words_as_often_have_an_entropy_of_ln_2() -> None:
    assert symbolic_measures(nn_of([800.0, 860] * 20 + [800.0]))["symbolic_entropy"] == pytest.approx(
        math.log(2), abs=1e-3
    )


def test_no_word_lies_across_a_break() -> None:
    found = symbolic_measures(with_breaks([800.0] * 3 + [860.0] * 3, [0, 3]))
    assert (found["symbolic_0v"], found["symbolic_entropy"]) == pytest.approx((100, math.log(2)))


def test_direction_shift_and_scale_do_not_matter() -> None:
    nn = with_breaks(sinus(330), [0, 100])
    expected = symbolic_measures(nn)
    assert symbolic_measures(backwards(nn)) == pytest.approx(expected)
    assert symbolic_measures(with_breaks(2 * nn.nn_ms - 300, [0, 100])) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[], [800.0, 810], [900.0] * 300])
def test_a_constant_series_or_hardly_any_has_none(values: list[float]) -> None:
    assert all(math.isnan(value) for value in symbolic_measures(nn_of(values)).values())


def test_neurokit2_agrees() -> None:
    nn = nn_of(sinus(330))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neurokit2 = pytest.importorskip("neurokit2")
        peaks = {"RRI": nn.nn_ms, "RRI_Time": nn.end_s}
        theirs = neurokit2.hrv_symbolic(peaks, quantization_level_equal_prob=(), quantization_level_max_min=(6,))
    names = [f"HRV_Symbolic_MaxMin6_{kind}" for kind in ("0V", "1V", "2LV", "2UV")]
    assert shares(nn.nn_ms) == pytest.approx([100 * theirs[name].iloc[0] for name in names])
