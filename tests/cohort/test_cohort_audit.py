"""The audit: a planted difference is found, none is found where there is none, the small are named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_runs import ok, run

from benchmarks.synthetic_nights import epoch_rows, write_night
from holter2sleep.cohort.audit import Audit, audit_cohort, compare_groups
from holter2sleep.cohort.audit_groups import UNKNOWN, attributes_of, groups_of
from holter2sleep.cohort.audit_measures import MISSING, kind_of, words_of
from holter2sleep.cohort.audit_rules import read_audit_rules
from holter2sleep.cohort.audit_stats import contrast, false_discovery
from holter2sleep.cohort.audit_text import as_markdown
from holter2sleep.errors import RecipeError, UsageError
from holter2sleep.evaluate.pairs import find_pairs
from holter2sleep.evaluate.staged_nights import read_staged_night
from holter2sleep.evaluate.stages import kappa, pooled

RULES = read_audit_rules()


def table(values: np.ndarray, groups: list[str], rng_seed: int = 0, names: list[str] | None = None) -> pl.DataFrame:
    """The audit of one attribute `site`, a subject a night; values (n_nights, n_measures)."""
    n, k = values.shape
    ids = [f"n{i}" for i in range(n)]
    measures = pl.DataFrame(values, names or [f"{MISSING}rmssd{i}" for i in range(k)]).with_columns(
        recording_id=pl.Series(ids), subject=pl.Series(ids)
    )
    known = pl.DataFrame({"attribute": ["site"] * n, "group": groups, "recording_id": ids})
    rules = dataclasses.replace(RULES, permutations=2000)
    return compare_groups(measures, [], known, rules, np.random.default_rng(rng_seed))


def row(found: pl.DataFrame, group: str, measure: str) -> dict:
    return found.row(by_predicate=(pl.col("group") == group) & (pl.col("measure") == measure), named=True)


# --- statistics ------------------------------------------------------------------------------------


def test_a_planted_difference_is_found_and_only_that() -> None:
    rng = np.random.default_rng(1)
    groups = ["A"] * 60 + ["B"] * 140
    values = 100.0 * (rng.random((200, 30)) < 0.2)
    values[:60, 7] = 100.0 * (rng.random(60) < 0.6)
    found = table(values, groups)
    flagged = found.filter("flagged")
    assert set(flagged["measure"]) == {f"{MISSING}rmssd7"}
    planted = row(found, "A", f"{MISSING}rmssd7")
    assert planted["difference_low"] < 40.0 < planted["difference_high"]
    assert (planted["n_subjects"], planted["status"], planted["margin"]) == (60, "ok", RULES.margins["missing"])


def test_cohorts_without_a_difference_are_seldom_flagged() -> None:
    """Of 60 cohorts with 20 measures and a small group, at most 5 % may have a false alarm (8 is 3 SD above)."""
    rng = np.random.default_rng(2)
    alarms = 0
    for seed in range(60):
        rare = rng.choice([0.02, 0.1, 0.3], 20)  # rare ones are where approximations are too sure
        values = 100.0 * (rng.random((120, 20)) < rare)
        alarms += table(values, ["A"] * 12 + ["B"] * 108, seed)["flagged"].any()
    assert alarms <= 8


def test_p_values_without_a_difference_are_uniform_at_the_small_end() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (100, 600))
    groups = np.r_[np.ones(40, bool), np.zeros(60, bool)]
    found = contrast(values, np.arange(100), groups, np.ones((1, 100)), 999, rng)
    share = (found.p <= 0.05).mean()
    assert 0.05 - 3 * np.sqrt(0.05 * 0.95 / 600) <= share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)


def test_two_of_ten_against_none_of_many_is_worth_what_it_is_worth() -> None:
    """Two subjects of 200 lack a number, both of ten in the group: p = C(10,2) / C(200,2) = 0.00226, not 1e-9."""
    values = np.zeros((200, 1))
    values[:2] = 100.0
    inside = np.arange(200) < 10
    found = contrast(values, np.arange(200), inside, np.ones((1, 200)), 20_000, np.random.default_rng(4))
    assert found.p[0] == pytest.approx(45 / 19_900, abs=0.001)


def test_a_certain_difference_below_the_margin_is_not_told() -> None:
    values = np.r_[np.zeros(500), np.full(500, 4.0)] + np.random.default_rng(5).normal(0, 0.5, 1000)
    found = row(table(values[:, None], ["A"] * 500 + ["B"] * 500, names=["noise_share"]), "A", "noise_share")
    assert found["q"] < 0.001
    assert found["difference_high"] < 0
    assert not found["flagged"]


def test_a_subject_counts_once_however_many_nights_it_has() -> None:
    values = np.array([[0.0]] * 9 + [[100.0]])
    subject = np.array([0] * 9 + [1])
    found = contrast(values, subject, np.ones(10, bool), np.ones((1, 2)), 100, np.random.default_rng(6))
    assert (found.value[0], found.n_subjects[0], found.n_nights[0]) == (50.0, 2, 10)
    assert np.isnan(found.p[0])  # nobody to compare with


def test_repeated_nights_do_not_make_a_difference_more_certain() -> None:
    rng = np.random.default_rng(7)
    values, groups = rng.normal(0, 1, (40, 1)), np.arange(40) < 20
    weights = rng.multinomial(40, np.full(40, 1 / 40), 500).astype(float)
    once = contrast(values, np.arange(40), groups, weights, 999, np.random.default_rng(8))
    often = contrast(
        np.tile(values, (5, 1)), np.tile(np.arange(40), 5), np.tile(groups, 5), weights, 999, np.random.default_rng(8)
    )
    assert often.p[0] == pytest.approx(once.p[0])
    assert often.difference_low[0] == pytest.approx(once.difference_low[0])


def test_small_groups_are_named_and_not_tested() -> None:
    values = np.r_[np.full(9, 100.0), np.zeros(100)][:, None]
    found = table(values, ["A"] * 9 + ["B"] * 100, names=["noise_share"])
    small = row(found, "A", "noise_share")
    assert (small["status"], small["p"], small["low"], small["flagged"]) == ("too_few", None, None, False)
    assert (small["value"], small["n_subjects"]) == (100.0, 9)
    assert row(found, "B", "noise_share")["status"] == "too_few"  # its rest is


def test_one_group_alone_and_a_measure_without_data_say_so() -> None:
    values = np.column_stack([np.random.default_rng(9).random(20), np.full(20, np.nan)])
    found = table(values, ["A"] * 20, names=["noise_share", "sqi_percent"])
    assert row(found, "A", "noise_share")["status"] == "no_rest"
    assert row(found, "A", "sqi_percent")["status"] == "no_data"
    assert not found["flagged"].any()


def test_q_is_that_of_benjamini_and_hochberg() -> None:
    # their 1995 table 1: 15 p-values, four of which are discoveries at 0.05
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert (false_discovery(np.array(p)) <= 0.05).sum() == 4
    assert np.isnan(false_discovery(np.full(3, np.nan))).all()


# --- groups ----------------------------------------------------------------------------------------


def nights(**columns: list) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    return pl.DataFrame({"recording_id": [f"n{i}" for i in range(n)], "recording": "r", "subject": "s", **columns})


def of_group(table: pl.DataFrame, attribute: str) -> dict[str, list[str]]:
    found = groups_of(table, [attribute], RULES)
    return {name: part["recording_id"].to_list() for (name,), part in found.group_by("group", maintain_order=True)}


def test_bands_are_half_open_and_in_order_and_the_unknown_come_last() -> None:
    found = of_group(nights(age=[59.9, None, 60.0, 17.0, 18.0, 75.0]), "age")
    assert found == {"under 18": ["n3"], "18 to 40": ["n4"], "40 to 60": ["n0"], "60 to 75": ["n2"],
                     "75 and more": ["n5"], UNKNOWN: ["n1"]}  # fmt: skip


def test_ahi_is_the_manifests_where_it_has_one_and_else_the_programs() -> None:
    estimated = nights(ahi_ecg__night=[4.0, 31.0])
    assert of_group(estimated, "ahi") == {"under 5": ["n0"], "30 and more": ["n1"]}
    assert of_group(estimated.with_columns(ahi=pl.Series([20.0, 20.0])), "ahi") == {"15 to 30": ["n0", "n1"]}


def test_af_is_any_of_it() -> None:
    assert of_group(nights(af_burden__night=[0.0, 0.1, None]), "af") == {
        "no AF": ["n0"], "AF": ["n1"], UNKNOWN: ["n2"]}  # fmt: skip


def test_numbers_of_the_manifest_are_split_into_thirds_and_words_are_groups() -> None:
    found = of_group(nights(bmi=[float(i) for i in range(30)]), "bmi")
    assert [len(part) for part in found.values()] == [9, 10, 11]
    assert of_group(nights(arm=[1, 2, 1]), "arm") == {"1": ["n0", "n2"], "2": ["n1"]}
    assert of_group(nights(site=["x ", "x", ""]), "site") == {"x": ["n1", "n0"], UNKNOWN: ["n2"]}


def test_the_usual_attributes_are_those_that_are_known() -> None:
    table = nights(sex=["F", None], age=[None, None], af_burden__night=[0.0, 0.0], site=["a", "b"])
    assert attributes_of(table.with_columns(pl.col("age").cast(pl.Float64)), []) == ("sex", "af", "site")
    with pytest.raises(UsageError, match=r"no such column; there is: .*site"):
        attributes_of(table, ["sight"])


# --- rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("largest_q", "biggest_q", "unknown key"),
        ("least_subjects = 10", "least_subjects = 1", "whole number from 2"),
        ("least_subjects = 10", "least_subjects = 2.5", "expected a whole number"),
        ("missing = 5.0", 'missing = "5"', "expected a number"),
        ("agreement = 0.1", "agreemnt = 0.1", "unknown key 'agreemnt'; did you mean 'agreement'"),
        ("[5, 15, 30]", "[5, 5, 30]", "list of numbers that grow"),
        ("[5, 15, 30]", "[]", "expected a list"),
        ("[bands]", "[bonds]", "unknown key"),
    ],
)
def test_rules_that_cannot_be_used_are_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    shipped = (Path(__file__).parents[2] / "pipelines" / "audit.toml").read_text(encoding="utf-8")
    assert old in shipped
    (tmp_path / "mine.toml").write_text(shipped.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RecipeError, match=words):
        read_audit_rules(str(tmp_path / "mine.toml"))


# --- folders ---------------------------------------------------------------------------------------


def stage_text(rng: np.random.Generator, n: int = 240) -> str:
    return "".join(rng.choice(list("W12R"), n))


def write_scored(folder: Path, name: str, right: float, rng: np.random.Generator) -> None:
    """A night whose stager says W, 1, 2 or R with chance 0.7, right in a share of the epochs; the truth beside it."""
    truth = stage_text(rng)
    said = "".join(letter if rng.random() < right else stage_text(rng, 1) for letter in truth)
    epochs = epoch_rows(said, confidence=0.7)
    letter = pl.col("stage")
    chance = {f"p_{code.lower()}": pl.when(letter == code).then(0.7).otherwise(0.1).cast(pl.Float32)
              for code in ("W", "N1", "N2", "R")}  # fmt: skip
    epochs = epochs.with_columns(**chance, p_n3=pl.lit(0.0, pl.Float32))
    write_night(folder / "out", name, epochs=epochs, duration_s=30.0 * len(said))
    scored = pl.DataFrame({"onset": [30.0 * i for i in range(len(truth))], "duration": 30.0,
                           "stage": [{"1": "N1", "2": "N2"}.get(x, x) for x in truth]})  # fmt: skip
    (folder / "scored").mkdir(exist_ok=True)
    scored.write_csv(folder / "scored" / f"{name}.csv")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve women whose stages are right, twelve men whose are not, and a child without a hypnogram."""
    folder, rng = tmp_path_factory.mktemp("scored"), np.random.default_rng(11)
    for i in range(24):
        write_scored(folder, f"n{i:02d}", 0.9 if i % 2 else 0.4, rng)
        path = folder / "out" / f"n{i:02d}" / "run.json"
        facts = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**facts, "subject": {"age": 50.0, "sex": "FM"[1 - i % 2]}}), encoding="utf-8")
    write_night(folder / "out", "child", subject={"age": 9.0, "sex": "F"}, epochs=epoch_rows("UU22", None, None))
    return folder


@pytest.fixture(scope="module")
def audited(scored: Path) -> Audit:
    rules = dataclasses.replace(RULES, permutations=999, draws=300)
    return audit_cohort(scored / "out", ["sex", "age"], rules, (scored / "scored", ".csv"), lambda _: lambda _: None)


def test_stages_that_are_less_right_in_one_group_are_flagged(audited: Audit) -> None:
    told = audited.flagged
    assert {(r["group"], r["measure"]) for r in told.iter_rows(named=True)} >= {("F", "kappa"), ("M", "kappa")}
    women, men = row(audited.table, "F", "kappa"), row(audited.table, "M", "kappa")
    assert women["value"] == pytest.approx(0.87, abs=0.05)  # right, or by chance one of four
    assert men["value"] == pytest.approx(0.4, abs=0.06)
    assert women["low"] < women["value"] < women["high"]
    assert women["difference"] == pytest.approx(-men["difference"])
    # the stager says 0.7: men are right in 0.4 + 0.6 / 4 = 0.55, women in 0.925
    assert row(audited.table, "M", "calibration_error")["value"] == pytest.approx(0.15, abs=0.03)
    assert row(audited.table, "F", "calibration_error")["value"] == pytest.approx(0.225, abs=0.03)
    assert audited.n_scored == 24


def test_the_page_says_what_differs_who_is_too_few_and_by_which_rule(audited: Audit) -> None:
    page = as_markdown(audited)
    assert "25 nights of 25 subjects, 24 of them with a scored hypnogram" in page
    assert "**sex M** (n = 12): kappa against the scored hypnogram" in page
    assert "age under 18: n = 1" in page
    assert "unconfirmed" in page
    assert "q <= 0.05" in page
    assert "nan" not in page
    assert "None" not in page.replace("None of", "").replace("None:", "")


def test_undecided_epochs_are_counted_in_percent(audited: Audit) -> None:
    assert row(audited.table, "under 18", "unscored_share")["value"] == 50.0
    assert row(audited.table, "under 18", "respiratory_indeterminate_share")["value"] == 100.0
    assert row(audited.table, "under 18", "low_confidence_share")["value"] is None  # no confidence


def test_the_command_writes_a_table_a_page_and_json(scored: Path) -> None:
    result = ok("cohort", "audit", scored / "out", "--by", "sex")
    assert "audit.md" in result.output
    table = pl.read_csv(scored / "out" / "cohort" / "audit.csv")
    assert set(table["attribute"]) == {"sex"}
    assert not table["flagged"].any()  # no hypnogram was given, and all else is alike
    found = json.loads(run("cohort", "audit", scored / "out", "--by", "sex", "--json").stdout)
    assert (found["n_nights"], found["n_flagged"], len(found["rows"])) == (25, 0, table.height)


def test_the_same_nights_give_the_same_audit(scored: Path) -> None:
    ok("cohort", "audit", scored / "out", "--by", "sex")
    before = (scored / "out" / "cohort" / "audit.csv").read_bytes()
    ok("cohort", "audit", scored / "out", "--by", "sex")
    assert (scored / "out" / "cohort" / "audit.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--by", "sight"), 2, "no such column"),
        (("--reference-dir", "nowhere"), 2, "no hypnogram of any night"),
        (("--rules", "nothing"), 5, "audit.toml"),
    ],
)
def test_wrong_use_ends_with_a_message(scored: Path, words: tuple[str, ...], code: int, said: str) -> None:
    result = run("cohort", "audit", scored / "out", *words)
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_nights_left_out_count_in_the_audit_with_their_share(tmp_path: Path) -> None:
    for i in range(24):
        hours, age = 1.0 if i < 10 else 7.0, 30.0 if i < 12 else 70.0
        write_night(tmp_path, f"n{i:02d}", {("analysable_time", "night"): hours}, subject={"age": age, "sex": None})
    ok("cohort", tmp_path, "--no-report", "--exclude", "cohort")
    ok("cohort", "audit", tmp_path, "--by", "age")
    found = row(pl.read_csv(tmp_path / "cohort" / "audit.csv"), "18 to 40", "excluded_share")
    assert (found["value"], found["rest"], found["flagged"]) == (pytest.approx(100 * 10 / 12), 0.0, True)


def test_every_measure_has_a_kind_and_words() -> None:
    assert kind_of(f"{MISSING}rmssd") == "missing"
    assert words_of(f"{MISSING}rmssd") == "nights without RMSSD, %"


@pytest.mark.realdata
def test_kappa_of_everybody_is_that_of_evaluate_stages(shared_data: Path, tmp_path: Path) -> None:
    slpdb, out = shared_data / "slpdb", tmp_path / "out"
    ok("analyze", slpdb / "slp03.ecg", slpdb / "slp48.ecg", "--out", out, "--no-report")
    rules = dataclasses.replace(RULES, permutations=99, draws=100)
    found = audit_cohort(out, ["version"], rules, (slpdb, ".st"), lambda _: lambda _: None)
    pairs = find_pairs([out], [], slpdb, ".st")
    nights = [read_staged_night(pair, pair.recording_id, {}) for pair in pairs]
    total = pooled([night.judged(night.most_classes).matrix for night in nights])
    assert found.table.filter(pl.col("measure") == "kappa")["value"][0] == pytest.approx(kappa(total.counts))
