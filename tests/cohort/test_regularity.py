"""Regularity of sleep: worked clock times, the sleep regularity index of states that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_runs import ok

from benchmarks.synthetic_nights import epoch_rows, write_night
from holter2sleep.cohort.regularity import DAY_S, clock_sd_min, sleep_regularity

HOUR = 120  # epochs


def state(*hours: float) -> np.ndarray:
    """Awake and asleep in turn, so many hours each."""
    return np.concatenate([np.full(int(h * HOUR), float(i % 2)) for i, h in enumerate(hours)])


def test_midnight_is_no_border_between_clock_times() -> None:
    # 23:00 and 01:00 are an hour from their mean: SD sqrt(2) h
    assert clock_sd_min(np.array([23.0, 1.0])) == pytest.approx(60 * np.sqrt(2))
    assert clock_sd_min(np.array([2.0, 4.0])) == pytest.approx(60 * np.sqrt(2))
    assert clock_sd_min(np.array([2.0])) is None


def test_the_same_sleep_every_day_is_regular_and_the_opposite_is_not() -> None:
    night = state(2, 6)
    assert sleep_regularity([(0.0, night), (DAY_S, night)]) == (100.0, 8.0)
    assert sleep_regularity([(0.0, night), (DAY_S, 1 - night)]) == (-100.0, 8.0)


def test_half_of_the_epochs_alike_is_zero_and_times_recorded_once_do_not_count() -> None:
    one, other = state(0, 4), np.concatenate([np.ones(2 * HOUR), np.zeros(2 * HOUR)])
    assert sleep_regularity([(0.0, one), (DAY_S, other)]) == (0.0, 4.0)
    later = (DAY_S + 3600.0, np.ones(4 * HOUR))  # begins an hour later: three hours are shared
    assert sleep_regularity([(0.0, one), later]) == (100.0, 3.0)


def test_nights_that_do_not_follow_each_other_are_not_compared() -> None:
    night = state(2, 6)
    assert sleep_regularity([(0.0, night), (3 * DAY_S, night)]) == (None, 0.0)
    assert sleep_regularity([(0.0, np.full(960, np.nan)), (DAY_S, night)]) == (None, 0.0)
    assert sleep_regularity([]) == (None, 0.0)


def test_a_broken_table_of_epochs_is_told_and_leaves_the_index_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    same = {"input": {"file": "x", "sha256": "one person", "format": "EDF"}}
    for day in (1, 2, 3):
        write_night(tmp_path, f"n{day}", start=f"2024-03-0{day}T22:30:00", epochs=epoch_rows("W2" * 400), **same)
    (tmp_path / "n2" / "epochs.parquet").write_bytes(b"nothing")
    ok("cohort", tmp_path, "--no-report")
    assert "n2/epochs.parquet: no table of epochs" in caplog.text
    found = pl.read_parquet(tmp_path / "cohort" / "subjects.parquet").row(0, named=True)
    assert (found["n_nights"], found["sleep_regularity_index"], found["sleep_regularity_h"]) == (3, None, 0.0)
    ok("cohort", "audit", tmp_path, "--by", "sex")
    table = pl.read_csv(tmp_path / "cohort" / "audit.csv").filter(pl.col("measure") == "unscored_share")
    assert table["n_nights"].to_list() == [2]


def test_subjects_get_the_spread_of_their_clock_times(tmp_path: Path) -> None:
    same = {"input": {"file": "x", "sha256": "one person", "format": "EDF"}}
    epochs = epoch_rows("W" * 60 + "2" * 900)
    for name, start, sol in (("a", "2024-03-01T22:30:00", 20.0), ("b", "2024-03-02T23:30:00", 20.0)):
        values = {("sol", "night"): sol, ("sleep_midpoint_h", "night"): 4.0}
        write_night(tmp_path, name, values, start=start, epochs=epochs, **same)
    write_night(tmp_path, "c", start=None)
    ok("cohort", tmp_path, "--no-report")
    subjects = pl.read_parquet(tmp_path / "cohort" / "subjects.parquet")
    found = subjects.filter(pl.col("subject") == "one person").row(0, named=True)
    assert (found["n_nights"], found["n_nights_timed"]) == (2, 2)
    assert found["sleep_onset_sd_min"] == pytest.approx(30 * np.sqrt(2))  # 23:00 and 0:00
    assert found["sleep_midpoint_sd_min"] == pytest.approx(30 * np.sqrt(2))
    # 7 h are shared; of these 30 min (60 epochs) awake on the second night, asleep on the first
    assert found["sleep_regularity_h"] == pytest.approx(7.0)
    assert found["sleep_regularity_index"] == pytest.approx(200 * (840 - 60) / 840 - 100)
    alone = subjects.filter(pl.col("subject") != "one person").row(0, named=True)
    assert (alone["n_nights"], alone["sleep_onset_sd_min"]) == (1, None)
