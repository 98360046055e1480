"""A synthetic night on disk, and the command that writes it."""

from __future__ import annotations

import csv
import errno
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import edfio
import numpy as np
import pytest
from click.testing import CliRunner, Result

from holter2sleep.cli.simulate import simulate
from holter2sleep.errors import UsageError
from holter2sleep.simulate import PRESETS, preset, simulate_night
from holter2sleep.simulate.files import output_paths


def run(*arguments: object) -> Result:
    return CliRunner().invoke(simulate, [str(argument) for argument in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "night.edf"
    assert run("--out", path, "--hours", 2).exit_code == 0
    return path


@pytest.mark.parametrize("suffix", [".edf", ".hea"])
def test_the_same_seed_gives_the_same_bytes_in_every_file(suffix: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        assert run("--out", tmp_path / folder / f"n{suffix}", "--preset", "short", "--seed", 5).exit_code == 0
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in output_paths(Path(f"n{suffix}")))
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_file_says_who_and_when(sample: Path) -> None:
    edf = edfio.read_edf(sample)
    plan = preset("sample")
    assert edf.startdatetime == plan.start
    assert edf.patient.sex == plan.sex
    assert edf.startdate.year - edf.patient.birthdate.year == plan.age_years
    assert edf.labels == ("ECG",)
    assert edf.duration == 7200


def test_beats_in_the_truth_file_are_those_the_lead_shows(sample: Path) -> None:
    facts = json.loads(sample.with_name("night.truth.json").read_text(encoding="utf-8"))
    beats = rows(sample.with_name("night.beats.csv"))
    assert len(beats) == sum(facts["n_beats"].values()) - facts["n_beats_hidden"]
    assert facts["n_beats_hidden"] > 100  # four minutes of lead off
    off = next(row for row in rows(sample.with_name("night.episodes.csv")) if row["kind"] == "LEADOFF")
    times = np.array([float(row["time_s"]) for row in beats])
    assert not ((times >= float(off["start_s"])) & (times < float(off["end_s"]))).any()
    assert (np.diff(times) > 0).all()


def test_the_truth_files_hold_the_hypnogram_and_the_episodes(sample: Path) -> None:
    facts = json.loads(sample.with_name("night.truth.json").read_text(encoding="utf-8"))
    stages = rows(sample.with_name("night.hypnogram.csv"))
    assert [float(row["onset"]) for row in stages] == [30.0 * i for i in range(240)]
    assert {row["duration"] for row in stages} == {"30.000"}
    assert sum(row["stage"] == "N3" for row in stages) / 2 == facts["stage_min"]["N3"]
    kinds = [row["kind"] for row in rows(sample.with_name("night.episodes.csv"))]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == facts["n_episodes"]


def test_the_truth_file_is_enough_to_make_the_night_again(sample: Path) -> None:
    facts = json.loads(sample.with_name("night.truth.json").read_text(encoding="utf-8"))
    assert facts["seed"] == 0
    assert facts["plan"]["hours"] == 2
    assert facts["plan"]["fs"] == preset("sample").fs


def test_the_last_epoch_of_the_truth_ends_with_the_recording(tmp_path: Path) -> None:
    run("--out", tmp_path / "n.edf", "--preset", "clean", "--hours", 0.0125)  # 45 s
    assert [row["duration"] for row in rows(tmp_path / "n.hypnogram.csv")] == ["30.000", "15.000"]


def test_files_that_are_there_are_kept_unless_overwrite_is_said(tmp_path: Path) -> None:
    (tmp_path / "n.truth.json").write_text("mine", encoding="utf-8")
    refused = run("--out", tmp_path / "n.edf", "--preset", "short")
    assert refused.exit_code == 2
    assert "n.truth.jsonexists" in "".join(refused.output.replace("│", "").split())  # the message is wrapped in a box
    assert [path.name for path in tmp_path.iterdir()] == ["n.truth.json"]
    assert run("--out", tmp_path / "n.edf", "--preset", "short", "--overwrite").exit_code == 0
    assert (tmp_path / "n.truth.json").read_text(encoding="utf-8") != "mine"


def test_a_place_that_cannot_be_written_is_wrong_use_and_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(**_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", locked)
    monkeypatch.setattr("holter2sleep.simulate.simulate_night", None)
    done = run("--out", tmp_path / "n.edf", "--preset", "short")
    assert isinstance(done.exception, UsageError)
    assert f"{tmp_path}: cannot be written (Permission denied)" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--hours", 0), "--hours"),
        (("--hours", -2), "--hours"),
        (("--fs", 20), "--fs"),
        (("--seed", -1), "--seed"),
        (("--preset", "aff"), "did you mean 'af'"),
    ],
)
def test_wrong_options_are_named_and_end_with_exit_code_2(arguments: tuple, word: str, tmp_path: Path) -> None:
    result = run("--out", tmp_path / "n.edf", *arguments)
    assert result.exit_code == 2
    assert word in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["night.txt", "night"])
def test_a_suffix_without_a_format_is_refused_with_those_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"known: \.edf, \.hea"):
        output_paths(tmp_path / name)
    assert run("--out", tmp_path / name).exit_code == 2


def test_a_missing_folder_is_wrong_usage(tmp_path: Path) -> None:
    assert run("--out", tmp_path / "nowhere" / "n.edf", "--preset", "short").exit_code == 2


def test_help_shows_an_example_and_every_preset() -> None:
    text = run("--help").output
    assert "holter2sleep simulate --out night.edf" in text
    assert all(name in text for name in PRESETS)


def test_the_command_loads_no_heavy_library_before_it_runs() -> None:
    code = "import sys, holter2sleep.cli.simulate; print(sorted({'numpy', 'scipy', 'wfdb'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_written_is_what_was_simulated(sample: Path) -> None:
    import dataclasses

    plan = dataclasses.replace(preset("sample"), hours=2.0)
    ecg = simulate_night(plan, np.random.default_rng(0)).recording.ecg
    assert np.abs(edfio.read_edf(sample).signals[0].data / 1000 - ecg).max() <= 0.0001 + 1e-6
