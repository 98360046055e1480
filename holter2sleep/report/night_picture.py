"""The night figure of a finished night as a picture of its own."""

from __future__ import annotations

from pathlib import Path

from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS, draw_night_figure, figure_height_mm
from holter2sleep.report.page import TOP_MM, Page, cutout
from holter2sleep.report.pdf import drawing_style, ready
from holter2sleep.report.sections import SECTIONS

DPI = 150  # 184 mm are 1086 pixels: the width of a column of text on a screen


def write_night_picture(night_dir: Path, path: Path, language: str | None = None) -> Path:
    """The path of a PNG, written, of all tracks on one time axis, as the report's layout has them.

    Parameters
    ----------
    night_dir
        Folder that `analyze` made for a night.
    path
        PNG to write.
    language
        As of `report`; the layout's where not given.

    Raises
    ------
    RecordingError
        The folder holds no finished night.
    """
    night, layout = ready(night_dir, read_layout(None, SECTIONS, TRACKS), language)
    names, page = layout.tracks(night.duration_h), Page()
    height_mm = figure_height_mm(names)
    with drawing_style():
        draw_night_figure(page, TOP_MM, night, names, layout.limits.low_confidence, height_mm)
        shown = cutout(height_mm, bleed_mm=2.0, edge_mm=1.0)
        page.picture().savefig(path, format="png", dpi=DPI, bbox_inches=shown, metadata={"Software": None})
    return path
