"""A short night, analysed once, and a copy of it for each test that changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_runs import ok
from made_nights import simulated

from holter2sleep.simulate.files import write_night


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes with a lost electrode, analysed: the folder that holds the recording and `out/night`."""
    base = tmp_path_factory.mktemp("review")
    write_night(base / "night.edf", simulated("short", lead_off=((0.5, 60.0),)), 0)
    ok("analyze", base / "night.edf", "--out", base / "out")
    return base


@pytest.fixture
def night(made: Path, tmp_path: Path) -> Path:
    """The folder of the night, with its recording beside the results."""
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made" / "out" / "night"
