"""Strips are true to scale on paper: measured in the PDF's own drawing commands, in points."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pytest
from drawn_nights import Drawn
from pypdf import PageObject

from holter2sleep.report.page import Page
from holter2sleep.report.paper import StripRow, draw_strip
from holter2sleep.report.words import load_words

POINTS_PER_MM = 72 / 25.4
SECOND_PT, MILLIVOLT_PT = 70.87, 28.35  # 25 mm and 10 mm


def paths(page: PageObject) -> Iterator[np.ndarray]:
    """Polylines of a page, in points."""
    contents = page.get_contents()
    assert contents is not None
    number = r"-?\d+(?:\.\d+)?"
    for found in re.finditer(
        rf"{number} {number} m\n(?:{number} {number} l\n)+", contents.get_data().decode("latin-1")
    ):
        yield np.array([line.split()[:2] for line in found[0].splitlines()], float)


@pytest.fixture(scope="module")
def strip_page(report: Callable[[str], Drawn]) -> list[np.ndarray]:
    pages = report("ordinary").reader.pages
    return next(list(paths(page)) for page in pages if "Strips" in page.extract_text())


@pytest.fixture(scope="module")
def all_paths(report: Callable[[str], Drawn]) -> list[np.ndarray]:
    return [path for page in report("ordinary").reader.pages for path in paths(page)]


def test_check_bar_is_ten_millimetres_long(strip_page: list[np.ndarray]) -> None:
    bars = [p for p in strip_page if len(p) == 2 and p[0, 1] == p[1, 1] and 20 < abs(p[1, 0] - p[0, 0]) < 60]
    lengths_mm = [abs(p[1, 0] - p[0, 0]) / POINTS_PER_MM for p in bars]
    assert lengths_mm == [pytest.approx(10.0, abs=0.1)]


def test_trace_runs_at_twenty_five_millimetres_a_second(all_paths: list[np.ndarray]) -> None:
    traces = [p for p in all_paths if len(p) == 1520]  # 7.6 s at 200 Hz
    assert len(traces) == 6
    for trace in traces:
        assert np.diff(trace[:, 0]).mean() * 200 == pytest.approx(SECOND_PT, abs=0.05)


def test_calibration_pulse_is_one_millivolt_for_two_hundred_milliseconds(all_paths: list[np.ndarray]) -> None:
    pulses = [p for p in all_paths if len(p) == 6]
    assert len(pulses) == 6
    for pulse in pulses:
        assert np.ptp(pulse[:, 1]) == pytest.approx(MILLIVOLT_PT, abs=0.05)
        assert pulse[3, 0] - pulse[2, 0] == pytest.approx(0.2 * SECOND_PT, abs=0.05)


def row(ecg_mv: np.ndarray, fs: float = 100.0) -> StripRow:
    no_beats = pl.DataFrame(schema={"time_s": pl.Float64, "label": pl.String, "rr_ms": pl.Float64})
    return StripRow("A", "reason", 60.0, fs, ecg_mv, "U", None, no_beats)


@pytest.mark.parametrize("fs", [50.0, 128.0, 1000.0])
def test_scale_holds_at_any_rate(fs: float) -> None:
    step = np.where(np.arange(round(7.6 * fs)) < 3 * fs, 0.0, 1.0)
    paper = draw_strip(Page(), 50.0, row(step, fs), load_words())
    to_points = paper.transform.transform(np.column_stack(row(step, fs).trace_mm)) * 72 / paper.page.figure.dpi
    assert (to_points[1, 0] - to_points[0, 0]) * fs == pytest.approx(SECOND_PT, abs=0.01)
    assert to_points[-1, 1] - to_points[0, 1] == pytest.approx(MILLIVOLT_PT, abs=0.01)


def test_paper_grows_with_the_trace_in_whole_boxes_and_says_when_it_cannot() -> None:
    small, large, huge = (row(np.linspace(0, height_mv, 760)) for height_mv in (0.5, 3.0, 9.0))
    assert (small.paper_mm, large.paper_mm, huge.paper_mm) == (20.0, 35.0, 60.0)
    assert not large.leaves_paper
    assert huge.leaves_paper
