"""Section of the report: successive RR intervals against one another, and how long intervals are, by kind of beat."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from holter2sleep.night import Bool, Float, Text
from holter2sleep.report.axes import BEAT_COLOURS, number_ticks
from holter2sleep.report.grid import panel
from holter2sleep.report.layout import Layout, Section
from holter2sleep.report.page import MARGIN_MM, RULE, SOFT, TEXT_WIDTH_MM, Block, Page
from holter2sleep.report.point_cloud import draw_points
from holter2sleep.report.tables import ReportNight
from holter2sleep.report.tachogram import limits_s
from holter2sleep.report.words import Words

SIDE_MM, LEFT_MM, GAP_MM, FOOT_MM, HEAD_MM = 52.0, 12.0, 22.0, 9.0, 5.0
SHAPE = (400, 400)  # of the Poincare plot: a pixel each 0.13 mm
BIN_S = 0.02
SECONDS = "{:.1f}"
KINDS = ("N", "S", "V")
FEWEST = 10  # intervals: fewer make no picture


def rr_pictures(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """A Poincare plot and a histogram of the usable intervals, by the kind of the beat that ends them."""
    beats = night.beats.filter("usable")
    rr_s = beats["rr_ms"].cast(float).fill_null(np.nan).to_numpy() / 1000
    kind = beats["label"].to_numpy()
    if np.isfinite(rr_s).sum() < FEWEST:
        return [panel(night.words("empty.few_intervals", fewest=FEWEST))]
    side_mm = SIDE_MM * section.size
    limits, words = limits_s(rr_s[np.isfinite(rr_s)]), night.words

    def draw(page: Page, top_mm: float) -> None:
        y_mm, left_mm = top_mm + HEAD_MM, MARGIN_MM + LEFT_MM
        right_mm = left_mm + side_mm + GAP_MM
        _draw_poincare(page.axes(left_mm, y_mm, side_mm, side_mm), rr_s, kind, limits, words)
        _draw_histogram(
            page.axes(right_mm, y_mm, MARGIN_MM + TEXT_WIDTH_MM - right_mm, side_mm), rr_s, kind, limits, words
        )
        page.text(left_mm, top_mm + 3, words("rr.poincare"), size=6.5, weight="bold")
        page.text(right_mm, top_mm + 3, words("rr.histogram"), size=6.5, weight="bold")

    return [Block(HEAD_MM + side_mm + FOOT_MM, draw)]


def successive(rr_s: Float) -> Bool:
    """Intervals whose predecessor is known too. array (n,).

    Examples
    --------
    >>> successive(np.array([np.nan, 0.8, 0.9])).tolist()
    [False, False, True]
    """
    known = np.isfinite(rr_s)
    return known & np.r_[False, known[:-1]]


def _draw_poincare(ax: Axes, rr_s: Float, kind: Text, limits: tuple[float, float], words: Words) -> None:
    pair = np.flatnonzero(successive(rr_s))
    ax.plot(limits, limits, color=RULE, linewidth=0.4, zorder=0)
    draw_points(ax, rr_s[pair - 1], rr_s[pair], kind[pair], (*limits, *limits), SHAPE)
    ax.set(xlim=limits, ylim=limits, xlabel=words("rr.before"), ylabel=words("rr.interval"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))  # the same ones both ways
        number_ticks(axis, words, SECONDS)


def _draw_histogram(ax: Axes, rr_s: Float, kind: Text, limits: tuple[float, float], words: Words) -> None:
    """Counts on a logarithmic axis: of 30,000 intervals a handful of ectopic ones must be seen."""
    edges = np.arange(round(limits[0] / BIN_S), round(limits[1] / BIN_S) + 1) * BIN_S
    for name in KINDS:
        own = np.clip(rr_s[(kind == name) & np.isfinite(rr_s)], edges[0], edges[-1] - BIN_S / 2)
        counts = np.histogram(own, edges)[0]
        ax.stairs(
            counts,
            edges,
            color=BEAT_COLOURS[name],
            linewidth=0.9,
            label=f"{name}  {words.whole(len(own))}",
            baseline=None,
        )
    ax.set(yscale="log", xlim=limits, ylim=(0.8, None), xlabel=words("rr.interval"), ylabel=words("rr.number"))
    number_ticks(ax.xaxis, words, SECONDS)
    number_ticks(ax.yaxis, words)
    ax.legend(loc="upper right", fontsize=6, frameon=False, handlelength=1.2, labelcolor=SOFT)
