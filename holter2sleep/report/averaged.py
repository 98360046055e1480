"""Averaged beats on paper: one small panel a stage, with the marks that its intervals rest on."""

from __future__ import annotations

from typing import Any

import numpy as np

from holter2sleep.night import Float
from holter2sleep.report.page import FAINT, INK, MARGIN_MM, SOFT, TEXT_WIDTH_MM, Block, Page
from holter2sleep.report.paper import COARSE, FINE, MM_PER_MV, MM_PER_S, Paper
from holter2sleep.report.words import Words

BEFORE_MS, AFTER_MS = 280.0, 640.0  # shown of each beat: P wave to the end of a long T wave
GAP_MM = 8.4  # six panels fill the width
TITLE_MM, FOOT_MM = 6.4, 4.2
LEAST_MM, MOST_MM = 15.0, 40.0
MARKS = ("qrs_on_ms", "qrs_off_ms", "t_end_ms")
Row = dict[str, Any]


def beats_block(rows: list[Row], names: list[str], words: Words) -> Block:
    """Panels side by side at 25 mm/s and 10 mm/mV, as many in a line as fit, all of one height."""
    width_mm = (BEFORE_MS + AFTER_MS) / 1000 * MM_PER_S
    per_line = int((TEXT_WIDTH_MM + GAP_MM) // (width_mm + GAP_MM))
    low, high = _range_mv(rows)
    height_mm = float(np.clip(np.ceil((high - low) * MM_PER_MV + 2), LEAST_MM, MOST_MM))
    line_mm = TITLE_MM + height_mm + FOOT_MM

    def draw(page: Page, top_mm: float) -> None:
        for i, (row, name) in enumerate(zip(rows, names, strict=True)):
            x_mm = MARGIN_MM + (i % per_line) * (width_mm + GAP_MM)
            y_mm = top_mm + (i // per_line) * line_mm
            page.text(x_mm, y_mm + 2.6, name, size=6.2, weight="bold")
            rate = f"{60000 / row['rr_ms']:.0f}"
            rests_on = words("averaged.beats", n=words.whole(row["n_beats"]), rate=rate)
            page.text(x_mm, y_mm + 5.4, rests_on, size=5.2, colour=SOFT)
            _draw_beat(Paper(page, x_mm, y_mm + TITLE_MM, width_mm, height_mm), row, (low + high) / 2)
            _write_marks(page, x_mm, y_mm + TITLE_MM + height_mm, row, words)

    return Block(line_mm * -(-len(rows) // per_line) + 1, draw)


def _shown(row: Row) -> tuple[Float, Float]:
    """Times, ms from R, and mV of the part of an averaged beat that is shown."""
    mv = np.asarray(row["ecg_mv"], np.float64)
    time_ms = 1000 * (np.arange(len(mv)) - row["r_index"]) / row["fs"]
    shown = (time_ms >= -BEFORE_MS) & (time_ms <= AFTER_MS)
    return time_ms[shown], mv[shown]


def _range_mv(rows: list[Row]) -> tuple[float, float]:
    """Lowest and highest value shown of all."""
    values = [_shown(row)[1] for row in rows]
    return min(float(mv.min()) for mv in values), max(float(mv.max()) for mv in values)


def _draw_beat(paper: Paper, row: Row, middle_mv: float) -> None:
    """One averaged beat on millimetre paper, with a line at each mark."""
    paper.rule(1.0, FINE, 0.2)
    paper.rule(5.0, COARSE, 0.35)
    time_ms, mv = _shown(row)
    paper.plot(_place_mm(time_ms), (mv - middle_mv) * MM_PER_MV + paper.height_mm / 2, INK, 0.7)
    for at_mm in _marks_mm(row):
        paper.plot((at_mm, at_mm), (0, paper.height_mm), SOFT, 0.5).set_linestyle((0, (2, 1.5)))


def _place_mm(time_ms: Any) -> Any:
    """Where a time from R lies on the paper."""
    return (time_ms + BEFORE_MS) / 1000 * MM_PER_S


def _marks_mm(row: Row) -> list[float]:
    return [_place_mm(row[name]) for name in MARKS if row[name] is not None]


def _write_marks(page: Page, x_mm: float, y_mm: float, row: Row, words: Words) -> None:
    for at_mm in _marks_mm(row):
        page.line((x_mm + at_mm,) * 2, (y_mm, y_mm + 1.0), colour=FAINT, width=0.4)
    seen = [f"{row[name]:+.0f}" for name in MARKS if row[name] is not None]
    told = f"{', '.join(seen)} ms" if seen else words("averaged.no_mark")
    page.text(x_mm, y_mm + 3.0, told, size=5.2, colour=SOFT)
