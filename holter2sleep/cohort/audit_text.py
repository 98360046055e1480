"""An audit as a page that a clinician can read, and as JSON."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from holter2sleep.cohort.audit import Audit
from holter2sleep.cohort.audit_measures import ABSTENTION, ALL_MISSING, FLOW, SIGNAL, words_of
from holter2sleep.counted import counted

SHOWN = (ALL_MISSING, *ABSTENTION, *SIGNAL, *FLOW, "kappa", "calibration_error")
MOST_FLAGGED = 40  # lines; the rest is in audit.csv, and is counted


def as_markdown(audit: Audit) -> str:
    """The page: what was asked, what differs, who was too few, and the main figures of each group."""
    parts = [_head(audit), _differences(audit), _too_few(audit), *_attributes(audit), _limits(audit)]
    return "\n\n".join(parts) + "\n"


def _head(audit: Audit) -> str:
    scored = f", {audit.n_scored} of them with a scored hypnogram" if audit.n_scored else ""
    groups = [f"- {name}: {source}" for name, source in audit.sources.items()]
    return "\n".join(
        [
            "# Audit of a cohort by groups",
            "",
            f"{counted(audit.n_nights, 'night')} of {counted(audit.n_subjects, 'subject')}{scored}. Research use "
            "only. All stages and numbers are automatic and unconfirmed.",
            "",
            "Question: are numbers missing more often, is the signal worse, or are the stages less certain or less "
            "right, in one group of people than in the others? A difference says nothing of its cause.",
            "",
            "Groups by:",
            *(groups or ["- nothing: no attribute is known"]),
        ]
    )


def _differences(audit: Audit) -> str:
    told = audit.flagged
    n_tested = audit.table["p"].count()
    if told.is_empty():
        return f"## Differences\n\nNone of {n_tested} tests is flagged."
    lines = [f"## Differences\n\n{told.height} of {n_tested} tests are flagged.\n"]
    lines += [
        f"- **{row['attribute']} {row['group']}** (n = {row['n_subjects']}): {words_of(row['measure'])}: "
        f"{_number(row['value'])} against {_number(row['rest'])} in the rest; difference {_number(row['difference'])} "
        f"({_number(row['difference_low'])} to {_number(row['difference_high'])}), q = {row['q']:.2g}"
        for row in told.head(MOST_FLAGGED).iter_rows(named=True)
    ]
    if told.height > MOST_FLAGGED:
        lines.append(f"- and {told.height - MOST_FLAGGED} more, in audit.csv")
    return "\n".join(lines)


def _too_few(audit: Audit) -> str:
    least = audit.rules.least_subjects
    few = audit.groups.filter(pl.col("n_subjects") < least)
    if few.is_empty():
        return f"## Groups that are too small\n\nNone: every group has {least} subjects and more."
    lines = [f"- {row['attribute']} {row['group']}: n = {row['n_subjects']}" for row in few.iter_rows(named=True)]
    return f"## Groups that are too small\n\nUnder {least} subjects; shown, not tested:\n\n" + "\n".join(lines)


def _attributes(audit: Audit) -> list[str]:
    return [_attribute(audit, name) for name in audit.sources]


def _attribute(audit: Audit, name: str) -> str:
    """A table with a line for each group: main figures with 95 % intervals, and how many numbers are missing."""
    rows = audit.table.filter(pl.col("attribute") == name)
    shown = [measure for measure in SHOWN if rows.filter(pl.col("measure") == measure)["value"].count()]
    heads = ["group", "nights", "subjects", *(words_of(measure) for measure in shown)]
    lines = [f"## {name}", "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for group in audit.groups.filter(pl.col("attribute") == name).iter_rows(named=True):
        own = rows.filter(pl.col("group") == group["group"])
        figures = [_figure(own.filter(pl.col("measure") == measure)) for measure in shown]
        cells = [str(group["group"]).replace("|", "\\|"), str(group["n_nights"]), str(group["n_subjects"])]
        lines.append("| " + " | ".join([*cells, *figures]) + " |")
    return "\n".join(lines)


def _figure(row: pl.DataFrame) -> str:
    """A value with its interval, and a star where its difference from the rest is flagged."""
    if row.is_empty() or row["value"][0] is None:
        return "-"
    value, low, high, flagged = row.select("value", "low", "high", "flagged").row(0)
    between = "" if low is None else f" ({_number(low)} to {_number(high)})"
    return f"{_number(value)}{between}{' *' if flagged else ''}"


def _number(value: Any) -> str:
    """Three figures.

    Examples
    --------
    >>> _number(12.3456), _number(0.04321), _number(100.0), _number(None)
    ('12.3', '0.0432', '100', '-')
    """
    return "-" if value is None else f"{value:.3g}"


def _limits(audit: Audit) -> str:
    rules = audit.rules
    margins = ", ".join(f"{kind} {margin:g}" for kind, margin in rules.margins.items())
    lines = [
        "## How to read this",
        "",
        "- A value is the mean over subjects, each with the mean of the own nights in the group; in brackets the 95 % "
        "interval from drawing subjects. Kappa and calibration error are of all epochs together.",
        "- The rest are all other groups of the same attribute, `unknown` among them. A star: flagged.",
        f"- A difference is flagged when q <= {rules.largest_q:g} (Benjamini-Hochberg over the groups and measures of "
        "one attribute and kind; p by permuting groups among subjects), its 95 % interval leaves out 0, and it is "
        f"larger than a margin ({margins}). All others are in audit.csv with their q.",
        "- Missing is a number of the whole night without status ok; too little signal, a recorder without waveform "
        "and implausible values count alike.",
        "- Not flagged does not mean equal: with few subjects only large differences can be seen.",
        "- Groups differ in more than one thing. Nothing is adjusted for age, sex or site.",
    ]
    lines.append(
        "- Kappa and calibration flatter a stager on nights that it was fitted on; its card says which: models show."
        if audit.n_scored
        else "- No scored hypnogram was given: whether stages are right was not looked at."
    )
    return "\n".join(lines)


def as_json(audit: Audit) -> str:
    """Groups, and all rows of the table."""
    content = {
        "n_nights": audit.n_nights,
        "n_subjects": audit.n_subjects,
        "n_scored": audit.n_scored,
        "attributes": audit.sources,
        "groups": audit.groups.to_dicts(),
        "n_flagged": audit.flagged.height,
        "rows": audit.table.to_dicts(),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
