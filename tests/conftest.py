"""Fixtures shared by all tests."""

from __future__ import annotations

import os
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
