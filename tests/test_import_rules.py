"""Arrows go down only, each heavy library has its room, and asking for help loads none of them."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest
import rich_click as click

import holter2sleep
from holter2sleep.cli import main

PACKAGE = Path(holter2sleep.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Who may import whom, from the ground up: a room reads itself and what it names here.
GROUND = {"night", "clock", "spans", "waveform", "errors", "assets", "choices", "whole_files", "counted"}
HEART = GROUND | {"io", "heart"}
AUTONOMIC = HEART | {"autonomic"}
SLEEP = AUTONOMIC | {"cards", "sleep"}
RECIPE = SLEEP | {"recipe"}
TABLES = RECIPE | {"phenotypes", "edits"}
TOLD = RECIPE | {"told", "profiles", "privacy", "shown", "split"}
RUN = TABLES | TOLD | {"analyze", "export", "folders", "privacy", "provenance", "report", "request", "run"}
ALLOWED = {
    "assets": set(),
    "start": {"cli"},
    "errors": set(),
    "counted": set(),
    "choices": {"assets", "errors"},
    "cards": {"choices", "errors"},
    "locks": set(),
    "whole_files": set(),
    "edits": {"clock", "errors"},  # a line of the log: tables, report and review speak of it
    "spans": set(),
    "waveform": set(),
    "clock": set(),
    "arrays": set(),
    "recording": {"arrays", "clock", "spans", "waveform"},
    "hypnogram": {"arrays", "spans"},
    "night": {"arrays", "recording", "hypnogram", "spans"},  # the page of nouns: every room imports them from here
    "io": GROUND,
    "heart": HEART,
    "autonomic": AUTONOMIC,
    "sleep": SLEEP,
    "models": SLEEP,  # their files lie in several rooms
    "recipe": SLEEP | {"phenotypes"},  # a room owns its rules, and the strips are among the tables of a night
    "given_beats": HEART,
    "analyze": RECIPE | {"given_beats"},
    "split": RECIPE | {"told"},
    "phenotypes": RECIPE | {"split", "edits"},
    # A report carries its annotations; the page of an evaluation draws what was found.
    "report": TABLES | {"export", "evaluate", "models"},
    "export": TABLES,
    "simulate": GROUND | {"io", ""},
    # Figures come from annotations, whoever made them; sleep measures, the clock floor and the columns of a night's
    # tables have one definition.
    "evaluate": {"night", "clock", "spans", "errors", "counted", "io", "sleep", "phenotypes"},
    # a head is taught on nights as `analyze` makes them, of cohorts as `batch` reads them
    "training": RUN | {"batch", "cohort", "evaluate", "simulate", ""},
    "profiles": {"errors", "assets", "choices"},
    "privacy": GROUND | {"io"},  # io knows which labels name a lead
    "shown": GROUND | {"io", "privacy"},
    "told": GROUND | {"io"},
    "provenance": RECIPE | {"split", "models", ""},
    "request": TOLD | {"analyze", "provenance"},
    "folders": TABLES | {"request"},
    "audit": RECIPE | {"profiles", "analyze", ""},  # the verdict is that of analyze, by its own limits
    "run": RUN,
    "review": RUN | {"locks"},  # what follows from edits is found by the functions of analyze, and drawn
    "cohort": RUN | {"export", "evaluate", "locks", "review", ""},  # BIDS of each night; an audit scores
    "batch": RUN | {"cohort", "locks", "start", ""},
    "cli": RUN
    | {
        "audit",
        "review",
        "export",
        "simulate",
        "evaluate",
        "training",
        "cohort",
        "batch",
        "models",
        "locks",
        "start",
        "",
    },
}
HEAVY = {
    "torch": {"sleep/staging", "training"},
    "safetensors": {"sleep/staging", "training"},
    "matplotlib": {"report"},
    "pypdf": {"report"},
    "fontTools": {"report"},
    "edfio": {"io"},
    "pyedflib": {"io", "audit/strict.py"},
    "wfdb": {"io"},
    "mne": {"io"},
    "h5py": {"io", "sleep/staging"},
    "sleepecg": set(),
    "statsmodels": {"cohort/association/"},
    "neurokit2": {"heart/morphology"},
    "sklearn": {"training/apnea_trees.py"},
    "pandas": set(),
    "click": {"cli"},
    "rich_click": {"cli"},
}
SLOW_TO_LOAD = (
    "numpy",
    "torch",
    "matplotlib",
    "polars",
    "scipy",
    "edfio",
    "wfdb",
    "pyedflib",
    "sleepecg",
    "h5py",
    "statsmodels",
)


def imported(path: Path) -> set[str]:
    """Full names of everything a module imports, in functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def origins(path: Path) -> set[str]:
    """Modules that hold what a module imports."""
    names = imported(path)
    return names | {name.rpartition(".")[0] for name in names}


def room_of(name: str) -> str:
    """Room of `heart.detect.Detection`: `heart`; of the package itself: nothing."""
    parts = name.split(".")
    return parts[0] if (PACKAGE / parts[0]).is_dir() or (PACKAGE / f"{parts[0]}.py").is_file() else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_its_room_and_the_rooms_below(path: Path) -> None:
    room = room_of(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    if room in ("", "__init__", "__main__"):
        return
    ours = {name.removeprefix("holter2sleep").lstrip(".") for name in imported(path) if name.startswith("holter2sleep")}
    too_high = {name for name in ours if room_of(name) not in ALLOWED[room] | {room}}
    assert not too_high


def test_no_module_needs_one_that_needs_it() -> None:
    names = {path: path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".") for path in MODULES}
    needs = {names[path]: set(names.values()) & origins(path) for path in MODULES}
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_heavy_library_is_imported_in_its_room_only(path: Path) -> None:
    here = path.relative_to(PACKAGE).as_posix()
    heavy = {name.partition(".")[0] for name in imported(path)} & set(HEAVY)
    assert not {name for name in heavy if not any(here.startswith(room) for room in HEAVY[name])}


def loaded_by(modules: str, names: tuple[str, ...]) -> list[str]:
    code = f"import sys, {modules}; print(*(n for n in {names} if n in sys.modules))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_the_package_and_its_command_line_load_nothing_heavy() -> None:
    assert loaded_by("holter2sleep, holter2sleep.cli", SLOW_TO_LOAD) == []


def test_an_analysis_loads_what_draws_and_networks_only_when_they_are_asked_for() -> None:
    assert loaded_by("holter2sleep.run", tuple(HEAVY)) == []


def commands(group: click.Group = main, prefix: str = "holter2sleep") -> list[tuple[str, click.Command]]:
    found = []
    for name, command in group.commands.items():
        found.append((f"{prefix} {name}", command))
        if isinstance(command, click.Group):
            found += commands(command, f"{prefix} {name}")
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_says_what_it_does_and_every_option_what_it_means(name: str, command: click.Command) -> None:
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts[0]}"


@pytest.mark.parametrize(
    ("name", "command"),
    [(name, command) for name, command in commands() if not isinstance(command, click.Group)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_command_shows_an_example_of_itself(name: str, command: click.Command) -> None:
    assert f"  {name} " in f"  {command.help} " or f": {name} " in str(command.help)
