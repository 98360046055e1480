"""All tables of an evaluation, from planted nights."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from made_stages import blurred, course, hypnogram, staged, sure_of

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.peers import peer_of_hypnograms
from holter2sleep.evaluate.stage_evaluation import StageEvaluation, evaluate_stages
from holter2sleep.evaluate.stage_tables import POOLED
from holter2sleep.evaluate.stage_text import summary_text
from holter2sleep.evaluate.stages import compare_stages, kappa, pooled


@pytest.fixture(scope="module")
def found() -> StageEvaluation:
    nights = []
    for i in range(6):
        truth, said = course(i), blurred(course(i), i)
        said[5:10] = "U"
        truth[0] = "U"
        nights.append(staged(f"n{i}", hypnogram(truth), hypnogram(said, proba=sure_of(said)), f"s{i // 2}"))
    return evaluate_stages(nights, [], 0)


def test_pooled_figures_are_those_of_the_summed_counts(found: StageEvaluation) -> None:
    for n in (2, 3, 4, 5):
        figures = {row["measure"]: row for row in found.of("figures", n_classes=n).to_dicts()}
        total = pooled([compare_stages(night.reference, night.test, n) for night in found.finest.nights])
        assert figures["kappa"]["value"] == kappa(total.counts)
        assert figures["kappa"]["ci_low"] < figures["kappa"]["value"] < figures["kappa"]["ci_high"]
        assert (figures["kappa"]["n_nights"], figures["kappa"]["n_subjects"]) == (6, 3)
        assert figures["coverage"]["value"] == pytest.approx(234 / 239)


def test_median_and_quarters_are_of_the_kappas_of_the_nights(found: StageEvaluation) -> None:
    kappas = found.of("nights", n_classes=5)["kappa"].to_numpy()
    figures = dict(found.of("figures", n_classes=5).select("measure", "value").iter_rows())
    expected = np.quantile(kappas, [0.25, 0.5, 0.75])
    assert [figures[f"night_kappa_{name}"] for name in ("q25", "median", "q75")] == pytest.approx(expected)


def test_epochs_left_out_are_counted_by_night(found: StageEvaluation) -> None:
    row = found.of("nights", night="n0", n_classes=5).row(0, named=True)
    assert [row[name] for name in ("n_epochs", "n_reference_unscored", "n_test_unscored", "n_compared")] == [
        240,
        1,
        5,
        234,
    ]


@pytest.mark.parametrize("night", ["n3", POOLED])
def test_shares_of_a_row_of_the_confusion_sum_to_one_and_its_counts_to_the_stage(
    found: StageEvaluation, night: str
) -> None:
    stages = found.of("stages", night=night, n_classes=5)
    rows = found.of("confusion", night=night, n_classes=5).group_by("reference", maintain_order=True)
    sums = rows.agg(pl.col("n").sum(), pl.col("row_share").sum())  # a sum of nulls is 0
    assert sums["n"].to_list() == stages["n_reference"].to_list()
    assert sums["row_share"].to_list() == pytest.approx([float(n > 0) for n in sums["n"]])


def test_only_the_pooled_rates_of_a_stage_have_intervals(found: StageEvaluation) -> None:
    assert found.of("stages", night="n0")["f1_low"].null_count() == 14
    for row in found.of("stages", night=POOLED).to_dicts():
        assert row["sensitivity_low"] <= row["sensitivity"] <= row["sensitivity_high"]


def test_chance_of_all_answers_is_one_bin_of_its_reliability(found: StageEvaluation) -> None:
    """Each answer is said with 0.8; three of four and more are right."""
    (row,) = found.of("calibration", night=POOLED, n_classes=5).to_dicts()
    accuracy = found.of("figures", n_classes=5, measure="accuracy")["value"][0]
    error = found.of("figures", n_classes=5, measure="calibration_error")["value"][0]
    assert (row["n"], row["mean_chance"]) == (6 * 234, pytest.approx(0.8))
    assert row["share_right"] == accuracy
    assert error == pytest.approx(abs(accuracy - 0.8), abs=1e-6)


def test_no_table_holds_a_nan(found: StageEvaluation) -> None:
    for name, table in found.tables.items():
        assert not table.select(pl.col(pl.Float64).is_nan().any()).sum_horizontal().sum(), name


def test_text_stays_within_a_terminal(found: StageEvaluation) -> None:
    assert max(map(len, summary_text(found).splitlines())) <= 80


# --- what is missing -------------------------------------------------------------------------------


def test_nights_that_can_say_less_are_judged_in_what_they_can() -> None:
    truth = hypnogram(course(0))
    coarse = hypnogram(np.where(np.isin(course(0), ["W", "R"]), course(0), "NREM"), "CARDIO3")
    found = evaluate_stages([staged("fine", truth, truth), staged("coarse", truth, coarse)], [], 0)
    assert found.finest.n_classes == 3
    assert {n: len(found.of("nights", n_classes=n)) for n in (2, 3, 4, 5)} == {2: 2, 3: 2, 4: 1, 5: 1}


def test_a_coarse_reference_is_enough_for_what_it_says() -> None:
    fine = hypnogram(course(0))
    coarse = hypnogram(np.where(np.isin(course(0), ["W", "R"]), course(0), "NREM"), "CARDIO3")
    found = evaluate_stages([staged("a", coarse, fine), staged("b", coarse, fine)], [], 0)
    assert found.tables["peers"]["n_classes"].unique().to_list() == [2, 3]
    assert found.of("figures", measure="kappa")["value"].to_list() == [1.0, 1.0]


def test_two_peers_of_one_name_are_refused() -> None:
    nights = [staged(name, hypnogram(course(0)), hypnogram(course(0))) for name in "ab"]
    with pytest.raises(UsageError, match=r"one name twice: clock \(majority and clock are the floors\); give another"):
        evaluate_stages(nights, [peer_of_hypnograms("clock", {"a": hypnogram(course(1))})], 0)


def test_one_subject_has_figures_without_intervals_and_no_clock() -> None:
    nights = [staged(name, hypnogram(course(i)), hypnogram(course(i)), "a") for i, name in enumerate("xy")]
    found = evaluate_stages(nights, [], 0)
    assert found.tables["figures"]["ci_low"].null_count() == len(found.tables["figures"])
    assert found.tables["peers"]["peer"].unique().to_list() == ["majority"]
    assert "none: one subject" in summary_text(found)


def test_without_probabilities_there_is_no_calibration_and_everything_else() -> None:
    nights = [staged(str(i), hypnogram(course(i)), hypnogram(course(i))) for i in range(2)]
    found = evaluate_stages(nights, [], 0)
    assert found.tables["calibration"].is_empty()
    assert found.tables["coverage"].is_empty()
    assert found.of("figures", measure="calibration_error")["value"].null_count() == 4
    assert found.of("figures", measure="kappa")["value"].to_list() == [1.0] * 4
    assert "no probabilities" in summary_text(found)


def test_a_night_without_a_common_epoch_has_no_figure_and_the_others_have() -> None:
    truth = hypnogram(course(0))
    nothing = hypnogram(np.full(240, "U"))
    found = evaluate_stages([staged("good", truth, truth), staged("bad", truth, nothing)], [], 0)
    assert found.of("nights", night="bad", n_classes=5)["kappa"].to_list() == [None]
    assert found.of("figures", measure="kappa", n_classes=5)["value"].to_list() == [1.0]


def test_no_common_epoch_at_all_is_refused() -> None:
    truth, nothing = hypnogram(course(0)), hypnogram(np.full(240, "U"))
    with pytest.raises(UsageError, match="do the references belong"):
        evaluate_stages([staged("a", truth, nothing)], [], 0)
