"""Partial residuals of a model's surest exposures: whether a line is a fair picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from holter2sleep.night import Float
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import phenotype_of
from holter2sleep.report.page import INK, MM_PER_INCH, SOFT, wrap
from holter2sleep.report.tables import unit_text

PER_LINE = 3
PANEL_MM, BESIDE_MM, BELOW_MM, ABOVE_MM, FOOT_MM = 42.0, 14.0, 11.0, 9.0, 5.0
N_BINS = 10
MANY = 400  # nights, of which the outermost may leave the panel
REACH = 1.96  # standard errors of a 95 % interval
DOT, LINE, MEAN = "#9fb4c8", "#b5225b", "#1f3b57"
SIZE = 6.5


def draw_partial_residuals(residuals: pl.DataFrame, rows: pl.DataFrame, width_mm: float) -> Figure:
    """One panel an exposure: the model's line, means of ten groups of nights, and the nights of normal outcomes."""
    panels = residuals.partition_by("exposure", maintain_order=True)
    n_lines = -(-len(panels) // PER_LINE)
    line_mm = ABOVE_MM + PANEL_MM + BELOW_MM
    height_mm = n_lines * line_mm + FOOT_MM
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH))
    column_mm = width_mm / PER_LINE
    is_normal = rows["scale"][0] == "difference"
    for i, panel in enumerate(panels):
        left_mm = (i % PER_LINE) * column_mm + BESIDE_MM
        bottom_mm = height_mm - (i // PER_LINE + 1) * line_mm + BELOW_MM
        wide_mm = column_mm - BESIDE_MM - 2
        box = (left_mm / width_mm, bottom_mm / height_mm, wide_mm / width_mm, PANEL_MM / height_mm)
        ax = figure.add_axes(box)
        draw_panel(ax, panel, is_normal)
        _write_panel(ax, panel, rows, i % PER_LINE == 0, wide_mm)
    dots = "dots: nights; " if is_normal else ""
    words = f"{rows['model'][0]}. Line: the model; squares: means of tenths of the nights, with 95 % intervals; {dots}"
    words = f"{words}x less its mean."
    figure.text(2 / width_mm, 2 / height_mm, words, size=SIZE - 0.5, color=SOFT, parse_math=False)
    return figure


def draw_panel(ax: Axes, panel: pl.DataFrame, is_normal: bool) -> None:
    """Component plus residual over the exposure."""
    x, residual = panel["x"].to_numpy(), panel["residual"].to_numpy()
    if is_normal:
        size, alpha = (2.2, 300 / len(x) + 0.15) if len(x) > MANY else (4.5, 1.0)
        ax.plot(x, residual, ".", ms=size, color=DOT, alpha=min(alpha, 1.0), mew=0, rasterized=True)
    at, mean, reach = binned(x, residual, panel["weight"].to_numpy())
    ends = panel.sort("x").select("x", "component")[[0, -1]]
    ax.plot(ends["x"], ends["component"], color=LINE, lw=1.2)
    ax.errorbar(at, mean, REACH * reach, fmt="s", ms=3, color=MEAN, elinewidth=0.8, capsize=0)
    if is_normal:
        low, high = np.quantile(residual, [0.005, 0.995]) if len(x) > MANY else (residual.min(), residual.max())
        ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def binned(x: Float, residual: Float, weight: Float) -> tuple[Float, Float, Float]:
    """Mean x, weighted mean residual and its standard error of about ten equal groups by x. arrays (n_bins,)."""
    edges = np.unique(np.quantile(x, np.linspace(0, 1, N_BINS + 1)[1:-1]))
    places = np.searchsorted(edges, x)  # equal values stay together
    groups = [np.flatnonzero(places == place) for place in np.unique(places) if (places == place).sum() > 1]
    at = np.array([x[group].mean() for group in groups])
    mean = np.array([np.average(residual[group], weights=weight[group]) for group in groups])
    errors = [weight[group] * (residual[group] - m) for group, m in zip(groups, mean, strict=True)]
    se = np.array([np.sqrt((e**2).sum()) / weight[group].sum() for e, group in zip(errors, groups, strict=True)])
    return at, mean, se


def _write_panel(ax: Axes, panel: pl.DataFrame, rows: pl.DataFrame, is_first: bool, wide_mm: float) -> None:
    own = rows.filter(pl.col("exposure") == panel["exposure"][0]).row(0, named=True)
    title = "\n".join(wrap(panel["label"][0], wide_mm, SIZE, "bold")[:2])
    ax.set_title(title, size=SIZE, weight="bold", loc="left", color=INK, pad=3, parse_math=False)
    ax.set_xlabel(f"{_scale_text(own)}, centred", size=SIZE, labelpad=2)
    if is_first:
        what = own["outcome"] if own["scale"] == "difference" else own["scale"]
        ax.set_ylabel(f"partial residual, {what}", size=SIZE, labelpad=2)


def _scale_text(row: dict[str, Any]) -> str:
    """What stands on the x axis: the unit, or the transform."""
    if row["transform"] != "none":
        return str(row["transform"])
    entry = load_dictionary().get(phenotype_of(row["exposure"])[0])
    return (unit_text(entry) if entry else "") or "x"
