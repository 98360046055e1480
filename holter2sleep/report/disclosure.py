"""Every minute of the waveform, one minute a line: what a reader leafs through to trust the rest, or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from holter2sleep.night import Float
from holter2sleep.report.axes import BEAT_COLOURS, HOUR_S, bars, unusable_hours
from holter2sleep.report.grid import panel, paragraph
from holter2sleep.report.layout import Layout, Section
from holter2sleep.report.page import INK, MARGIN_MM, RULE, SOFT, TEXT_WIDTH_MM, Block, Page
from holter2sleep.report.tables import ReportNight
from holter2sleep.spans import intersection
from holter2sleep.waveform import Waveform

LINE_S, LINE_MM = 60.0, 4.3  # 60 lines on a page of A4
LINES_A_BLOCK = 10
CLOCK_MM = 13.0  # left of the lines
COLUMNS = 900  # of a line: one each 0.19 mm, finer than the eye; each shows the lowest and the highest sample
BASELINE_S = 2.0  # a median over this much holds one beat at least, and none of them moves it
ROOM = 0.8  # of the height of a line, up and down, before the trace is cut
R_SHARE = 0.65  # of the height of a line that the median R may take
GAINS_MM_PER_MV = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0)  # those of paper recorders
BEFORE_S, BEHIND_S = 0.15, 0.35  # of a beat, drawn in its colour
MARKS = {"V": "v", "S": "o", "F": "d", "Q": "x"}  # above ectopic beats: told apart without colour, too
GRID_S = 10.0


@dataclass(frozen=True)
class Traces:
    """What the lines are drawn from."""

    ecg: Waveform
    fs: float
    mm_per_unit: float  # unit of the samples: mV, or that of the file where nobody knows its size
    ectopic: dict[str, Float]  # times by class, s


def full_disclosure(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """All minutes under a line on the scale, or the reason why there are none."""
    if night.run["channel"] is None:
        return [panel(night.words("disclosure.beats_only"))]
    if night.waveform is None:
        return [panel(night.words("disclosure.no_recording"))]
    traces = _traces(night, night.waveform)
    n_lines = int(np.ceil(night.run["duration_s"] / LINE_S))
    numbers = [range(i, min(i + LINES_A_BLOCK, n_lines)) for i in range(0, n_lines, LINES_A_BLOCK)]
    blocks = [
        Block(LINE_MM * len(lines), partial(_draw_lines, lines=lines, night=night, traces=traces)) for lines in numbers
    ]
    return [paragraph(_scale_text(night, traces), colour=SOFT), *blocks]


def _traces(night: ReportNight, ecg: Waveform) -> Traces:
    height = night.beats.filter("usable")["amplitude_mv"].cast(pl.Float64).abs().median()
    label, time_s = night.beats["label"], night.beats["time_s"]
    ectopic = {kind: time_s.filter(label == kind).to_numpy() for kind in MARKS}
    r_height = height if isinstance(height, float) else 1.0
    return Traces(ecg, float(night.run["fs"]), gain(r_height, night.has_no_scale), ectopic)


def gain(r_height: float, relative: bool) -> float:
    """Millimetres of a unit: a usual gain at which the median R stays within its share of a line.

    Where the unit is relative, no gain is usual, and R takes its share.

    Examples
    --------
    >>> gain(1.1, relative=False), gain(0.2, relative=False)
    (2.5, 10.0)
    """
    largest = R_SHARE * LINE_MM / r_height if r_height > 0 else GAINS_MM_PER_MV[0]
    if relative:
        return largest
    return max((each for each in GAINS_MM_PER_MV if each <= largest), default=GAINS_MM_PER_MV[0])


def _scale_text(night: ReportNight, traces: Traces) -> str:
    words = night.words
    scale = words("disclosure.relative") if night.has_no_scale else words.number(f"{traces.mm_per_unit:g} mm/mV")
    return words("disclosure.scale", scale=scale, grid=f"{GRID_S:g}", baseline=f"{BASELINE_S:g}")


def _draw_lines(page: Page, top_mm: float, lines: range, night: ReportNight, traces: Traces) -> None:
    height_mm, width_mm = LINE_MM * len(lines), TEXT_WIDTH_MM - CLOCK_MM
    ax = page.axes(MARGIN_MM + CLOCK_MM, top_mm, width_mm, height_mm, xlim=(0, LINE_S), ylim=(height_mm, 0))
    ax.set_axis_off()
    for at_s in np.arange(0, LINE_S + 1, GRID_S):
        ax.axvline(at_s, color=RULE, linewidth=0.2, zorder=0)
    for row, number in enumerate(lines):
        middle_mm = LINE_MM * (row + 0.5)
        page.text(MARGIN_MM, top_mm + middle_mm + 0.8, night.time_name(LINE_S * number), size=5.6, colour=SOFT)
        _shade(ax, night, LINE_S * number, LINE_MM * row)
    _draw_traces(ax, lines, traces)


def _shade(ax: Axes, night: ReportNight, start_s: float, top_mm: float) -> None:
    """Grey where the line was not analysed."""
    line = np.array([[start_s, start_s + LINE_S]])
    lost = intersection(HOUR_S * unusable_hours(night.epochs), line) - start_s
    bars(ax, lost, top_mm, LINE_MM, "#e3e3e3", zorder=0.5)


def _draw_traces(ax: Axes, lines: range, traces: Traces) -> None:
    """All lines of a block as one path, and ectopic beats over it in their colours."""
    drawn = [envelope(traces, LINE_S * number) for number in lines]
    middle_mm = LINE_MM * (np.arange(len(lines)) + 0.5)
    x_s = np.concatenate([np.append(x, np.nan) for x, _ in drawn])
    y_mm = np.concatenate([np.append(at - y, np.nan) for at, (_, y) in zip(middle_mm, drawn, strict=True)])
    time_s = np.concatenate(
        [np.append(LINE_S * number + x, np.nan) for number, (x, _) in zip(lines, drawn, strict=True)]
    )
    ax.plot(x_s, y_mm, color=INK, linewidth=0.25)
    for kind, beats_s in traces.ectopic.items():
        here_s = beats_s[(beats_s >= LINE_S * lines.start) & (beats_s < LINE_S * lines.stop)]
        if len(here_s) == 0:
            continue
        ax.plot(x_s, np.where(near(time_s, here_s), y_mm, np.nan), color=BEAT_COLOURS[kind], linewidth=0.4)
        row = (here_s // LINE_S).astype(np.int64) - lines.start
        top_mm = LINE_MM * row + 0.5
        ax.plot(here_s % LINE_S, top_mm, MARKS[kind], color=BEAT_COLOURS[kind], markersize=1.6, markeredgewidth=0.2)


def near(time_s: Float, beats_s: Float) -> np.ndarray:
    """Which times lie in a beat, from shortly before R to the end of T. array (n,) bool.

    Examples
    --------
    >>> near(np.array([0.8, 0.9, 1.0, 1.3, 1.4]), np.array([1.0])).tolist()
    [False, True, True, True, False]
    """
    before = np.searchsorted(beats_s, time_s - BEHIND_S)  # the first beat that is not over yet
    at_s = np.append(beats_s, np.inf)[before]
    return (at_s - BEFORE_S <= time_s) & np.isfinite(time_s)


def envelope(traces: Traces, start_s: float) -> tuple[Float, Float]:
    """The trace of a line: seconds within it, and mm above its middle; NaN where the signal is missing.

    Columns that hold several samples show their lowest and highest, so that no peak is lost.
    """
    fs = traces.fs
    first, last = round(start_s * fs), min(round((start_s + LINE_S) * fs), len(traces.ecg))
    ecg = traces.ecg[first:last].astype(np.float64)
    if len(ecg) == 0:
        return np.empty(0), np.empty(0)
    limit_mm = ROOM * LINE_MM
    mm = np.clip(traces.mm_per_unit * (ecg - baseline(ecg, fs)), -limit_mm, limit_mm)
    edges = np.unique(np.arange(COLUMNS) * round(LINE_S * fs) // COLUMNS)
    edges = edges[edges < len(mm)]
    pairs = np.column_stack([np.fmin.reduceat(mm, edges), np.fmax.reduceat(mm, edges)])
    pairs[1::2] = pairs[1::2, ::-1]  # down and up again: no line from edge to edge between columns
    return np.repeat(edges / fs, 2), pairs.ravel()


def baseline(ecg: Float, fs: float) -> Float:
    """Medians of stretches of two seconds, straight between them; what is missing counts as the median of all.

    array (n,), in the unit of `ecg`.
    """
    known = np.isfinite(ecg)
    filled = np.where(known, ecg, np.median(ecg[known]) if known.any() else 0.0)
    size = max(1, round(BASELINE_S * fs))
    starts = np.arange(0, max(len(filled) - size // 2, 1), size)
    medians = np.array([np.median(filled[at : at + size]) for at in starts])
    return np.interp(np.arange(len(filled)), starts + size / 2, medians)
