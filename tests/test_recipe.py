"""A recipe is every choice of an analysis, declared once, checked key by key, and used."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import tomllib
from pathlib import Path
from typing import get_type_hints

import pytest

from holter2sleep.assets import asset
from holter2sleep.errors import RecipeError
from holter2sleep.recipe import Recipe, load_recipe


def written(folder: Path, text: str, name: str = "mine.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def sections(kind: type = Recipe, prefix: str = "") -> list[tuple[str, type]]:
    """Every dataclass of rules in a recipe, with its place."""
    found = []
    for name, hint in get_type_hints(kind).items():
        if dataclasses.is_dataclass(hint):
            found += [(prefix + name, hint), *sections(hint, f"{prefix}{name}.")]
    return found


# --- reading ---------------------------------------------------------------------------------------


def test_the_standard_recipe_is_complete_and_every_value_is_written_once() -> None:
    recipe = load_recipe()
    assert recipe.name == "overnight"
    table = tomllib.loads(asset("pipelines", "overnight.toml").read_text(encoding="utf-8"))
    assert {"name": "overnight", **table} == recipe.resolved()


def test_another_recipe_holds_only_its_differences(tmp_path: Path) -> None:
    child = load_recipe(
        written(tmp_path, 'extends = "overnight"\n[rhythm]\npause_s = 2.5\n[rhythm.af]\nminimum_s = 60\n')
    )
    standard = load_recipe().resolved()
    standard["rhythm"]["pause_s"], standard["rhythm"]["af"]["minimum_s"] = 2.5, 60.0
    assert child.resolved() == {**standard, "name": "mine"}


def test_recipes_extend_one_another(tmp_path: Path) -> None:
    parent = written(tmp_path, 'extends = "overnight"\n[nn]\nneighbours = 7\nmaximum_ms = 1900\n', "parent.toml")
    child = load_recipe(written(tmp_path, f'extends = "{parent}"\n[nn]\nneighbours = 9\n'))
    assert (child.nn.neighbours, child.nn.maximum_ms) == (9, 1900.0)


def test_settings_come_last_and_whole_numbers_serve_as_floats() -> None:
    recipe = load_recipe("overnight", ("rhythm.pause_s=3", "staging.stager=clock", "nn.neighbours = 4"))
    assert (recipe.rhythm.pause_s, recipe.staging.stager, recipe.nn.neighbours) == (3.0, "clock", 4)
    assert isinstance(recipe.rhythm.pause_s, float)


def test_the_later_of_two_settings_wins() -> None:
    assert load_recipe("overnight", ("rhythm.pause_s=3", "rhythm.pause_s=4")).rhythm.pause_s == 4.0


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('extends = "overnight"\n[rhythm]\npause = 2.5\n', "rhythm: unknown key 'pause'; did you mean 'pause_s'"),
        ('extends = "overnight"\n[rythm]\npause_s = 2.5\n', "unknown key 'rythm'; did you mean 'rhythm'"),
        ('extends = "overnight"\n[nn]\nzzz = 1\n', "unknown key 'zzz'; known: minimum_ms, maximum_ms"),
        ('extends = "overnight"\n[rhythm]\npause_s = "long"\n', "rhythm: pause_s: expected a number .*, found 'long'"),
        ('extends = "overnight"\n[rhythm]\npause_s = true\n', "pause_s: expected a number .*, found True"),
        ('extends = "overnight"\n[nn]\nneighbours = 5.5\n', "neighbours: expected a whole number .*, found 5.5"),
        ('extends = "overnight"\nrhythm = 3\n', "rhythm: expected a section, found 3"),
        ("[rhythm]\npause_s = 2.0\n", 'missing faults, .*start the file with extends = "overnight"'),
        ("[rhythm\n", "not valid TOML"),
        ('extends = "overnite"\n', "no 'overnite.toml' in pipelines/; there is: .*overnight.toml"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said_with_what_would_work(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        load_recipe(written(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(b"\xff\xfe\x00[rhythm]")
    with pytest.raises(RecipeError, match="not UTF-8"):
        load_recipe(str(path))


def test_recipes_that_extend_one_another_in_a_circle_are_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text(f'extends = "{other}"\n', encoding="utf-8")
    other.write_text(f'extends = "{one}"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"runs in a circle: .*one\.toml -> .*other\.toml -> .*one\.toml"):
        load_recipe(str(one))


@pytest.mark.parametrize("name", ["nowhere", "nowhere.toml"])
def test_a_recipe_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(RecipeError, match="nowhere"):
        load_recipe(name)


@pytest.mark.parametrize("setting", ["pause_s=2.5", "rhythm.pause_s", "rhythm.=3", ""])
def test_a_setting_without_section_key_or_value_is_refused(setting: str) -> None:
    with pytest.raises(RecipeError, match=r"expected section.key=value"):
        load_recipe("overnight", (setting,))


@pytest.mark.parametrize(
    "setting",
    [
        "rhythm.pause_s=2.5\nnights = 3",
        "rhythm.pause_s=2.5\r\nother=1",
        f"rhythm.pause_s={'1' * 5000}",
        f"rhythm.pause_s={'1' * 900}",
        f"rhythm.pause_s={'[' * 980}",
    ],
)
def test_a_setting_of_several_lines_or_thousands_of_digits_is_refused(setting: str) -> None:
    with pytest.raises(RecipeError) as told:
        load_recipe("overnight", (setting,))
    assert len(str(told.value)) < 300


@pytest.mark.parametrize("content", ["x = " + "[" * 100_000, "x = " + "1" * 5000, "#" * 2_000_000])
def test_a_file_that_no_recipe_is_like_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(content)
    with pytest.raises(RecipeError, match=r"odd\.toml"):
        load_recipe(str(path))


def test_a_recipe_that_is_a_device_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zero.toml"
    path.symlink_to("/dev/zero")
    with pytest.raises(RecipeError, match="not a file"):
        load_recipe(str(path))


def test_an_unknown_setting_gets_a_suggestion() -> None:
    with pytest.raises(RecipeError, match="did you mean 'pause_s'"):
        load_recipe("overnight", ("rhythm.pauses=2.5",))


# --- hash ------------------------------------------------------------------------------------------


def test_the_hash_knows_the_values_and_not_the_file(tmp_path: Path) -> None:
    standard = asset("pipelines", "overnight.toml").read_text(encoding="utf-8")
    tables = re.split(r"(?m)^(?=\[)", re.sub(r"#.*", "", standard).strip())
    shuffled = written(tmp_path, "\n\n".join(reversed([table for table in tables if table.strip()])), "shuffled.toml")
    assert load_recipe(shuffled).sha256 == load_recipe().sha256
    assert load_recipe("overnight", ("rhythm.pause_s=2",)).sha256 == load_recipe().sha256
    assert load_recipe("overnight", ("rhythm.pause_s=2.5",)).sha256 != load_recipe().sha256


# --- every key counts ------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "kind"), sections())
def test_every_key_is_read_by_the_module_that_declares_it(place: str, kind: type) -> None:
    source = inspect.getsource(sys.modules[kind.__module__])
    for field in dataclasses.fields(kind):
        assert re.search(rf"\brules\.{field.name}\b", source), f"{place}.{field.name} is a dead key"


@pytest.mark.parametrize(("place", "kind"), [("recipe", Recipe), *sections()])
def test_no_rule_has_a_second_default_in_the_code(place: str, kind: type) -> None:
    assert kind.__dataclass_params__.frozen, place  # type: ignore[attr-defined]
    for field in dataclasses.fields(kind):
        assert field.default is dataclasses.MISSING, f"{place}.{field.name}"
        assert field.default_factory is dataclasses.MISSING, f"{place}.{field.name}"
