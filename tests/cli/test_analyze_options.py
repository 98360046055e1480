"""What the user says of a file: rate, unit, polarity, codes, archive, clock; folders of recordings; the help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from made_nights import simulated

from holter2sleep.cli import main
from holter2sleep.cli.analyze import analyze
from holter2sleep.io.export import write_edf
from holter2sleep.io.stage_codes import STAGE_CODES

FS = 256.0


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["analyze", *(str(word) for word in words), "--no-report"])


def facts(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def values(folder: Path, phenotype: str) -> float:
    table = pl.read_parquet(folder / "phenotypes.parquet")
    return table.filter((pl.col("phenotype") == phenotype) & (pl.col("stratum") == "night"))["value"][0]


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Twenty minutes of ECG in mV."""
    return np.asarray(simulated("short").recording.ecg)


@pytest.fixture(scope="module")
def table(samples: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples as a table in microvolts, without rate or unit."""
    path = tmp_path_factory.mktemp("in") / "lead.csv"
    pl.DataFrame({"ecg": np.round(1000 * samples, 1)}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def edf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("in") / "lead.edf"
    write_edf(path, simulated("short").recording)
    return path


def test_a_table_of_samples_needs_its_rate_and_takes_its_unit(table: Path, edf: Path, tmp_path: Path) -> None:
    refused = run(table, "--out", tmp_path / "none")
    assert refused.exit_code in (2, 3)
    assert "--fs" in refused.output
    assert run(table, "--out", tmp_path, "--fs", FS, "--unit", "uV").exit_code == 0
    assert run(edf, "--out", tmp_path / "edf").exit_code == 0
    told = facts(tmp_path / "lead")
    assert (told["fs"], told["duration_s"], told["unit"]["scale_to_mv"]) == (FS, 1200.0, 0.001)
    assert values(tmp_path / "lead", "r_amplitude") == pytest.approx(
        values(tmp_path / "edf" / "lead", "r_amplitude"), rel=0.02
    )


@pytest.mark.parametrize("rate", ["0", "-5", "fast", "nan"])
def test_a_rate_that_is_none_is_wrong_use(table: Path, tmp_path: Path, rate: str) -> None:
    result = run(table, "--out", tmp_path, "--fs", rate)
    assert result.exit_code == 2, result.output


def test_a_unit_overrides_the_file_and_is_another_night(edf: Path, tmp_path: Path) -> None:
    assert run(edf, "--out", tmp_path).exit_code == 0
    in_mv = values(tmp_path / "lead", "r_amplitude")
    refused = run(edf, "--out", tmp_path, "--unit", "nV")
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    assert run(edf, "--out", tmp_path, "--unit", "nV", "--overwrite").exit_code == 0
    assert values(tmp_path / "lead", "r_amplitude") == pytest.approx(in_mv / 1000, rel=1e-4)
    assert facts(tmp_path / "lead")["identity"]["options"]["unit"] == "nV"


def test_polarity_is_found_or_forced(edf: Path, samples: np.ndarray, tmp_path: Path) -> None:
    assert run(edf, "--out", tmp_path, "--polarity", "inverted").exit_code == 0
    assert facts(tmp_path / "lead")["polarity"] == -1
    upside_down = tmp_path / "down.edf"
    write_edf(upside_down, simulated("short").recording.but(ecg=-samples))
    assert run(upside_down, "--out", tmp_path).exit_code == 0
    assert facts(tmp_path / "down")["polarity"] == -1
    assert run(upside_down, "--out", tmp_path / "kept", "--polarity", "upright").exit_code == 0
    assert facts(tmp_path / "kept" / "down")["polarity"] == 1


def test_numbers_of_a_hypnogram_mean_what_the_code_says(edf: Path, tmp_path: Path) -> None:
    scored = tmp_path / "scored.txt"
    scored.write_text("\n".join(["0", *["2"] * 20, *["4"] * 19]) + "\n")
    for code, stage in (("yasa", "R"), ("nsrr", "N3")):
        out = tmp_path / code
        done = run(edf, "--out", out, "--hypnogram", scored, "--hypnogram-code", code)
        assert done.exit_code == 0, done.output
        assert pl.read_parquet(out / "lead" / "epochs.parquet")["stage"][-1] == stage
    assert run(edf, "--out", tmp_path, "--hypnogram", scored, "--hypnogram-code", "mine").exit_code == 2


def test_the_codes_offered_are_those_that_are_known() -> None:
    (option,) = [option for option in analyze.params if option.name == "hypnogram_code"]
    assert set(option.type.choices) == set(STAGE_CODES)


def test_a_profile_knows_the_code_of_its_archive_and_what_the_user_says_goes_first(edf: Path, tmp_path: Path) -> None:
    scored = tmp_path / "scored.txt"
    scored.write_text("\n".join([*["0"] * 20, *["1"] * 20]) + "\n")
    words = ("--profile", "ucddb", "--hypnogram", scored)
    assert run(edf, "--out", tmp_path, *words).exit_code == 0
    assert pl.read_parquet(tmp_path / "lead" / "epochs.parquet")["stage"][-1] == "R"
    assert facts(tmp_path / "lead")["identity"]["options"]["profile"] == "ucddb"
    assert run(edf, "--out", tmp_path / "b", *words, "--hypnogram-code", "nsrr").exit_code == 0
    assert pl.read_parquet(tmp_path / "b" / "lead" / "epochs.parquet")["stage"][-1] == "N1"


def test_an_unknown_profile_is_refused_with_a_suggestion(edf: Path, tmp_path: Path) -> None:
    result = run(edf, "--out", tmp_path, "--profile", "shs")
    assert result.exit_code == 5
    assert "'shhs'" in result.output


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_profile_is_refused_rather_than_left_out(edf: Path, tmp_path: Path, name: str) -> None:
    result = run(edf, "--out", tmp_path / "out", "--profile", name)
    assert result.exit_code == 5
    assert "names no profile. There is: apnea-ecg" in result.output


def test_words_may_be_written_in_other_ways_and_mean_the_same(edf: Path, tmp_path: Path) -> None:
    assert run(edf, "--out", tmp_path, "--sex", "f", "--unit", "mV", "--profile", "shhs").exit_code == 0
    for sex, unit, profile in (("Female", "mv", "SHHS"), ("woman", "MV", "Shhs"), ("F", "millivolts", " shhs ")):
        same = run(edf, "--out", tmp_path, "--sex", sex, "--unit", unit, "--profile", profile)
        assert same.exit_code == 0, same.output  # the same night, which is there already
        assert ("--unit MV: read as mV" in same.output) == (unit == "MV")
    told = facts(tmp_path / "lead")["identity"]["options"]
    assert (told["sex"], told["unit"], told["profile"]) == ("F", "mV", "shhs")


@pytest.mark.parametrize(
    ("option", "text", "read"),
    [
        *(("sex", text, "M") for text in ("m", "Male", "MAN")),
        *(("unit", text, "uV") for text in ("uv", "\u00b5V", "\u03bcV", "microvolt", "UV")),
        *(("unit", text, "V") for text in ("v", "volt")),
    ],
)
def test_a_word_of_an_option_is_read_as_people_write_it(option: str, text: str, read: str) -> None:
    (found,) = [param for param in analyze.params if param.name == option]
    assert found.type.convert(text, found, None) == read


def test_a_zone_means_nothing_where_dates_were_shifted(edf: Path, tmp_path: Path) -> None:
    assert run(edf, "--out", tmp_path, "--profile", "mesa", "--tz", "Europe/Berlin").exit_code == 0
    told = facts(tmp_path / "lead")
    assert told["time_zone"] is None
    assert any("shifted" in warning for warning in told["warnings"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--start", "2024-03-01T22:30:00+01:00"), "--tz"),
        (("--start", "2024-03-01"), "without a time of day"),
        (("--start", "yesterday"), "local time"),
        (("--tz", "Europe/Berln"), "Europe/Berlin"),
        (("--unit", "kV"), "mV"),
        (("--unit", ""), "mV"),
        (("--sex", "mal"), "'F', 'M'"),
        (("--sex", ""), "'F', 'M'"),
        (("--tz", ""), "Europe/Berlin"),
        (("--start", ""), "local time"),
        (("--polarity", "sideways"), "upright"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_read(edf: Path, tmp_path: Path, words: tuple, says: str) -> None:
    result = run(edf, "--out", tmp_path / "out", *words)
    assert result.exit_code == 2, result.output
    assert says in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["..edf", b"sur\xff.edf", "a" * 230 + ".edf", "\u65e5" * 80 + ".edf"])
def test_a_file_whose_name_cannot_name_a_folder_needs_an_id(edf: Path, tmp_path: Path, name: str | bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + os.fsencode(name)))
    path.write_bytes(edf.read_bytes())
    out = tmp_path / "out"
    refused = run(path, "--out", out)
    assert refused.exit_code == 2
    assert "--id" in refused.output
    assert not out.exists()
    assert run(path, "--out", out, "--id", "n1", "--no-report").exit_code == 0
    assert [made.name for made in out.iterdir()] == ["n1"]
    assert json.loads((out / "n1" / "run.json").read_text())["input"]["file"] == path.name


@pytest.mark.parametrize("given", ["\u65e5" * 199, "x" * 201])
def test_an_id_is_counted_in_bytes_before_the_work(edf: Path, tmp_path: Path, given: str) -> None:
    refused = run(edf, "--out", tmp_path / "out", "--id", given)
    assert refused.exit_code == 2
    assert "--id" in refused.output
    assert not (tmp_path / "out").exists()


def test_an_age_that_is_no_number_is_refused(edf: Path, tmp_path: Path) -> None:
    assert run(edf, "--out", tmp_path, "--age", "nan").exit_code == 2


def test_a_start_with_a_fraction_and_a_zone_is_kept(edf: Path, tmp_path: Path) -> None:
    words = ("--start", "2024-07-01T22:30:00.250", "--tz", "Europe/Berlin")
    assert run(edf, "--out", tmp_path, *words).exit_code == 0
    told = facts(tmp_path / "lead")
    assert told["start"] == "2024-07-01T22:30:00.250000+02:00"
    assert (told["time_zone"], told["night_of"]) == ("Europe/Berlin", "2024-07-01")


def test_a_clock_time_keeps_the_date_of_the_header(edf: Path, tmp_path: Path) -> None:
    assert run(edf, "--out", tmp_path, "--start", "23:15").exit_code == 0
    assert facts(tmp_path / "lead")["start"] == "2024-03-08T23:15:00"


def test_a_folder_and_a_pattern_are_the_recordings_in_them(edf: Path, tmp_path: Path) -> None:
    inside = tmp_path / "in" / "deeper"
    inside.mkdir(parents=True)
    (tmp_path / "in" / "notes.txt").write_text("nothing to read")
    for name in ("in/a.edf", "in/deeper/b.edf"):
        (tmp_path / name).write_bytes(edf.read_bytes())
    assert run(tmp_path / "in", "--out", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]
    assert run(tmp_path / "in" / "**" / "b*.edf", "--out", tmp_path / "out2").exit_code == 0
    assert [path.name for path in (tmp_path / "out2").iterdir()] == ["b"]
    assert run(tmp_path / "in", "--out", tmp_path / "out3", "--age", 50).exit_code == 2


def test_every_option_has_its_heading_and_help_fits_a_narrow_terminal() -> None:
    words = [sys.executable, "-m", "holter2sleep", "analyze", "--help"]
    env = {**os.environ, "COLUMNS": "50", "TERM": "dumb"}
    text = subprocess.run(words, capture_output=True, text=True, check=True, env=env).stdout
    assert max(map(len, text.splitlines())) <= 50
    for option in analyze.params[1:]:
        assert getattr(option, "panel", None), option.name
        assert option.opts[0] in text, f"{option.opts[0]} is cut off"
