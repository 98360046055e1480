"""What export writes, read back by the libraries of the field and by our own readers."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import edfio
import mne
import numpy as np
import polars as pl
import pyedflib
import pytest
import wfdb
from command_runs import ok, run
from made_nights import simulated

from holter2sleep.cli.export import FORMATS as OFFERED
from holter2sleep.clock import NO_DATE, Clock
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.export.finished import FinishedNight, read_finished
from holter2sleep.export.wfdb import rhythm_changes
from holter2sleep.export.write import FORMATS as WRITERS
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import Episodes
from holter2sleep.simulate.files import write_night

FORMATS = ("wfdb", "edf+", "csv", "nsrr-xml", "bids")
CODES = {"AFIB": "Atrial fibrillation"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished night with ectopy, AF, runs and a lost electrode."""
    path = tmp_path_factory.mktemp("recording") / "night.edf"
    write_night(path, simulated("sample", seed=0, hours=2.0), 0)
    ok("analyze", path, "--out", path.parent / "out", "--no-report", "--age", 97)
    return path.parent / "out" / "night"


@pytest.fixture(scope="module")
def night(folder: Path) -> FinishedNight:
    found = read_finished(folder)
    assert {"AFIB", "VT", "B", "PAUSE"} <= set(found.episodes.kind)  # what the tests are about is there
    assert {"N", "S", "V"} <= set(found.beats.label)
    assert not found.beats.usable.all()
    return found


@pytest.fixture(scope="module")
def out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The night in all formats."""
    where = tmp_path_factory.mktemp("exported")
    for name in FORMATS:
        ok("export", folder, "--format", name, "--out", where)
    return where


def copied(folder: Path, to: Path, **facts: Any) -> Path:
    """The night folder elsewhere, with other facts of the run."""
    shutil.copytree(folder, to)
    told = json.loads((to / "run.json").read_text()) | facts
    (to / "run.json").write_text(json.dumps(told))
    return to


# --- wfdb ------------------------------------------------------------------------------------------


def test_wfdb_reads_the_beats_within_half_a_sample_with_their_labels(out: Path, night: FinishedNight) -> None:
    read = wfdb.rdann(str(out / "night"), "atr")
    is_beat = np.isin(read.symbol, list("NSVFQ"))
    assert read.fs == night.fs
    assert np.abs(read.sample[is_beat] / night.fs - night.beats.time_s).max() <= 0.5 / night.fs + 1e-9
    assert np.array_equal(np.array(read.symbol)[is_beat], night.beats.label)


def test_no_sample_has_two_annotations(out: Path) -> None:
    assert (np.diff(wfdb.rdann(str(out / "night"), "atr").sample) > 0).all()


@pytest.mark.parametrize("kind", ["AFIB", "VT", "SVTA", "B"])
def test_rhythms_come_back_with_their_first_and_last_beat_inside(out: Path, night: FinishedNight, kind: str) -> None:
    expected = night.episodes.of(kind)
    spans = read_rhythm_spans(out / "night.atr", [kind])
    assert len(spans) == len(expected)
    early, late = expected.start_s - spans[:, 0], spans[:, 1] - expected.end_s
    assert (np.r_[early, late] > 0).all()
    assert np.r_[early, late].max() <= 2.5 / 256


def test_every_other_episode_is_a_note_with_its_length(out: Path, night: FinishedNight) -> None:
    read = wfdb.rdann(str(out / "night"), "atr")
    notes = [text.rstrip("\0").split() for text, mark in zip(read.aux_note, read.symbol, strict=True) if mark == '"']
    others = night.episodes.where(~np.isin(night.episodes.kind, ["AFIB", "VT", "SVTA", "B", "T", "BRADY", "IVR"]))
    assert sorted(word for word, *_ in notes) == sorted(others.kind.tolist())
    lengths_s = sorted(float(number) for _, number, _ in notes)
    assert lengths_s == pytest.approx(sorted(others.end_s - others.start_s), abs=1e-3)


def test_our_reader_finds_the_same_beats_classes_episodes_and_unusable_beats(
    out: Path, folder: Path, tmp_path: Path
) -> None:
    ok("analyze", out / "night.atr", "--out", tmp_path, "--no-report")
    first, again = (pl.read_parquet(where / "beats.parquet") for where in (folder, tmp_path / "night"))
    assert first.select("label", "usable").equals(again.select("label", "usable"))
    first, again = (pl.read_parquet(where / "episodes.parquet") for where in (folder, tmp_path / "night"))
    # cyclic variation and surges hang on changes of a hundredth of a second, more than half a sample leaves
    first, again = (table.filter(~pl.col("kind").is_in(["CVHR", "SURGE"])) for table in (first, again))
    assert first["kind"].equals(again["kind"])
    # beats alone have no P waves to tell where AF begins and ends
    assert ((first["n_beats"] - again["n_beats"]).abs() / first["n_beats"]).max() <= 0.02
    assert (first["start_s"] - again["start_s"]).abs().max() < 10
    value = [
        pl.read_parquet(where / "phenotypes.parquet").filter(stratum="night", phenotype="n_veb")["value"].item()
        for where in (folder, tmp_path / "night")
    ]
    assert value[0] == value[1] > 0
    run_facts = json.loads((tmp_path / "night" / "run.json").read_text())
    assert (run_facts["duration_s"], run_facts["fs"]) == (7200.0, 256.0)


def test_stages_are_notes_that_our_reader_lays_on_the_same_epochs(out: Path, night: FinishedNight) -> None:
    again, _ = read_hypnogram(out / "night.st", night.grid, None)
    assert np.array_equal(again.stage, night.stage)
    assert set(wfdb.rdann(str(out / "night"), "st").symbol) == {'"'}


def test_evaluate_finds_the_exported_night_in_full_agreement_with_its_folder(out: Path, folder: Path) -> None:
    told = json.loads(ok("evaluate", "beats", "--test", folder, "--reference", out / "night.atr", "--json").output)
    assert told["measures"]["gross"]["qrs_sensitivity"] == told["measures"]["gross"]["veb_sensitivity"] == 1.0
    told = json.loads(ok("evaluate", "stages", "--test", folder, "--reference", out / "night.st", "--json").output)
    assert told["measures"]["pooled"]["kappa"] == pytest.approx(1.0)


def test_a_run_within_fibrillation_interrupts_it() -> None:
    unknown = [0.5, 0.5, 0.5]
    episodes = Episodes([10, 12, 15], [20, 13, 16], ["AFIB", "VT", "CVHR"], [12, 4, 0], [70, 180, 0], unknown)
    changes = [(5, "N"), (100, "AFIB"), (120, "VT"), (131, "AFIB"), (201, "N")]
    assert rhythm_changes(episodes, 5, 10.0) == changes


def test_a_night_without_episodes_has_one_rhythm() -> None:
    assert rhythm_changes(Episodes.none(), 7, 250.0) == [(7, "N")]


def test_beats_without_a_sample_clock_are_written_in_milliseconds(tmp_path: Path) -> None:
    time_s = np.cumsum(np.random.default_rng(0).uniform(0.7, 1.1, 500)).round(4)
    table = tmp_path / "beats.csv"
    pl.DataFrame({"time_s": time_s}).write_csv(table)
    ok("analyze", table, "--out", tmp_path / "out", "--no-report", "--stager", "clock", "--start", "23:00")
    ok("export", tmp_path / "out" / "beats", "--format", "wfdb", "--out", tmp_path / "x")
    read = wfdb.rdann(str(tmp_path / "x" / "beats"), "qrs")
    assert read.fs == 1000
    assert np.abs(np.array(read.sample)[np.array(read.symbol) == "N"] / 1000 - time_s).max() <= 0.0005 + 1e-9


def test_beats_that_nobody_classified_are_written_as_a_detectors(tmp_path: Path) -> None:
    table = tmp_path / "beats.csv"
    pl.DataFrame({"time_s": np.arange(500) * 0.9 + 0.5}).write_csv(table)
    ok("analyze", table, "--out", tmp_path / "out", "--no-report")
    ok("export", tmp_path / "out" / "beats", "--format", "wfdb", "--out", tmp_path / "x")
    assert {path.suffix for path in (tmp_path / "x").iterdir()} <= {".qrs", ".hea", ".st"}
    ok("analyze", tmp_path / "x" / "beats.qrs", "--out", tmp_path / "again", "--no-report")
    counted = pl.read_parquet(tmp_path / "again" / "beats" / "epochs.parquet")["n_veb"]
    assert counted.is_null().all()


def test_a_header_of_signals_is_left_as_it_is_even_with_overwrite(folder: Path, tmp_path: Path) -> None:
    header = "night 1 256 1843200\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n"
    (tmp_path / "night.hea").write_text(header)
    ok("export", folder, "--format", "wfdb", "--out", tmp_path, "--overwrite")
    assert (tmp_path / "night.hea").read_text() == header
    assert (tmp_path / "night.atr").is_file()


# --- edf+ ------------------------------------------------------------------------------------------


def expected_texts(night: FinishedNight) -> list[str]:
    stages = [f"Sleep stage {stage}".replace("NREM", "N").replace(" U", " ?") for _, _, stage in night.stage_runs]
    beats = [f"Beat {label}" for label in night.beats.label]
    episodes = [CODES.get(kind, kind) for kind in night.episodes.kind.tolist()]
    return sorted([*stages, *beats, *episodes, *["Signal unusable"] * len(night.unreadable)])


def by_edfio(path: Path) -> list[tuple[float, str]]:
    return [(note.onset, note.text) for note in edfio.read_edf(path).annotations]


def by_pyedflib(path: Path) -> list[tuple[float, str]]:
    with pyedflib.EdfReader(str(path)) as file:
        onset, _, text = file.readAnnotations()
    return list(zip(onset.tolist(), text.tolist(), strict=True))


def by_mne(path: Path) -> list[tuple[float, str]]:
    read = mne.read_annotations(path)
    return list(zip(read.onset.tolist(), read.description.tolist(), strict=True))


@pytest.mark.parametrize("read", [by_edfio, by_pyedflib, by_mne])
def test_libraries_read_every_stage_beat_and_episode(out: Path, night: FinishedNight, read: Any) -> None:
    notes = read(out / "night_annotations.edf")
    assert sorted(text for _, text in notes) == expected_texts(night)
    beat_s = np.array(sorted(onset for onset, text in notes if text.startswith("Beat ")))
    assert np.abs(beat_s - night.beats.time_s).max() <= 1e-6
    af_s = [onset for onset, text in notes if text == "Atrial fibrillation"]
    assert af_s == pytest.approx(night.episodes.of("AFIB").start_s, abs=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_mne_opens_the_file_as_a_recording_with_all_annotations(out: Path, night: FinishedNight) -> None:
    raw = mne.io.read_raw_edf(out / "night_annotations.edf", verbose="error")
    assert len(raw.annotations) >= len(night.beats) + len(night.episodes)


def test_our_reader_lays_the_stages_of_the_edf_on_the_same_epochs(out: Path, night: FinishedNight) -> None:
    again, notes = read_hypnogram(out / "night_annotations.edf", night.grid, night.clock)
    assert np.array_equal(again.stage, night.stage)
    assert notes == ()


def test_the_edf_tells_the_start_the_sex_and_no_name(out: Path, night: FinishedNight) -> None:
    with pyedflib.EdfReader(str(out / "night_annotations.edf")) as file:
        assert file.getStartdatetime() == night.clock.start
        assert (file.getPatientName(), file.getSex()) == ("X", "Female")


# --- the other formats -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["night-nsrr.xml", "sub-night_task-sleep_hypnogram.tsv", "night_epochs.csv"])
def test_our_reader_lays_the_stages_of_every_format_on_the_same_epochs(
    out: Path, night: FinishedNight, name: str
) -> None:
    again, _ = read_hypnogram(out / name, night.grid, night.clock)
    assert np.array_equal(again.stage, night.stage)


def test_an_exported_hypnogram_gives_the_recording_the_same_stages(out: Path, folder: Path, tmp_path: Path) -> None:
    recording = folder.parent.parent / "night.edf"
    ok("analyze", recording, "--hypnogram", out / "night-nsrr.xml", "--out", tmp_path, "--no-report")
    first, again = (pl.read_parquet(where / "epochs.parquet")["stage"] for where in (folder, tmp_path / "night"))
    assert first.equals(again)


def test_csv_tables_are_those_of_the_folder(out: Path, folder: Path) -> None:
    for name in ("beats", "episodes", "epochs"):
        table = pl.read_parquet(folder / f"{name}.parquet")
        again = pl.read_csv(out / f"night_{name}.csv", schema_overrides=table.schema)
        assert again.equals(table), name


def test_bids_events_hold_every_beat_and_episode_in_order(out: Path, night: FinishedNight) -> None:
    events = pl.read_csv(out / "sub-night_task-sleep_events.tsv", separator="\t", null_values="n/a")
    assert events["onset"].is_sorted()
    assert events.filter(trial_type="beat")["label"].to_list() == night.beats.label.tolist()
    assert events.filter(trial_type="AFIB").height == len(night.episodes.of("AFIB"))
    told = json.loads((out / "sub-night_task-sleep_events.json").read_text())
    assert set(told) == set(events.columns)


def test_the_bids_sidecar_names_the_scheme_and_its_letters(out: Path, night: FinishedNight) -> None:
    told = json.loads((out / "sub-night_task-sleep_hypnogram.json").read_text())
    table = pl.read_csv(out / "sub-night_task-sleep_hypnogram.tsv", separator="\t", null_values="n/a")
    assert set(told) == set(table.columns)
    assert night.scheme in told["stage"]["Description"]
    assert set(table["stage"]) <= set(told["stage"]["Levels"])


# --- facts that may be missing, and facts of a person ----------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_night_without_a_clock_is_exported(folder: Path, tmp_path: Path, name: str) -> None:
    ok("export", copied(folder, tmp_path / "n", start=None), "--format", name, "--out", tmp_path / "x")


def test_the_time_of_day_is_kept_where_there_is_no_date(folder: Path, tmp_path: Path) -> None:
    start = datetime.combine(NO_DATE, datetime(2024, 1, 1, 22, 40, 0, 250_000).time())
    changed = copied(folder, tmp_path / "n", start=start.isoformat())
    for name in FORMATS:
        ok("export", changed, "--format", name, "--out", tmp_path / "x")
    assert (tmp_path / "x" / "night.hea").read_text().splitlines()[0].endswith(" 22:40:00.250000")
    night = read_finished(changed)
    again, notes = read_hypnogram(tmp_path / "x" / "night_annotations.edf", night.grid, Clock(start))
    assert np.array_equal(again.stage, night.stage)
    assert notes == ()
    assert by_edfio(tmp_path / "x" / "night_annotations.edf")[0][0] == 0.0


def test_a_deidentified_night_stays_without_name_and_date(folder: Path, tmp_path: Path) -> None:
    recording = tmp_path / "Smith_Jane_19520304.edf"
    recording.write_bytes((folder.parent.parent / "night.edf").read_bytes())
    key = tmp_path / "key"
    ok("analyze", recording, "--out", tmp_path / "o", "--no-report", "--deidentify", "--key", key, "--age", 97)
    for name in FORMATS:
        ok("export", tmp_path / "o", "--format", name, "--out", tmp_path / "x")
    for path in (tmp_path / "x").iterdir():
        content = path.read_bytes() + path.name.encode()
        assert not any(name in content for name in (b"Smith", b"Jane", b"19520304")), path.name
        if path.suffix in (".hea", ".xml", ".json", ".edf"):  # elsewhere such digits are times of beats
            assert b"2024" not in content[:512], path.name
    assert "# 90 F" in next((tmp_path / "x").glob("*.hea")).read_text()


def test_the_name_of_a_scored_file_is_not_told(folder: Path, tmp_path: Path) -> None:
    changed = copied(folder, tmp_path / "n", models=[], hypnogram={"scheme": "AASM5", "scorer": "Smith.xml"})
    for name in FORMATS:
        ok("export", changed, "--format", name, "--out", tmp_path / "x")
    assert not any(b"Smith" in path.read_bytes() for path in (tmp_path / "x").iterdir())


# --- several nights, files that are there, wrong use -------------------------------------------------


def test_a_folder_of_nights_and_a_pattern_are_the_nights_in_them(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        copied(folder, tmp_path / "results" / name, recording_id=name)
    for given, where in ((tmp_path / "results", "x"), (tmp_path / "results" / "[ab]", "y")):
        result = ok("export", given, "--format", "nsrr-xml", "--out", tmp_path / where)
        assert sorted(path.name for path in (tmp_path / where).iterdir()) == ["a-nsrr.xml", "b-nsrr.xml"]
        assert "2 of 2: b" in result.stderr
        assert result.stdout.splitlines() == [str(tmp_path / where / f"{name}-nsrr.xml") for name in "ab"]


def test_one_broken_night_of_several_leaves_the_others_and_the_worst_code(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path / "r" / "a", recording_id="a")
    (copied(folder, tmp_path / "r" / "b", recording_id="b") / "epochs.parquet").unlink()
    result = run("export", tmp_path / "r", "--format", "csv", "--out", tmp_path / "x")
    assert result.exit_code == 3
    assert "epochs.parquet is missing" in result.stderr
    assert (tmp_path / "x" / "a_beats.csv").is_file()
    assert not (tmp_path / "x" / "b_beats.csv").exists()


def test_two_nights_with_one_name_are_refused_before_anything_is_written(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path / "r" / "a", recording_id="a 1")
    copied(folder, tmp_path / "r" / "b", recording_id="a_1")
    result = run("export", tmp_path / "r", "--format", "csv", "--out", tmp_path / "x")
    assert result.exit_code == 2
    assert "would both write" in result.output
    assert not (tmp_path / "x").exists()


def test_files_that_are_there_are_left_alone_or_need_overwrite(folder: Path, tmp_path: Path) -> None:
    words = ("export", folder, "--format", "wfdb", "--out", tmp_path)
    ok(*words)
    assert "already there" in ok(*words).output
    (tmp_path / "night.atr").write_bytes(b"mine")
    refused = run(*words)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    assert (tmp_path / "night.atr").read_bytes() == b"mine"
    ok(*words, "--overwrite")
    assert (tmp_path / "night.atr").read_bytes() != b"mine"


def test_a_failed_write_leaves_what_was_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "night_beats.csv").write_text("mine")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("holter2sleep.export.write.write_files", fail)
    result = run("export", folder, "--format", "csv", "--out", tmp_path, "--overwrite")
    assert result.exit_code == 1
    assert "No space left" in result.output
    assert (tmp_path / "night_beats.csv").read_text() == "mine"


def test_an_id_that_wfdb_allows_not_is_written_with_underscores(folder: Path, tmp_path: Path) -> None:
    changed = copied(folder, tmp_path / "n", recording_id="My night.2")
    ok("export", changed, "--format", "wfdb", "--out", tmp_path / "x")
    assert wfdb.rdheader(str(tmp_path / "x" / "My_night_2")).record_name == "My_night_2"


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda at: None, 2, "no such folder"),
        (lambda at: at.write_text("x"), 2, "a file, not a folder"),
        (lambda at: at.mkdir(), 3, "no finished night"),
    ],
    ids=["missing", "file", "empty"],
)
def test_what_is_no_night_gets_its_exit_code(tmp_path: Path, make: Any, code: int, says: str) -> None:
    make(tmp_path / "n")
    result = run("export", tmp_path / "n", "--format", "csv", "--out", tmp_path / "x")
    assert result.exit_code == code
    assert says in result.output


def test_a_pattern_that_nothing_matches_is_wrong_use(tmp_path: Path) -> None:
    result = run("export", tmp_path / "n*", "--format", "csv", "--out", tmp_path / "x")
    assert result.exit_code == 2
    assert "no night folder matches" in result.output


def test_a_night_folder_is_no_place_for_exports(folder: Path) -> None:
    result = run("export", folder, "--format", "csv", "--out", folder)
    assert result.exit_code == 2
    assert "fills alone" in result.output
    assert not (folder / "night_beats.csv").exists()


def test_a_folder_that_cannot_be_made_is_said_before_the_work(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = run("export", folder, "--format", "csv", "--out", tmp_path / "file" / "x")
    assert result.exit_code == 2
    assert "cannot be written" in result.output


def test_the_formats_offered_are_those_that_are_written() -> None:
    assert FORMATS == OFFERED == tuple(WRITERS)


def test_an_unknown_format_is_wrong_use(folder: Path, tmp_path: Path) -> None:
    assert run("export", folder, "--format", "xls", "--out", tmp_path).exit_code == 2


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("beats", pl.lit(None, pl.String).alias("label"), "beats.parquet: label ''"),
        ("beats", pl.col("time_s").reverse(), "increase strictly"),
        ("epochs", pl.lit("S5").alias("stage"), "epochs.parquet: stage 'S5'"),
    ],
    ids=["label", "time", "stage"],
)
def test_tables_changed_into_something_else_are_refused(
    folder: Path, tmp_path: Path, name: str, change: pl.Expr, says: str
) -> None:
    changed = copied(folder, tmp_path / "n") / f"{name}.parquet"
    pl.read_parquet(changed).with_columns(change).write_parquet(changed)
    result = run("export", tmp_path / "n", "--format", "wfdb", "--out", tmp_path / "x")
    assert result.exit_code == 3
    assert says in result.output


def test_a_table_that_is_no_parquet_or_lacks_a_column_is_refused(folder: Path, tmp_path: Path) -> None:
    broken = copied(folder, tmp_path / "n") / "beats.parquet"
    pl.read_parquet(broken).drop("usable").write_parquet(broken)
    result = run("export", tmp_path / "n", "--format", "csv", "--out", tmp_path / "x")
    assert (result.exit_code, "no column usable" in result.output) == (3, True)
    broken.write_bytes(b"PAR1 and then nothing")
    result = run("export", tmp_path / "n", "--format", "csv", "--out", tmp_path / "x")
    assert (result.exit_code, "beats.parquet" in result.output) == (3, True)


def test_a_summary_of_nights_stands_for_its_nights(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path / "r" / "a_night01", recording_id="a_night01")
    summary = tmp_path / "r" / "a_nights"
    summary.mkdir()
    pl.DataFrame({"night": [1]}).write_parquet(summary / "nights.parquet")
    nights = [{"recording_id": "a_night01", "status": "ok"}, {"recording_id": "a_night02", "status": "failed"}]
    (summary / "run.json").write_text(json.dumps({"recording_id": "a", "nights": nights}))
    for given in (summary, tmp_path / "r"):
        ok("export", given, "--format", "nsrr-xml", "--out", tmp_path / "x")
        assert [path.name for path in (tmp_path / "x").iterdir()] == ["a_night01-nsrr.xml"]
