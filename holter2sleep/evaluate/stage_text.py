"""What was found of the stages, as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from holter2sleep.counted import counted
from holter2sleep.evaluate.bland_altman import BY_T
from holter2sleep.evaluate.bootstrap import DRAWS
from holter2sleep.evaluate.classes import CLASSES
from holter2sleep.evaluate.peers import CLOCK
from holter2sleep.evaluate.stage_evaluation import StageEvaluation
from holter2sleep.evaluate.stage_tables import POOLED
from holter2sleep.evaluate.subgroups import MIN_SUBJECTS
from holter2sleep.evaluate.tables import ABSENT, aligned

Row = Mapping[str, Any]


def summary_text(found: StageEvaluation) -> str:
    """All of it, in sections."""
    sections = [
        _head(found),
        _agreement(found),
        _accuracy(found),
        _nights(found),
        _stages(found),
        _confusion(found),
        _calibration(found),
        _sleep(found),
        _peers(found),
        _groups(found),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _head(found: StageEvaluation) -> list[str]:
    total, n_subjects = found.total, found.finest.draws.n_subjects
    drawn = f"{DRAWS} draws of subjects, seed {found.seed}" if n_subjects > 1 else "none: one subject"
    return [
        f"Sleep stages by {found.scorers} against the references. Research use only.",
        "A stager that has learned from these nights is flattered.",
        f"{counted(len(found.finest.nights), 'night')} of {counted(n_subjects, 'subject')}, "
        f"{counted(total.counts.sum(), 'epoch')} staged on both sides",
        f"Left out: {counted(total.n_reference_unscored, 'epoch')} without a reference stage, "
        f"{total.n_test_unscored} not staged by the test",
        f"In brackets: 95 % intervals ({drawn})",
    ]


def _agreement(found: StageEvaluation) -> list[str]:
    """Kappa pooled and of the nights, beside the floors."""
    lines = [("classes", "kappa", "nights: median (IQR)", "clock", "majority accuracy")]
    for n, figures in _by_classes(found):
        nights = tuple(figures[f"night_kappa_{name}"] for name in ("median", "q25", "q75"))
        median, low, high = (row["value"] for row in nights)
        clock = found.of("peers", peer=CLOCK, n_classes=n)["kappa"].to_list()
        floor = number(clock[0]) if clock else ABSENT
        spread = with_interval({"value": median, "ci_low": low, "ci_high": high})
        majority = number(figures["majority_accuracy"]["value"])
        lines.append((str(n), with_interval(figures["kappa"]), spread, floor, majority))
    return aligned(lines, "  ")


def _accuracy(found: StageEvaluation) -> list[str]:
    names = ("accuracy", "macro_f1", "calibration_error")
    rows = [(str(n), *(with_interval(figures[name]) for name in names)) for n, figures in _by_classes(found)]
    return aligned([("classes", "accuracy", "macro F1", "calibration error"), *rows], "  ")


def _by_classes(found: StageEvaluation) -> Iterator[tuple[int, dict[str, Row]]]:
    """Pooled figures by name, for each number of classes."""
    for n in CLASSES:
        rows = found.of("figures", n_classes=n).to_dicts()
        if rows:
            yield n, {row["measure"]: row for row in rows}


def _nights(found: StageEvaluation) -> list[str]:
    """A line a night: kappa in each number of classes, the rest in the finest."""
    n = found.finest.n_classes
    heads = [f"k{k}" for k in CLASSES if k <= n]
    lines = [("night", "epochs", "staged", *heads, "accuracy", "F1", "ECE")]
    for row in found.of("nights", n_classes=n).to_dicts():
        own = found.of("nights", night=row["night"]).filter(pl.col("n_classes") <= n)["kappa"].to_list()
        cells = [number(row[name], 2) for name in ("accuracy", "macro_f1", "calibration_error")]
        kappas = [number(value, 2) for value in own]
        lines.append((row["night"], str(row["n_compared"]), number(row["coverage"], 2), *kappas, *cells))
    return [f"By night: kappa in 2 to {n} classes; accuracy, F1 and calibration error in {n}", *aligned(lines)]


def _stages(found: StageEvaluation) -> list[str]:
    lines = [("stage", "reference", "test", "Se", "+P", "F1", "kappa")]
    for row in found.of("stages", night=POOLED, n_classes=found.finest.n_classes).to_dicts():
        rates = [number(row[name], 2) for name in ("sensitivity", "positive_predictivity", "f1")]
        kappa = with_interval({"value": row["kappa"], "ci_low": row["kappa_low"], "ci_high": row["kappa_high"]})
        lines.append((row["stage"], str(row["n_reference"]), str(row["n_test"]), *rates, kappa))
    return ["Each stage against the rest, pooled", *aligned(lines, "  ")]


def _confusion(found: StageEvaluation) -> list[str]:
    classes = CLASSES[found.finest.n_classes]
    rows = found.of("confusion", night=POOLED, n_classes=found.finest.n_classes).to_dicts()
    cell = {(row["reference"], row["test"]): f"{row['n']} {_percent(row['row_share'])}" for row in rows}
    lines = [("", *classes), *((r, *(cell[r, t] for t in classes)) for r in classes)]
    return ["Pooled counts, percent of the row (row: reference, column: test)", *aligned(lines, "  ")]


def _calibration(found: StageEvaluation) -> list[str]:
    which: dict[str, Any] = {"night": POOLED, "n_classes": found.finest.n_classes}
    bins = [
        (
            f"{r['bin_low']:.1f}-{r['bin_high']:.1f}",
            str(r["n"]),
            number(r["mean_chance"], 2),
            number(r["share_right"], 2),
        )
        for r in found.of("calibration", **which).to_dicts()
    ]
    if not bins:
        return ["Calibration: the nights have no probabilities"]
    kept = found.of("coverage", **which).to_dicts()
    shares = ("surest epochs kept", *(_percent(row["coverage"]) for row in kept))
    kappas = ("kappa", *(number(row["kappa"]) for row in kept))
    title = f"Chance of the answer, and share that was right ({found.finest.n_classes} classes)"
    return [title, *aligned([("chance", "epochs", "mean", "right"), *bins], "  "), "", *aligned([shares, kappas], "  ")]


def _sleep(found: StageEvaluation) -> list[str]:
    lines = [("measure", "n", "bias", "SD", "limits of agreement", "slope", "by")]
    table = found.tables["bland_altman"].to_dicts()
    for row in table:
        bias = with_interval({"value": row["bias"], "ci_low": row["bias_low"], "ci_high": row["bias_high"]}, 1)
        limits = ABSENT if row["lower"] is None else f"{row['lower']:.1f} to {row['upper']:.1f}"
        name, by = f"{row['measure']}, {row['unit']}", "t" if row["intervals_by"] == BY_T else "d"
        lines.append((name, str(row["n_nights"]), bias, number(row["sd"], 1), limits, number(row["slope"], 2), by))
    if not table:
        return ["Sleep measures: no night defines one on both sides"]
    head = "Sleep measures, test minus reference (Bland and Altman); n nights"
    by = "Intervals by t: of the t distribution (1999); by d: drawn over subjects."
    return [head, *aligned(lines), by, *_how_spread(table)]


def _how_spread(table: Sequence[Row]) -> list[str]:
    if all(row["n_nights"] == row["n_subjects"] for row in table):
        return []
    return ["Some subjects have several nights: SD between and within subjects (2007)."]


def _peers(found: StageEvaluation) -> list[str]:
    lines = [("beside", "classes", "epochs", "accuracy", "F1", "kappa", "ours", "ours more")]
    for row in found.tables["peers"].to_dicts():
        more = {"value": row["ours_more"], "ci_low": row["ours_more_low"], "ci_high": row["ours_more_high"]}
        figures = [number(row[name], 2) for name in ("accuracy", "macro_f1", "kappa", "kappa_ours")]
        counts = str(row["n_classes"]), str(row["n_epochs"])
        lines.append((row["peer"], *counts, *figures, with_interval(more, 2)))
    text = "Floors and peers, on the epochs both have staged; clock: other subjects' nights"
    return [text, *aligned(lines)]


def _groups(found: StageEvaluation) -> list[str]:
    n = found.finest.n_classes
    lines = [("group", "nights", "subjects", "epochs", f"kappa, {n} classes")]
    for row in found.of("subgroups", n_classes=n).to_dicts():
        n_nights, n_subjects, n_epochs = (str(row[name]) for name in ("n_nights", "n_subjects", "n_epochs"))
        figure = with_interval(row | {"value": row["kappa"]}) if row["status"] == "ok" else row["status"]
        lines.append((f"{row['heading']}: {row['group']}", n_nights, n_subjects, n_epochs, figure))
    if len(lines) == 1:
        return []
    return [f"Groups; too few: below {MIN_SUBJECTS} subjects", *aligned(lines, "  ")]


def number(value: float | None, decimals: int = 3) -> str:
    """A number, or the dash of one that is absent."""
    return ABSENT if value is None else f"{round(value, decimals) + 0.0:.{decimals}f}"  # no minus before zero


def with_interval(row: Row, decimals: int = 3) -> str:
    """A value with its interval in brackets, where it has one."""
    value = number(row["value"], decimals)
    if row["value"] is None or row["ci_low"] is None:
        return value
    return f"{value} ({number(row['ci_low'], decimals)}, {number(row['ci_high'], decimals)})"


def _percent(share: float | None) -> str:
    return ABSENT if share is None else f"{100 * share:.0f}%"
