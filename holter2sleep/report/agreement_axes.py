"""Draw agreement with a reference on one axes: confusion, reliability, kappa by coverage, Bland-Altman."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from holter2sleep.report.axes import EXTREME_COLOUR, RATE_COLOUR
from holter2sleep.report.page import FAINT, INK, RULE, SOFT

Row = Mapping[str, Any]

SHARES = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#8fb6d6", "#12427a"])
LEAST_SHARE = 0.01  # of the epochs: a bin of fewer shows the chance of a few of them
DARK_FROM = 0.55  # share of a row from which its cell needs light letters
BAND, LIMIT_BAND = "#c9d6e2", "#e9eef3"
CLASS_COLOURS = {2: "#8a6d00", 3: "#0b7a75", 4: "#4d8fc0", 5: "#12427a"}
WORDS = {"W": "Wake", "R": "REM", "L": "N1+N2", "sleep": "Sleep"}


def draw_confusion(ax: Axes, table: pl.DataFrame, classes: Sequence[str]) -> None:
    """Share of each reference stage that got each stage of the test, with the number of epochs."""
    share = table["row_share"].fill_null(0.0).to_numpy().reshape(len(classes), -1)
    count = table["n"].to_numpy().reshape(len(classes), -1)
    ax.pcolormesh(share, cmap=SHARES, vmin=0, vmax=1, edgecolors="white", linewidth=1.0)
    ax.set_ylim(len(classes), 0)
    for (row, column), value in np.ndenumerate(share):
        colour = "white" if value >= DARK_FROM else INK
        options: dict[str, Any] = {"ha": "center", "color": colour}
        ax.text(column + 0.5, row + 0.5, f"{100 * value:.0f} %", va="bottom", size=7, **options)
        ax.text(column + 0.5, row + 0.55, f"{count[row, column]}", va="top", size=5.5, **options)
    names = [WORDS.get(name, name) for name in classes]
    middle = np.arange(len(classes)) + 0.5
    ax.set_xticks(middle, names)
    ax.set_yticks(middle, names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("test")
    ax.set_ylabel("reference")


def draw_reliability(ax: Axes, table: pl.DataFrame) -> str | None:
    """Share of right answers against the chance said; below, how many answers were that sure."""
    _unit_square(ax, "chance of the answer", "share right")
    if table.is_empty():
        return "not enough data: no probabilities"
    n, said, right = (table[name].to_numpy() for name in ("n", "mean_chance", "share_right"))
    told = n >= LEAST_SHARE * n.sum()
    low, high = table["bin_low"].to_numpy(), table["bin_high"].to_numpy()
    ax.bar(low, 0.25 * n / n.max(), width=high - low, align="edge", color=BAND, edgecolor="white", linewidth=0.5)
    ax.plot([0, 1], [0, 1], color=FAINT, linewidth=0.6, linestyle=(0, (3, 2)))
    ax.plot(said[told], right[told], color=RATE_COLOUR, marker="o", markersize=3.2, clip_on=False)
    ax.text(0.04, 0.95, "bars: number of epochs", size=5.5, color=SOFT, va="top", transform=ax.transAxes)
    return None


def _unit_square(ax: Axes, x_label: str, y_label: str) -> None:
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=x_label, ylabel=y_label)
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def draw_coverage(ax: Axes, table: pl.DataFrame) -> str | None:
    """Kappa of the surest epochs against the share that is kept, for each number of classes."""
    ax.set(xlim=(101, 34), xlabel="% of the epochs kept, the surest first", ylabel="kappa")
    ax.set_xticks([100, 75, 50])
    shown = table.drop_nulls("kappa")
    if shown.is_empty():
        return "not enough data: no probabilities"
    lowest = min(0.0, float(np.floor(10 * shown["kappa"].to_numpy().min()) / 10))
    ax.set_ylim(lowest, 1)
    ends = []
    for n_classes, rows in shown.partition_by("n_classes", as_dict=True).items():
        kept, kappa = 100 * rows["coverage"].to_numpy(), rows["kappa"].to_numpy()
        ax.plot(kept, kappa, color=CLASS_COLOURS[n_classes[0]], marker="o", markersize=2.2)
        ends.append((float(kappa[-1]), n_classes[0]))
    place = np.inf
    for at, n in sorted(ends, reverse=True):
        place = min(at, place - 0.06 * (1 - lowest))  # one label below the other where the lines meet
        ax.text(48, place, f"{n} classes", size=6, color=CLASS_COLOURS[n], va="center", ha="left")
    return None


def draw_bland_altman(ax: Axes, measures: pl.DataFrame, row: Row) -> None:
    """Differences against means; bias and limits of agreement, with their intervals as bands."""
    middle = ((measures["test"] + measures["reference"]) / 2).to_numpy()
    difference = (measures["test"] - measures["reference"]).to_numpy()
    for name, colour in (("lower", LIMIT_BAND), ("upper", LIMIT_BAND), ("bias", BAND)):
        if row[f"{name}_low"] is not None:
            ax.axhspan(row[f"{name}_low"], row[f"{name}_high"], color=colour, linewidth=0, zorder=0)
    ax.axhline(0, color=RULE, linewidth=0.5)
    ax.axhline(row["bias"], color=RATE_COLOUR, linewidth=0.9)
    for name in ("lower", "upper"):
        if row[name] is not None:
            ax.axhline(row[name], color=EXTREME_COLOUR, linewidth=0.7, linestyle=(0, (4, 2)))
    ax.plot(middle, difference, "o", markersize=2.6, markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.7)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_locator(MaxNLocator(5))
