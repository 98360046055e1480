"""Figures of an association study: forest, volcano, partial residuals, flow. Drawn from its tables alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
from matplotlib import style
from matplotlib.figure import Figure

from holter2sleep.assets import asset
from holter2sleep.report.flow_chart import Box, draw_flow
from holter2sleep.report.forest import draw_forest
from holter2sleep.report.partial_residuals import draw_partial_residuals
from holter2sleep.report.volcano import draw_volcano, has_volcano

WIDTH_MM = 180.0  # two columns of a journal
DOTS_PER_INCH = 300


def write_figures(
    folder: Path, associations: pl.DataFrame, partial: pl.DataFrame, flow: Sequence[Box], title: str
) -> None:
    """`flow`, and for each model `forest`, `volcano` (from 8 estimates on) and `partial_residuals`, as PDF and PNG."""
    with style.context(["default", asset("reports", "holter2sleep.mplstyle")]):
        _save(folder / "flow", draw_flow(flow, WIDTH_MM), title)
        names = file_names(associations["model"].unique(maintain_order=True))
        for model, name in names.items():
            rows = associations.filter(pl.col("model") == model)
            _save(folder / f"forest_{name}", draw_forest(rows, WIDTH_MM), title)
            if has_volcano(rows):
                _save(folder / f"volcano_{name}", draw_volcano(rows, WIDTH_MM), title)
            own = partial.filter(pl.col("model") == model)
            if len(own):
                _save(folder / f"partial_residuals_{name}", draw_partial_residuals(own, rows, WIDTH_MM), title)


def file_names(models: Iterable[str]) -> dict[str, str]:
    """Each model's name as part of a file's; those that would be the same are numbered.

    Examples
    --------
    >>> file_names(["AF / any", "AF any", "death"])
    {'AF / any': 'AF_any', 'AF any': 'AF_any_2', 'death': 'death'}
    """
    seen, found = Counter[str](), {}
    for model in models:
        name = re.sub(r"[^\w.-]+", "_", model).strip("_.") or "model"
        seen[name.casefold()] += 1
        found[model] = name if seen[name.casefold()] == 1 else f"{name}_{seen[name.casefold()]}"
    return found


def _save(stem: Path, figure: Figure, title: str) -> None:
    # no date: the same tables must give the same bytes
    figure.savefig(stem.with_name(f"{stem.name}.pdf"), metadata={"Title": title, "CreationDate": None})
    figure.savefig(stem.with_name(f"{stem.name}.png"), dpi=DOTS_PER_INCH, metadata={"Title": title})
