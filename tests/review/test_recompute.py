"""What follows from edits, without detecting anything again; and what stays as it was."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import time
from pathlib import Path

import edfio
import numpy as np
import polars as pl
import pypdf
import pytest
from command_runs import ok, run
from edited_nights import TABLES, hashes
from long_recordings import days_of_beats
from made_nights import simulated

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.export.finished import PERSON, read_finished
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.files import machine, read_night, root_sha256
from holter2sleep.review import recompute as recompute_module
from holter2sleep.review.apply import apply
from holter2sleep.review.ask import change_of
from holter2sleep.review.derive import editable_of
from holter2sleep.review.log import Overtaken, append, verified
from holter2sleep.review.recompute import edited_tables, read_source, recompute
from holter2sleep.simulate.files import write_night


@pytest.fixture
def drawn() -> None:
    """For tests that look at pages: the report is drawn."""


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing a report takes longer than all that the other tests do."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(recompute_module, "write_report", lambda _folder: None)


def edit(folder: Path, *asked: dict, who: str = "A. Reader") -> None:
    """Log edits one by one."""
    tables = editable_of(read_source(folder).machine)
    duration_s = read_night(folder).run["duration_s"]
    for each in asked:
        append(folder, who, lambda edits, each=each: [change_of(each, apply(tables, edits), edits, duration_s)])


def recomputed(folder: Path, *asked: dict) -> dict[str, pl.DataFrame]:
    """Tables of the night after edits, by name."""
    edit(folder, *asked)
    recompute(folder, read_source(folder))
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def facts(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def value(folder: Path, name: str, stratum: str = "night") -> float:
    return read_night(folder).phenotypes.filter(phenotype=name, stratum=stratum)["value"].item()


def beat_times(folder: Path) -> list[float]:
    return pl.read_parquet(folder / "beats.parquet").filter("usable")["time_s"].to_list()


def pages(folder: Path) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(folder / "report.pdf").pages]


@pytest.mark.parametrize("at_hand", [True, False], ids=["with the recording", "without it"])
def test_no_edit_gives_the_very_tables_of_the_machine(night: Path, at_hand: bool) -> None:
    source = read_source(night)
    assert source.ecg is not None
    tables, _ = edited_tables(source if at_hand else dataclasses.replace(source, ecg=None), ())
    for name in ("beats", "episodes", "epochs", "phenotypes", "strips", "averages"):
        assert tables[name].equals(getattr(source.machine, name)), name


def derived_again(folder: Path) -> None:
    """The night is what its tables and its recording say."""
    source = read_source(folder)
    assert source.ecg is not None
    tables, _ = edited_tables(source, ())
    for name in ("averages", "strips", "phenotypes"):
        assert tables[name].equals(getattr(source.machine, name)), name


@pytest.mark.parametrize("half", [False, True], ids=["a lead upside down", "an electrode swapped within"])
def test_the_waveform_is_turned_as_it_was(tmp_path: Path, half: bool) -> None:
    night = simulated("short")
    ecg = -np.asarray(night.recording.ecg)
    ecg[: len(ecg) // 2] *= -1 if half else 1
    table = pl.DataFrame({"time_s": np.arange(len(ecg)) / 256, "ecg": ecg})
    table.write_csv(tmp_path / "n.csv")
    ok("analyze", tmp_path / "n.csv", "--fs", "256", "--out", tmp_path / "out", "--no-report")
    run_facts = facts(tmp_path / "out" / "n")
    assert run_facts["turned"] or run_facts["polarity"] == -1
    derived_again(tmp_path / "out" / "n")


@pytest.mark.slow
def test_the_waveform_of_one_of_several_nights_is_cut_as_it_was(tmp_path: Path) -> None:
    time_s = days_of_beats(26.0, ((11.0, 18.5),)).time_s
    at = np.zeros(26 * 3600 * 100, np.float32)
    at[np.round(time_s * 100).astype(int)] = 1.0
    ecg = np.convolve(at, np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2), "same")
    noise = np.random.default_rng(1).normal(0, 0.01, len(ecg))
    signal = edfio.EdfSignal(ecg + noise, 100, label="ECG", physical_dimension="mV", physical_range=(-3, 3))
    edfio.Edf([signal], starttime=time(12, 0)).write(tmp_path / "n.edf")
    ok("analyze", tmp_path / "n.edf", "--out", tmp_path / "out", "--no-report", "--night", "1")
    derived_again(tmp_path / "out" / "n_night01")


def test_three_v_in_a_row_become_a_run_and_are_counted(night: Path) -> None:
    before = {name: value(night, name) for name in ("n_veb", "n_runs_v", "n_beats")}
    times = beat_times(night)[100:103]
    tables = recomputed(night, *({"kind": "beat_relabel", "time_s": t, "label": "V"} for t in times))
    assert value(night, "n_veb") == before["n_veb"] + 3
    assert value(night, "n_beats") == before["n_beats"]
    runs = tables["episodes"].filter(pl.col("kind").is_in(["VT", "IVR"]), start_s=times[0])
    assert runs.select("end_s", "n_beats").rows() == [(times[2], 3)]
    assert tables["epochs"]["n_veb"].sum() == value(night, "n_veb")


def test_episodes_far_from_an_edit_stay_as_they_were(night: Path) -> None:
    machine, at = read_night(night), beat_times(night)[100]
    tables = recomputed(night, {"kind": "beat_relabel", "time_s": at, "label": "V"})
    far = (pl.col("start_s") > at + 120) & ~pl.col("kind").is_in(["CVHR", "SURGE", "RESP"])
    assert tables["episodes"].filter(far).equals(machine.episodes.filter(far))


def test_a_deleted_beat_leaves_one_interval_and_an_added_one_two(night: Path) -> None:
    times = beat_times(night)
    half_s = (times[200] + times[201]) / 2
    beats = recomputed(
        night,
        {"kind": "beat_delete", "time_s": times[100]},
        {"kind": "beat_add", "time_s": half_s, "label": "N"},
        {"kind": "beat_add", "time_s": 630.0, "label": "N"},  # where the electrode is off
    )["beats"]
    rr_ms = dict(beats.select("time_s", "rr_ms").iter_rows())
    assert rr_ms[times[101]] == pytest.approx(1000 * (times[101] - times[99]), abs=1e-3)
    assert rr_ms[half_s] == pytest.approx(rr_ms[times[201]], abs=1e-2)
    added = beats.filter(pl.col("time_s").is_in([half_s, 630.0]))
    assert added["usable"].to_list() == [True, False]
    assert added["amplitude_mv"][0] is not None


def test_an_added_episode_of_af_is_burden_and_takes_its_beats_out_of_hrv(night: Path) -> None:
    analysed_s = 3600 * value(night, "analysable_time")
    recomputed(night, {"kind": "episode_add", "episode": "AFIB", "start_s": 100.0, "end_s": 220.0})
    assert value(night, "af_burden") == pytest.approx(100 * 120 / analysed_s, rel=1e-6)
    nn = read_night(night).phenotypes.filter(phenotype="sdnn", stratum="hour_01")
    machine = pl.read_parquet(night / "machine" / "phenotypes.parquet").filter(phenotype="sdnn", stratum="hour_01")
    inside = sum(100 <= t <= 220 for t in beat_times(night))
    assert machine["n"].item() - nn["n"].item() == pytest.approx(inside, abs=8)  # a few were no NN before


def test_a_deleted_episode_is_gone_and_comes_back_with_its_undo(night: Path) -> None:
    episodes = read_night(night).episodes
    kind, start_s, end_s = episodes.select("kind", "start_s", "end_s").row(0)
    asked = {"kind": "episode_delete", "episode": kind, "start_s": start_s, "end_s": end_s}
    assert recomputed(night, asked)["episodes"].equals(episodes[1:])
    assert recomputed(night, {"kind": "undo", "number": 1})["episodes"].equals(episodes)


def test_stages_of_a_person_have_no_doubt_and_change_sleep(night: Path) -> None:
    n = read_night(night).epochs.height
    tables = recomputed(night, {"kind": "stage", "first_epoch": 0, "last_epoch": n - 2, "stage": "N2"})
    hypnogram, epochs = facts(night)["hypnogram"], tables["epochs"]
    assert hypnogram["scorer"] == "fusion, edited by A. Reader"
    assert read_finished(night).scorer == "fusion, edited by a person"  # what is exported names nobody
    assert epochs["confidence"][: n - 1].to_list() == [1.0] * (n - 1)
    assert epochs["p_n2"][: n - 1].to_list() == [1.0] * (n - 1)
    row = tables["phenotypes"].filter(phenotype="n2_min", stratum="night")
    assert row["value"].item() == (n - 1) / 2
    assert row["ci_high"].item() - row["ci_low"].item() <= 0.5  # of the one epoch that is the stager's


def test_who_took_a_stage_back_is_no_scorer(night: Path) -> None:
    edit(night, {"kind": "stage", "first_epoch": 0, "last_epoch": 1, "stage": "R"}, who="B. Other")
    recomputed(night, {"kind": "undo", "number": 1}, {"kind": "stage", "first_epoch": 5, "last_epoch": 5, "stage": "W"})
    assert facts(night)["hypnogram"]["scorer"] == "fusion, edited by A. Reader"


@pytest.mark.usefixtures("drawn")
def test_a_night_scored_by_a_person_throughout_has_that_scorer_alone(night: Path) -> None:
    n = read_night(night).epochs.height
    tables = recomputed(
        night,
        {"kind": "stage", "first_epoch": 0, "last_epoch": 9, "stage": "W"},
        {"kind": "stage", "first_epoch": 10, "last_epoch": n - 1, "stage": "N1"},
    )
    assert facts(night)["hypnogram"] == {"scheme": "AASM5", "scorer": "A. Reader"}
    assert "stager" not in {model["role"] for model in facts(night)["models"]}
    assert "Stages from A. Reader" in " ".join(pages(night)[0].split())
    assert read_finished(night).scorer == PERSON
    assert tables["epochs"]["stage"].to_list() == ["W"] * 10 + ["N1"] * (n - 10)
    assert tables["epochs"]["p_w"].is_null().all()


def test_the_tables_of_the_machine_stay_beside(night: Path) -> None:
    machine, run_json = hashes(night), (night / "run.json").read_bytes()
    recomputed(night, {"kind": "beat_relabel", "time_s": beat_times(night)[100], "label": "V"})
    assert hashes(night / "machine") == machine
    assert (night / "machine" / "run.json").read_bytes() == run_json
    assert hashes(night)["beats"] != machine["beats"]


def test_undoing_everything_gives_the_bytes_of_the_machine(night: Path) -> None:
    machine = hashes(night)
    csv = (night / "phenotypes.csv").read_bytes()
    recomputed(
        night,
        {"kind": "beat_relabel", "time_s": beat_times(night)[100], "label": "V"},
        {"kind": "stage", "first_epoch": 0, "last_epoch": 5, "stage": "R"},
        {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "why"},
    )
    assert hashes(night) != machine
    recomputed(night, *({"kind": "undo", "number": number} for number in (3, 2, 1)))
    assert hashes(night) == machine
    assert (night / "phenotypes.csv").read_bytes() == csv
    assert facts(night)["edits"]["n"] == 0


@pytest.mark.usefixtures("drawn")
def test_the_same_log_gives_the_same_bytes(night: Path) -> None:
    recomputed(night, {"kind": "beat_relabel", "time_s": beat_times(night)[100], "label": "V"})
    first = hashes(night), (night / "run.json").read_bytes(), (night / "report.pdf").read_bytes()
    recompute(night, read_source(night))
    assert (hashes(night), (night / "run.json").read_bytes(), (night / "report.pdf").read_bytes()) == first


@pytest.mark.usefixtures("drawn")
def test_without_the_recording_what_needs_it_keeps_its_value_and_the_report_says_so(
    night: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (night.parents[1] / "night.edf").unlink()
    machine = read_night(night)
    times = beat_times(night)
    tables = recomputed(
        night,
        {"kind": "beat_delete", "time_s": times[100]},
        {"kind": "stage", "first_epoch": 0, "last_epoch": 39, "stage": "R"},
    )
    needs = [name for name, entry in load_dictionary().items() if "waveform" in entry.needs]
    kept = pl.col("phenotype").is_in(needs) & (pl.col("stratum") == "night")
    assert tables["phenotypes"].filter(kept).equals(machine.phenotypes.filter(kept))
    assert tables["averages"].equals(machine.averages)
    assert tables["strips"].drop("stage").equals(machine.strips.drop("stage"))
    assert set(tables["strips"]["stage"]) == {"R"}
    assert tables["epochs"]["respiration_rate_bpm"].equals(machine.epochs["respiration_rate_bpm"])
    assert tables["beats"].height == machine.beats.height - 1
    assert any("was not at hand" in note for note in facts(night)["warnings"])
    assert "--recording FILE says where it is" in caplog.text
    assert "The recording was not at hand" in " ".join(pages(night)[-3:])


def test_another_recording_is_refused(night: Path, tmp_path: Path) -> None:
    write_night(tmp_path / "other.edf", simulated("short", seed=9), 0)
    with pytest.raises(RecordingError, match=r"not the recording that .* was made from \(night\.edf"):
        read_source(night, tmp_path / "other.edf")
    with pytest.raises(UsageError, match="no such file"):
        read_source(night, tmp_path / "none.edf")


def test_a_recording_that_was_moved_is_found_by_its_name(night: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.edf"
    (night.parents[1] / "night.edf").rename(moved)
    assert read_source(night).ecg is None
    assert read_source(night, moved).ecg is not None


def test_a_night_of_beats_alone_is_edited_too(night: Path, tmp_path: Path) -> None:
    pl.read_parquet(night / "beats.parquet").select("time_s", "label").write_csv(tmp_path / "b.csv")
    ok("analyze", tmp_path / "b.csv", "--out", tmp_path / "o", "--no-report")
    folder = tmp_path / "o" / "b"
    before = value(folder, "n_veb")
    recomputed(folder, {"kind": "beat_relabel", "time_s": beat_times(folder)[100], "label": "V"})
    assert value(folder, "n_veb") == before + 1
    assert facts(folder)["edits"]["waveform_at_hand"]
    status = read_night(folder).phenotypes.filter(phenotype="qt", stratum="night")["status"].item()
    assert status == "not_applicable"


# --- the report --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("drawn")
def test_every_page_says_that_the_night_was_edited_and_the_edits_are_listed(night: Path) -> None:
    machine = value(night, "n_veb")
    recomputed(
        night,
        {"kind": "beat_relabel", "time_s": beat_times(night)[100], "label": "V"},
        {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "looked at twice"},
    )
    found = pages(night)
    assert all("Edited by A. Reader: 2 edits" in page for page in found)
    text = " ".join(" ".join(found).split())
    assert f"{machine + 1:.0f}†" in text
    assert "looked at twice" in text
    assert "beat relabel at 22:4" in text
    assert facts(night)["edits"]["sha256"] in text.replace(" ", "")


@pytest.mark.usefixtures("drawn")
def test_a_report_drawn_before_recomputing_says_what_it_lacks(night: Path) -> None:
    edit(night, {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "first"})
    recompute(night, read_source(night))
    edit(night, {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "zebra"})
    ok("report", night)
    text = " ".join(" ".join(pages(night)).split())
    assert "Later lines of the log, not in these tables: 1" in text
    assert "first" in text
    assert "zebra" not in text


@pytest.mark.usefixtures("drawn")
def test_a_night_that_was_only_looked_at_is_not_called_edited(night: Path) -> None:
    tables = hashes(night)
    recomputed(night, {"kind": "confirm", "first_epoch": 3, "last_epoch": 4})
    assert all("Looked at by A. Reader: 1 edit," in page for page in pages(night))
    assert hashes(night) == tables


def test_a_report_without_the_log_of_its_edits_says_so(night: Path) -> None:
    recomputed(night, {"kind": "stage", "first_epoch": 3, "last_epoch": 4, "stage": "R"})
    (night / "edits.jsonl").unlink()
    ok("report", night)
    assert "The log of 1 edit that the tables were made with is not in the folder" in " ".join(pages(night))
    assert all("Edited by A. Reader: 1 edit," in page for page in pages(night))


def test_an_unedited_night_says_so_and_marks_nothing(night: Path) -> None:
    text = " ".join(pages(night))
    assert "Nobody has edited this night" in text
    assert "†" not in text
    assert "Edited by" not in text


# --- what nobody may lose ------------------------------------------------------------------------------


def test_analyze_leaves_an_edited_night_alone_unless_told_and_then_keeps_the_log(night: Path) -> None:
    recording, out = night.parents[1] / "night.edf", night.parent
    edit(night, {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "mine"})
    log = (night / "edits.jsonl").read_bytes()
    again = run("analyze", recording, "--out", out, "--set", "rhythm.pause_s=2.5", "--no-report")
    assert again.exit_code == 2
    assert "that a person has edited" in again.output
    assert "--overwrite" in again.output
    assert "nothing to do" in ok("analyze", recording, "--out", out).output
    assert (night / "edits.jsonl").read_bytes() == log
    for number in (1, 2):
        ok("analyze", recording, "--out", out, "--overwrite", "--no-report")
        assert (night / "edits_before_01.jsonl").read_bytes() == log
        assert not (night / "edits.jsonl").exists()
        assert len(list(night.glob("edits_before_*"))) == 1, number


def test_a_batch_does_not_renew_an_edited_night(night: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text(f"recording_id,path\nnight,{night.parents[1] / 'night.edf'}\n")
    edit(night, {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "mine"})
    result = run("batch", manifest, "--out", night.parent, "--set", "rhythm.pause_s=2.5")
    assert result.exit_code == 2
    assert "that a person has edited" in result.output
    assert verified(night)[0].after == "mine"


def test_a_recompute_that_fails_leaves_everything_as_it_was(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(night, {"kind": "beat_relabel", "time_s": beat_times(night)[100], "label": "V"})
    before = {path.name: path.read_bytes() for path in night.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("holter2sleep.review.recompute.write_report", full)
    with pytest.raises(Exception, match="No space left"):
        recompute(night, read_source(night))
    assert {path.name: path.read_bytes() for path in night.iterdir()} == before


def test_a_night_that_was_killed_between_two_moves_is_put_back(night: Path) -> None:
    edit(night, {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "mine"})
    scratch = night.parent / f".{night.name}.h2s-{machine()}-{2**22 + 1}-xyz"  # no process has so high a number
    scratch.mkdir()
    night.rename(scratch / "old")
    assert read_source(night).machine.run["recording_id"] == "night"
    assert verified(night)[0].after == "mine"


def test_who_was_overtaken_is_told_by_whom(night: Path) -> None:
    note = {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "mine"}
    edit(night, note, who="B. Other")
    with pytest.raises(Overtaken, match=r"1 edit by B\. Other, and 0 were known here"):
        append(night, "A. Reader", lambda edits: [], known=0)
    assert len(verified(night)) == 1


def test_a_log_whose_end_is_missing_is_told(night: Path) -> None:
    note = {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "mine"}
    recomputed(night, note, note)
    log = night / "edits.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(RecordingError, match="the end of the log is missing or was replaced"):
        verified(night)


def test_a_log_from_another_night_is_refused(night: Path, tmp_path: Path) -> None:
    edit(night, {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "mine"})
    other = tmp_path / "other"
    shutil.copytree(night, other)
    beats = pl.read_parquet(other / "beats.parquet")
    beats.with_columns(label=pl.lit("N")).write_parquet(other / "beats.parquet")
    with pytest.raises(RecordingError, match="made on other tables"):
        verified(other)
    assert root_sha256(night) != root_sha256(other)


def test_a_night_of_an_earlier_version_says_what_would_work(night: Path) -> None:
    old = {name: fact for name, fact in facts(night).items() if name != "usable"}
    (night / "run.json").write_text(json.dumps(old))
    with pytest.raises(RecordingError, match=r"lacks 'usable'; run analyze on the recording again"):
        read_source(night)


@pytest.mark.realdata
def test_a_real_record_is_derived_from_its_tables_as_it_was(shared_data: Path, tmp_path: Path) -> None:
    record = shared_data / "mitdb" / "105.hea"
    ok("analyze", record, "--out", tmp_path, "--no-report")
    source = read_source(tmp_path / "105", record)
    tables, _ = edited_tables(source, ())
    assert source.ecg is not None
    assert all(tables[name].equals(getattr(source.machine, name)) for name in ("episodes", "epochs", "phenotypes"))
    labels = np.array(tables["beats"]["label"].to_list())
    assert (labels == "V").any()
