"""Epochs, beats and episodes as tables, and the folder of a night."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, analysed, recording_of_beats, simulated

from holter2sleep.analyze import analyze_night
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.night import Episodes, Flag, Hypnogram, Night
from holter2sleep.phenotypes.epochs import EPOCH_SCHEMA, beat_table, episode_table, epoch_table
from holter2sleep.phenotypes.files import (
    AS_CSV,
    DERIVED,
    TABLES,
    fill_folder,
    read_night,
    read_run,
    tables_of,
    write_run,
    write_tables,
)
from holter2sleep.recipe import load_recipe
from holter2sleep.spans import duration

SAMPLE = {"hours": 1.5, "gaps": ((0.5, 75.0),), "af": ((0.7, 600.0),)}
PROMISED = """epoch onset_s clock stage p_w p_n1 p_n2 p_n3 p_r confidence usable quality_flags sqi heart_rate_bpm
rmssd_ms n_beats n_sveb n_veb af_fraction p_respiratory p_arousal respiration_rate_bpm""".split()


@pytest.fixture(scope="module")
def night() -> Night:
    return analysed("ectopy", **SAMPLE)


@pytest.fixture(scope="module")
def epochs(night: Night) -> pl.DataFrame:
    return epoch_table(night)


# --- epochs ----------------------------------------------------------------------------------------


def test_there_is_a_row_for_each_epoch_with_the_promised_columns(epochs: pl.DataFrame) -> None:
    assert not set(PROMISED) - set(epochs.columns)
    assert dict(epochs.schema) == EPOCH_SCHEMA
    assert epochs["epoch"].to_list() == list(range(180))
    assert epochs["onset_s"].to_list() == [30.0 * i for i in range(180)]


def test_no_table_holds_a_nan(night: Night) -> None:
    for name, table in tables_of(night, RECIPE).items():
        for column in table.select(pl.selectors.float()):
            assert not column.is_nan().any(), f"{name}.{column.name}"


def test_beats_of_the_epochs_add_up_to_the_usable_beats(night: Night, epochs: pl.DataFrame) -> None:
    usable = night.beats.where(night.beats.usable)
    assert epochs["n_beats"].sum() == len(usable)
    assert epochs["n_veb"].sum() == (usable.label == "V").sum()
    assert epochs["n_sveb"].sum() == (usable.label == "S").sum()
    first = (usable.time_s >= 30) & (usable.time_s < 60)
    assert epochs["n_beats"][1] == first.sum()


def test_the_rate_of_an_epoch_is_that_of_its_intervals(night: Night, epochs: pl.DataFrame) -> None:
    trusted = trusted_rr(night.beats, night.quality.usable_spans)
    inside = trusted & (night.beats.time_s >= 300) & (night.beats.time_s < 330)
    rr_s = night.beats.rr_s[inside]
    assert epochs["heart_rate_bpm"][10] == pytest.approx(60 / rr_s.mean())
    assert epochs["heart_rate_median_bpm"][10] == pytest.approx(60 / np.median(rr_s))
    assert epochs["heart_rate_p05_bpm"][10] == pytest.approx(60 / np.quantile(rr_s, 0.95))
    assert epochs["heart_rate_p95_bpm"][10] == pytest.approx(60 / np.quantile(rr_s, 0.05))


def test_the_rmssd_of_an_epoch_is_that_of_the_differences_that_end_in_it(night: Night, epochs: pl.DataFrame) -> None:
    nn = night.nn
    inside = nn.adjacent & (nn.end_s >= 300) & (nn.end_s < 330)
    differences = np.diff(nn.nn_ms, prepend=np.nan)[inside]
    assert len(differences) >= 10
    assert epochs["rmssd_ms"][10] == pytest.approx(np.sqrt(np.mean(differences**2)))


def test_a_gap_is_missing_unusable_and_without_values(epochs: pl.DataFrame) -> None:
    gap = epochs.filter(pl.col("onset_s").is_between(2700, 2740))  # the gap lasts from 2700 to 2775 s
    assert len(gap) == 2
    assert not gap["usable"].any()
    assert all(flags & Flag.MISSING for flags in gap["quality_flags"])
    assert gap["stage"].to_list() == ["U", "U"]
    for name in ("heart_rate_bpm", "rmssd_ms", "confidence", "p_w"):
        assert gap[name].null_count() == 2, name


def test_the_af_fraction_adds_up_to_the_time_in_af(night: Night, epochs: pl.DataFrame) -> None:
    af_s = duration(night.episodes.of("AFIB").spans)
    assert af_s > 500
    assert 30 * epochs["af_fraction"].sum() == pytest.approx(af_s)
    assert epochs["af_fraction"].max() == 1.0
    assert epochs["af_fraction"].min() == 0.0


def test_a_probability_the_scheme_lacks_is_null_and_the_others_add_up_to_one(night: Night) -> None:
    recipe = load_recipe("overnight", ("staging.stager=sleepecg-mesa",))
    three = analyze_night(night.recording, recipe)
    assert three.hypnogram.scheme == "CARDIO3"
    epochs = epoch_table(three)
    scored = epochs.filter(pl.col("stage") != "U")
    assert len(scored) > 150
    for name in ("p_n1", "p_n2", "p_n3", "p_light"):
        assert epochs[name].null_count() == len(epochs), name
    total = scored.select(pl.sum_horizontal("p_w", "p_nrem", "p_r")).to_series()
    assert total.to_numpy() == pytest.approx(1.0, abs=1e-5)
    assert (scored["confidence"] == scored.select(pl.max_horizontal("p_w", "p_nrem", "p_r")).to_series()).all()


def test_the_confidence_is_the_chance_of_the_stage_that_was_given(night: Night, epochs: pl.DataFrame) -> None:
    assert night.hypnogram.scheme == "AASM5"
    scored = epochs.filter(pl.col("stage") != "U")
    columns = {"W": "p_w", "N1": "p_n1", "N2": "p_n2", "N3": "p_n3", "R": "p_r"}
    total = scored.select(pl.sum_horizontal(*columns.values())).to_series()
    assert total.to_numpy() == pytest.approx(1.0, abs=1e-5)
    given = [row[columns[row["stage"]]] for row in scored.iter_rows(named=True)]
    assert scored["confidence"].to_list() == given


def test_a_scored_hypnogram_has_letters_and_no_probability(night: Night) -> None:
    stages = simulated("ectopy", **SAMPLE).hypnogram.stage
    scored = dataclasses.replace(night, hypnogram=Hypnogram(night.grid, stages, "AASM5", "by hand"))
    table = epoch_table(scored)
    assert table["stage"].to_list() == stages.tolist()
    assert table["p_w"].null_count() == table["confidence"].null_count() == len(table)


def test_the_clock_runs_past_midnight_and_is_unknown_without_a_start(night: Night) -> None:
    late = dataclasses.replace(night, recording=night.recording.but(start=datetime(2024, 3, 8, 23, 59, 10)))
    assert epoch_table(late)["clock"].to_list()[:3] == ["23:59:10", "23:59:40", "00:00:10"]
    nowhen = dataclasses.replace(night, recording=night.recording.but(start=None))
    assert epoch_table(nowhen)["clock"].null_count() == len(epoch_table(nowhen))


def test_a_beat_file_has_epochs_without_an_index_of_quality() -> None:
    beats = simulated("short").beats
    table = epoch_table(analyze_night(recording_of_beats(beats), RECIPE))
    assert table["sqi"].null_count() == len(table)
    assert table["usable"].all()
    assert table["n_beats"].sum() == len(beats)


# --- beats and episodes ----------------------------------------------------------------------------


def test_the_beat_table_holds_every_beat_and_no_interval_across_a_gap(night: Night) -> None:
    table = beat_table(night)
    assert table.columns[:5] == ["time_s", "label", "confidence", "rr_ms", "usable"]
    assert len(table) == len(night.beats)
    assert set(table["label"]) <= set("NSVFQ")
    after_gap = table.filter(pl.col("time_s") > 2775).row(0, named=True)
    assert after_gap["rr_ms"] is None
    assert table["rr_ms"][0] is None
    assert table["rr_ms"].max() < 10_000
    known = table.filter(pl.col("rr_ms").is_not_null())
    assert len(known) > 0.97 * len(table)


def test_the_episode_table_tells_the_stage_at_the_onset(night: Night) -> None:
    episodes = Episodes([29.9, 30.0], [31.0, 33.0], ["PAUSE", "VT"], [2, 4], [55.0, 120.0], [np.nan, np.nan])
    stage = np.array(["N2", "R", *["W"] * (night.grid.n - 2)])
    hypnogram = Hypnogram(night.grid, stage, "AASM5", "test")
    table = episode_table(dataclasses.replace(night, episodes=episodes, hypnogram=hypnogram))
    assert table.columns == ["start_s", "end_s", "kind", "n_beats", "rate_bpm", "stage_at_onset", "confidence"]
    assert table["stage_at_onset"].to_list() == ["N2", "R"]
    assert table["confidence"].to_list() == [None, None]


def test_episodes_are_in_order_of_time_and_half_open(night: Night) -> None:
    table = episode_table(night)
    assert table["start_s"].is_sorted()
    assert (table["end_s"] > table["start_s"]).all()
    assert {"AFIB", "VT", "COUPLET_V"} <= set(table["kind"])


# --- files -----------------------------------------------------------------------------------------


def test_the_same_night_gives_the_same_bytes(tmp_path: Path, night: Night) -> None:
    again = analyze_night(simulated("ectopy", **SAMPLE).recording, RECIPE)
    for folder, one in (("a", night), ("b", again)):
        (tmp_path / folder).mkdir()
        write_tables(tmp_path / folder, tables_of(one, RECIPE))
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted([*(f"{name}.parquet" for name in (*TABLES, *DERIVED)), *(f"{name}.csv" for name in AS_CSV)])
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_what_was_written_is_read_again(tmp_path: Path, night: Night) -> None:
    tables = tables_of(night, RECIPE)
    write_tables(tmp_path, tables)
    write_run(tmp_path, {"recording_id": "made", "start": None})
    found = read_night(tmp_path)
    for name in TABLES:
        assert getattr(found, name).equals(tables[name]), name
    assert found.run == {"recording_id": "made", "start": None}
    csv = pl.read_csv(tmp_path / "phenotypes.csv", schema=tables["phenotypes"].schema)
    assert csv.equals(tables["phenotypes"])


def test_a_run_with_nan_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_run(tmp_path, {"fs": float("nan")})


def test_a_folder_that_is_no_finished_night_is_refused(tmp_path: Path, night: Night) -> None:
    with pytest.raises(RecordingError, match=r"no finished night: run\.json is missing or broken"):
        read_night(tmp_path)
    write_run(tmp_path, {})
    with pytest.raises(RecordingError, match=r"phenotypes\.parquet is missing or broken"):
        read_night(tmp_path)
    (tmp_path / "run.json").write_text('{"recording_id": ')
    assert read_run(tmp_path) is None


def test_a_folder_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "night"
    fill_folder(folder, lambda new: (new / "one.txt").write_text("first") and None)
    assert [path.name for path in folder.iterdir()] == ["one.txt"]

    def break_off(new: Path) -> None:
        (new / "one.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_folder(folder, break_off)
    assert (folder / "one.txt").read_text() == "first"
    fill_folder(folder, lambda new: (new / "two.txt").write_text("second") and None)
    assert [path.name for path in folder.iterdir()] == ["two.txt"]
    assert [path.name for path in folder.parent.iterdir()] == ["night"]


def test_a_folder_of_nights_is_told_from_a_night(tmp_path: Path) -> None:
    (tmp_path / "n1").mkdir()
    (tmp_path / "n1" / "run.json").touch()
    with pytest.raises(UsageError, match="holds nights and is none itself"):
        read_night(tmp_path)


def test_an_edited_night_that_is_damaged_is_no_folder_of_nights(tmp_path: Path) -> None:
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "run.json").touch()
    with pytest.raises(RecordingError, match=r"no finished night: run\.json is missing or broken"):
        read_night(tmp_path)
