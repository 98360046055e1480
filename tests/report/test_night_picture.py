"""The night figure alone, as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_nights import PLANS
from night_tables import write_night
from PIL import Image

from holter2sleep.errors import RecordingError
from holter2sleep.report.night_picture import write_night_picture
from holter2sleep.report.page import TEXT_WIDTH_MM


@pytest.mark.parametrize("name", ["ordinary", "empty", "beats only", "twenty minutes", "three days"])
def test_a_finished_night_is_a_picture_as_wide_as_the_text_of_the_report(tmp_path: Path, name: str) -> None:
    folder = write_night(tmp_path / "night", PLANS[name])
    path = write_night_picture(folder, tmp_path / "night.png")
    with Image.open(path) as picture:
        assert picture.width / picture.info["dpi"][0] * 25.4 == pytest.approx(TEXT_WIDTH_MM + 4, abs=1)
        ink = np.asarray(picture.convert("L")) < 128
    assert ink[:, : ink.shape[1] // 8].any()  # names of the tracks
    assert ink[-40:].any()  # hours below the last


def test_the_same_night_is_the_same_picture(tmp_path: Path) -> None:
    folder = write_night(tmp_path / "night", PLANS["ordinary"])
    once, again = (write_night_picture(folder, tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert once == again


def test_the_picture_speaks_the_language_asked_for(tmp_path: Path) -> None:
    folder = write_night(tmp_path / "night", PLANS["ordinary"])
    english, german = (
        write_night_picture(folder, tmp_path / f"{name}.png", name).read_bytes() for name in ("en", "de")
    )
    assert english != german


def test_a_folder_without_a_night_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no finished night"):
        write_night_picture(tmp_path, tmp_path / "night.png")
    assert not (tmp_path / "night.png").exists()
