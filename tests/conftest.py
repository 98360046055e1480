"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import pytest

# What the user of this machine has installed is no part of a test.
os.environ["HOLTER2SLEEP_WEIGHTS"] = str(Path(tempfile.gettempdir()) / "holter2sleep_tests_have_no_weights")

# A machine that does other work too is slow now and then; that is no fault of what is tested.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the development recordings; they are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("development recordings are not at ../shared/data")
    return SHARED_DATA


@pytest.fixture(scope="session")
def short_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with twenty minutes, `night.edf`, in which an electrode is lost, and the finished `out/night`."""
    from command_runs import ok
    from made_nights import simulated

    from holter2sleep.simulate.files import write_night

    base = tmp_path_factory.mktemp("short_night")
    write_night(base / "night.edf", simulated("short", lead_off=((0.5, 60.0),)), 0)
    ok("analyze", base / "night.edf", "--out", base / "out")
    return base


@pytest.fixture
def night(short_night: Path, tmp_path: Path) -> Path:
    """A copy of the finished night, its recording beside the results, that a test may change."""
    shutil.copytree(short_night, tmp_path / "made")
    return tmp_path / "made" / "out" / "night"
