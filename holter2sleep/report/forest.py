"""Forest plot of one model: estimate and interval of each exposure, with its number of nights, p and q."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from holter2sleep.counted import counted
from holter2sleep.report.page import FAINT, INK, MM_PER_INCH, RULE, SOFT, fitting, text_width_mm

MAIN, SUBGROUP = "main", "subgroup"
MOST_LINES = 45  # a page; of more, those with the smallest p
LEAST_Q = 0.05  # below: filled, as studies are used to
LINE_MM, TOP_MM, BOTTOM_MM = 4.4, 12.0, 13.0
RIGHT_MM, N_MM, P_MM, Q_MM = 82.0, 54.0, 67.0, 80.0  # columns right of the plot: their ends
SIZE = 6.5
COLOUR = "#1f3b57"
Row = dict[str, Any]


def draw_forest(rows: pl.DataFrame, width_mm: float) -> Figure:
    """A sheet with the forest of a model."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, forest_height_mm(rows) / MM_PER_INCH))
    draw_forest_on(figure, rows, width_mm)
    return figure


def main_estimates(rows: pl.DataFrame) -> pl.DataFrame:
    """The main rows of a model's table that have an estimate."""
    return rows.filter(pl.col("kind") == MAIN, pl.col("p").is_not_null())


def forest_height_mm(rows: pl.DataFrame) -> float:
    """Height of the forest of a model."""
    return _height_mm(_lines(rows)[0])


def _height_mm(lines: list[Row]) -> float:
    return TOP_MM + LINE_MM * len(lines) + BOTTOM_MM


def draw_forest_on(figure: FigureBase, rows: pl.DataFrame, width_mm: float) -> None:
    """The main rows of a model's table in its order, each with its subgroups; ratios on a logarithmic axis."""
    lines, words = _lines(rows)
    height_mm = _height_mm(lines)
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, width_mm), ylim=(height_mm, 0))
    sheet.set_axis_off()
    left_mm = min(max(text_width_mm(_name(row), SIZE) for row in lines) + 6, 0.42 * width_mm)
    plot_mm = width_mm - left_mm - RIGHT_MM
    is_ratio = rows["scale"][0].startswith("log")
    box = (left_mm / width_mm, BOTTOM_MM / height_mm, plot_mm / width_mm, LINE_MM * len(lines) / height_mm)
    ax = figure.add_axes(box, ylim=(len(lines) - 0.5, -0.5))
    _draw_axis(ax, lines, is_ratio)
    for i, row in enumerate(lines):
        _draw_row(ax, i, row)
        _write_row(sheet, TOP_MM + LINE_MM * (i + 0.5), row, left_mm + plot_mm, is_ratio, left_mm)
    _write_heads(sheet, rows, left_mm + plot_mm)
    _write_foot(sheet, lines[0], height_mm, words, is_ratio)


def _lines(rows: pl.DataFrame) -> tuple[list[Row], str]:
    """Rows as drawn, and words where they are not all."""
    main = rows.filter(pl.col("kind") == MAIN).with_row_index("place")
    n_subgroups = rows.filter(pl.col("kind") == SUBGROUP)["subgroup"].n_unique()
    most = max(MOST_LINES // (1 + n_subgroups), 1)
    shown = main.sort("p", nulls_last=True, maintain_order=True).head(most).sort("place")
    lines = []
    for row in shown.iter_rows(named=True):
        own = (pl.col("kind") == SUBGROUP) & (pl.col("exposure") == row["exposure"])
        lines += [row, *rows.filter(own).iter_rows(named=True)]
    return lines, f" {len(shown)} of {counted(len(main), 'exposure')}, those with the smallest p." if len(shown) < len(
        main
    ) else ""


def _name(row: Row) -> str:
    return f"      {row['subgroup']}" if row["kind"] == SUBGROUP else str(row["label"])


def _draw_axis(ax: Axes, lines: list[Row], is_ratio: bool) -> None:
    """Limits around the intervals, but for those that dwarf all others."""
    ends = np.array([[row["ci_low"], row["ci_high"]] for row in lines if row["estimate"] is not None], float)
    reach = np.abs(ends).max(axis=1) if len(ends) else np.array([1.0])
    limit = min(float(reach.max()), 4 * float(np.quantile(reach, 0.75)))
    low, high = (ends[:, 0].min(), ends[:, 1].max()) if len(ends) else (-1.0, 1.0)
    low, high = max(min(low, 0.0), -limit), min(max(high, 0.0), limit)
    ax.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    ax.axvline(0, color=FAINT, lw=0.7, zorder=0)
    ax.yaxis.set_major_locator(NullLocator())
    ax.spines["left"].set_visible(False)
    if is_ratio:
        ax.xaxis.set_major_locator(FixedLocator(np.log(_ratios(*ax.get_xlim())).tolist()))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{np.exp(value):.3g}"))


def _ratios(low: float, high: float) -> list[float]:
    """Round ratios between two logarithms, 1 among them."""
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        decades = [step * 10.0**power for power in range(-9, 9) for step in steps]
        found = [ratio for ratio in decades if low <= np.log(ratio) <= high]
        if len(found) >= 4:
            return found
    width = max(float(f"{(np.exp(high) - np.exp(low)) / 4:.0e}"), 1e-3)
    return [1 + width * k for k in range(-20, 21) if 1 + width * k > 0 and low <= np.log(1 + width * k) <= high]


def _draw_row(ax: Axes, i: int, row: Row) -> None:
    if row["estimate"] is None:
        return
    is_main = row["kind"] == MAIN
    width = 1.1 if is_main else 0.7
    ax.plot([row["ci_low"], row["ci_high"]], [i, i], color=COLOUR, lw=width, clip_on=True)
    face = COLOUR if row["q"] is not None and row["q"] < LEAST_Q else "white"
    ax.plot(row["estimate"], i, "s" if is_main else "o", ms=4.2 if is_main else 3.0, mfc=face, mec=COLOUR, mew=0.8)
    low, high = ax.get_xlim()
    for beyond, mark, at in ((row["ci_low"] < low, "<", low), (row["ci_high"] > high, ">", high)):
        if beyond:  # the interval goes on
            ax.plot(at, i, mark, ms=3, color=COLOUR, clip_on=False)


def _write_row(sheet: Axes, y_mm: float, row: Row, right_mm: float, is_ratio: bool, left_mm: float) -> None:
    is_main = row["kind"] == MAIN
    look: Row = {"size": SIZE, "va": "center", "color": INK if is_main else SOFT, "parse_math": False}
    sheet.text(2, y_mm, fitting(_name(row), left_mm - 5, SIZE), **look)
    if row["estimate"] is None:
        sheet.text(right_mm + 3, y_mm, f"no estimate: {row['status']}", **{**look, "color": FAINT})
        return
    sheet.text(right_mm + 3, y_mm, estimate_text(row, is_ratio), **look)
    n = f"{row['n']:,}" if row["n_events"] is None else f"{row['n_events']:,} / {row['n']:,}"
    for at_mm, words in ((N_MM, n), (P_MM, p_text(row["p"])), (Q_MM, p_text(row["q"]))):
        sheet.text(right_mm + at_mm, y_mm, words, ha="right", **look)


def estimate_text(row: Row, is_ratio: bool) -> str:
    """Estimate and interval as printed; ratios in place of their logarithms.

    Examples
    --------
    >>> estimate_text({"estimate": 0.0, "ci_low": -0.1, "ci_high": 0.1}, True)
    '1.00 (0.90 to 1.11)'
    """
    values = [row[name] for name in ("estimate", "ci_low", "ci_high")]
    if is_ratio:
        shown = ["> 1e6" if value > np.log(1e6) else f"{np.exp(value):.2f}" for value in values]
    else:
        decimals = int(np.clip(2 - np.floor(np.log10(max(abs(values[2] - values[1]), 1e-6))), 0, 6))
        shown = [f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for value in values]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def p_text(p: float) -> str:
    """A probability as journals print it.

    Examples
    --------
    >>> p_text(0.0312), p_text(0.00042), p_text(3e-9)
    ('0.031', '< 0.001', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _write_heads(sheet: Axes, rows: pl.DataFrame, right_mm: float) -> None:
    look: Row = {"size": SIZE, "va": "baseline", "color": INK, "weight": "bold", "parse_math": False}
    sheet.text(2, 4.6, f"{rows['model'][0]} (outcome: {rows['outcome'][0]})", **{**look, "size": SIZE + 1.5})
    y_mm = TOP_MM - 1.6
    sheet.text(2, y_mm, "Exposure", **look)
    sheet.text(right_mm + 3, y_mm, f"{measure_text(rows['scale'][0])} (95 % CI)", **look)
    n = "n" if rows["n_events"].is_null().all() else "events / n"
    for at_mm, words in ((N_MM, n), (P_MM, "p"), (Q_MM, "q")):
        sheet.text(right_mm + at_mm, y_mm, words, ha="right", **look)
    sheet.plot([2, right_mm + Q_MM], [TOP_MM - 0.4] * 2, color=RULE, lw=0.6)


def measure_text(scale: str) -> str:
    """What is printed of estimates on a scale.

    Examples
    --------
    >>> measure_text("log odds ratio"), measure_text("difference")
    ('Odds ratio', 'Difference')
    """
    return scale.removeprefix("log ").capitalize()


def _write_foot(sheet: Axes, row: Row, height_mm: float, n_shown: str, is_ratio: bool) -> None:
    per = "SD of the exposure" if row["per"].startswith("1 SD") else "unit of the exposure"
    axis = ", logarithmic axis" if is_ratio else ""
    words = f"{measure_text(row['scale'])} per {per}{axis}. Filled: q < {LEAST_Q}.{n_shown}"
    sheet.text(2, height_mm - 2.6, words, size=SIZE - 0.5, color=SOFT, parse_math=False)
