"""Agreement by groups of people and nights: an audit of for whom the stages hold."""

from __future__ import annotations

import numpy as np
import polars as pl

from holter2sleep.evaluate.bootstrap import Draws
from holter2sleep.evaluate.stage_tables import JudgedNights, ends
from holter2sleep.evaluate.stages import kappa
from holter2sleep.evaluate.subgroups import MIN_SUBJECTS, band_order

TOO_FEW, OK = "too few", "ok"

SUBGROUP_SCHEMA = {
    "heading": pl.String,
    "group": pl.String,
    "n_classes": pl.Int64,
    "n_nights": pl.Int64,
    "n_subjects": pl.Int64,
    "n_epochs": pl.Int64,
    "status": pl.String,
    "kappa": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
}


def subgroup_table(judged: JudgedNights, seed: int) -> pl.DataFrame:
    """A row for each group; below MIN_SUBJECTS subjects it says "too few" in place of a figure."""
    headings = sorted({heading for night in judged.nights for heading in night.facts})
    rows = [
        (heading, group, judged.n_classes, *_figures(judged, heading, group, seed))
        for heading in headings
        for group in _groups(judged, heading)
    ]
    return pl.DataFrame(rows, SUBGROUP_SCHEMA, orient="row")


def _groups(judged: JudgedNights, heading: str) -> list[str]:
    """Groups of a heading; bands by their number, words by the alphabet."""
    return sorted({night.facts[heading] for night in judged.nights if heading in night.facts}, key=band_order)


def _figures(judged: JudgedNights, heading: str, group: str, seed: int) -> tuple[float | str | None, ...]:
    """Nights, subjects, epochs, status, kappa and its interval."""
    inside = [i for i, night in enumerate(judged.nights) if night.facts.get(heading) == group]
    counts = [judged.epochs[i].matrix.counts for i in inside]
    draws = Draws([judged.nights[i].subject for i in inside], seed)
    total = np.sum(counts, axis=0)
    n = len(inside), draws.n_subjects, int(total.sum())
    if draws.n_subjects < MIN_SUBJECTS:
        return *n, TOO_FEW, None, None, None
    return *n, OK, kappa(total), *ends(draws.of_sums(counts, kappa))
