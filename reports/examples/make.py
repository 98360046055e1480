"""Make the example reports beside this file (`make examples`): synthetic nights, the same bytes of the same version."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from holter2sleep.report.layout import Layout, read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.night_picture import write_night_picture
from holter2sleep.report.pdf import Sheet, drawing_style, drawn_page, flow, ready, section_blocks, write_head_and_foot
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import ReportNight
from holter2sleep.simulate import NightPlan, preset, simulate_night
from holter2sleep.simulate.files import write_night

HERE = Path(__file__).parent
SITE_FIGURES = HERE.parents[1] / "docs" / "figures"
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
PAGE_DPI, PAGE_COLOURS = 90, 128  # a page of the PDF on a screen: small letters can just be read, 80 kB


def make(out: Path = HERE, site: Path = SITE_FIGURES) -> list[Path]:
    """The PDF of each plan, and of one the night figure and the pages as pictures; the paths written."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: _analysed(name, plan, Path(scratch)) for name, plan in PLANS.items()}
        made = [Path(shutil.copyfile(folder / "report.pdf", out / f"{name}.pdf")) for name, folder in folders.items()]
        return [
            *made,
            write_night_picture(folders[PICTURED], out / "night_figure.png"),
            *_write_pages(folders[PICTURED], site),
        ]


def _analysed(name: str, plan: NightPlan, scratch: Path) -> Path:
    write_night(scratch / f"{name}.edf", simulate_night(plan, np.random.default_rng(SEED)), SEED)
    command = [sys.executable, "-m", "holter2sleep", "analyze", str(scratch / f"{name}.edf"), "--out", str(scratch)]
    subprocess.run(command, check=True)
    return scratch / name


def _write_pages(folder: Path, site: Path) -> list[Path]:
    """Each page of a finished night's report, as the site shows it."""
    night, layout = ready(folder, read_layout(None, SECTIONS, TRACKS), None)
    for old in site.glob("report_page_*.png"):
        old.unlink()
    with drawing_style():
        sheets = flow([section_blocks(night, layout, section) for section in layout.section], layout.section)
        return [_write_page(night, layout, sheets, number, site) for number in range(1, len(sheets) + 1)]


def _write_page(night: ReportNight, layout: Layout, sheets: list[Sheet], number: int, site: Path) -> Path:
    content, path = io.BytesIO(), site / f"report_page_{number}.png"
    page = drawn_page(sheets, number, partial(write_head_and_foot, night=night, layout=layout))
    page.picture().savefig(content, dpi=2 * PAGE_DPI)
    picture = Image.open(content).convert("RGB").reduce(2)  # drawn small, letters would be as wide as whole pixels
    picture.quantize(PAGE_COLOURS, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
    return path


if __name__ == "__main__":
    print(*make(), sep="\n")
