"""What the command line promises: files, exit codes, messages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from holter2sleep.cli import main
from holter2sleep.cli.models import listed
from holter2sleep.io.export import write_edf
from holter2sleep.night import Recording, Source
from holter2sleep.simulate import preset, simulate_night
from holter2sleep.simulate.files import write_night

TABLES = ("phenotypes.parquet", "phenotypes.csv", "epochs.parquet", "beats.parquet", "episodes.parquet")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def night_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic 20-min recording with its truth beside it."""
    path = tmp_path_factory.mktemp("recording") / "short.edf"
    write_night(path, simulate_night(preset("short"), np.random.default_rng(0)), 0)
    return path


@pytest.fixture(scope="module")
def analysed(night_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `analyze` makes of it."""
    out = tmp_path_factory.mktemp("out")
    result = run("analyze", night_file, "--out", out)
    assert result.exit_code == 0, result.output
    return out / "short"


def facts(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def test_what_a_reader_doubts_is_told_where_the_command_was_given(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beat_s = np.cumsum(np.random.default_rng(0).normal(0.9, 0.05, 800)).repeat(2)
    (tmp_path / "doubled.csv").write_text("\n".join(["time_s", *map(str, beat_s)]))
    assert run("analyze", tmp_path / "doubled.csv", "--out", tmp_path, "--no-report").exit_code == 0
    told = [record.getMessage() for record in caplog.records if "dropped" in record.getMessage()]
    assert told == ["doubled: 800 of 1600 beats dropped: doubled, or before the start"]
    assert told[0].removeprefix("doubled: ") in facts(tmp_path / "doubled")["warnings"]


def test_a_hypnogram_of_another_time_is_refused(night_file: Path, tmp_path: Path) -> None:
    rows = [f"{1e6 + 30 * i},30,N2" for i in range(40)]
    (tmp_path / "other.csv").write_text("\n".join(["onset_s,duration_s,stage", *rows]))
    result = run("analyze", night_file, "--out", tmp_path / "out", "--hypnogram", tmp_path / "other.csv")
    assert result.exit_code == 3
    assert "other.csv: no stage within the 1200 s of short.edf. What would work: stages of this" in result.output
    assert not (tmp_path / "out" / "short").exists()


def test_a_card_is_shown_with_a_line_for_each_of_its_limits() -> None:
    lines = run("models", "show", "fusion").output.splitlines()
    assert "fibrillation" in lines[[line.startswith("weights") for line in lines].index(True) - 1]
    assert sum(line.startswith("limits") for line in lines) == 1
    assert not any("('" in line or "{'" in line for line in lines)
    assert "weights           file sleep/staging/weights/fusion.npz" in lines


def test_a_night_leaves_all_tables_the_run_and_a_pdf(analysed: Path) -> None:
    for name in (*TABLES, "run.json", "report.pdf"):
        assert (analysed / name).stat().st_size > 0
    assert (analysed / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_screen_says_what_the_night_rests_on(night_file: Path, tmp_path: Path) -> None:
    said = run("analyze", night_file, "--out", tmp_path, "--no-report").output
    run_facts = facts(tmp_path / "short")
    usable_h = sum(end_s - start_s for start_s, end_s in run_facts["usable"]) / 3600
    assert f"lead    ECG, {usable_h:.2f} of 0.33 h analysable, stages by fusion\ntables  " in said
    said = run("analyze", night_file.with_suffix(".beats.csv"), "--out", tmp_path, "--no-report").output
    assert "beats   from a file, " in said


def test_run_json_holds_what_the_contract_lists(analysed: Path) -> None:
    run_facts = facts(analysed)
    for key in ("recording_id", "channel", "fs", "start", "duration_s", "gaps", "polarity", "version", "warnings"):
        assert key in run_facts
    assert set(run_facts["input"]) == {"file", "sha256", "format"}
    assert set(run_facts["unit"]) == {"file", "scale_to_mv", "proposed_scale_to_mv", "relative"}
    assert set(run_facts["recipe"]) == {"name", "sha256", "resolved"}
    roles = ["detector", "classes", "fibrillation", "respiratory events", "stager", "second opinion"]
    assert [model["role"] for model in run_facts["models"]] == roles
    assert all(len(model["sha256"]) == 64 for model in run_facts["models"][:3])
    assert run_facts["peak_memory_mb"] > 0
    assert {"read", "beats", "sleep stages", "tables", "report"} <= set(run_facts["steps_s"])
    assert "/" not in run_facts["input"]["file"]


def test_same_input_gives_the_same_bytes(night_file: Path, analysed: Path, tmp_path: Path) -> None:
    assert run("analyze", night_file, "--out", tmp_path).exit_code == 0
    for name in (*TABLES, "strips.parquet", "report.pdf"):
        assert (tmp_path / "short" / name).read_bytes() == (analysed / name).read_bytes(), name


def test_a_finished_night_is_left_alone(night_file: Path, analysed: Path) -> None:
    before = (analysed / "run.json").stat().st_mtime_ns
    result = run("analyze", night_file, "--out", analysed.parent)
    assert result.exit_code == 0
    assert "nothing to do" in result.output
    assert (analysed / "run.json").stat().st_mtime_ns == before


def test_another_recipe_into_the_same_folder_needs_overwrite(night_file: Path, tmp_path: Path) -> None:
    words = ("analyze", night_file, "--out", tmp_path, "--no-report")
    assert run(*words).exit_code == 0
    refused = run(*words, "--set", "rhythm.pause_s=2.5")
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    assert facts(tmp_path / "short")["recipe"]["resolved"]["rhythm"]["pause_s"] == 2.0
    assert run(*words, "--set", "rhythm.pause_s=2.5", "--overwrite").exit_code == 0
    assert facts(tmp_path / "short")["recipe"]["resolved"]["rhythm"]["pause_s"] == 2.5


def test_a_report_can_be_added_later_to_a_night_made_without(night_file: Path, tmp_path: Path) -> None:
    assert run("analyze", night_file, "--out", tmp_path, "--no-report").exit_code == 0
    assert not (tmp_path / "short" / "report.pdf").exists()
    assert run("report", tmp_path / "short").exit_code == 0
    assert (tmp_path / "short" / "report.pdf").exists()


def test_a_failing_run_destroys_nothing(night_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("analyze", night_file, "--out", tmp_path, "--no-report")
    assert run(*words).exit_code == 0
    before = (tmp_path / "short" / "phenotypes.parquet").read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("holter2sleep.run.write_run", fail)
    result = run(*words, "--set", "rhythm.pause_s=3.0", "--overwrite")
    assert result.exit_code == 1
    assert "disk full" in result.output
    assert (tmp_path / "short" / "phenotypes.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["short"]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [(None, 2, "no such file"), (b"", 3, "empty"), (b"\x00" * 5000, 3, "garbage.edf")],
    ids=["missing", "empty", "zeros"],
)
def test_what_is_no_recording_gets_its_exit_code(tmp_path: Path, content: bytes | None, code: int, says: str) -> None:
    path = tmp_path / "garbage.edf"
    if content is not None:
        path.write_bytes(content)
    result = run("analyze", path, "--out", tmp_path / "out")
    assert result.exit_code == code
    assert says in result.output
    assert not (tmp_path / "out" / "garbage").exists()


def _edf(path: Path, ecg: np.ndarray, fs: float = 128.0) -> Path:
    write_edf(path, Recording(path.stem, Source(path.name, "EDF", ""), len(ecg) / fs, fs, channel="ECG", ecg=ecg))
    return path


def test_a_single_beat_is_exit_code_4_and_no_lead_is_advised(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("time_s\n3.5\n")
    result = run("analyze", tmp_path / "one.csv", "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert (
        "'one.csv': 4 s analysable of 4 s (1 beat); at least 120 s are needed. A longer file of beats" in result.output
    )
    assert "--channel" not in result.output


def test_noise_without_beats_is_exit_code_4(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, 128 * 600)
    result = run("analyze", _edf(tmp_path / "noise.edf", noise), "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert "noise.edf" in result.output
    assert "s are needed" in result.output


def test_three_minutes_give_a_table_with_a_warning(night_file: Path, tmp_path: Path) -> None:
    beats = pl.read_csv(night_file.with_suffix(".beats.csv")).filter(pl.col("time_s") < 180)
    beats.write_csv(tmp_path / "three.csv")
    result = run("analyze", tmp_path / "three.csv", "--out", tmp_path, "--no-report")
    assert result.exit_code == 0
    assert any("s analysable" in warning for warning in facts(tmp_path / "three")["warnings"])
    table = pl.read_parquet(tmp_path / "three" / "phenotypes.parquet")
    assert set(table.filter(pl.col("phenotype") == "sdann")["status"]) == {"insufficient_data"}


def test_of_several_recordings_the_others_are_analysed_and_the_worst_code_ends(
    night_file: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.edf"
    empty.write_bytes(b"")
    result = run("analyze", tmp_path / "nowhere.edf", empty, night_file, "--out", tmp_path / "out", "--no-report")
    assert result.exit_code == 3
    assert (tmp_path / "out" / "short" / "phenotypes.parquet").exists()
    assert "nowhere.edf" in result.output
    assert "empty.edf" in result.output


def test_two_inputs_with_one_name_are_refused_before_anything_runs(night_file: Path, tmp_path: Path) -> None:
    result = run("analyze", night_file, tmp_path / "short.hea", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "'short'" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--recipe", "overnigt"), 5, "overnight.toml"),
        (("--set", "rhythm.pause=3"), 5, "did you mean 'pause_s'"),
        (("--set", "rhythm.pause_s=long"), 5, "expected a number without quotes"),
        (("--stager", "sleepecg"), 2, "sleepecg-mesa"),
        (("--lights-off", "25:00"), 2, "clock time"),
        (("--lights-off", "900s", "--lights-on", "100s"), 2, "do not fit"),
        (("--hypnogram", "nowhere.xml"), 2, "nowhere.xml"),
        (("--channel", "C3"), 3, "ECG"),
        (("--age", "-3"), 2, "age"),
    ],
)
def test_a_wrong_option_says_what_would_work(
    night_file: Path, tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    result = run("analyze", night_file, "--out", tmp_path, *words)
    assert result.exit_code == code, result.output
    assert says in result.output
    assert not (tmp_path / "short").exists()


def test_what_the_user_knows_overrides_the_header(night_file: Path, tmp_path: Path) -> None:
    words = ("--age", 71, "--sex", "m", "--start", "2024-01-01T23:50:00", "--lights-off", "23:55", "--id", "p1")
    assert run("analyze", night_file, "--out", tmp_path, "--no-report", *words).exit_code == 0
    run_facts = facts(tmp_path / "p1")
    assert run_facts["subject"] == {"age": 71.0, "sex": "M"}
    assert run_facts["start"] == "2024-01-01T23:50:00"
    assert run_facts["lights"] == {"off_s": 300.0, "on_s": 1200.0, "source": "option"}
    clock = pl.read_parquet(tmp_path / "p1" / "epochs.parquet")["clock"]
    assert (clock[0], clock[20]) == ("23:50:00", "00:00:00")


def test_a_scored_hypnogram_replaces_the_stager(night_file: Path, tmp_path: Path) -> None:
    scored = night_file.with_suffix(".hypnogram.csv")
    assert run("analyze", night_file, "--out", tmp_path, "--no-report", "--hypnogram", scored).exit_code == 0
    stages = pl.read_parquet(tmp_path / "short" / "epochs.parquet")["stage"].to_list()
    assert stages == pl.read_csv(scored)["stage"].to_list()
    assert facts(tmp_path / "short")["hypnogram"]["scheme"] == "AASM5"
    assert "stager" not in [model["role"] for model in facts(tmp_path / "short")["models"]]


def test_given_beats_replace_the_detector(night_file: Path, tmp_path: Path) -> None:
    truth = night_file.with_suffix(".beats.csv")
    assert run("analyze", night_file, "--out", tmp_path, "--no-report", "--beats", truth).exit_code == 0
    beats = pl.read_parquet(tmp_path / "short" / "beats.parquet")
    assert beats["label"].to_list() == pl.read_csv(truth)["label"].to_list()


def test_a_beat_file_has_tables_and_says_what_needs_a_waveform(night_file: Path, tmp_path: Path) -> None:
    truth = night_file.with_suffix(".beats.csv")
    assert run("analyze", truth, "--out", tmp_path).exit_code == 0
    folder = tmp_path / "short.beats"
    table = pl.read_parquet(folder / "phenotypes.parquet").filter(pl.col("stratum") == "night")
    status = dict(table.select("phenotype", "status").iter_rows())
    assert status["r_amplitude"] == "not_applicable"
    assert status["rmssd"] == "ok"
    assert status["n_veb"] == "ok"
    assert (folder / "report.pdf").exists()


def test_phenotypes_prints_json_csv_and_markdown() -> None:
    entries = json.loads(run("phenotypes", "--json").output)
    assert {"name", "unit", "definition", "reference"} <= set(entries[0])
    assert run("phenotypes", "--format", "csv").output.splitlines()[0].startswith("name,domain,label")
    assert "| `rmssd` |" in run("phenotypes", "--format", "markdown").output


def test_models_lists_cards_with_their_external_figure() -> None:
    cards = json.loads(run("models", "list", "--json").output)
    assert [card["name"] for card in cards[:2]] == ["fusion", "sleepecg-mesa"]
    assert run("models", "show", "clock").exit_code == 0
    assert run("models", "show", "clok").exit_code == 2
    assert run("models", "verify").exit_code == 0


def test_a_model_is_a_line_in_a_pipe_and_wrapped_on_a_terminal() -> None:
    lines = run("models", "list").output.splitlines()
    assert lines[0].startswith("fusion ")
    assert all(len(line.split(maxsplit=2)) == 3 for line in lines)
    wrapped = listed("fusion", "AASM5", "five words of some length", 20)
    assert wrapped.splitlines() == ["fusion  AASM5", "    five words of", "    some length"]


def test_a_folder_that_is_no_night_of_ours_is_never_replaced(night_file: Path, tmp_path: Path) -> None:
    mine = tmp_path / "short" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    for words in ((), ("--overwrite",)):
        result = run("analyze", night_file, "--out", tmp_path, "--no-report", *words)
        assert result.exit_code == 2
        assert "left alone" in result.output
        assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", [".", "..", "../escaped", "a/b", ".hidden", "-x", "x" * 300, ""])
def test_an_id_that_is_no_folder_name_is_refused(night_file: Path, tmp_path: Path, name: str) -> None:
    result = run("analyze", night_file, "--out", tmp_path / "out", "--id", name, "--overwrite")
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_night_with_a_table_missing_is_made_again(night_file: Path, tmp_path: Path) -> None:
    words = ("analyze", night_file, "--out", tmp_path, "--no-report")
    assert run(*words).exit_code == 0
    (tmp_path / "short" / "epochs.parquet").unlink()
    assert run(*words).exit_code == 0
    assert (tmp_path / "short" / "epochs.parquet").exists()


def test_a_folder_that_cannot_be_written_is_said_before_the_work(night_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("analyze", night_file, "--out", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "cannot be written" in result.output
    assert "beats" not in result.output


def test_what_belongs_to_one_recording_is_refused_for_several(night_file: Path, tmp_path: Path) -> None:
    result = run("analyze", night_file, tmp_path / "b.edf", "--out", tmp_path / "out", "--age", 50)
    assert result.exit_code == 2
    assert "--age belongs to one recording" in result.output


def test_a_nested_key_can_be_set(night_file: Path, tmp_path: Path) -> None:
    words = ("analyze", night_file, "--out", tmp_path, "--no-report", "--set", "rhythm.af.minimum_s=60")
    assert run(*words).exit_code == 0
    assert facts(tmp_path / "short")["recipe"]["resolved"]["rhythm"]["af"]["minimum_s"] == 60.0


def test_beats_beyond_the_recording_are_left_out_and_said(night_file: Path, tmp_path: Path) -> None:
    truth_s = pl.read_csv(night_file.with_suffix(".beats.csv"))["time_s"].to_numpy()
    pl.DataFrame({"time_s": np.r_[truth_s, np.arange(1200.5, 1300.0, 0.8)]}).write_csv(tmp_path / "long.csv")
    words = ("analyze", night_file, "--out", tmp_path, "--no-report", "--beats", tmp_path / "long.csv")
    assert run(*words).exit_code == 0
    assert any("lie beyond the recording" in warning for warning in facts(tmp_path / "short")["warnings"])
    table = pl.read_parquet(tmp_path / "short" / "phenotypes.parquet")
    row = table.filter((pl.col("phenotype") == "r_amplitude") & (pl.col("stratum") == "night"))
    assert row["n"][0] > 300


def test_a_wrong_unit_is_doubted_and_not_rescaled(tmp_path: Path) -> None:
    night = simulate_night(preset("short"), np.random.default_rng(0))
    thousandfold = 100 * np.nan_to_num(np.asarray(night.recording.ecg))
    assert (
        run("analyze", _edf(tmp_path / "tall.edf", thousandfold, 256.0), "--out", tmp_path, "--no-report").exit_code
        == 0
    )
    assert any("factor of 0.001" in warning for warning in facts(tmp_path / "tall")["warnings"])


def test_a_report_of_nothing_is_wrong_use(tmp_path: Path) -> None:
    assert run("report", tmp_path / "nowhere").exit_code == 2
    assert run("report", tmp_path).exit_code == 3


def test_lights_noted_in_the_file_are_used_or_said_to_be_left_out(tmp_path: Path) -> None:
    recording = simulate_night(preset("short"), np.random.default_rng(0)).recording
    for name, notes in (
        ("fit", [(60.0, None, "Lights off"), (1100.0, None, "Lights on")]),
        ("late", [(5000.0, None, "Lights off")]),
    ):
        write_edf(tmp_path / f"{name}.edf", recording, notes)
        assert run("analyze", tmp_path / f"{name}.edf", "--out", tmp_path, "--no-report").exit_code == 0
    assert facts(tmp_path / "fit")["lights"] == {"off_s": 60.0, "on_s": 1100.0, "source": "annotation"}
    assert facts(tmp_path / "late")["lights"]["source"] == "recording"
    assert any("do not fit" in warning for warning in facts(tmp_path / "late")["warnings"])
