"""`train head`: what it learns, that it may be stopped, who is in which part, what it refuses, and how it is used."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_runs import ok, run
from labelled_cohorts import write_beats, write_stages, write_waveform
from made_heads import write_encoder

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.classes import UNKNOWN, merged
from holter2sleep.night import SCHEMES
from holter2sleep.sleep.staging.fusion import stage_chances
from holter2sleep.sleep.staging.head_card import read_head_card
from holter2sleep.training import head
from holter2sleep.training.cohort_nights import find_cohort
from holter2sleep.training.fusion import LETTERS, MEANT, Course, TrainingNight, fit
from holter2sleep.training.head import HeadCourse
from holter2sleep.training.head_run import HeadSources, train_head
from holter2sleep.training.staging_figures import clock_of, figures_of, truth_of
from holter2sleep.training.staging_nights import silent
from holter2sleep.training.subject_split import FIT, TEST, VALIDATION, split_subjects
from holter2sleep.training.temperature import unlikelihood

N_NIGHTS, N_PEOPLE = 20, 15
SHORT = HeadCourse(epochs=3, steps=3, nets=2, patience=3, seed=0)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nights of beats, the first few of two nights a person."""
    folder = tmp_path_factory.mktemp("cohort")
    for i in range(N_NIGHTS):
        write_beats(folder, f"n{i:02d}", i)
    lines = ["recording_id,subject_id", *(f"n{i:02d},p{i % N_PEOPLE:02d}" for i in range(N_NIGHTS))]
    (folder.parent / "people.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def taught(cohort: Path) -> Path:
    """A head of that cohort."""
    out = cohort.parent / "taught"
    people = cohort.parent / "people.csv"
    ok("train", "head", cohort, "--subjects", people, "--out", out, "--nets", 2, "--epochs", 5, "--steps", 40)
    return out


@pytest.fixture
def few(cohort: Path, taught: Path, tmp_path: Path) -> tuple[HeadSources, Path]:
    """Six of the nights, and a folder in which they are read already."""
    for i in range(6):
        for suffix in (".csv", ".hypnogram.csv"):
            shutil.copy(cohort / f"n{i:02d}{suffix}", tmp_path / f"n{i:02d}{suffix}")
    out = tmp_path / "out"
    shutil.copytree(taught / "cache", out / "cache")
    return HeadSources([tmp_path]), out


def figures(out: Path) -> dict[str, dict]:
    return json.loads((out / "figures.json").read_text())


def split_rows(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "split.csv").read_text().splitlines()))


# --- what it learns --------------------------------------------------------------------------------


def test_planted_stages_are_told_to_unseen_people_well_above_the_clock(taught: Path) -> None:
    for n_classes in (2, 3, 4, 5):
        found = figures(taught)[f"{n_classes}_classes"]
        assert found["kappa"] > max(found["clock_kappa"], 0.0) + 0.2
        assert found["kappa_interval"][0] > found["clock_kappa"]


def test_figures_are_of_the_test_subjects_only(taught: Path) -> None:
    tested = {row["recording_id"] for row in split_rows(taught) if row["part"] == TEST}
    assert set(figures(taught)["3_classes"]["kappa_by_night"]) == tested


def test_no_person_is_on_two_sides(taught: Path) -> None:
    rows = split_rows(taught)
    assert len(rows) == N_NIGHTS
    assert len({(row["subject"], row["part"]) for row in rows}) == len({row["subject"] for row in rows}) == N_PEOPLE
    assert {row["part"] for row in rows} == {FIT, VALIDATION, TEST}


def test_the_card_says_what_it_was_made_from_and_that_the_licence_is_unknown(taught: Path) -> None:
    card, found = read_head_card(taught), figures(taught)["3_classes"]
    assert card.name == "head taught"
    assert card.scheme == "AASM5"
    assert card.n_subjects == len({row["subject"] for row in split_rows(taught) if row["part"] == FIT})
    assert card.licence.startswith("unknown")
    assert card.internal_kappa == found["kappa"]
    assert f"3 classes: kappa {found['kappa']:.3f} (" in card.figures[1]
    assert any("no external validation" in limit for limit in card.limits)
    assert card.limits[0].startswith("a demonstration: figures of 3 test subjects")


def test_the_history_has_a_line_an_epoch(taught: Path) -> None:
    rows = list(csv.DictReader((taught / "history.csv").read_text().splitlines()))
    assert [row["network"] for row in rows] == ["1"] * 5 + ["2"] * 5
    assert float(rows[4]["fit"]) < float(rows[0]["fit"])


def test_it_stages_a_night_and_says_whose_figures_count(taught: Path, cohort: Path, tmp_path: Path) -> None:
    ok("analyze", cohort / "n00.csv", "--set", f"staging.stager={taught}", "--no-report", "--out", tmp_path)
    facts = json.loads((tmp_path / "n00" / "run.json").read_text())
    stager = next(model for model in facts["models"] if model["role"] == "stager")
    assert stager["name"] == "head taught"
    assert stager["card"]["limits"] == list(read_head_card(taught).limits)
    assert facts["recipe"]["resolved"]["staging"]["stager"] == "taught"  # never where it lies
    assert any(warning.startswith("stages by head taught (AASM5): no external") for warning in facts["warnings"])
    proba = pl.read_parquet(tmp_path / "n00" / "epochs.parquet").select("p_w", "p_n1", "p_n2", "p_n3", "p_r")
    assert proba.sum_horizontal().drop_nulls().to_numpy() == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_a_head_that_changed_makes_a_batch_work_again(taught: Path, cohort: Path, tmp_path: Path) -> None:
    head = shutil.copytree(taught, tmp_path / "head", ignore=shutil.ignore_patterns("cache"))
    (tmp_path / "m.csv").write_text(f"recording_id,path\nn00,{cohort / 'n00.csv'}\n")
    words = ("batch", tmp_path / "m.csv", "--out", tmp_path / "out", "--stager", head, "--no-report", "--jobs", 1)
    ok(*words)
    run_json = tmp_path / "out" / "n00" / "run.json"
    before = run_json.stat().st_mtime_ns
    ok(*words)
    assert run_json.stat().st_mtime_ns == before
    card = head / "card.toml"
    card.write_text(card.read_text() + "# another card\n")
    ok(*words)
    assert run_json.stat().st_mtime_ns != before


def test_its_card_is_shown_and_checked_like_any_other(taught: Path) -> None:
    assert "head taught" in ok("models", "show", taught).output
    assert ok("models", "verify", taught).output == f"{taught}: ok\n"


# --- stopped and resumed ---------------------------------------------------------------------------


class Stopped(Exception):
    """What a user does who has no time."""


def test_a_course_that_was_stopped_goes_on_to_the_same_bytes(few: tuple[HeadSources, Path], tmp_path: Path) -> None:
    sources, out = few
    other = shutil.copytree(out, tmp_path / "elsewhere" / "out")
    train_head(sources, other, SHORT)

    def stop(words: str) -> None:
        if words.startswith("network 2 of 2, epoch 2"):
            raise Stopped

    with pytest.raises(Stopped):
        train_head(sources, out, SHORT, told=stop)
    assert not (out / "head.npz").exists()
    heard: list[str] = []
    train_head(sources, out, SHORT, resume=True, told=heard.append)
    assert [words.partition(":")[0] for words in heard if "network" in words] == [
        "network 2 of 2, epoch 2",
        "network 2 of 2, epoch 3",
    ]
    assert all("kept from before" in words for words in heard if words.startswith("night"))
    for name in ("head.npz", "card.toml", "history.csv", "split.csv", "figures.json"):
        assert (out / name).read_bytes() == (other / name).read_bytes(), name


def test_a_checkpoint_is_neither_overwritten_nor_taken_for_another(few: tuple[HeadSources, Path]) -> None:
    sources, out = few
    train_head(sources, out, SHORT)
    with pytest.raises(UsageError, match=r"checkpoint\.pt exists; go on with --resume"):
        train_head(sources, out, SHORT)
    with pytest.raises(UsageError, match="was made with seed 0; resume with the same"):
        train_head(sources, out, HeadCourse(epochs=3, steps=3, nets=2, patience=3, seed=1), resume=True)
    folder = Path(sources.cohorts[0])
    write_stages(folder / "n00.hypnogram.csv", ["W", "N2"] * 150)
    with pytest.raises(UsageError, match="was made from other nights"):
        train_head(sources, out, SHORT, resume=True)
    (out / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(UsageError, match="cannot be read as a checkpoint"):
        train_head(sources, out, SHORT, resume=True)


def test_a_course_ends_without_a_better_validation_and_keeps_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = [made_night(seed, coarse=False) for seed in range(2)]
    kept = []
    for patience, losses in ((2, [3.0, 2.0, 1.0, 1.5, 1.2]), (1, [3.0, 2.0, 1.0, 1.1])):
        said = iter(losses)
        monkeypatch.setattr(head, "validation_loss", lambda *_, said=said: next(said))
        lecture = head.HeadLecture(nights[:1], nights[1:], HeadCourse(9, 1, 1, patience, 0), "key")
        kept += lecture.run(tmp_path / "checkpoint.pt", lambda _words: None)
        assert [row["validation"] for row in lecture.history] == losses
    assert all((kept[0][name] == kept[1][name]).all() for name in kept[0])


# --- labels coarser than five stages ---------------------------------------------------------------


def test_what_a_coarse_stage_says_is_the_chance_of_the_whole() -> None:
    even = np.full((3, 5), 0.2, np.float32)
    stage = np.array([LETTERS.index(letter) for letter in ("NREM", "L", "R")])
    assert unlikelihood(even, stage) == pytest.approx(-np.log([0.6, 0.4, 0.2]).mean(), abs=1e-6)
    assert [set(np.flatnonzero(MEANT[LETTERS.index(letter)])) for letter in ("NREM", "L")] == [{1, 2, 3}, {1, 2}]


def made_night(seed: int, coarse: bool) -> TrainingNight:
    """Its first feature tells the stage."""
    rng = np.random.default_rng(seed)
    stage = np.repeat(rng.integers(0, 5, 20), 20)
    features = rng.normal(size=(400, 3)).astype(np.float32)
    features[:, 0] += 2 * stage
    told = np.array([0, 6, 6, 6, 4])[stage] if coarse else stage
    return TrainingNight(str(seed), str(seed), features, told, silent(400))


def test_coarse_stages_teach_what_they_tell() -> None:
    network = fit([made_night(seed, coarse=True) for seed in range(4)], [], Course(120, 0, dropout=0.0))
    other = made_night(99, coarse=False)
    found = merged(stage_chances([network], other.features).astype(np.float64), 3).argmax(axis=1)
    assert (found == truth_of(other, 3)).mean() > 0.8


def test_fine_and_coarse_nights_count_in_the_figures_they_can_say_something_of() -> None:
    nights = [made_night(0, coarse=False), made_night(1, coarse=True)]
    right = [np.eye(5)[made_night(seed, coarse=False).stage] for seed in (0, 1)]
    found = figures_of(nights, right, [clock_of(nights, 400)] * 2)
    assert [sum(map(sum, found[f"{n}_classes"]["counts"])) for n in (2, 3, 5)] == [800, 800, 400 + n_fine(nights[1])]
    assert all(found[f"{n}_classes"]["kappa"] == 1.0 for n in (2, 3, 4, 5))


def n_fine(night: TrainingNight) -> int:
    return int((night.stage < 5).sum())


def test_the_clock_shares_a_coarse_stage_among_all_it_may_be() -> None:
    night = TrainingNight("a", "a", np.zeros((60, 1), "f4"), np.full(60, LETTERS.index("NREM")), silent(60))
    shares = clock_of([night], 60)
    assert shares[0, 1] == pytest.approx(shares[0, 2]) == pytest.approx(shares[0, 3])
    assert shares.sum(axis=1) == pytest.approx(1)
    assert shares[0, 0] < 0.1


def test_a_cohort_scored_in_three_stages_makes_a_head_of_three(tmp_path: Path) -> None:
    for i in range(5):
        write_beats(tmp_path / "coarse", f"n{i}", i, epochs=150, scheme="CARDIO3")
    train_head(HeadSources([tmp_path / "coarse"]), tmp_path / "out", SHORT)
    card = read_head_card(tmp_path / "out")
    assert card.scheme == "CARDIO3"
    assert "tells W, NREM, R only" in " ".join(card.limits)
    assert {name for name in figures(tmp_path / "out") if "classes" in name} == {"2_classes", "3_classes"}
    ok("analyze", tmp_path / "coarse" / "n0.csv", "--stager", tmp_path / "out", "--no-report", "--out", tmp_path / "r")
    letters = set(pl.read_parquet(tmp_path / "r" / "n0" / "epochs.parquet")["stage"].to_list())
    assert letters <= {*SCHEMES["CARDIO3"], "U"}


# --- which files belong together -------------------------------------------------------------------


def test_hypnograms_are_found_beside_or_elsewhere_in_the_cohort(tmp_path: Path) -> None:
    made = tmp_path / "made"
    write_beats(made, "x", 0, epochs=20)
    for beats, stages in (
        ("a.csv", "a.hypnogram.csv"),
        ("b-rpoint.csv", "B-Stages.csv"),
        ("edf/c.csv", "scored/c_hypnogram.txt"),
        ("d.csv", "e.hypnogram.csv"),
    ):
        for name, source in ((beats, "x.csv"), (stages, "x.hypnogram.csv")):
            (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made / source, tmp_path / "all" / name)
    rows, without = find_cohort([tmp_path / "all"])
    found = {row.recording_id: row.hypnogram.name for row in rows if row.hypnogram}
    assert found == {"a": "a.hypnogram.csv", "b-rpoint": "B-Stages.csv", "c": "c_hypnogram.txt"}
    assert without == ["d"]


def test_a_manifest_says_whose_nights_they_are_and_when_the_lights_were_off(cohort: Path, tmp_path: Path) -> None:
    lines = ["recording_id,path,hypnogram,subject_id,age,sex,lights_off"]
    lines += [f"m{i},{cohort}/n{i:02d}.csv,{cohort}/n{i:02d}.hypnogram.csv,p{i // 2},{50 + i},F,60s" for i in range(6)]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    train_head(HeadSources([tmp_path / "m.csv"]), tmp_path / "out", SHORT)
    assert len({row["subject"] for row in split_rows(tmp_path / "out")}) == 3
    assert "ages 50 to 55" in read_head_card(tmp_path / "out").trained_on


def test_a_given_split_is_kept(few: tuple[HeadSources, Path], tmp_path: Path) -> None:
    sources, out = few
    part = [FIT, FIT, FIT, VALIDATION, TEST, TEST]
    lines = ["recording_id,subject,part", *(f"n{i:02d},p{i},{part[i]}" for i in range(6))]
    path = tmp_path / "split.csv"
    path.write_text("\n".join(lines) + "\n")
    train_head(HeadSources(sources.cohorts, split=path), out, SHORT)
    assert (out / "split.csv").read_text() == path.read_text()
    path.write_text("\n".join([*lines, f"n99,p0,{TEST}"]) + "\n")
    with pytest.raises(UsageError, match="'p0' is in two parts"):
        train_head(HeadSources(sources.cohorts, split=path), tmp_path / "torn", SHORT)
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(UsageError, match=r"says nothing of n05 \(1 recording\)"):
        train_head(HeadSources(sources.cohorts, split=path), tmp_path / "short", SHORT)


def test_each_part_gets_a_subject_and_none_is_torn() -> None:
    for n in (3, 10, 101):
        split = split_subjects({f"{who}{night}": str(who) for who in range(n) for night in "ab"}, {TEST: 0.2}, 1)
        tested = {split.subject[name] for name in split.names(TEST)}
        assert len(tested) == max(1, round(0.2 * n))
        assert all(split.part[f"{who}a"] == split.part[f"{who}b"] for who in range(n))


# --- what is refused -------------------------------------------------------------------------------


def test_a_bad_night_is_told_and_left_out(few: tuple[HeadSources, Path]) -> None:
    sources, out = few
    folder = Path(sources.cohorts[0])
    (folder / "n01.hypnogram.csv").write_text("onset,duration,stage\n0,30,nonsense\n")
    heard: list[str] = []
    train_head(sources, out, SHORT, told=heard.append)
    assert any("n01 left out: n01.hypnogram.csv" in words for words in heard)
    assert set(figures(out)["left_out"]) == {"n01"}
    assert "1 recording could not be used" in read_head_card(out).trained_on


def test_a_damaged_kept_night_is_told_and_left_out(few: tuple[HeadSources, Path]) -> None:
    sources, out = few
    for kept in (out / "cache").iterdir():
        kept.write_bytes(kept.read_bytes()[:1000])
    with pytest.raises(UsageError, match="0 subjects with a hypnogram"):
        train_head(sources, out, SHORT)


def test_two_people_are_too_few(cohort: Path, tmp_path: Path) -> None:
    for i in range(2):
        for suffix in (".csv", ".hypnogram.csv"):
            shutil.copy(cohort / f"n{i:02d}{suffix}", tmp_path)
    found = run("train", "head", tmp_path, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert "2 subjects with a hypnogram; a head needs at least 3" in found.output


def test_no_hypnogram_is_told_with_the_names_that_would_work(cohort: Path, tmp_path: Path) -> None:
    shutil.copy(cohort / "n00.csv", tmp_path)
    found = run("train", "head", tmp_path, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert "1 recording and no hypnogram" in found.output
    assert "-nsrr.xml" in found.output


def test_one_class_only_leaves_nothing_to_learn(few: tuple[HeadSources, Path]) -> None:
    sources, out = few
    for path in Path(sources.cohorts[0]).glob("*.hypnogram.csv"):
        write_stages(path, ["N2"] * 300)
    with pytest.raises(UsageError, match="are all scored N2: there is nothing to tell apart"):
        train_head(sources, out, SHORT)


def test_an_unknown_encoder_or_device_is_refused(few: tuple[HeadSources, Path]) -> None:
    sources, out = few
    with pytest.raises(UsageError, match="--encoder nobody: no such file; encoders to install: clef-small"):
        train_head(HeadSources(sources.cohorts, encoder="nobody"), out, SHORT)
    with pytest.raises(UsageError, match="--device nowhere"):
        train_head(sources, out, HeadCourse(3, 3, 2, 3, 0, "nowhere"))
    assert run("train", "head", sources.cohorts[0], "--out", out, "--encoder", "clef-small").exit_code == 6


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "night.edf").write_bytes(b"0" * 300)
    with pytest.raises(UsageError, match="neither a folder nor a manifest"):
        find_cohort([tmp_path / "night.edf"])
    (tmp_path / "m.csv").write_text("recording_id,path\nn1,gone.edf\n")
    with pytest.raises(UsageError, match=r"row 2 \(n1\): path 'gone.edf': no such file"):
        find_cohort([tmp_path / "m.csv"])


# --- with an encoder -------------------------------------------------------------------------------


def test_a_head_taught_with_the_shipped_encoder_finds_it_again(tmp_path: Path) -> None:
    for i in range(4):
        write_waveform(tmp_path / "nights", f"n{i}", i, hours=0.4)
    train_head(HeadSources([tmp_path / "nights"], encoder="h2s-encoder-small"), tmp_path / "out", SHORT)
    card = read_head_card(tmp_path / "out")
    assert card.encoder is not None
    assert (card.encoder.installable, card.encoder.file) == ("h2s-encoder-small", None)
    assert not list((tmp_path / "out").glob("encoder*"))
    assert run("models", "verify", tmp_path / "out").exit_code == 0


def test_a_head_with_an_encoder_from_recordings_to_stages(tmp_path: Path) -> None:
    for i in range(4):
        write_waveform(tmp_path / "nights", f"n{i}", i, hours=0.4)
    encoder = write_encoder(tmp_path / "drawn.safetensors")
    train_head(HeadSources([tmp_path / "nights"], encoder=str(encoder)), tmp_path / "out", SHORT)
    card = read_head_card(tmp_path / "out")
    assert [row["recording_id"] for row in split_rows(tmp_path / "out")] == ["n0", "n1", "n2", "n3"]  # no night twice
    assert card.encoder is not None
    assert (card.encoder.network, card.encoder.file) == ("clef-small", "encoder.safetensors")
    assert (tmp_path / "out" / "encoder.safetensors").read_bytes() == encoder.read_bytes()
    assert list(figures(tmp_path / "out")["branches"]) == ["beats and waveform", "beats alone", "waveform alone"]
    words = ("analyze", tmp_path / "nights" / "n0.edf", "--stager", tmp_path / "out", "--no-report")
    ok(*words, "--out", tmp_path / "r")
    facts = json.loads((tmp_path / "r" / "n0" / "run.json").read_text())
    roles = {model["role"]: model for model in facts["models"]}
    assert roles["encoder"]["sha256"] == card.encoder.sha256
    assert not any("beats alone" in warning for warning in facts["warnings"])
    ok("analyze", tmp_path / "nights" / "n0.beats.csv", "--stager", tmp_path / "out", "--out", tmp_path / "r")
    facts = json.loads((tmp_path / "r" / "n0.beats" / "run.json").read_text())
    assert any("from the beats alone" in warning for warning in facts["warnings"])
    assert "encoder" not in {model["role"] for model in facts["models"]}
    (tmp_path / "out" / "encoder.safetensors").unlink()
    assert run("models", "verify", tmp_path / "out").exit_code == 6
    found = run(*words, "--out", tmp_path / "again")
    assert found.exit_code == 6
    assert "copy the file of that hash to" in found.output


def test_unknown_is_the_last_place_of_a_row_of_classes() -> None:
    night = TrainingNight("a", "a", np.zeros((3, 1), "f4"), np.array([UNKNOWN, 5, 6]), silent(3))
    assert truth_of(night, 4).tolist() == [UNKNOWN, 1, UNKNOWN]
    assert math.isfinite(unlikelihood(np.full((1, 5), 0.2, np.float32), np.array([6])))


@pytest.mark.slow
@pytest.mark.realdata
def test_the_men_of_slpdb_make_a_head_with_a_card(shared_data: Path, tmp_path: Path) -> None:
    names = (shared_data / "slpdb" / "RECORDS").read_text().split()
    lines = ["recording_id,subject_id", *(f"{name},{name[:5]}" for name in names)]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    sources = HeadSources([shared_data / "slpdb"], tmp_path / "people.csv")
    train_head(sources, tmp_path / "out", HeadCourse(epochs=4, steps=25, nets=1, patience=4, seed=0))
    card = read_head_card(tmp_path / "out")
    assert "12 scored nights" in card.trained_on
    assert figures(tmp_path / "out")["2_classes"]["kappa"] > 0.1
