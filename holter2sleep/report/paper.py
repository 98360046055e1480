"""ECG on millimetre paper: 25 mm/s and 10 mm/mV on the sheet itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.lines import Line2D
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox

from holter2sleep.night import UNSCORED, Float
from holter2sleep.report.axes import BEAT_COLOURS
from holter2sleep.report.page import FAINT, HEIGHT_MM, INK, SOFT, TEXT_WIDTH_MM, WIDTH_MM, Page, text_width_mm
from holter2sleep.report.words import Words

MM_PER_S, MM_PER_MV = 25.0, 10.0  # the paper speed and gain every ECG reader expects
PULSE_MV, PULSE_S = 1.0, 0.2  # calibration pulse
PULSE_ROOM_MM = 8.0  # the pulse stands left of the trace: 1 mm lead, 5 mm pulse, 2 mm tail
LOWEST_PAPER_MM, HIGHEST_PAPER_MM, BOX_MM = 20.0, 60.0, 5.0
FINE, COARSE = "#f3d3d3", "#e3a5a5"  # 1 mm and 5 mm rules
ABOVE_MM, LABELS_MM, BELOW_MM = 4.0, 5.6, 5.6  # title; letters and RR; clock line and space
LETTER_MM = 1.5
CHECK_BAR_MM = 10.0


class Paper:
    """A part of a page to plot on in mm from its lower left corner; what leaves it is cut off.

    Axes would do the same, and would make ticks and a frame that nobody sees.
    """

    def __init__(self, page: Page, x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> None:
        self.page, self.width_mm, self.height_mm = page, width_mm, height_mm
        above_foot_mm = HEIGHT_MM - y_mm - height_mm
        on_sheet = Affine2D().translate(x_mm, above_foot_mm).scale(1 / WIDTH_MM, 1 / HEIGHT_MM)
        self.transform = on_sheet + page.figure.transFigure
        self._edges = TransformedBbox(Bbox.from_bounds(0, 0, width_mm, height_mm), self.transform)

    def plot(self, x_mm: Sequence[float] | Float, y_mm: Sequence[float] | Float, colour: str, width: float) -> Line2D:
        """A line through points, broken at NaN; `width` in points."""
        line = Line2D(x_mm, y_mm, color=colour, linewidth=width, transform=self.transform)
        self.page.figure.add_artist(line)
        line.set_clip_box(self._edges)
        return line

    def rule(self, step_mm: float, colour: str, width: float) -> None:
        """Lines across and up, a step apart."""
        across, up = (np.arange(0, length + 0.01, step_mm) for length in (self.width_mm, self.height_mm))
        upright, level = np.array([0, self.height_mm, np.nan]), np.array([0, self.width_mm, np.nan])
        x_mm = np.concatenate([np.repeat(across, 3), np.tile(level, len(up))])
        y_mm = np.concatenate([np.tile(upright, len(across)), np.repeat(up, 3)])
        self.plot(x_mm, y_mm, colour, width)


@dataclass(frozen=True)
class StripRow:
    """One strip and the beats in it."""

    strip: str
    reason: str
    start_s: float
    fs: float
    ecg_mv: Float
    stage: str
    clock: str | None
    beats: pl.DataFrame  # time_s, label, rr_ms
    relative: bool = False  # without a scale there is no millivolt to draw a pulse of

    @property
    def length_s(self) -> float:
        """Seconds shown."""
        return len(self.ecg_mv) / self.fs

    @property
    def paper_mm(self) -> float:
        """Height of the paper: whole 5 mm boxes around the trace, within the page's means."""
        boxes = np.ceil((self._span_mm + BOX_MM / 2) / BOX_MM)
        return float(np.clip(boxes * BOX_MM, LOWEST_PAPER_MM, HIGHEST_PAPER_MM))

    @property
    def _span_mm(self) -> float:
        return float(np.ptp(self.ecg_mv)) * MM_PER_MV

    @property
    def height_mm(self) -> float:
        """Height with the lines above and below."""
        return ABOVE_MM + LABELS_MM + self.paper_mm + BELOW_MM

    @property
    def leaves_paper(self) -> bool:
        """Whether the trace is higher than the paper."""
        return self._span_mm > self.paper_mm

    @property
    def width_mm(self) -> float:
        """Width of the paper with the pulse."""
        return PULSE_ROOM_MM + self.length_s * MM_PER_S

    @property
    def bleed_mm(self) -> float:
        """How far it reaches beyond the text on either side, the letter of a beat on its edge included."""
        return max(0.0, (self.width_mm - TEXT_WIDTH_MM) / 2) + LETTER_MM

    @property
    def trace_mm(self) -> tuple[Float, Float]:
        """The trace on paper, mm from the paper's lower left corner; its range stands in the middle."""
        time_mm = PULSE_ROOM_MM + np.arange(len(self.ecg_mv)) / self.fs * MM_PER_S
        middle = (self.ecg_mv.max() + self.ecg_mv.min()) / 2 if not self.leaves_paper else np.median(self.ecg_mv)
        return time_mm, (self.ecg_mv - middle) * MM_PER_MV + self.paper_mm / 2


def strip_rows(strips: pl.DataFrame, beats: pl.DataFrame, relative: bool = False) -> list[StripRow]:
    """Strips of the table with the beats that fall into each."""
    rows = []
    for row in strips.iter_rows(named=True):
        ecg_mv = np.asarray(row.pop("ecg_mv"), np.float64)
        end_s = row["start_s"] + len(ecg_mv) / row["fs"]
        inside = pl.col("time_s").is_between(row["start_s"], end_s, closed="left")
        columns = ("strip", "reason", "start_s", "fs", "stage", "clock")
        facts = {name: row[name] for name in columns}
        rows.append(StripRow(**facts, ecg_mv=ecg_mv, beats=beats.filter(inside), relative=relative))
    return rows


def draw_strip(page: Page, top_mm: float, row: StripRow, words: Words) -> Paper:
    """One strip: title, beat letters with RR, paper with pulse and trace, clock line below."""
    width_mm, left_mm = row.width_mm, (WIDTH_MM - row.width_mm) / 2
    page.text(left_mm, top_mm + 2.6, f"{row.strip}   {words.reason(row.reason)}", size=7.5, weight="bold")
    _write_beats(page, left_mm + PULSE_ROOM_MM, top_mm + ABOVE_MM, row)
    paper_top_mm = top_mm + ABOVE_MM + LABELS_MM
    paper = Paper(page, left_mm, paper_top_mm, width_mm, row.paper_mm)
    paper.rule(1.0, FINE, 0.25)
    paper.rule(BOX_MM, COARSE, 0.45)
    if not row.relative:
        _draw_pulse(paper)
    paper.plot(*row.trace_mm, INK, 0.6)
    page.text(left_mm, paper_top_mm + row.paper_mm + 2.8, below_text(row, words), size=6.5, colour=SOFT)
    return paper


def below_text(row: StripRow, words: Words) -> str:
    """Clock, offset, stage and rate of a strip."""
    clock = row.clock or words("strip.clock_unknown")
    rr_ms = row.beats["rr_ms"].drop_nulls().to_numpy()
    mean = f"{60000 / rr_ms.mean():.0f}" if len(rr_ms) else None
    rate = words("strip.mean_rate", rate=mean) if mean else words("strip.no_rate")
    stage = words("strip.stage", stage=row.stage) if row.stage != UNSCORED else words("strip.no_stage")
    cut = f"   {words('strip.cut')}" if row.leaves_paper else ""
    start = words.number(f"{row.start_s:.1f}")
    offset = words("strip.offset", seconds=start, sample=words.whole(round(row.start_s * row.fs)))
    return f"{clock}   {stage}   {rate}   {offset}{cut}"


def _draw_pulse(paper: Paper) -> None:
    """1 mV for 200 ms, left of the trace."""
    low = paper.height_mm / 2 - BOX_MM
    rise, fall = 1.0, 1.0 + PULSE_S * MM_PER_S
    high = low + PULSE_MV * MM_PER_MV
    paper.plot([0.2, rise, rise, fall, fall, PULSE_ROOM_MM - 0.8], [low, low, high, high, low, low], INK, 0.6)


def _write_beats(page: Page, left_mm: float, top_mm: float, row: StripRow) -> None:
    """Class letter above each beat, RR in ms between it and the beat before."""
    times = row.beats["time_s"].to_list()
    for i, beat in enumerate(row.beats.iter_rows(named=True)):
        x_mm = left_mm + (beat["time_s"] - row.start_s) * MM_PER_S
        colour = BEAT_COLOURS.get(beat["label"], INK)
        page.text(x_mm, top_mm + 2.4, beat["label"], size=6.5, weight="bold", colour=colour, align="center")
        if i and beat["rr_ms"] is not None:
            text, room_mm = f"{beat['rr_ms']:.0f}", (beat["time_s"] - times[i - 1]) * MM_PER_S
            if text_width_mm(text, 5.5) < room_mm:
                page.text(x_mm - room_mm / 2, top_mm + 4.8, text, size=5.5, colour=SOFT, align="center")
        page.line((x_mm, x_mm), (top_mm + 3.0, top_mm + LABELS_MM), colour=FAINT, width=0.3)


def check_words(words: Words, relative: bool) -> str:
    """How to tell whether the print has kept its scale."""
    return words("strip.check_relative" if relative else "strip.check_mv", check=words("strip.check"))


def draw_check_bar(page: Page, x_mm: float, y_mm: float, words: str) -> None:
    """A bar of 10 mm, and what to make of it."""
    end_mm = x_mm + CHECK_BAR_MM
    page.line((x_mm, end_mm), (y_mm, y_mm), colour=INK, width=1.0)
    for tick_mm in (x_mm, end_mm):
        page.line((tick_mm, tick_mm), (y_mm - 1.2, y_mm + 1.2), colour=INK, width=0.6)
    page.text(end_mm + 3, y_mm + 0.9, words, size=6.5, colour=SOFT)
