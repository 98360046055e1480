"""The cardio-sleep cross table: each number of heart and breathing in one part of the night, and against another part.

Made from the long table alone, so that a cohort can make it again from what it keeps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from holter2sleep.night import Float
from holter2sleep.phenotypes.dictionary import Entry, load_dictionary
from holter2sleep.phenotypes.ectopy import TWO_SIDED_95
from holter2sleep.phenotypes.intervals import difference_interval, poisson_interval, rate_ratio_interval

# Part against part, in reading order; a part the night lacks, or the stager cannot say, has no row.
PAIRS = (
    *((stage, "wake") for stage in ("sleep", "nrem", "n1", "n2", "light", "n3", "rem")),
    *(("rem", stage) for stage in ("nrem", "n1", "n2", "light", "n3")),
    *(("n3", stage) for stage in ("n1", "n2", "light")),
    ("n2", "n1"),
    ("third_last", "third_first"),
    ("event_after", "event_free"),
    ("bed", "day"),
)
# The number that says how events cluster, for the counts that have one.
DISPERSION_OF = {
    "n_veb": "veb_dispersion",
    "veb_per_hour": "veb_dispersion",
    "n_sveb": "sveb_dispersion",
    "sveb_per_hour": "sveb_dispersion",
}
NOT_CROSSED = frozenset({"quality"})  # how well it was recorded is no finding about the heart

CROSS_SCHEMA = {
    "recording_id": pl.String,
    "phenotype": pl.String,
    "unit": pl.String,
    "stratum": pl.String,
    "value": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "n": pl.Int64,
    "exposure_s": pl.Float64,
    "against": pl.String,
    "against_value": pl.Float64,
    "against_ci_low": pl.Float64,
    "against_ci_high": pl.Float64,
    "against_n": pl.Int64,
    "against_exposure_s": pl.Float64,
    "contrast": pl.String,
    "contrast_value": pl.Float64,
    "contrast_low": pl.Float64,
    "contrast_high": pl.Float64,
    "p": pl.Float64,
    "dispersion": pl.Float64,
    "against_dispersion": pl.Float64,
    "robust_low": pl.Float64,
    "robust_high": pl.Float64,
}
_PAIR_SCHEMA = {"stratum": pl.String, "against": pl.String}
_NUMBERS = ("value", "ci_low", "ci_high", "n", "exposure_s", "dispersion")
_SIDE_COLUMNS = ("recording_id", "phenotype", "unit", "stratum", *_NUMBERS)
_FOUND = ("contrast_value", "contrast_low", "contrast_high", "p", "robust_low", "robust_high")
Sides = dict[str, Float]  # the numbers of one part of the night and of the other, column by column


def cross_table(phenotypes: pl.DataFrame) -> pl.DataFrame:
    """One row a number and part of the night, and one a number and pair of parts.

    Counts are given as rates per analysable hour (`unit` count/h) with `n` events and the exact Poisson interval; two
    rates are compared by their ratio (`rate_ratio`) with the exact conditional interval and p. Poisson takes events as
    independent of one another; ectopic beats come in clusters, and scatter `dispersion` times as much. `robust_low` and
    `robust_high` allow for it (quasi-Poisson). Everything else keeps its
    interval of the long table, and is compared by the `ratio` where the dictionary takes its logarithm for models, else
    by the `difference`, with an interval (Zou and Donner 2008) where both have one. Only numbers with status ok.

    Parameters
    ----------
    phenotypes
        The long table, of one night or of several.
    """
    sides = _sides(phenotypes, [entry for entry in load_dictionary().values() if _is_crossed(entry)])
    pairs = pl.DataFrame(_pairs_of(sides["stratum"].unique().to_list()), _PAIR_SCHEMA, orient="row")
    alone = sides.select(column for column in CROSS_SCHEMA if column in _SIDE_COLUMNS)
    rows = sides.join(pairs, on="stratum", maintain_order="left_right")
    other = _other(sides).rename({"stratum": "against"})
    rows = rows.join(other, on=["recording_id", "phenotype", "against"], maintain_order="left")
    return pl.concat([alone, _compared(rows)], how="diagonal").select(*CROSS_SCHEMA)


def change_table(later: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Every number of a night against the same number of another: the columns of the cross table.

    `against` is the `recording_id` of the earlier night. Hours are left out: the third hour of one night is not that of
    another.

    Parameters
    ----------
    later, earlier
        Long tables of one night each.
    """
    entries = list(load_dictionary().values())
    sides, other = (_sides(table.filter(~is_hour()), entries) for table in (later, earlier))
    rows = sides.join(_other(other, against="recording_id"), on=["phenotype", "stratum"], maintain_order="left")
    return _compared(rows)


def is_hour() -> pl.Expr:
    """Rows of an hour of the recording."""
    return pl.col("stratum").str.starts_with("hour_")


def _is_crossed(entry: Entry) -> bool:
    return entry.strata != "night" and entry.domain not in NOT_CROSSED


def is_counted(entry: Entry) -> bool:
    """Whether the cross table tells a phenotype as events an hour."""
    return entry.unit in ("count", "count/h")


def _kind(entry: Entry) -> dict[str, str]:
    contrast = "rate_ratio" if is_counted(entry) else "ratio" if entry.transform == "log" else "difference"
    return {"phenotype": entry.name, "contrast": contrast}


def _pairs_of(strata: list[str]) -> list[tuple[str, str]]:
    cycles = sorted(name for name in strata if name.startswith("cycle_"))
    pairs = [*PAIRS, *((cycle, cycles[0]) for cycle in cycles[1:])]
    return [pair for pair in pairs if set(pair) <= set(strata)]


def _sides(phenotypes: pl.DataFrame, entries: list[Entry]) -> pl.DataFrame:
    """The known numbers of these entries, and how each is compared."""
    kinds = pl.DataFrame([_kind(entry) for entry in entries])
    known = phenotypes.filter(pl.col("status") == "ok").join(kinds, on="phenotype", maintain_order="left")
    return _with_rates(known)


def _with_rates(known: pl.DataFrame) -> pl.DataFrame:
    """The rows, counts turned into rates per hour with their exact interval."""
    hours = pl.col("coverage_s") / 3600
    is_count = pl.col("contrast") == "rate_ratio"
    events = pl.when(pl.col("unit") == "count").then("value").otherwise(pl.col("value") * hours).round()
    rows = known.filter(~is_count | (pl.col("coverage_s") > 0)).with_columns(
        n=pl.when(is_count).then(events).otherwise("n").cast(pl.Int64), exposure_s="coverage_s"
    )
    low, high = (pl.Series(end) for end in poisson_interval(rows["n"].to_numpy()))
    rates = {"value": pl.col("n") / hours, "unit": pl.lit("count/h"), "ci_low": low / hours, "ci_high": high / hours}
    counted = {name: pl.when(is_count).then(rate).otherwise(name) for name, rate in rates.items()}
    return _with_dispersion(rows).with_columns(**counted)


def _with_dispersion(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, counts that cluster with the number that says how much."""
    scatter = rows.select("recording_id", "stratum", clustering="phenotype", dispersion="value")
    clustering = pl.col("phenotype").replace_strict(DISPERSION_OF, default=None, return_dtype=pl.String)
    keys = ["recording_id", "stratum", "clustering"]
    return rows.with_columns(clustering=clustering).join(scatter, on=keys, how="left", maintain_order="left")


def _other(sides: pl.DataFrame, **named: str) -> pl.DataFrame:
    """The rows as the other side of a comparison."""
    keys = [name for name in ("recording_id", "phenotype", "stratum") if name not in named.values()]
    return sides.select(*keys, **named, **{f"against_{name}": name for name in _NUMBERS})


def _compared(rows: pl.DataFrame) -> pl.DataFrame:
    """What the one side says against the other, in each row."""
    rows = rows.with_row_index()
    parts = [_contrasted(rows.filter(pl.col("contrast") == kind), contrast) for kind, contrast in _CONTRASTS.items()]
    return pl.concat(parts).sort("index").select(name for name in CROSS_SCHEMA)


def _contrasted(rows: pl.DataFrame, contrast: Callable[[Sides], Sides]) -> pl.DataFrame:
    names = [f"{side}{name}" for side in ("", "against_") for name in _NUMBERS]
    found = contrast({name: rows[name].to_numpy().astype(np.float64) for name in names})
    return rows.with_columns(**{name: _known(found.get(name, np.full(len(rows), np.nan))) for name in _FOUND})


def _known(values: Float) -> pl.Series:
    """The values; null where they are unknown, or have no upper end."""
    return pl.Series(np.where(np.isfinite(values), values, np.nan)).fill_nan(None)


def _difference(sides: Sides) -> Sides:
    value, other = sides["value"], sides["against_value"]
    interval, other_interval = ((sides[f"{side}ci_low"], sides[f"{side}ci_high"]) for side in ("", "against_"))
    low, high = difference_interval(value, interval, other, other_interval)
    return {"contrast_value": value - other, "contrast_low": low, "contrast_high": high}


def _ratio(sides: Sides) -> Sides:
    """The difference of the logarithms; where a number is not above 0 there is no ratio."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = _difference({name: np.log(values) for name, values in sides.items()})
    return {name: np.exp(values) for name, values in found.items()}


def _rate_ratio(sides: Sides) -> Sides:
    n, other = sides["n"].astype(np.int64), sides["against_n"].astype(np.int64)
    exposure_s, other_s = sides["exposure_s"], sides["against_exposure_s"]
    low, high, p = rate_ratio_interval(n, exposure_s, other, other_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = n / exposure_s / (other / other_s)
        scatter, other_scatter = (np.maximum(sides[f"{side}dispersion"], 1.0) for side in ("", "against_"))
        factor = np.exp(TWO_SIDED_95 * np.sqrt(scatter / n + other_scatter / other))
        robust = {"robust_low": ratio / factor, "robust_high": ratio * factor}
    return {"contrast_value": ratio, "contrast_low": low, "contrast_high": high, "p": p, **robust}


_CONTRASTS: dict[str, Callable[[Sides], Sides]] = {
    "rate_ratio": _rate_ratio,
    "ratio": _ratio,
    "difference": _difference,
}
