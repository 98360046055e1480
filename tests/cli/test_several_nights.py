"""Several nights in one file: how they are split, named, summed up, and what happens when one fails."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from long_recordings import days_of_beats
from pypdf import PdfReader

from holter2sleep import run as module
from holter2sleep.cli import main
from holter2sleep.errors import NotEnoughSignal
from holter2sleep.night import Beats

START = "2024-03-29T18:00:00"  # on the third day Berlin's clocks go forward
SLEEPS = ((5.0, 12.0), (29.5, 36.5))  # 23:00 to 06:00, 23:30 to 06:30
HOURS = 38.0


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def analyze(path: Path, out: Path, *words: object) -> Result:
    return run("analyze", path, "--out", out, "--no-report", "--start", START, *words)


def facts(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def written(path: Path, beats: Beats) -> Path:
    pl.DataFrame({"time_s": beats.time_s}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def beats() -> Beats:
    return days_of_beats(HOURS, SLEEPS)


@pytest.fixture(scope="module")
def two_days(beats: Beats, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("in") / "patch.csv", beats)


@pytest.fixture(scope="module")
def split(two_days: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `analyze` makes of two days."""
    out = tmp_path_factory.mktemp("out")
    done = run("analyze", two_days, "--out", out, "--start", START)
    assert done.exit_code == 0, done.output
    return out


def test_reports_of_all_folders_are_drawn_and_nights_alone_where_asked(split: Path) -> None:
    done = run("report", *sorted(split.iterdir()))
    assert done.exit_code == 0, done.output
    assert done.output.count("report.pdf") == 3
    plain = run("report", *sorted(split.iterdir()), "--plain")
    assert plain.exit_code == 0, plain.output
    assert "patch_nights: skipped" in plain.output
    assert plain.output.count("person.pdf") == 2
    for number in ("01", "02"):
        (split / f"patch_night{number}" / "person.pdf").unlink()


def test_the_report_over_the_nights_has_a_row_for_each_with_the_numbers_of_its_table(split: Path) -> None:
    first = (split / "patch_nights" / "report.pdf").read_bytes()
    text = PdfReader(split / "patch_nights" / "report.pdf").pages[0].extract_text(extraction_mode="layout")
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    for number, night in enumerate(pl.read_parquet(split / "patch_nights" / "nights.parquet").iter_rows(named=True), 1):
        row = rows[f"patch_night{number:02d}"]
        assert row[1] == str(night["night_of"])
        assert row[3] == f"{night['tst__night']:.1f}"
        assert row[6] == f"{night['heart_rate_mean__night']:.1f}"
    assert run("report", split / "patch_nights").exit_code == 0
    assert (split / "patch_nights" / "report.pdf").read_bytes() == first


def test_a_report_over_nights_that_are_gone_says_which(split: Path, tmp_path: Path) -> None:
    shutil.copytree(split / "patch_nights", tmp_path / "patch_nights")
    refused = run("report", tmp_path / "patch_nights")
    assert refused.exit_code == 2
    assert "patch_night01" in refused.output


def test_two_days_are_two_nights_and_a_summary(split: Path) -> None:
    assert sorted(path.name for path in split.iterdir()) == ["patch_night01", "patch_night02", "patch_nights"]
    assert (split / "patch_night01" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert {path.name for path in (split / "patch_nights").iterdir()} == {
        *("nights.csv", "nights.parquet", "summary.csv", "summary.parquet", "run.json", "report.pdf")
    }


def test_a_night_knows_its_place_in_the_whole(split: Path) -> None:
    for number, (start_h, end_h) in enumerate(SLEEPS, start=1):
        told = facts(split / f"patch_night{number:02d}")
        assert told["recording_id"] == f"patch_night{number:02d}"
        assert (told["part"]["of"], told["part"]["night"]) == ("patch", number)
        assert told["part"]["end_s"] - told["part"]["start_s"] == pytest.approx(told["duration_s"])
        lights = told["lights"]
        assert lights["source"] == "detected"
        assert (told["part"]["start_s"] + lights["off_s"]) / 3600 == pytest.approx(start_h, abs=0.4)
        assert (told["part"]["start_s"] + lights["on_s"]) / 3600 == pytest.approx(end_h, abs=0.4)
        assert lights["off_s"] == 1800.0  # the margin
        assert told["identity"]["options"]["night"] == str(number)


def test_the_clock_and_the_beats_of_a_night_are_those_of_the_whole(split: Path, beats: Beats) -> None:
    told = facts(split / "patch_night02")
    assert told["night_of"] == "2024-03-30"
    started = np.datetime64(START) + np.timedelta64(int(told["part"]["start_s"]), "s")
    assert np.datetime64(told["start"]) == started
    found = pl.read_parquet(split / "patch_night02" / "beats.parquet")["time_s"].to_numpy() + told["part"]["start_s"]
    inside = (beats.time_s >= told["part"]["start_s"]) & (beats.time_s <= told["part"]["end_s"])
    np.testing.assert_allclose(found, beats.time_s[inside], atol=1e-6)


def test_the_nights_stand_side_by_side(split: Path) -> None:
    table = pl.read_parquet(split / "patch_nights" / "nights.parquet")
    assert table["night"].to_list() == [1, 2]
    assert table["night_of"].to_list() == [date(2024, 3, 29), date(2024, 3, 30)]
    assert table["status"].to_list() == ["ok", "ok"]
    for row in table.iter_rows(named=True):
        own = pl.read_parquet(split / row["recording_id"] / "phenotypes.parquet")
        one = own.filter((pl.col("phenotype") == "heart_rate_mean") & (pl.col("stratum") == "night"))
        assert row["heart_rate_mean__night"] == one["value"][0]
        assert (row["end"] - row["start"]).total_seconds() == pytest.approx(row["end_s"] - row["start_s"])
    assert pl.read_csv(split / "patch_nights" / "nights.csv").columns == table.columns


def test_the_summary_is_over_the_nights(split: Path) -> None:
    nights = pl.read_parquet(split / "patch_nights" / "nights.parquet")["sdnn__night"]
    summary = pl.read_parquet(split / "patch_nights" / "summary.parquet")
    row = summary.filter((pl.col("phenotype") == "sdnn") & (pl.col("stratum") == "night")).row(0, named=True)
    low, high = sorted(nights)
    assert (row["n_nights"], row["unit"], row["min"], row["max"]) == (2, "ms", low, high)
    assert row["mean"] == pytest.approx((low + high) / 2)
    assert row["median"] == pytest.approx((low + high) / 2)
    assert row["sd"] == pytest.approx((high - low) / 2**0.5)
    assert not summary["stratum"].str.starts_with("hour").any()
    no_waveform = summary.filter(pl.col("phenotype") == "r_amplitude").row(0, named=True)
    assert (no_waveform["n_nights"], no_waveform["mean"], no_waveform["max"]) == (0, None, None)


def test_nights_that_are_all_there_are_left_alone(split: Path, two_days: Path) -> None:
    again = run("analyze", two_days, "--out", split, "--start", START)
    assert again.exit_code == 0
    assert "nothing to do" in again.output
    assert "beats" not in again.stderr


def test_other_options_into_the_same_folder_need_overwrite_before_any_work(split: Path, two_days: Path) -> None:
    refused = run("analyze", two_days, "--out", split, "--start", START, "--age", 50)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    assert "beats" not in refused.stderr


def test_a_folder_in_the_way_of_the_last_night_is_told_before_the_first(two_days: Path, tmp_path: Path) -> None:
    mine = tmp_path / "patch_night02" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    refused = analyze(two_days, tmp_path, "--overwrite")
    assert refused.exit_code == 2
    assert "left alone" in refused.output
    assert [path.name for path in tmp_path.iterdir()] == ["patch_night02"]
    assert mine.read_text() == "mine"


def test_one_night_alone_is_the_same_night(split: Path, two_days: Path, tmp_path: Path) -> None:
    assert analyze(two_days, tmp_path, "--night", 2).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["patch_night02"]
    for name in ("phenotypes.parquet", "epochs.parquet", "beats.parquet", "episodes.parquet"):
        assert (tmp_path / "patch_night02" / name).read_bytes() == (split / "patch_night02" / name).read_bytes()
    assert facts(tmp_path / "patch_night02")["identity"] == facts(split / "patch_night02")["identity"]
    again = analyze(two_days, tmp_path, "--night", 2)
    assert (again.exit_code, [path.name for path in tmp_path.iterdir()]) == (0, ["patch_night02"])


def test_a_night_that_is_missing_is_made_again_and_the_others_are_kept(
    split: Path, two_days: Path, tmp_path: Path
) -> None:
    shutil.copytree(split, tmp_path, dirs_exist_ok=True)
    kept = (tmp_path / "patch_night01" / "run.json").stat().st_mtime_ns
    for path in (tmp_path / "patch_night02").iterdir():
        path.unlink()
    assert analyze(two_days, tmp_path).exit_code == 0
    assert (tmp_path / "patch_night02" / "phenotypes.parquet").is_file()
    assert (tmp_path / "patch_night01" / "run.json").stat().st_mtime_ns == kept


def test_whole_is_never_split(beats: Beats, tmp_path: Path) -> None:
    """Of 15 h, from 14 of which on lights are looked for."""
    day = written(tmp_path / "day.csv", beats.where(beats.time_s < 15 * 3600))
    assert analyze(day, tmp_path / "out", "--night", "whole").exit_code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["day"]
    assert facts(tmp_path / "out" / "day")["lights"]["source"] == "recording"
    assert facts(tmp_path / "out" / "day")["part"] is None


def test_a_day_is_one_result_unless_all_nights_are_asked_for(beats: Beats, tmp_path: Path) -> None:
    day = written(tmp_path / "day.csv", beats.where(beats.time_s < 20 * 3600))
    assert analyze(day, tmp_path / "auto").exit_code == 0
    assert facts(tmp_path / "auto" / "day")["lights"]["source"] == "detected"
    assert analyze(day, tmp_path / "all", "--night", "all").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["day_night01", "day_nights"]


def test_a_failing_night_is_listed_and_does_not_stop_the_others(
    beats: Beats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def analyse(recording, *rest):
        if recording.recording_id.endswith("01"):
            raise NotEnoughSignal("Not enough analysable signal in 'patch.csv'")
        return real(recording, *rest)

    real = module.analyze_night
    monkeypatch.setattr(module, "analyze_night", analyse)
    done = analyze(written(tmp_path / "patch.csv", beats), tmp_path / "out")
    assert done.exit_code == 4
    assert "night 1  Not enough analysable signal" in done.output
    table = pl.read_parquet(tmp_path / "out" / "patch_nights" / "nights.parquet")
    assert table["status"].to_list() == ["failed", "ok"]
    assert table["message"].to_list() == ["Not enough analysable signal in 'patch.csv'", None]
    assert table["tst__night"].is_null().to_list() == [True, False]
    summary = pl.read_parquet(tmp_path / "out" / "patch_nights" / "summary.parquet")
    assert summary["n_nights"].max() == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["patch_night02", "patch_nights"]
    again = analyze(tmp_path / "patch.csv", tmp_path / "out")
    assert again.exit_code == 4


def test_days_without_sleep_are_one_result_and_said(tmp_path: Path) -> None:
    awake = written(tmp_path / "awake.csv", days_of_beats(30.0, ()))
    assert analyze(awake, tmp_path / "out").exit_code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["awake"]
    told = facts(tmp_path / "out" / "awake")
    assert any("no main sleep period found in 30.0 h" in warning for warning in told["warnings"])
    refused = analyze(awake, tmp_path / "out2", "--night", 1)
    assert refused.exit_code == 2
    assert "--night whole" in refused.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--night", "3"), "2 main sleep periods found"),
        (("--night", "0"), "expected auto, all, whole"),
        (("--night", "first"), "expected auto, all, whole"),
        (("--lights-off", "23:00"), "--lights-off belongs to one night"),
    ],
)
def test_a_night_that_cannot_be_is_refused(two_days: Path, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    result = analyze(two_days, tmp_path / "out", *words)
    assert result.exit_code == 2, result.output
    assert says in result.output


def test_a_split_night_follows_summer_time(two_days: Path, tmp_path: Path) -> None:
    """The second night begins at 23:30 of the 30th; at two the clock goes to three."""
    assert analyze(two_days, tmp_path / "out", "--tz", "Europe/Berlin", "--night", 2).exit_code == 0
    told = facts(tmp_path / "out" / "patch_night02")
    assert told["time_zone"] == "Europe/Berlin"
    assert told["start"].startswith("2024-03-30T2")
    assert told["start"].endswith("+01:00")
    clock = pl.read_parquet(tmp_path / "out" / "patch_night02" / "epochs.parquet")["clock"].to_list()
    assert not [text for text in clock if text.startswith("02:")]
    assert any(text.startswith("03:00") for text in clock)


def test_a_lost_date_stays_lost_in_every_night(two_days: Path, tmp_path: Path) -> None:
    done = run("analyze", two_days, "--out", tmp_path, "--no-report", "--start", "18:00")
    assert done.exit_code == 0
    assert facts(tmp_path / "patch_night02")["start"].startswith("1985-01-01T2")
    assert facts(tmp_path / "patch_night02")["date_known"] is False
    assert pl.read_parquet(tmp_path / "patch_nights" / "nights.parquet")["night_of"].to_list() == [None, None]
