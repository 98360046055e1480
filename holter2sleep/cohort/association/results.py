"""The table of associations."""

from __future__ import annotations

import polars as pl

from holter2sleep.cohort.association.estimate import INTERACTION, SUBGROUP
from holter2sleep.cohort.association.plan import BY_DOMAIN, BY_MODEL, Model

# The columns of the contract in its order, then what explains them.
ASSOCIATION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "model": pl.String,
    "outcome": pl.String,
    "exposure": pl.String,
    "estimate": pl.Float64,
    "std_error": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "n": pl.Int64,
    "n_events": pl.Int64,
    "n_clusters": pl.Int64,
    "status": pl.String,
    "per": pl.String,
    "kind": pl.String,  # main, interaction or subgroup
    "term": pl.String,  # the exposure, or its product with a covariate
    "subgroup": pl.String,
    "scale": pl.String,  # what the estimate is: a difference, a log ratio
    "transform": pl.String,
    "outcome_transform": pl.String,
    "method": pl.String,
    "fdr_family": pl.String,
    "domain": pl.String,
    "label": pl.String,
    "reason": pl.String,  # why there is no estimate
}
_APART = {INTERACTION: " (interactions)", SUBGROUP: " (subgroups)"}  # tests of other questions than the main one


def family_of_tests(model: Model, domain: str, kind: str) -> str:
    """Name of the family of tests in which false discoveries are held."""
    families = {BY_MODEL: model.name, BY_DOMAIN: f"{model.name}: {domain}"}
    return families.get(model.fdr, model.fdr) + _APART.get(kind, "")


def with_q(table: pl.DataFrame) -> pl.DataFrame:
    """The table with `q`: p adjusted by Benjamini and Hochberg within each family of tests.

    References
    ----------
    Benjamini Y, Hochberg Y (1995) Controlling the false discovery rate. J R Stat Soc B 57:289-300.

    Examples
    --------
    >>> with_q(pl.DataFrame({"p": [0.01, 0.04, 0.03, None], "fdr_family": "m"}))["q"].to_list()
    [0.03, 0.04, 0.04, None]
    """
    p = pl.col("p")
    adjusted = p * p.count() / p.rank("max")
    return (
        table.drop("q", strict=False)
        .with_row_index("_row")
        .sort("p", descending=True, nulls_last=True, maintain_order=True)
        .with_columns(q=adjusted.cum_min().over("fdr_family"))
        .sort("_row")
        .select([name for name in ASSOCIATION_SCHEMA if name in (*table.columns, "q")])
    )
