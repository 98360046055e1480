"""The cross table against numbers worked by hand, and its intervals against their promise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, analysed
from scipy import stats

from holter2sleep.phenotypes.cross import CROSS_SCHEMA, cross_table
from holter2sleep.phenotypes.ectopy import dispersion
from holter2sleep.phenotypes.intervals import difference_interval, poisson_interval, rate_ratio_interval
from holter2sleep.phenotypes.table import PHENOTYPE_SCHEMA, phenotype_table

Row = tuple[str, str, float | None, str, int, float, float | None, float | None]


def long_table(*rows: Row, who: str = "n1") -> pl.DataFrame:
    """Rows of (phenotype, stratum, value, status, n, coverage_s, ci_low, ci_high)."""
    full = [(who, name, stratum, value, "count", status, n, s, *ci) for name, stratum, value, status, n, s, *ci in rows]
    units = {"veb_per_hour": "count/h", "heart_rate_mean": "bpm", "rmssd": "ms", "veb_dispersion": "ratio"}
    table = pl.DataFrame(full, PHENOTYPE_SCHEMA, orient="row")
    return table.with_columns(unit=pl.col("phenotype").replace_strict(units, default="count"))


def row_of(table: pl.DataFrame, phenotype: str, stratum: str, against: str | None = None) -> dict:
    same = pl.col("against").is_null() if against is None else pl.col("against") == against
    found = table.filter((pl.col("phenotype") == phenotype) & (pl.col("stratum") == stratum) & same)
    assert len(found) == 1
    return found.row(0, named=True)


VEB = (
    ("veb_per_hour", "rem", 20.0, "ok", 4000, 3600.0, None, None),
    ("veb_per_hour", "n3", 5.0, "ok", 4000, 7200.0, None, None),
)


def test_ectopy_in_rem_against_n3_is_one_row() -> None:
    """20 in 1 h against 10 in 2 h: four times as many per hour."""
    found = row_of(cross_table(long_table(*VEB)), "veb_per_hour", "rem", "n3")
    assert (found["n"], found["against_n"]) == (20, 10)
    assert (found["exposure_s"], found["against_exposure_s"]) == (3600.0, 7200.0)
    assert found["contrast"] == "rate_ratio"
    assert found["contrast_value"] == pytest.approx(4.0)
    exact = stats.binomtest(20, 30, 1 / 3).proportion_ci(method="exact")
    assert found["contrast_low"] == pytest.approx(2 * exact.low / (1 - exact.low))
    assert found["contrast_high"] == pytest.approx(2 * exact.high / (1 - exact.high))


def test_a_count_is_a_rate_with_its_exact_interval() -> None:
    found = row_of(cross_table(long_table(("n_pauses", "rem", 3.0, "ok", 9, 1800.0, None, None))), "n_pauses", "rem")
    assert (found["value"], found["unit"], found["n"]) == (6.0, "count/h", 3)
    assert found["ci_low"] == pytest.approx(2 * 0.6187, abs=2e-4)  # Garwood 1936, table: 3 events, 0.6187 to 8.7673
    assert found["ci_high"] == pytest.approx(2 * 8.7673, abs=2e-4)


def test_a_rate_without_events_in_the_other_part_has_no_upper_end() -> None:
    table = cross_table(
        long_table(
            ("n_pauses", "rem", 3.0, "ok", 9, 1800.0, None, None),
            ("n_pauses", "n3", 0.0, "ok", 9, 1800.0, None, None),
            ("n_pauses", "n2", 0.0, "ok", 9, 1800.0, None, None),
        )
    )
    some, none = row_of(table, "n_pauses", "rem", "n3"), row_of(table, "n_pauses", "n3", "n2")
    assert (some["contrast_value"], some["contrast_high"]) == (None, None)
    assert some["contrast_low"] > 0
    assert [none[name] for name in ("contrast_value", "contrast_low", "contrast_high", "p")] == [None] * 4


def test_clustered_events_widen_the_robust_interval_only() -> None:
    clusters = [("veb_dispersion", stratum, 9.0, "ok", 9, 3600.0, None, None) for stratum in ("rem", "n3")]
    plain, wide = (
        row_of(cross_table(long_table(*rows)), "veb_per_hour", "rem", "n3") for rows in (VEB, (*VEB, *clusters))
    )
    assert plain["robust_low"] is None
    assert wide["contrast_low"] == plain["contrast_low"]
    assert wide["robust_high"] == pytest.approx(4 * np.exp(1.96 * 3 * np.sqrt(1 / 20 + 1 / 10)))
    assert wide["robust_low"] < wide["contrast_low"]


def test_a_rate_is_compared_by_difference_and_variability_by_ratio() -> None:
    table = cross_table(
        long_table(
            ("heart_rate_mean", "rem", 66.0, "ok", 900, 900.0, 64.0, 68.0),
            ("heart_rate_mean", "n3", 60.0, "ok", 900, 900.0, 58.5, 61.5),
            ("rmssd", "rem", 20.0, "ok", 900, 900.0, None, None),
            ("rmssd", "n3", 40.0, "ok", 900, 900.0, None, None),
        )
    )
    rate, vagal = row_of(table, "heart_rate_mean", "rem", "n3"), row_of(table, "rmssd", "rem", "n3")
    assert (rate["contrast"], rate["contrast_value"]) == ("difference", 6.0)
    assert (rate["contrast_low"], rate["contrast_high"]) == (pytest.approx(3.5), pytest.approx(8.5))
    assert (vagal["contrast"], vagal["contrast_value"]) == ("ratio", pytest.approx(0.5))
    assert vagal["contrast_low"] is None  # neither has an interval


def test_only_known_numbers_and_parts_the_night_has_stand_in_it() -> None:
    table = cross_table(long_table(VEB[0], ("veb_per_hour", "n3", None, "insufficient_data", 3, 3.0, None, None)))
    assert table["against"].null_count() == len(table) == 1


def test_each_night_is_compared_with_itself() -> None:
    both = pl.concat([long_table(*VEB), long_table(VEB[0], who="n2")])
    table = cross_table(both)
    assert table.filter(pl.col("against").is_not_null())["recording_id"].to_list() == ["n1"]


def test_no_night_and_no_number_give_an_empty_table() -> None:
    assert cross_table(pl.DataFrame(schema=PHENOTYPE_SCHEMA)).schema == pl.Schema(CROSS_SCHEMA)


def test_the_table_of_a_night_holds_no_nan_and_its_numbers_are_those_of_the_long_table() -> None:
    phenotypes = phenotype_table(analysed("ectopy", hours=0.6), RECIPE)
    table = cross_table(phenotypes)
    numbers = table.select(pl.selectors.float())
    assert numbers.select((pl.all().is_nan() | pl.all().is_infinite()).any()).row(0) == (False,) * numbers.width
    is_rate = (pl.col("phenotype") == "heart_rate_mean") & (pl.col("stratum") == "night")
    assert row_of(table, "heart_rate_mean", "night")["value"] == phenotypes.filter(is_rate)["value"].item()


# --- the intervals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", [0.5, 3.0, 20.0])
def test_the_poisson_interval_holds_the_truth_in_95_of_100_and_more(expected: float) -> None:
    n = np.random.default_rng(1).poisson(expected, 4000)
    low, high = poisson_interval(n)
    assert ((low <= expected) & (expected <= high)).mean() >= 0.945


def test_the_rate_ratio_interval_holds_the_truth_and_turns_with_its_sides() -> None:
    rng = np.random.default_rng(2)
    n, other = rng.poisson(12, 4000), rng.poisson(6, 4000)
    hours = np.ones(4000)
    low, high, _ = rate_ratio_interval(n, hours, other, hours)
    assert np.nanmean((low <= 2) & (high >= 2)) >= 0.945
    turned_low, turned_high, _ = rate_ratio_interval(other, hours, n, hours)
    some = (n > 0) & (other > 0)
    assert np.allclose(turned_low[some], 1 / high[some])
    assert np.allclose(turned_high[some], 1 / low[some])


@pytest.mark.parametrize(("n", "low", "high"), [(0, 0.0, 3.688879), (1, 0.025318, 5.571643), (2, 0.242209, 7.224688)])
def test_the_poisson_interval_is_garwoods(n: int, low: float, high: float) -> None:
    assert tuple(map(float, poisson_interval(np.array(n)))) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(("n", "other"), [(0, 3), (1, 2), (2, 1), (3, 0), (1, 1), (9, 4)])
def test_the_rate_ratio_interval_is_that_of_a_share_of_the_events(n: int, other: int) -> None:
    """Events in 2 h against those in half an hour: a share p of all is a ratio of p / (1 - p) times 0.5 / 2."""
    share = stats.binomtest(n, n + other).proportion_ci(0.95, "exact")
    ends = [np.inf if p == 1 else 0.25 * p / (1 - p) for p in share]
    tails = stats.binom.cdf(n, n + other, 0.8), stats.binom.sf(n - 1, n + other, 0.8)
    found = rate_ratio_interval(np.array([n]), np.array([2.0]), np.array([other]), np.array([0.5]))
    assert [float(x[0]) for x in found] == pytest.approx([*ends, min(1.0, 2 * min(tails))])


def test_as_many_events_in_as_long_are_as_likely_as_can_be_and_none_at_all_say_nothing() -> None:
    hour = np.ones(2)
    found = rate_ratio_interval(np.array([5, 0]), hour, np.array([5, 0]), hour)
    assert found[2][0] == 1.0
    assert np.isnan([x[1] for x in found]).all()


def test_the_interval_of_a_difference_of_two_means_is_the_normal_one() -> None:
    half, other_half = 1.96 * 3 / 10, 1.96 * 4 / 10
    value, other = np.array(5.0), np.array(1.0)
    low, high = difference_interval(
        value, (value - half, value + half), other, (other - other_half, other + other_half)
    )
    assert (float(low), float(high)) == pytest.approx((4 - 1.96 * 0.5, 4 + 1.96 * 0.5))


# --- clustering ------------------------------------------------------------------------------------

NIGHT = np.array([[0.0, 28_800.0]])


def test_events_at_random_have_a_dispersion_of_one() -> None:
    rng = np.random.default_rng(3)
    found = [dispersion(np.sort(rng.uniform(0, 28_800, 200)), NIGHT) for _ in range(200)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("end_s", "n", "known"), [(2760.0, 5, True), (2759.0, 5, False), (2760.0, 4, False)])
def test_ten_blocks_of_a_minute_at_least_and_five_events_are_enough(end_s: float, n: int, known: bool) -> None:
    """One event in each of five blocks of 300 s; four more such blocks have none, and one of 60 s."""
    found = dispersion(150.0 + 300.0 * np.arange(n), np.array([[0.0, end_s]]))
    expected = n * np.r_[np.full(9, 300.0), 60.0] / 2760.0
    counted = np.arange(10) < n
    by_hand = ((counted - expected) ** 2 / expected).sum() / 9 if known else np.nan
    assert found == pytest.approx(by_hand, nan_ok=True)


def test_runs_of_ten_scatter_ten_times_as_much() -> None:
    rng = np.random.default_rng(4)
    found = [dispersion(np.repeat(rng.uniform(0, 28_800, 100), 10), NIGHT) for _ in range(200)]
    assert np.mean(found) == pytest.approx(10.0, rel=0.1)


def test_too_little_says_nothing_of_clusters() -> None:
    assert np.isnan(dispersion(np.arange(4.0), NIGHT))
    assert np.isnan(dispersion(np.arange(100.0), np.array([[0.0, 2700.0]])))
    assert np.isnan(dispersion(np.empty(0), np.empty((0, 2))))
