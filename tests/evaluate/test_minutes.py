"""Respiratory minutes against a reference: rates by hand, what is left out, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from holter2sleep.cli import main
from holter2sleep.errors import RecordingError
from holter2sleep.evaluate.minutes import (
    Minutes,
    accuracy_of,
    auc,
    compare_minutes,
    interval_by_subject,
    pooled_minutes,
)
from holter2sleep.io.minutes import read_minutes

NAN = np.nan


def test_rates_of_a_worked_example() -> None:
    reference = np.array([True] * 4 + [False] * 6)
    chance = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.1, 0.1, 0.1, 0.3, 0.4])
    found = Minutes(reference, chance, 2).measures()
    assert found["sensitivity"] == 0.75
    assert found["specificity"] == pytest.approx(5 / 6)
    assert found["accuracy"] == 0.8
    assert found["kappa"] == pytest.approx((0.8 - 0.52) / 0.48)
    assert found["majority_accuracy"] == 0.6
    assert found["coverage"] == pytest.approx(10 / 12)
    assert found["auc"] == pytest.approx(1 - 3 / 24)  # three of 24 pairs the wrong way round


def test_chances_that_come_true_have_no_calibration_error() -> None:
    chance = np.repeat([0.25, 0.75], 4)
    true = Minutes(np.array([1, 0, 0, 0, 1, 1, 1, 0], bool), chance, 0)
    never = Minutes(np.zeros(8, bool), chance, 0)
    assert (true.measures()["ece"], never.measures()["ece"]) == pytest.approx((0.0, 0.5))


def test_one_kind_alone_has_no_auc_and_no_sensitivity() -> None:
    found = Minutes(np.zeros(3, bool), np.full(3, 0.1), 0).measures()
    assert found["auc"] is None
    assert found["sensitivity"] is None
    assert found["accuracy"] == 1.0


def test_no_minute_at_all_has_no_rate() -> None:
    assert set(Minutes(np.zeros(0, bool), np.zeros(0), 0).measures().values()) == {None}


def test_auc_does_not_hang_on_the_scale_of_the_scores() -> None:
    rng = np.random.default_rng(0)
    reference, score = rng.random(200) < 0.4, rng.normal(size=200)
    assert auc(reference, score) == auc(reference, np.exp(3 * score))
    assert auc(~reference, -score) == pytest.approx(auc(reference, score))


def test_a_minute_is_the_mean_of_its_known_epochs() -> None:
    p = np.array([0.2, 0.4, NAN, 0.9, NAN, NAN])
    found = compare_minutes(np.array([0.0, 60.0, 120.0, 180.0]), np.array([False, True, True, False]), p)
    np.testing.assert_allclose(found.chance, [0.3, 0.9])
    assert found.reference.tolist() == [False, True]
    assert found.n_indeterminate == 2  # one without a chance, one beyond the night


def test_drawing_one_subject_again_gives_no_interval_and_two_equal_ones_a_point() -> None:
    record = Minutes(np.array([True, False]), np.array([0.9, 0.9]), 0)
    rng = np.random.default_rng(0)
    assert interval_by_subject([record, record], ["a", "a"], accuracy_of, rng, 50) is None
    assert interval_by_subject([record, record], ["a", "b"], accuracy_of, rng, 50) == (0.5, 0.5)


def test_pooling_adds_up() -> None:
    record = Minutes(np.array([True, False]), np.array([0.9, 0.1]), 3)
    assert pooled_minutes([record, record]).n_indeterminate == 6
    assert len(pooled_minutes([record, record]).reference) == 4


# --- references ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["minute,label\n0,N\n1,A\n", "onset_s;label\n0;n\n60;a\n", "label\tminute\n0\t0\n1\t1\n"]
)
def test_tables_of_minutes_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "night.csv"
    path.write_text(text)
    onset_s, is_event = read_minutes(path)
    assert onset_s.tolist() == [0.0, 60.0]
    assert is_event.tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "found"),
    [("minute,label\n0,X\n", "labels X"), ("minute,label\n,A\n", "without its time"), ("a,b\n1,2\n", "no columns")],
)
def test_what_is_no_table_of_minutes_is_refused(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "night.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=found):
        read_minutes(path)


# --- the command -----------------------------------------------------------------------------------


def night_with(folder: Path, p: list[float | None]) -> Path:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"duration_s": 30.0 * len(p)}))
    pl.DataFrame({"p_respiratory": pl.Series(p, dtype=pl.Float32)}).write_parquet(folder / "epochs.parquet")
    return folder


def test_the_command_prints_rates_of_each_night_and_of_all(tmp_path: Path) -> None:
    for name in ("one", "two"):
        night_with(tmp_path / name, [0.1, 0.2, 0.9, 0.7, None, None])
        (tmp_path / f"{name}.csv").write_text("minute,label\n0,N\n1,A\n2,A\n")
    options = ["--test", str(tmp_path), "--reference-dir", str(tmp_path), "--suffix", ".csv"]
    told = CliRunner().invoke(main, ["evaluate", "minutes", *options])
    assert told.exit_code == 0, told.output
    assert "4 minutes judged, 2 indeterminate" in told.output
    assert "Pooled accuracy 1.000, 95 % interval 1.000 to 1.000 (2 subjects" in told.output
    as_json = json.loads(CliRunner().invoke(main, ["evaluate", "minutes", *options, "--json"]).output)
    assert as_json["measures"]["one"]["coverage"] == pytest.approx(2 / 3)
    assert as_json["n_minutes"] == {"judged": 4, "indeterminate": 2}


def test_a_bare_file_is_no_night(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.csv"):
        (tmp_path / name).write_text("minute,label\n0,N\n")
    options = ["--test", str(tmp_path / "a.parquet"), "--reference", str(tmp_path / "a.csv")]
    told = CliRunner().invoke(main, ["evaluate", "minutes", *options])
    assert told.exit_code == 2
    assert "night folder" in told.output


def test_a_broken_reference_ends_with_3(tmp_path: Path) -> None:
    night = night_with(tmp_path / "one", [0.1, 0.2])
    (tmp_path / "one.apn").write_bytes(b"no annotations at all")
    told = CliRunner().invoke(main, ["evaluate", "minutes", "--test", str(night), "--reference-dir", str(tmp_path)])
    assert told.exit_code == 3
