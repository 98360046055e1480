"""Whether a cohort's numbers are as complete, and its stages as right, in one group of people as in the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.cohort.audit_groups import attributes_of, groups_of, source_of
from holter2sleep.cohort.audit_measures import kind_of, measure_table
from holter2sleep.cohort.audit_rules import AuditRules
from holter2sleep.cohort.audit_stages import (
    NO_FIGURES,
    Figure,
    ScoredNight,
    differences,
    figures_of,
    read_scored,
    sums_of,
)
from holter2sleep.cohort.audit_stats import contrast, false_discovery
from holter2sleep.cohort.publish import alone_in
from holter2sleep.cohort.sources import Source, find_runs, read_source
from holter2sleep.night import Bool, Float
from holter2sleep.phenotypes.cohort_folder import COHORT

SEED = 0  # of draws and permutations: the same nights give the same audit
# Of kappa: each permutation adds up the counts of all subjects twice, and few comparisons share the family.
PERMUTATIONS_OF_STAGES = 2000
AUDIT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "attribute": pl.String,
    "group": pl.String,
    "measure": pl.String,
    "kind": pl.String,
    "n_nights": pl.Int64,
    "n_subjects": pl.Int64,
    "value": pl.Float64,  # mean over subjects; kappa and calibration error of all epochs together
    "low": pl.Float64,
    "high": pl.Float64,
    "rest": pl.Float64,  # of all other groups of the attribute
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "margin": pl.Float64,
    "flagged": pl.Boolean,
    "status": pl.String,  # ok, too_few (subjects in the group or the rest), no_data, no_rest (the only group)
}


@dataclass(frozen=True)
class Audit:
    """The table of an audit, and what it was made of."""

    table: pl.DataFrame
    groups: pl.DataFrame  # attribute, group, n_nights, n_subjects
    sources: dict[str, str]  # where each attribute comes from
    rules: AuditRules
    n_nights: int
    n_subjects: int
    n_scored: int  # nights with a scored hypnogram
    broken: dict[str, str]

    @property
    def flagged(self) -> pl.DataFrame:
        """Differences that are told, the largest of their margins first."""
        size = (pl.col("difference") / pl.col("margin")).abs()
        return self.table.filter("flagged").sort(size, descending=True, maintain_order=True)


def audit_cohort(
    directory: Path,
    by: Sequence[str],
    rules: AuditRules,
    reference: tuple[Path, str] | None,
    begin: Callable[[int], Callable[[str], None]],
) -> Audit:
    """Audit the finished nights of a folder, those that exclusions leave out too.

    Parameters
    ----------
    by
        Attributes; the usual ones that there are where none is given.
    reference
        Folder of scored hypnograms, and the ending of their names behind the recording id.

    Raises
    ------
    UsageError
        No such folder or attribute; no hypnogram in the folder; another run at work.
    RecordingError
        No night that can be read; a hypnogram that is none.
    """
    runs = find_runs(directory)
    with alone_in(directory / COHORT) as scratch:
        source = read_source(directory, runs, scratch, lambda _: lambda _: None)
        attributes = attributes_of(source.nights, by)
        measures = measure_table(source, directory, rules.low_confidence, begin(source.nights.height))
        scored = [] if reference is None else read_scored(source.runs, *reference)
    groups = _groups(source, attributes, rules)
    rng = np.random.default_rng(SEED)
    parts = [
        compare_groups(measures, scored, groups.filter(pl.col("attribute") == name), rules, rng) for name in attributes
    ]
    known = measures.select("recording_id", "subject")
    return Audit(
        table=pl.concat([pl.DataFrame(schema=AUDIT_SCHEMA), *parts]),
        groups=_sizes(groups, known),
        sources={name: source_of(source.nights, name) for name in attributes},
        rules=rules,
        n_nights=source.nights.height,
        n_subjects=source.nights["subject"].n_unique(),
        n_scored=len(scored),
        broken=source.broken,
    )


def _groups(source: Source, attributes: Sequence[str], rules: AuditRules) -> pl.DataFrame:
    """Groups of nights; of what the manifest says, also of recordings that failed."""
    columns = source.members.columns
    of_manifest = [] if columns is None else [name for name in attributes if name in columns.columns]
    others = [name for name in attributes if name not in of_manifest]
    parts = [groups_of(source.nights, others, rules)]
    if columns is not None and of_manifest:
        failed = columns.filter(~pl.col("recording_id").is_in(source.nights["recording"].implode()))
        names = ["recording_id", *of_manifest]
        everyone = pl.concat([source.nights.select(names), failed.select(names)])
        parts.append(groups_of(everyone, of_manifest, rules))
    return pl.concat(parts)


def _sizes(groups: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    return (
        groups.join(known, on="recording_id", maintain_order="left")
        .group_by("attribute", "group", maintain_order=True)
        .agg(n_nights=pl.len().cast(pl.Int64), n_subjects=pl.col("subject").n_unique().cast(pl.Int64))
    )


# --- one attribute ---------------------------------------------------------------------------------


def compare_groups(
    measures: pl.DataFrame,
    scored: Sequence[ScoredNight],
    groups: pl.DataFrame,
    rules: AuditRules,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Each group of one attribute against the rest of it, in every measure.

    Parameters
    ----------
    measures
        Table of `measure_table`.
    groups
        `attribute`, `group`, `recording_id` of one attribute.
    """
    table = groups.join(measures, on="recording_id", maintain_order="left")
    names = [name for name in measures.columns if name not in ("recording_id", "subject")]
    values = table.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    people, subject = np.unique(table["subject"].to_numpy(), return_inverse=True)
    weights = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), rules.draws).astype(float)
    rows = []
    for group in table["group"].unique(maintain_order=True):
        inside = (table["group"] == group).to_numpy()
        found = contrast(values, subject, inside, weights, rules.permutations, rng)
        columns = {name: getattr(found, name) for name in found.__dataclass_fields__}
        rows.append(pl.DataFrame({"measure": names, **columns}).with_columns(group=pl.lit(group)))
        if scored:
            ids = dict(zip(table["recording_id"], subject.tolist(), strict=True))
            members = set(table["recording_id"].filter(table["group"] == group))
            stages = _stages(scored, ids, members, rules, rng)
            rows.append(stages.with_columns(group=pl.lit(group)))
    return _judged(pl.concat(rows, how="diagonal_relaxed"), groups["attribute"][0], rules)


def _stages(
    scored: Sequence[ScoredNight],
    subject_of: dict[str, int],
    members: set[str],
    rules: AuditRules,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Kappa and calibration error of a group's scored nights against those of the others."""
    inside = [night for night in scored if night.recording_id in members]
    outside = [night for night in scored if night.recording_id in subject_of and night.recording_id not in members]
    who_in, who_out = (
        np.array([subject_of[night.recording_id] for night in side], np.int64) for side in (inside, outside)
    )
    own, others = (
        figures_of(side, [str(number) for number in who], rules.draws, SEED) if side else NO_FIGURES
        for side, who in ((inside, who_in), (outside, who_out))
    )
    low, high, p = _differences(inside, outside, who_in, who_out, rules.draws, rng)
    rows = [
        {
            "measure": name,
            "n_nights": float(len(inside)),
            "n_subjects": float(len(set(who_in.tolist()))),
            "n_rest": float(len(set(who_out.tolist()))),
            **_side_by_side(own[name], others[name]),
            "difference_low": low[i],
            "difference_high": high[i],
            "p": p[i],
        }
        for i, name in enumerate(NO_FIGURES)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _side_by_side(own: Figure, other: Figure) -> dict[str, float | None]:
    (value, interval), (rest, _) = own, other
    low, high = interval or (None, None)
    difference = None if value is None or rest is None else value - rest
    return {"value": value, "low": low, "high": high, "rest": rest, "difference": difference}


def _differences(
    inside: Sequence[ScoredNight],
    outside: Sequence[ScoredNight],
    who_in: NDArray[np.int64],
    who_out: NDArray[np.int64],
    draws: int,
    rng: np.random.Generator,
) -> tuple[Float, Float, Float]:
    """Intervals and p of scored subjects alone; those without a hypnogram are not drawn."""
    if not inside or not outside:
        return (np.full(2, np.nan),) * 3
    people = np.unique(np.r_[who_in, who_out])
    places = [np.searchsorted(people, who) for who in (who_in, who_out)]
    sums = [sums_of(side, place, len(people)) for side, place in zip((inside, outside), places, strict=True)]
    drawn = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), draws).astype(float)
    is_in: Bool = np.isin(people, who_in)
    return differences(sums[0], sums[1], drawn, is_in, PERMUTATIONS_OF_STAGES, rng)


def _judged(rows: pl.DataFrame, attribute: str, rules: AuditRules) -> pl.DataFrame:
    """The rows with q within each kind, and whether they are told."""
    table = rows.with_columns(pl.selectors.float().fill_nan(None)).with_columns(
        attribute=pl.lit(attribute),
        kind=pl.Series([kind_of(name) for name in rows["measure"]], dtype=pl.String),
    )
    few = pl.min_horizontal("n_subjects", "n_rest") < rules.least_subjects
    status = (
        pl.when(pl.col("n_subjects") == 0)
        .then(pl.lit("no_data"))
        .when(pl.col("n_rest") == 0)
        .then(pl.lit("no_rest"))
        .when(few)
        .then(pl.lit("too_few"))
        .otherwise(pl.lit("ok"))
    )
    table = table.with_columns(status=status, margin=pl.col("kind").replace_strict(rules.margins))
    is_large = pl.col("n_subjects") >= rules.least_subjects
    tested = [
        *(
            pl.when(pl.col("status") == "ok").then(name).alias(name)
            for name in ("p", "difference_low", "difference_high")
        ),
        *(pl.when(is_large).then(name).alias(name) for name in ("low", "high")),
    ]
    table = _with_q(table.with_columns(tested))
    away_from_0 = (pl.col("difference_low") > 0) | (pl.col("difference_high") < 0)
    told = (pl.col("q") <= rules.largest_q) & away_from_0 & (pl.col("difference").abs() > pl.col("margin"))
    return table.with_columns(flagged=told.fill_null(value=False)).select(*AUDIT_SCHEMA).cast(pl.Schema(AUDIT_SCHEMA))


def _with_q(table: pl.DataFrame) -> pl.DataFrame:
    """The false discovery rate of each p among those of its kind."""
    p, kind = table["p"].fill_null(float("nan")).to_numpy(), table["kind"].to_numpy()
    q = np.full(len(p), np.nan)
    for name in set(kind):
        q[kind == name] = false_discovery(p[kind == name])
    return table.with_columns(q=pl.Series(q).fill_nan(None))
