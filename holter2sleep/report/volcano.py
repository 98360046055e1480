"""Volcano plot of one model: how large each association is against how surely it is there."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from holter2sleep.night import Float
from holter2sleep.report.forest import LEAST_Q, main_estimates, measure_text
from holter2sleep.report.page import FAINT, INK, MM_PER_INCH, SOFT, fitting

LEAST_POINTS = 8  # fewer are read from the forest plot
NAMED = 12
LINE = 0.055  # of the axes' height, between two names
HEIGHT_MM, BELOW_MM, ABOVE_MM, BESIDE_MM, LETTER_MM = 96.0, 13.0, 7.0, 14.0, 62.0
UP, DOWN, NEITHER = "#b5225b", "#1f5f99", "#b4b9bf"
SIZE = 6.5
_LEAST_P = 1e-300  # what a float can still tell from 0


def draw_volcano(rows: pl.DataFrame, width_mm: float) -> Figure:
    """A sheet with the volcano of a model."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, HEIGHT_MM / MM_PER_INCH))
    draw_volcano_on(figure, rows, width_mm)
    return figure


def has_volcano(rows: pl.DataFrame) -> bool:
    """Whether a model has enough estimates for one."""
    return main_estimates(rows).height >= LEAST_POINTS


def draw_volcano_on(figure: FigureBase, rows: pl.DataFrame, width_mm: float) -> None:
    """-log10 p over the estimate of each main row that has one; the surest are named at the right."""
    points = main_estimates(rows).with_columns(height=-pl.col("p").clip(_LEAST_P).log10())
    plot_mm = width_mm - BESIDE_MM - LETTER_MM
    box = (BESIDE_MM / width_mm, BELOW_MM / HEIGHT_MM, plot_mm / width_mm, 1 - (BELOW_MM + ABOVE_MM) / HEIGHT_MM)
    ax = figure.add_axes(box)
    _draw_points(ax, points)
    _draw_limit(ax, points)
    _name_points(ax, points.sort("p", maintain_order=True))
    _write_axes(ax, rows)


def _draw_points(ax: Axes, points: pl.DataFrame) -> None:
    sure = (points["q"] < LEAST_Q).to_numpy()
    x, y = points["estimate"].to_numpy(), points["height"].to_numpy()
    for which, colour, words in (
        (~sure, NEITHER, f"q ≥ {LEAST_Q}"),
        (sure & (x > 0), UP, f"q < {LEAST_Q}, positive"),
        (sure & (x <= 0), DOWN, f"q < {LEAST_Q}, negative"),
    ):
        if which.any():
            ax.plot(x[which], y[which], "o", ms=3.6, mfc=colour, mec="white", mew=0.3, label=f"{words} ({which.sum()})")
    reach = 1.08 * float(np.abs(x).max() or 1.0)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(0, 1.08 * max(float(y.max()), 1.5))
    ax.axvline(0, color=FAINT, lw=0.6, zorder=0)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, fontsize=SIZE - 0.5, frameon=False, handletextpad=0.2)


def _draw_limit(ax: Axes, points: pl.DataFrame) -> None:
    """The p that Benjamini and Hochberg's rule has kept to, where the model is one family of tests."""
    n_kept = int((points["q"] < LEAST_Q).sum())
    if n_kept and points["fdr_family"].unique().to_list() == [points["model"][0]]:
        ax.axhline(-np.log10(LEAST_Q * n_kept / len(points)), color=SOFT, lw=0.7, ls=(0, (4, 2)))


def _name_points(ax: Axes, points: pl.DataFrame) -> None:
    """Names in a column at the right, each led to its point; of the surest, or of three where none is sure."""
    sure = points.filter(pl.col("q") < LEAST_Q)
    named = (sure if len(sure) else points.head(3)).head(NAMED)
    wanted = ax.transLimits.transform(named.select("estimate", "height").to_numpy())[:, 1]
    for row, place in zip(named.iter_rows(named=True), spread(wanted, LINE), strict=True):
        ax.annotate(
            fitting(row["label"], LETTER_MM - 9, SIZE - 0.3),
            (row["estimate"], row["height"]),
            (1.06, place),
            textcoords="axes fraction",
            size=SIZE - 0.3,
            va="center",
            color=INK,
            parse_math=False,
            arrowprops={
                "arrowstyle": "-",
                "color": FAINT,
                "lw": 0.35,
                "shrinkA": 1,
                "shrinkB": 2.2,
                "relpos": (0, 0.5),
            },
        )


def spread(wanted: Float, apart: float) -> Float:
    """Places as near as can be to those wanted, highest first, at least `apart` from each other and above 0.

    Examples
    --------
    >>> spread(np.array([0.9, 0.9, 0.2]), 0.1).round(2).tolist()
    [0.9, 0.8, 0.2]
    """
    places = wanted.copy()
    for i in range(1, len(places)):
        places[i] = min(places[i], places[i - 1] - apart)
    below = max(apart / 2 - places[-1], 0.0) if len(places) else 0.0
    for i in reversed(range(len(places))):  # lift the lowest above the axis, and those it meets
        floor = places[i + 1] + apart if i + 1 < len(places) else apart / 2
        places[i] = max(places[i], floor) if below else places[i]
    return places


def _write_axes(ax: Axes, rows: pl.DataFrame) -> None:
    per = "SD" if rows["per"][0].startswith("1 SD") else "unit"
    scale = rows["scale"][0]
    ax.set_xlabel(f"{scale.capitalize() if scale.startswith('log') else measure_text(scale)} per {per} of the exposure")
    ax.set_ylabel("\N{MINUS SIGN}log\N{SUBSCRIPT ONE}\N{SUBSCRIPT ZERO} p")
    ax.text(1.06, 1.03, f"{rows['model'][0]}", transform=ax.transAxes, size=SIZE + 1, weight="bold", parse_math=False)
