"""Planted associations are found at the rate that is promised, and every row says what it rests on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_studies import LINEAR, PLANTED, nights_table, only, studied
from scipy import stats
from statsmodels.regression.linear_model import OLS

from holter2sleep.cohort.association.results import ASSOCIATION_SCHEMA, with_q
from holter2sleep.errors import RecipeError

CONTRACT = (
    *("model", "outcome", "exposure", "estimate", "std_error", "ci_low", "ci_high", "p", "q"),
    *("n", "n_events", "n_clusters", "status"),
)
PLANS = {
    "gaussian": 'outcome = "sbp"',
    "binomial": 'outcome = "hypertension"',
    "poisson": 'outcome = "falls"\noffset = "years"',
    "negative_binomial": 'outcome = "stumbles"\noffset = "years"',
    "cox": 'time = "years"\nevent = "died"',
}


def model(family: str, exposures: str = '["rmssd__rem"]', more: str = "") -> str:
    head = f'[[model]]\nname = "m"\nfamily = "{family}"\n{PLANS[family]}\nexposures = {exposures}\n'
    return f'{head}covariates = ["age", "sex"]\n{more}\n'


@pytest.mark.parametrize("family", PLANTED)
def test_a_planted_association_lies_in_its_interval(tmp_path: Path, family: str) -> None:
    row = only(studied(tmp_path, nights_table(1000, seed=1), model(family)))
    assert row["ci_low"] < PLANTED[family] < row["ci_high"]
    assert row["status"] == "ok"
    assert row["p"] < 1e-4
    assert (row["n"], row["n_clusters"]) == (1000, None)
    assert (row["n_events"] is None) == (family == "gaussian")
    assert row["per"].startswith("1 SD (")
    assert row["transform"] == "log(x)"


def test_the_table_begins_with_the_columns_of_the_contract_in_its_order(tmp_path: Path) -> None:
    found = studied(tmp_path, nights_table(60), LINEAR).associations
    assert tuple(found.columns[: len(CONTRACT)]) == CONTRACT
    assert found.schema == pl.Schema(ASSOCIATION_SCHEMA)


def test_an_estimate_equals_a_regression_by_hand(tmp_path: Path) -> None:
    table = nights_table(200).with_columns(
        age=pl.when(pl.int_range(200) == 7).then(None).otherwise("age"),
        rmssd__rem=pl.when(pl.int_range(200) == 9).then(None).otherwise("rmssd__rem"),
    )
    row = only(studied(tmp_path, table, LINEAR))
    whole = table.drop_nulls(["age", "rmssd__rem"])
    x = np.log(whole["rmssd__rem"].to_numpy())
    men = (whole["sex"] == "M").to_numpy().astype(float)
    sd = np.log(table.drop_nulls(["age", "rmssd__rem"])["rmssd__rem"].to_numpy()).std(ddof=1)
    design = np.column_stack([np.ones(len(x)), x / sd, whole["age"].to_numpy(), men])
    by_hand = OLS(whole["sbp"].to_numpy(), design).fit(cov_type="HC3", use_t=True)
    assert row["n"] == 198
    assert row["estimate"] == pytest.approx(by_hand.params[1], rel=1e-9)
    assert row["std_error"] == pytest.approx(by_hand.bse[1], rel=1e-9)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(by_hand.conf_int()[1]), rel=1e-9)
    assert row["p"] == pytest.approx(by_hand.pvalues[1], rel=1e-6)


def test_per_unit_and_per_sd_are_the_same_association(tmp_path: Path) -> None:
    table = nights_table(300)
    sd = only(studied(tmp_path / "a", table, LINEAR))
    unit = only(studied(tmp_path / "b", table, LINEAR + 'per = "unit"'))
    step = np.log(table["rmssd__rem"].to_numpy()).std(ddof=1)
    assert sd["estimate"] == pytest.approx(unit["estimate"] * step)
    assert sd["p"] == pytest.approx(unit["p"])
    assert unit["per"] == "1 log(x)"


@pytest.mark.parametrize("transform", ["none", "log", "sqrt", "rank"])
def test_each_transform_is_told(tmp_path: Path, transform: str) -> None:
    row = only(studied(tmp_path, nights_table(300), LINEAR + f'transform = "{transform}"'))
    assert row["transform"].startswith(transform)
    assert row["ci_high"] < 0


def test_an_outcome_has_a_scale_of_its_own(tmp_path: Path) -> None:
    table = nights_table(300).with_columns(pressure=(pl.col("sbp") / 40).exp())
    plain = only(studied(tmp_path / "a", table, LINEAR))
    log = only(studied(tmp_path / "b", table, LINEAR.replace("sbp", "pressure") + 'outcome_transform = "log"'))
    assert log["estimate"] == pytest.approx(plain["estimate"] / 40)
    assert log["outcome_transform"] == "log(x)"
    with pytest.raises(RecipeError, match="values have no place on the scale logit"):
        studied(tmp_path / "c", table, LINEAR + 'outcome_transform = "logit"')


def test_zeros_are_moved_by_half_the_smallest_value_for_a_logarithm(tmp_path: Path) -> None:
    row = only(studied(tmp_path, nights_table(300), LINEAR.replace("rmssd__rem", "veb_per_hour__night")))
    assert row["transform"] == "log(x + 0.0625)"  # counts over 8 h
    assert row["n"] == 300


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    table = nights_table(200, nights_each=2)
    plan = (
        LINEAR
        + 'subgroups = ["sex"]\ninteractions = ["age"]\ncluster = "subject"\n'
        + model("binomial", '["*__night"]')
    )
    one = studied(tmp_path / "a", table, plan)
    other = studied(tmp_path / "b", table.sample(fraction=1.0, shuffle=True, seed=3), plan)
    assert one.associations.equals(other.associations)
    assert one.partial.equals(other.partial)


def test_products_and_subgroups_have_rows_and_families_of_their_own(tmp_path: Path) -> None:
    table = nights_table(600).with_columns(
        sbp=pl.col("sbp")
        + pl.when(pl.col("sex") == "M").then(-4 * (pl.col("rmssd__rem").log() - 3.5) / 0.5).otherwise(0)
    )
    found = studied(tmp_path, table, LINEAR + 'interactions = ["sex"]\nsubgroups = ["sex", "age < 60"]')
    product = only(found, kind="interaction")
    reference = found.references["pressure"]["sex"]
    sign = 1 if reference == "F" else -1
    assert product["term"] == f"rmssd__rem x sex={'M' if reference == 'F' else 'F'}"
    assert product["ci_low"] < -4 * sign < product["ci_high"]
    men, women = only(found, subgroup="sex=M"), only(found, subgroup="sex=F")
    assert men["n"] + women["n"] == only(found, kind="main")["n"] == 600
    assert men["estimate"] == pytest.approx(-7, abs=2)
    assert women["estimate"] == pytest.approx(-3, abs=2)
    assert only(found, subgroup="age < 60")["n"] == (table["age"] < 60).sum()
    assert set(found.associations["fdr_family"]) == {"pressure", "pressure (interactions)", "pressure (subgroups)"}


@pytest.mark.parametrize(("repeated", "family"), [("mixed", "gaussian"), ("gee", "gaussian"), ("gee", "binomial")])
def test_repeated_nights_are_clusters_of_their_subject(tmp_path: Path, repeated: str, family: str) -> None:
    row = only(studied(tmp_path, nights_table(400, nights_each=2), model(family, more=f'repeated = "{repeated}"')))
    assert (row["status"], row["n"], row["n_clusters"]) == ("ok", 400, 200)
    assert row["ci_low"] < PLANTED[family] < row["ci_high"]


def test_nights_of_one_subject_without_a_cluster_are_warned_of(tmp_path: Path) -> None:
    table = nights_table(100, nights_each=2)
    (warning,) = studied(tmp_path / "a", table, LINEAR).warnings
    assert "some subjects have several nights" in warning
    assert 'cluster = "subject"' in warning
    for way in ('cluster = "subject"', 'repeated = "gee"'):
        assert not studied(tmp_path / way[:3], table, LINEAR + way).warnings
    assert not studied(tmp_path / "c", table, '[cohort]\nnights = "first"\n' + LINEAR).warnings


# --- false discoveries -------------------------------------------------------------------------------


def test_q_is_that_of_scipy_within_each_family_ties_and_gaps_included() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(size=40) ** 2
    p[[3, 8, 20]] = p[5]
    table = pl.DataFrame({"p": [*p, None], "fdr_family": ["a"] * 25 + ["b"] * 15 + ["a"]})
    found = with_q(table)["q"]
    assert found.to_list()[-1] is None
    assert found[:25].to_numpy() == pytest.approx(stats.false_discovery_control(p[:25]))
    assert found[25:40].to_numpy() == pytest.approx(stats.false_discovery_control(p[25:]))


def test_families_are_by_model_by_domain_or_named(tmp_path: Path) -> None:
    table, exposures = nights_table(100), '["*__night"]'
    by_domain = studied(tmp_path / "a", table, model("gaussian", exposures, 'fdr = "domain"')).associations
    assert set(by_domain["fdr_family"]) == {"m: hrv_time", "m: rate", "m: rhythm"}
    assert by_domain.filter(exposure="rmssd__night")["q"][0] == by_domain.filter(exposure="rmssd__night")["p"][0]
    named = LINEAR + 'fdr = "primary"\n' + model("binomial", exposures, 'fdr = "primary"')
    assert set(studied(tmp_path / "b", table, named).associations["fdr_family"]) == {"primary"}


def test_the_false_discovery_rate_of_200_null_exposures_is_held(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    table = nights_table(150)
    null = pl.DataFrame({f"sdnn__null_{i}": np.exp(rng.normal(size=150)) for i in range(200)})
    found = studied(tmp_path, table.hstack(null), LINEAR.replace("rmssd__rem", "sdnn__null_*")).associations
    assert (found["q"] < 0.05).sum() == 0  # expected in one family of twenty
    assert stats.kstest(found["p"].to_numpy(), "uniform").pvalue > 0.01


# --- data that answer nothing --------------------------------------------------------------------------


def status(tmp_path: Path, table: pl.DataFrame, plan: str) -> tuple[str, str]:
    row = only(studied(tmp_path, table, plan))
    assert (row["estimate"], row["std_error"], row["p"], row["q"]) == (None,) * 4
    return row["status"], row["reason"]


def test_a_covariate_that_the_others_tell_is_named(tmp_path: Path) -> None:
    table = nights_table(100).with_columns(born=2020 - pl.col("age"))
    found = status(tmp_path, table, LINEAR.replace('"age",', '"age", "born",'))
    assert found == ("collinear", "told by other columns, or of one value only: age, born")


def test_an_exposure_that_a_covariate_tells_names_the_covariate(tmp_path: Path) -> None:
    table = nights_table(100).with_columns(dose=3 * pl.col("rmssd__rem").log() + 1)
    found = status(tmp_path, table, LINEAR.replace('"age"', '"dose"'))
    assert found == ("collinear", "told by other columns, or of one value only: dose")


def test_a_covariate_with_one_value_is_named(tmp_path: Path) -> None:
    table = nights_table(100).with_columns(age=pl.lit(50.0))
    assert status(tmp_path, table, LINEAR) == ("collinear", "told by other columns, or of one value only: age")


def test_separated_outcomes_have_a_status_or_firths_estimate(tmp_path: Path) -> None:
    table = nights_table(200).with_columns(hypertension=(pl.col("rmssd__rem") > 33).cast(int))
    found, reason = status(tmp_path / "a", table, model("binomial"))
    assert found == "separated"
    assert reason.startswith("rmssd__rem tells the outcomes apart")
    row = only(studied(tmp_path / "b", table, model("binomial", more='separation = "firth"')))
    assert row["status"] == "ok"
    assert "Firth" in row["method"]
    assert 0 < row["ci_low"] < row["estimate"] < row["ci_high"]


def test_firth_is_taken_only_where_outcomes_are_separated(tmp_path: Path) -> None:
    table = nights_table(200)
    plain = only(studied(tmp_path / "a", table, model("binomial")))
    firth = only(studied(tmp_path / "b", table, model("binomial", more='separation = "firth"')))
    assert plain["estimate"] == firth["estimate"]
    assert "Firth" not in firth["method"]


def test_too_few_events_rows_or_clusters_are_told(tmp_path: Path) -> None:
    table = nights_table(200)
    rare = table.with_columns(hypertension=(pl.int_range(200) < 14).cast(int), died=(pl.int_range(200) < 3).cast(int))
    assert status(tmp_path / "a", rare, model("binomial")) == (
        "too_few",
        "14 events (or rows without) for 3 parameters; 5 each are the least",
    )
    assert status(tmp_path / "b", rare, model("cox"))[0] == "too_few"
    assert status(tmp_path / "c", table[:12], LINEAR)[1] == "12 rows for 3 parameters; 5 each are the least"
    found = status(tmp_path / "d", table, LINEAR + 'cluster = "site"')
    assert found == ("too_few", "3 clusters; 20 are the least for robust errors")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sbp": pl.lit(120.0)}, ("failed", "the outcome has one value only")),
        ({"rmssd__rem": pl.lit(30.0)}, ("failed", "the exposure has one value only")),
        ({"rmssd__rem": pl.lit(None, pl.Float64)}, ("too_few", "no night has exposure, outcome and covariates")),
        ({"sbp": pl.lit(None, pl.Float64)}, ("too_few", "no night has exposure, outcome and covariates")),
        ({"sex": pl.lit(None, pl.String)}, ("too_few", "no night has exposure, outcome and covariates")),
        ({"rmssd__rem": pl.col("rmssd__rem") - 30}, ("failed", "values have no place on the scale log(x)")),
    ],
)
def test_columns_that_hold_nothing_to_relate_have_a_status(
    tmp_path: Path, change: dict[str, pl.Expr], expected: tuple[str, str]
) -> None:
    found, reason = status(tmp_path, nights_table(100).with_columns(**change), LINEAR)
    assert found == expected[0]
    assert expected[1] in reason


def test_an_exposure_that_a_few_nights_have_is_too_few_however_many_the_nights(tmp_path: Path) -> None:
    table = nights_table(400).with_columns(af_burden__night=pl.when(pl.int_range(400) < 9).then(20.0).otherwise(0.0))
    plan = LINEAR.replace("rmssd__rem", "af_burden__night")
    told = "9 nights differ from the commonest value of the exposure; 10 are the least"
    assert status(tmp_path / "a", table, plan) == ("too_few", told)
    more = table.with_columns(af_burden__night=pl.when(pl.int_range(400) < 10).then(20.0).otherwise(0.0))
    assert only(studied(tmp_path / "b", more, plan))["status"] == "ok"


def test_an_exposure_of_zeros_alone_has_one_value(tmp_path: Path) -> None:
    table = nights_table(100).with_columns(af_burden__night=pl.lit(0.0))
    found = status(tmp_path, table, LINEAR.replace("rmssd__rem", "af_burden__night"))
    assert found == ("failed", "the exposure has one value only")


def test_a_constant_binary_outcome_has_too_few_events(tmp_path: Path) -> None:
    table = nights_table(100).with_columns(hypertension=pl.lit(1))
    assert status(tmp_path, table, model("binomial"))[0] == "too_few"


def test_exposures_without_an_estimate_do_not_stop_the_others(tmp_path: Path) -> None:
    table = nights_table(100).with_columns(sdnn__night=pl.lit(50.0))
    found = studied(tmp_path, table, LINEAR.replace("rmssd__rem", "*__night")).associations
    assert dict(found.select("exposure", "status").iter_rows())["sdnn__night"] == "failed"
    assert (found["status"] == "ok").sum() == 3


def test_a_cohort_of_which_no_night_is_left_has_rows_that_say_so(tmp_path: Path) -> None:
    found = studied(tmp_path, nights_table(50), '[cohort]\nfilters = ["age > 200"]\n' + LINEAR + 'subgroups = ["sex"]')
    assert found.associations["status"].to_list() == ["too_few"]
    assert found.flow[-1].n_nights == 0
    assert len(found.warnings) == 1


def test_a_category_that_no_complete_night_has_is_no_obstacle(tmp_path: Path) -> None:
    table = nights_table(300).with_columns(
        ward=pl.when(pl.int_range(300) < 150)
        .then(pl.lit("a"))
        .when(pl.int_range(300) < 240)
        .then(pl.lit("b"))
        .otherwise(pl.lit("c"))
    )
    plan = LINEAR.replace('"sex"', '"ward"')
    for gone, ward in (("c", "c"), ("a", "a")):  # "a" is the reference of all nights
        without = table.with_columns(rmssd__rem=pl.when(pl.col("ward") == ward).then(None).otherwise("rmssd__rem"))
        row = only(studied(tmp_path / f"{gone}1", without, plan))
        alone = only(studied(tmp_path / f"{gone}2", table.filter(pl.col("ward") != ward), plan))
        assert row["status"] == "ok"
        assert row["estimate"] == pytest.approx(alone["estimate"], rel=1e-9)


def test_a_subgroup_by_rule_needs_no_covariate_that_it_fixes(tmp_path: Path) -> None:
    found = studied(tmp_path, nights_table(200), LINEAR + 'subgroups = ["sex == F", "sex"]')
    assert only(found, subgroup="sex == F")["estimate"] == only(found, subgroup="sex=F")["estimate"]


def test_true_and_false_are_outcomes_and_exposures_too(tmp_path: Path) -> None:
    table = nights_table(200).with_columns(pl.col("hypertension", "died").cast(pl.Boolean))
    row = only(studied(tmp_path, table, model("binomial", '["died"]')))
    assert row["status"] == "ok"
    assert row["domain"] == "manifest"


def test_a_product_with_a_covariate_of_one_value_has_too_few(tmp_path: Path) -> None:
    table = nights_table(100).with_columns(sex=pl.lit("F"))
    rows = studied(tmp_path, table, LINEAR + 'interactions = ["sex"]')
    assert only(rows, kind="main")["status"] == "ok"
    assert only(rows, kind="interaction")["reason"] == "sex has one value only among the nights"


def test_events_at_the_very_start_of_follow_up_count(tmp_path: Path) -> None:
    table = nights_table(200).with_columns(years=pl.when(pl.int_range(200) < 5).then(0.0).otherwise("years"))
    assert only(studied(tmp_path, table, model("cox")))["n"] == 200


def test_separation_is_found_in_repeated_nights_too(tmp_path: Path) -> None:
    table = nights_table(200, nights_each=2).with_columns(hypertension=(pl.col("rmssd__rem") > 33).cast(int))
    assert status(tmp_path, table, model("binomial", more='repeated = "gee"'))[0] == "separated"


# --- measurement error -------------------------------------------------------------------------------


def noisy(n: int, seed: int, error: float = 0.6) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A table whose RMSSD is measured with a log error of `error` SDs, and the long table with its intervals."""
    rng = np.random.default_rng(seed)
    table = nights_table(n, seed)
    log = np.log(table["rmssd__rem"].to_numpy())
    sizes = 0.5 * error * rng.uniform(0.6, 1.4, n)
    seen = log + rng.normal(0, sizes)
    long = pl.DataFrame(
        {
            "recording_id": table["recording_id"],
            "phenotype": "rmssd",
            "stratum": "rem",
            "ci_low": np.exp(seen - 1.959964 * sizes),
            "ci_high": np.exp(seen + 1.959964 * sizes),
        }
    )
    return table.with_columns(rmssd__rem=np.exp(seen)), long


@pytest.mark.parametrize("way", ["regression_calibration", "simex"])
def test_a_correction_finds_what_error_has_hidden(tmp_path: Path, way: str) -> None:
    table, long = noisy(1500, 4, error=1.0)
    plan = LINEAR + 'per = "unit"\n'
    truth = PLANTED["gaussian"] / 0.5
    naive = only(studied(tmp_path / "a", table, plan))
    corrected = only(studied(tmp_path / "b", table, plan + f'measurement_error = "{way}"', long))
    assert naive["ci_low"] > truth  # too near to 0
    assert corrected["ci_low"] < truth < corrected["ci_high"]
    assert corrected["std_error"] > naive["std_error"]
    assert {"regression_calibration": "regression calibration", "simex": "SIMEX"}[way] in corrected["method"]


def test_without_error_a_correction_changes_nothing(tmp_path: Path) -> None:
    table, long = noisy(300, 5, error=0.0)
    plain = only(studied(tmp_path / "a", table, LINEAR))
    same = only(studied(tmp_path / "b", table, LINEAR + 'measurement_error = "regression_calibration"', long))
    assert same["estimate"] == pytest.approx(plain["estimate"], rel=1e-9)


def test_errors_that_explain_all_of_the_spread_leave_no_estimate(tmp_path: Path) -> None:
    table, long = noisy(300, 6)
    wide = long.with_columns(ci_low=pl.col("ci_low") / 10, ci_high=pl.col("ci_high") * 10)
    found = studied(tmp_path / "a", table, LINEAR + 'measurement_error = "regression_calibration"', wide)
    assert only(found)["status"] == "failed"
    assert "explain all of its spread" in only(found)["reason"]
    none = studied(tmp_path / "b", table, LINEAR + 'measurement_error = "simex"', long.clear())
    assert only(none)["reason"] == "the exposure has no intervals, which measurement_error needs"
