"""Make the example reports beside this file (`make examples`): synthetic nights, the same bytes of the same version."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.transforms import Bbox

from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS, draw_night_figure, figure_height_mm
from holter2sleep.report.page import HEIGHT_MM, MARGIN_MM, MM_PER_INCH, TEXT_WIDTH_MM, TOP_MM, Page
from holter2sleep.report.pdf import drawing_style, ready
from holter2sleep.report.sections import SECTIONS
from holter2sleep.simulate import NightPlan, preset, simulate_night
from holter2sleep.simulate.files import write_night

HERE = Path(__file__).parent
SEED = 11
PLANS: dict[str, NightPlan] = {
    "clean_night": preset("healthy"),
    "af_ectopy_apnoea": replace(
        preset("sample"),
        age_years=67.0,
        sex="M",
        pvc_per_hour=40.0,
        couplets_per_hour=4.0,
        pac_per_hour=20.0,
        af=((0.30, 2400.0), (0.80, 900.0)),
        apnoeas_per_hour=(0.0, 25.0, 25.0, 4.0, 40.0),
    ),
}
PICTURED = "af_ectopy_apnoea"
PICTURE_DPI = 150  # 190 mm are 1120 pixels: the width of a column of text on a screen


def make(out: Path = HERE) -> list[Path]:
    """The PDF of each plan, and the night figure of one as a picture; the paths written."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: _analysed(name, plan, Path(scratch)) for name, plan in PLANS.items()}
        made = [Path(shutil.copyfile(folder / "report.pdf", out / f"{name}.pdf")) for name, folder in folders.items()]
        return [*made, _write_figure(folders[PICTURED], out / "night_figure.png")]


def _analysed(name: str, plan: NightPlan, scratch: Path) -> Path:
    write_night(scratch / f"{name}.edf", simulate_night(plan, np.random.default_rng(SEED)), SEED)
    command = [sys.executable, "-m", "holter2sleep", "analyze", str(scratch / f"{name}.edf"), "--out", str(scratch)]
    subprocess.run(command, check=True)
    return scratch / name


def _write_figure(folder: Path, path: Path) -> Path:
    """The night figure of a finished night, as on page 1."""
    night, layout = ready(folder, read_layout(None, SECTIONS, TRACKS), None)
    names, page = layout.tracks(night.duration_h), Page()
    top_mm, bottom_mm = HEIGHT_MM - TOP_MM, HEIGHT_MM - TOP_MM - figure_height_mm(names)
    shown_mm = np.array([[MARGIN_MM - 2, bottom_mm - 1], [MARGIN_MM + TEXT_WIDTH_MM + 2, top_mm + 1]])
    with drawing_style():
        draw_night_figure(page, TOP_MM, night, names, layout.limits.low_confidence)
        shown = Bbox(shown_mm / MM_PER_INCH)
        page.figure.savefig(path, dpi=PICTURE_DPI, bbox_inches=shown, metadata={"Software": None})
    return path


if __name__ == "__main__":
    print(*make(), sep="\n")
