"""Night-to-night reliability: the table of Shrout and Fleiss, planted variances, and what is undefined."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest

from holter2sleep.cohort.intraclass import Nested, two_way
from holter2sleep.cohort.reliability import RELIABILITY_SCHEMA, reliability_table

# Shrout and Fleiss 1979, table 2: six targets, four judges
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def icc(values: np.ndarray, subject: np.ndarray) -> float:
    nested = Nested.of(values.reshape(-1, 1), subject)
    return float(nested.spread(np.ones((1, len(nested.n)))).icc[0, 0])


def nights(values: np.ndarray, **columns: object) -> pl.DataFrame:
    """Nights of subjects in rows, numbers of nights in columns; NaN is no value."""
    n, k = values.shape
    subject = [f"s{i:04d}" for i in range(n) for _ in range(k)]
    return pl.DataFrame(
        {"subject": subject, "night_number": [*range(1, k + 1)] * n, "rmssd__night": values.ravel(), **columns}
    ).with_columns(pl.col("rmssd__night").fill_nan(None))


def row(table: pl.DataFrame, seed: int = 1) -> dict:
    return reliability_table(table, np.random.default_rng(seed)).row(0, named=True)


def test_the_table_of_shrout_and_fleiss_gives_the_printed_coefficients() -> None:
    assert round(icc(JUDGES.ravel(), np.repeat(np.arange(6), 4)), 2) == 0.17
    assert [round(value, 2) for value in two_way(JUDGES)] == [0.29, 0.71]


def test_a_planted_reliability_is_found_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(3)
    values = 50 + rng.normal(0, 2, (400, 1)) + rng.normal(0, 1, (400, 3))  # ICC 4 / 5
    found = row(nights(values))
    assert found["icc"] == pytest.approx(0.8, abs=0.03)
    assert found["icc_low"] < 0.8 < found["icc_high"]
    assert found["within_sd"] == pytest.approx(1.0, abs=0.05)
    assert found["within_cv"] == pytest.approx(100 * found["within_sd"] / found["mean"])
    assert (found["n_subjects"], found["n_nights"], found["unit"]) == (400, 1200, "ms")


def test_intervals_hold_the_planted_value_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for seed in range(100):
        values = rng.normal(0, 1, (60, 1)) + rng.normal(0, 1, (60, 2)) + 40  # ICC 0.5
        found = row(nights(values), seed)
        held += found["icc_low"] <= 0.5 <= found["icc_high"]
    assert 88 <= held <= 100  # 95 expected; 88 is 3 SD below


def test_different_numbers_of_nights_leave_the_estimate_where_it_was() -> None:
    rng = np.random.default_rng(4)
    values = 50 + rng.normal(0, 1, (600, 1)) + rng.normal(0, 1, (600, 4))
    values[np.arange(600) % 2 == 0, 2:] = np.nan
    assert row(nights(values))["icc"] == pytest.approx(0.5, abs=0.05)


def test_a_planted_effect_of_the_first_night_is_found_and_moves_only_the_agreement() -> None:
    rng = np.random.default_rng(6)
    values = 50 + rng.normal(0, 2, (300, 1)) + rng.normal(0, 1, (300, 2))
    values[:, 0] -= 3.0
    found = row(nights(values))
    assert found["first_night_effect"] == pytest.approx(-3.0, abs=0.25)
    assert found["first_night_low"] < -3.0 < found["first_night_high"] < 0
    assert found["icc_3_1"] == pytest.approx(0.8, abs=0.05)
    assert found["icc_2_1"] < found["icc_3_1"] - 0.1
    assert found["n_pairs"] == 300


def test_subjects_with_one_night_say_nothing_of_repetition() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(50, 3, (40, 2))
    alone = rng.normal(500, 3, (40, 2))
    alone[:, 1] = np.nan
    both = nights(np.concatenate([values, alone]))
    assert row(both)["icc"] == pytest.approx(row(nights(values))["icc"])
    assert row(both)["n_subjects"] == 40


def test_what_is_not_defined_is_null() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = row(nights(np.array([[50.0, 52.0]])))
        same = row(nights(np.full((10, 2), 0.1)))
        none = row(nights(np.full((10, 2), np.nan)))
        few = row(nights(np.array([[1.0, 2.0], [5.0, 6.0]])))
    assert (one["icc"], one["icc_low"]) == (None, None)
    assert one["within_sd"] == pytest.approx(np.sqrt(2))
    assert (same["icc"], same["within_sd"]) == (None, 0.0)
    assert (none["icc"], none["n_subjects"], none["mean"]) == (None, 0, None)
    assert few["icc"] is not None
    assert few["icc_low"] is None  # two subjects: no interval
    assert len(reliability_table(nights(np.empty((0, 2))), np.random.default_rng(0))) == 0
    assert reliability_table(pl.DataFrame({"subject": ["a"]}), np.random.default_rng(0)).schema == RELIABILITY_SCHEMA


def test_values_on_both_sides_of_zero_have_no_coefficient_of_variation() -> None:
    values = np.random.default_rng(8).normal(0.5, 1, (50, 2))
    assert row(nights(values))["within_cv"] is None


def test_an_unknown_order_leaves_the_first_night_unknown() -> None:
    table = nights(np.random.default_rng(9).normal(50, 3, (20, 2))).with_columns(night_number=pl.lit(None, pl.Int64))
    found = row(table)
    assert found["icc"] is not None
    assert (found["n_pairs"], found["first_night_effect"], found["icc_2_1"]) == (0, None, None)


def test_a_shift_and_a_scale_leave_the_icc_as_it_is() -> None:
    values = np.random.default_rng(10).normal(50, 3, (30, 3))
    assert row(nights(7 * values + 100))["icc"] == pytest.approx(row(nights(values))["icc"])
