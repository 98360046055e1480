from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from holter2sleep.cli.evaluate import evaluate
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.evaluate.nights import compare_night_record
from holter2sleep.evaluate.pairs import Pair, find_pairs
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.evaluate.tables import Column, record_table

DURATION_S = 900.0


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A night folder of fifteen minutes: a beat a second, two epochs unusable, AF from 400 s to 500 s."""
    folder = tmp_path / "nights" / "n01"
    folder.mkdir(parents=True)
    time_s = np.delete(np.arange(1.0, 900.0), np.arange(599, 604))  # the beats at 600-604 s are missed
    pl.DataFrame({"time_s": time_s, "label": "N", "usable": True}).write_parquet(folder / "beats.parquet")
    usable = np.ones(30, bool)
    usable[20:22] = False
    stage = ["W"] * 10 + ["NREM"] * 15 + ["R"] * 5
    pl.DataFrame({"stage": stage, "usable": usable}).write_parquet(folder / "epochs.parquet")
    episodes = {"start_s": [400.0, 700.0], "end_s": [500.0, 710.0], "kind": ["AFIB", "AFIB"]}
    pl.DataFrame(episodes).write_parquet(folder / "episodes.parquet")
    run = {"duration_s": DURATION_S, "start": None, "hypnogram": {"scheme": "CARDIO3", "scorer": "test"}}
    (folder / "run.json").write_text(json.dumps(run))
    return folder


@pytest.fixture
def references(tmp_path: Path) -> Path:
    folder = tmp_path / "references"
    folder.mkdir()
    pl.DataFrame({"time_s": np.arange(1.0, 900.0), "label": "N"}).write_csv(folder / "n01.csv")
    (folder / "n01.txt").write_text("\n".join(["W"] * 10 + ["N2"] * 10 + ["N3"] * 5 + ["R"] * 5) + "\n")
    episodes = {"start_s": [450.0], "end_s": [600.0], "kind": ["AFIB"]}
    pl.DataFrame(episodes).write_csv(folder / "n01.rhythm.csv")
    return folder


def output(*arguments: object) -> str:
    result = CliRunner().invoke(evaluate, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


# --- pairs -----------------------------------------------------------------------------------------


def test_folder_of_nights_is_paired_by_recording_id(night: Path, references: Path) -> None:
    assert find_pairs([night.parent], [], references, ".csv") == [Pair("n01", references / "n01.csv", night)]


def test_table_of_a_night_stands_for_its_night(night: Path, references: Path) -> None:
    pairs = find_pairs([night / "beats.parquet"], [references / "n01.csv"], None, ".atr")
    assert pairs == [Pair("n01", references / "n01.csv", night)]


def test_bare_file_is_its_own_test(references: Path) -> None:
    path = references / "n01.csv"
    assert find_pairs([path], [path], None, ".atr") == [Pair("n01", path, path)]


def test_missing_reference_is_named(night: Path, references: Path) -> None:
    with pytest.raises(UsageError, match=r"n01\.atr: no such reference.*--suffix"):
        find_pairs([night], [], references, ".atr")


def test_lists_of_different_length_are_refused(night: Path) -> None:
    with pytest.raises(UsageError, match="2 tests and 1 references"):
        find_pairs([night, night], [night], None, ".atr")


def test_neither_or_both_kinds_of_reference_are_refused(night: Path, references: Path) -> None:
    with pytest.raises(UsageError, match="either --reference"):
        find_pairs([night], [], None, ".atr")
    with pytest.raises(UsageError, match="either --reference"):
        find_pairs([night], [night], references, ".atr")


def test_folder_without_a_night_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no night"):
        find_pairs([tmp_path], [tmp_path], None, ".atr")


# --- what is compared ------------------------------------------------------------------------------


def test_beats_missed_in_unusable_epochs_go_to_column_x(night: Path, references: Path) -> None:
    matrix = compare_night_record(Pair("n01", references / "n01.csv", night)).matrix
    assert (matrix.count("N", "N"), matrix.count("N", "X"), matrix.count("N", "O")) == (595, 5, 0)
    assert (matrix.scored_s, matrix.shutdown_s) == (600.0, 60.0)


def test_table_without_episode_columns_is_refused(references: Path) -> None:
    with pytest.raises(RecordingError, match="start_s, end_s, kind"):
        read_rhythm_spans(references / "n01.csv", ["AFIB"])


@pytest.mark.realdata
def test_flutter_of_mitdb_207_lies_between_its_brackets(shared_data: Path) -> None:
    """PhysioNet: record 207 has six episodes of ventricular flutter, 2 min 24 s together."""
    spans = read_rhythm_spans(shared_data / "mitdb" / "207.atr", ["VFL"])
    assert len(spans) == 6
    assert (spans[:, 1] - spans[:, 0]).sum() == pytest.approx(144, abs=1)


@pytest.mark.realdata
def test_reference_against_itself_agrees_fully(shared_data: Path) -> None:
    path = shared_data / "mitdb" / "207.atr"
    matrix = compare_night_record(Pair("207", path, path)).matrix
    assert set(matrix.measures().values()) == {1.0}
    assert matrix.scored_s < 1806 - 300 - 98  # without the flutter after 5:00


# --- the commands ----------------------------------------------------------------------------------


def test_beats_command_prints_a_line_a_record_gross_and_average(night: Path, references: Path) -> None:
    lines = output("beats", "--test", night.parent, "--reference-dir", references, "--suffix", ".csv").splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["record", "n01", "gross", "average"]
    assert lines[1].split()[1:] == ["0.9917", "1.0000", "-", "-", "-", "-"]


def test_beats_command_prints_json(night: Path, references: Path) -> None:
    found = json.loads(output("beats", "--test", night, "--reference", references / "n01.csv", "--json"))
    assert found["measures"]["gross"]["qrs_sensitivity"] == 595 / 600
    assert found["measures"]["gross"]["veb_sensitivity"] is None
    assert found["counts"]["n01"][0][0] == 595


def test_episodes_command_leaves_out_short_episodes_of_the_test(night: Path, references: Path) -> None:
    found = json.loads(output("episodes", "--test", night, "--reference", references / "n01.rhythm.csv", "--json"))
    assert found["measures"]["gross"] == {
        "episode_sensitivity": 1.0,
        "episode_positive_predictivity": 1.0,
        "duration_sensitivity": 50 / 150,
        "duration_positive_predictivity": 0.5,
    }
    assert (found["n_reference"], found["n_test"]) == (1, 1)


@pytest.mark.parametrize("command", ["beats", "episodes", "stages"])
def test_every_command_shows_an_example(command: str) -> None:
    assert f"holter2sleep evaluate {command}" in output(command, "--help").replace("\n", " ")


# --- reports ---------------------------------------------------------------------------------------


def test_beats_command_prints_runs_intervals_and_shutdown_time(night: Path, references: Path) -> None:
    text = output("beats", "--test", night.parent, "--reference-dir", references, "--suffix", ".csv")
    for heading in ("Beat by beat (EC57)", "Beats missed in shutdown", "Runs of V", "Runs of S"):
        assert heading in text
    lines = text[text.index("Beats missed in shutdown") :].splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["n01", "Gross", "Average"]
    assert lines[2].split()[1:] == ["5", "0", "0", "0", "0", "0.83", "0.83", "-", "-", "-", "60", "600"]


def test_a_rate_without_denominator_is_a_dash_in_every_report(night: Path, references: Path, tmp_path: Path) -> None:
    arguments = ("beats", "--test", night, "--reference", references / "n01.csv", "--out", tmp_path / "reports")
    output(*arguments)
    with (tmp_path / "reports" / "beats.csv").open() as file:
        rows = {row["record"]: row for row in csv.DictReader(file)}
    assert (
        rows["n01"]["veb_sensitivity"] == rows["Gross"]["veb_sensitivity"] == rows["Average"]["sveb_sensitivity"] == "-"
    )
    assert (rows["n01"]["qrs_sensitivity"], rows["n01"]["rms_rr_error_ms"]) == (str(595 / 600), "0.0")
    assert (rows["Gross"]["Nn'"], rows["Average"]["Nn'"]) == ("595", "")
    assert rows["n01"]["protocol"] == "EC57"
    runs = (tmp_path / "reports" / "runs_V.txt").read_text().splitlines()
    assert runs[2].split() == "Record CTs CFN CTp CFP STs SFN STp SFP LTs LFN LTp LFP CSe C+P SSe S+P LSe L+P".split()
    assert runs[3].split() == ["n01", *["0"] * 12, *["-"] * 6]


def test_reports_hold_every_matrix(night: Path, references: Path, tmp_path: Path) -> None:
    output("beats", "--test", night, "--reference", references / "n01.csv", "--out", tmp_path)
    cells = pl.read_csv(tmp_path / "matrices.csv")
    assert cells.height == 2 * 49
    assert cells.filter(record="n01", reference="N", test="X")["beats"].to_list() == [5]
    assert pl.read_csv(tmp_path / "run_matrices.csv").height == 2 * 2 * 2 * 49
    assert "Record Gross" in (tmp_path / "matrices.txt").read_text()


def test_another_window_or_learning_period_is_printed_with_the_result(
    night: Path, references: Path, tmp_path: Path
) -> None:
    arguments = ("beats", "--test", night, "--reference", references / "n01.csv", "--window", 50, "--learning", 0)
    lines = output(*arguments, "--out", tmp_path).splitlines()
    assert lines[0] == "NOT a standard EC57 result: match window 50 ms (standard 150 ms)"
    assert lines[1] == "NOT a standard EC57 result: learning period 0 s (standard 300 s)"
    assert (tmp_path / "beats.txt").read_text().startswith("non-standard: match window 50 ms")
    assert "non-standard" in (tmp_path / "beats.csv").read_text().splitlines()[1]
    found = json.loads(output(*arguments, "--json"))
    assert found["protocol"].startswith("non-standard")
    assert found["counts"]["gross"][0][0] == 894


@pytest.mark.parametrize(
    "option", [("--window", "0"), ("--window", "nan"), ("--window", "150 ms"), ("--learning", "-1")]
)
def test_a_window_or_period_that_cannot_be_is_wrong_usage(night: Path, references: Path, option: tuple) -> None:
    arguments = ["beats", "--test", str(night), "--reference", str(references / "n01.csv"), *option]
    assert CliRunner().invoke(evaluate, arguments).exit_code == 2


@pytest.mark.parametrize("option", [("--min-length", "nan"), ("--min-length", "-1"), ("--learning", "5 min")])
def test_a_length_of_episodes_that_cannot_be_is_wrong_usage(night: Path, references: Path, option: tuple) -> None:
    arguments = ["episodes", "--test", str(night), "--reference", str(references / "n01.rhythm.csv"), *option]
    assert CliRunner().invoke(evaluate, arguments).exit_code == 2


def test_episodes_command_writes_the_report_of_epicmp(night: Path, references: Path, tmp_path: Path) -> None:
    reference = references / "n01.rhythm.csv"
    text = output("episodes", "--test", night, "--reference", reference, "--out", tmp_path, "--kind", "AF")
    lines = (tmp_path / "episodes.txt").read_text().splitlines()
    assert lines[0] == "EC57; AF; episodes of the test of at least 30 s"
    assert lines[2].split()[:9] == ["Record", "TPs", "FN", "TPp", "FP", "ESe", "E+P", "DSe", "D+P"]
    assert lines[3].split() == ["n01", *"1 0 1 0 100 100 33 50 0:02:30.000 0:01:40.000".split()]
    assert lines[3] in text
    assert (tmp_path / "episodes.csv").read_text().splitlines()[1].split(",")[5:9] == [
        "1.0",
        "1.0",
        str(50 / 150),
        "0.5",
    ]


def test_a_json_of_beats_holds_runs_and_intervals(night: Path, references: Path) -> None:
    found = json.loads(output("beats", "--test", night, "--reference", references / "n01.csv", "--json"))
    assert found["runs"]["n01"]["V"]["measures"]["couplet_sensitivity"] is None
    assert found["rms_rr_error_ms"]["gross"] == 0.0
    assert (found["shutdown_s"], found["record_shutdown_s"]["n01"]) == (60.0, 60.0)


def test_an_average_weighs_only_records_that_define_the_value() -> None:
    column = Column("Se", "sensitivity", "percent", lambda record: record)
    table = record_table("Made", [column], {"a": 0.5, "b": None, "c": 1.0}, 0.6)
    assert table.text().split()[2:] == [
        "Se",
        "a",
        "50.00",
        "b",
        "-",
        "c",
        "100.00",
        "Gross",
        "60.00",
        "Average",
        "75.00",
    ]


@pytest.mark.realdata
def test_fusion_beats_of_mitdb_208_extend_runs_and_are_no_veb(shared_data: Path) -> None:
    """PhysioNet: record 208 has 373 fusion beats in its 30 minutes."""
    path = shared_data / "mitdb" / "208.atr"
    record = compare_night_record(Pair("208", path, path))
    assert record.matrix.count("F", "F") > 300
    assert record.runs["V"].measures()["couplet_sensitivity"] == 1.0
