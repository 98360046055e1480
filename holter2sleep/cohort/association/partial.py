"""Partial residuals: what an exposure adds to a model, night by night."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from holter2sleep.cohort.association.design import within
from holter2sleep.cohort.association.estimate import MAIN, Exposure, fitted
from holter2sleep.cohort.association.fits import OK
from holter2sleep.cohort.association.model_data import ModelData
from holter2sleep.night import Float

SHOWN = 6  # exposures of a model: two lines of three panels

PARTIAL_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "model": pl.String,
    "exposure": pl.String,
    "label": pl.String,
    "x": pl.Float64,
    "component": pl.Float64,
    "residual": pl.Float64,
    "weight": pl.Float64,
}


def partial_residuals(data: ModelData, table: pl.DataFrame, exposure_of: Callable[[str], Exposure]) -> pl.DataFrame:
    """One row a night of a model's exposures with the smallest p, smallest first.

    `x` is the exposure on its scale less its mean, `component` the estimate times it, `residual` the component plus
    the working residual, to be averaged with `weight`. It is the estimate before any correction for its error.

    References
    ----------
    Larsen WA, McCleary SJ (1972) Technometrics 14:781-790; Landwehr JM, Pregibon D, Shoemaker AC (1984) J Am Stat Assoc
    79:61-71, for logistic regression; Therneau TM, Grambsch PM, Fleming TR (1990) Biometrika 77:147-160, for Cox.
    """
    own = (pl.col("model") == data.model.name) & (pl.col("kind") == MAIN) & (pl.col("status") == OK)
    top = table.filter(own).sort("p", maintain_order=True).head(SHOWN)
    rows = [_residuals(data, exposure_of(name), label) for name, label in top.select("exposure", "label").iter_rows()]
    return pl.concat([pl.DataFrame(schema=PARTIAL_SCHEMA), *rows])


def _residuals(data: ModelData, exposure: Exposure, label: str) -> pl.DataFrame:
    known = data.complete & exposure.known
    blocks = tuple(within(block, known) for block in data.blocks)
    fit, problem = fitted(data, exposure.name, exposure.values[known], known, blocks)
    x = exposure.values[known] - exposure.values[known].mean()
    weight = _weight(data.model.family, fit.expected)
    component = fit.estimate[0] * x
    columns = {
        "x": x * exposure.step,
        "component": component,
        "residual": component + (problem.outcome - fit.expected) / weight,
        "weight": weight,
    }
    facts = {"model": data.model.name, "exposure": exposure.name, "label": label}
    return pl.DataFrame({**{name: [text] * len(x) for name, text in facts.items()}, **columns}, PARTIAL_SCHEMA)


def _weight(family: str, expected: Float) -> Float:
    """Slope of the mean in the linear part, which makes residuals those of the link's scale."""
    slope = {"gaussian": np.ones_like(expected), "binomial": expected * (1 - expected)}.get(family, expected)
    return np.maximum(slope, np.finfo(float).tiny)
