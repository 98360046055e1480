"""Columns of a regression: categories as indicators, common scale, and the columns that others already say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.night import Float

# Smallest eigenvalue of the columns' correlations below which a coefficient is not determined: a hundred million
# times the variance it has alone. Belsley, Kuh and Welsch (1980) call a condition of 30 to 100 strong, this is 1e4.
LEAST_EIGENVALUE = 1e-8
_TAKES_PART = 1e-3  # of a column's weight in the combination that is (nearly) 0


@dataclass(frozen=True)
class Block:
    """The columns of one covariate: itself, or an indicator for each category but the most frequent."""

    covariate: str
    names: tuple[str, ...]
    columns: Float  # (n_rows, n_names); NaN where the value is unknown
    reference: str = ""  # the category the others are compared with


def number_block(covariate: str, values: pl.Series) -> Block:
    """A covariate of numbers."""
    return Block(covariate, (covariate,), numbers(values)[:, None])


def category_block(covariate: str, column: str, values: pl.Series) -> Block:
    """Indicators of the categories, named as `sex=M`; the reference is the most frequent, of equals the first."""
    text = values.cast(pl.String)
    counts = text.drop_nulls().value_counts().sort("count", text.name, descending=[True, False])[text.name].to_list()
    others = sorted(counts[1:])
    indicators = [text.eq(level).cast(pl.Float64).fill_null(np.nan).to_numpy() for level in others]
    columns = np.column_stack(indicators) if others else np.empty((len(values), 0))
    unknown = text.is_null().to_numpy()
    if unknown.any() and not others:
        columns = np.where(unknown, np.nan, 0.0)[:, None]
        return Block(covariate, (column,), columns, counts[0] if counts else "")
    return Block(covariate, tuple(f"{column}={level}" for level in others), columns, counts[0] if counts else "")


def within(block: Block, known: NDArray[np.bool_]) -> Block:
    """A covariate among some rows: without indicators of categories that none of them has.

    Where none has the reference, the most frequent of the others takes its place.
    """
    columns = block.columns[known]
    if not block.reference:
        return Block(block.covariate, block.names, columns)
    kept = [i for i, n in enumerate(columns.sum(axis=0)) if n]
    if kept and columns[:, kept].any(axis=1).all():
        kept.remove(max(kept, key=lambda i: columns[:, i].sum()))
    return Block(block.covariate, tuple(block.names[i] for i in kept), columns[:, kept], block.reference)


def numbers(values: pl.Series) -> Float:
    """A column as float64; NaN where nothing is known."""
    found: Float = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return found


def standardised(columns: Float) -> tuple[Float, Float]:
    """Columns with mean 0 and SD 1, and the SDs; a constant column becomes 0. arrays (n_rows, n), (n,)."""
    sd = columns.std(axis=0)
    constant = np.ptp(columns, axis=0) == 0
    return (columns - columns.mean(axis=0)) / np.where(constant, 1.0, sd) * ~constant, np.where(constant, 0.0, sd)


def entangled(design: Float, names: tuple[str, ...]) -> list[str]:
    """Names of columns of which one is told by the others, or that have one value; empty where all are determined.

    Parameters
    ----------
    design
        array (n_rows, n_columns), standardised, without intercept.

    Examples
    --------
    >>> a, b = np.array([-1.0, 0.0, 1.0, 0.0]), np.array([0.0, -1.0, 0.0, 1.0])
    >>> entangled(standardised(np.column_stack([a, b, a + b]))[0], ("a", "b", "sum"))
    ['a', 'b', 'sum']
    """
    constant = [name for name, column in zip(names, design.T, strict=True) if not column.any()]
    if constant or design.shape[1] < 2:
        return constant
    size, direction = np.linalg.eigh(design.T @ design / len(design))
    if size[0] >= LEAST_EIGENVALUE:
        return []
    weights = np.abs(direction[:, size < LEAST_EIGENVALUE]).max(axis=1)
    return [name for name, weight in zip(names, weights, strict=True) if weight > _TAKES_PART]
