"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the development recordings; they are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("development recordings are not at ../shared/data")
    return SHARED_DATA
