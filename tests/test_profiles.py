"""Profiles of public archives: every file keeps its schema, and agrees with the recordings that are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from holter2sleep.errors import RecipeError
from holter2sleep.io.stage_codes import STAGE_CODES
from holter2sleep.io.units import MV_PER_UNIT
from holter2sleep.io.wfdb_header import read_wfdb_header
from holter2sleep.profiles import load_profile, profile_names, read_profile

WANTED = set("shhs mesa mros cfs wsc ccshs chat stages apples cap slpdb apnea-ecg ucddb nsrdb mitdb sddb patch".split())
MINIMAL = 'title = "T"\nlabels = ["ECG"]\nrates_hz = [250]\npolarity = "either"\n'


def test_every_archive_promised_has_a_profile() -> None:
    assert set(profile_names()) == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_profile_keeps_the_schema_and_tells_its_sources(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.title
    assert profile.labels
    assert all(rate > 0 for rate in profile.rates_hz)
    assert profile.unit is None or profile.unit.casefold() in MV_PER_UNIT
    assert profile.hypnogram_code is None or profile.hypnogram_code in STAGE_CODES
    assert profile.note
    assert all(note.says and note.source for note in profile.note)
    assert all(note.unverified == (note.source == "general knowledge") for note in profile.note)


@pytest.mark.parametrize(
    ("name", "stem", "parts"),
    [
        ("shhs", "shhs2-200077", {"visit": "2", "subject": "200077"}),
        ("slpdb", "slp67x", {"subject": "67", "visit": "x"}),
        ("apnea-ecg", "a01", {"subject": "a01"}),
        ("shhs", "mesa-sleep-0001", {}),
        ("patch", "anything", {}),
    ],
)
def test_subject_and_visit_are_read_from_the_name(name: str, stem: str, parts: dict[str, str]) -> None:
    assert load_profile(name).named(stem) == parts


def test_an_unknown_profile_is_refused_with_the_nearest_name_and_all_others() -> None:
    with pytest.raises(RecipeError, match=r"did you mean 'mros'\? There is: apnea-ecg, .*wsc"):
        load_profile("mrso")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + 'lables = ["x"]\n', "unknown key 'lables'; did you mean 'labels'"),
        ('title = "T"\n', "missing labels, rates_hz, polarity"),
        (MINIMAL.replace('"either"', '"up"'), "polarity: 'up' is none of upright, inverted, either"),
        (MINIMAL.replace("[250]", '["fast"]'), "rates_hz 1: expected a number .*, found 'fast'"),
        (MINIMAL.replace('["ECG"]', '"ECG"'), "labels: expected a list, found 'ECG'"),
        (MINIMAL + 'file_pattern = "("\n', "file_pattern is no regular expression"),
        (MINIMAL + '[[note]]\nsays = "x"\n', "note 1: missing source"),
        (MINIMAL + "note = 3\n", "note: expected a list, found 3"),
        ("title = ", "not valid TOML"),
    ],
)
def test_a_profile_that_breaks_the_schema_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=f"Profile 'mine'.*{message}"):
        read_profile(path)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["slpdb", "apnea-ecg", "mitdb", "nsrdb", "sddb"])
def test_a_profile_agrees_with_the_headers_of_its_archive(shared_data: Path, name: str) -> None:
    profile = load_profile(name)
    paths = sorted((shared_data / name).glob("*.hea"))
    assert paths
    for path in paths:
        header = read_wfdb_header(path)
        assert header.fs in profile.rates_hz
        assert {signal.label for signal in header.signals} & set(profile.labels)
        assert profile.named(path.stem)["subject"] in path.stem
