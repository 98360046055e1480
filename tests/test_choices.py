"""Files of choices: what is accepted, and what is told of the rest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from holter2sleep.choices import filled, read_toml, shipped_or_own
from holter2sleep.errors import RecipeError, did_you_mean


@dataclass(frozen=True)
class Lead:
    name: str
    fs_hz: float
    n: int = 1
    dry: bool = False
    side: Literal["left", "right"] = "left"
    gain: float | None = None
    bands: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    any_of: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Recorder:
    lead: tuple[Lead, ...]


def test_every_kind_of_field_is_filled() -> None:
    table = {"name": "II", "fs_hz": 250, "gain": 2, "bands": {"lf": [0.04, 0.15]}, "any_of": [1, "x"], "side": "right"}
    found: Recorder = filled(Recorder, {"lead": [table]}, "File")
    assert found.lead == (Lead("II", 250.0, 1, False, "right", 2.0, {"lf": (0.04, 0.15)}, (1, "x")),)
    assert isinstance(found.lead[0].fs_hz, float)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fs_hz": True}, "lead 1 'II': fs_hz: expected a number without quotes, such as 4.0, found True"),
        ({"fs_hz": float("nan")}, "expected a number"),
        ({"fs_hz": 10**400}, "expected a number"),
        ({"n": 1.0}, "n: expected a whole number without quotes, found 1.0"),
        ({"n": True}, "n: expected a whole number"),
        ({"dry": 1}, "dry: expected true or false, found 1"),
        ({"side": "lefd"}, "side: 'lefd' is none of left, right; did you mean 'left'?"),
        ({"side": 3}, "side: 3 is none of left, right"),
        ({"gain": "x"}, "gain: expected a number"),
        ({"bands": [1]}, "bands: expected a section, found [1]"),
        ({"bands": {"lf": [0.04, "x"]}}, "bands.lf 2: expected a number"),
        ({"nam": "x"}, "unknown key 'nam'; did you mean 'name'?"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_place(change: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError) as told:
        filled(Recorder, {"lead": [{"name": "II", "fs_hz": 250, **change}]}, "File")
    assert str(told.value).startswith("File: lead 1 'II'")
    assert words in str(told.value)


def test_what_is_missing_is_told_with_the_advice() -> None:
    with pytest.raises(RecipeError, match=r"^File: lead 1: missing name, fs_hz; see there$"):
        filled(Recorder, {"lead": [{}]}, "File", "; see there")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "File: not UTF-8 (byte 0)"),
        (b"a = ", "File: not valid TOML"),
        (b"a = " + 3000 * b"[" + 3000 * b"]", "File: not valid TOML"),
        (b"#" * (1 << 20) + b"\n", "File: not a file of up to 1 MB"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(RecipeError) as told:
        read_toml(tmp_path / "a.toml", "File")
    assert str(told.value).startswith(words)


def test_a_file_saved_by_an_editor_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes("\ufeffa = 'ä'\r\n".encode())
    assert read_toml(tmp_path / "a.toml", "File") == {"a": "ä"}


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"cannot be read \(No such file"):
        read_toml(tmp_path / "a.toml", "File")
    with pytest.raises(RecipeError, match="not a file"):
        read_toml(tmp_path, "File")


def test_a_name_means_a_shipped_file_and_a_path_ones_own() -> None:
    assert shipped_or_own("audit", "pipelines", "Rules").name == "audit.toml"
    assert shipped_or_own("x/audit.toml", "pipelines", "Rules") == Path("x/audit.toml")
    with pytest.raises(RecipeError, match=r"Rules 'none': no 'none.toml' in pipelines/; there is: .*audit.toml"):
        shipped_or_own("none", "pipelines", "Rules")


def test_near_words_come_before_those_that_are_known() -> None:
    many = [f"w{i:02d}" for i in range(30)]
    assert did_you_mean("alpha", many).endswith("w19, ...")
    assert did_you_mean("w0", ["w01", "w02", "x"], most=2) == "did you mean 'w02' or 'w01'?"
    assert did_you_mean("q", ["w01"], "nothing like it") == "nothing like it"
