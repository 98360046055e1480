"""The page of an evaluation of sleep stages: kappa, confusion, calibration, and the sleep measures' agreement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from holter2sleep.counted import counted
from holter2sleep.evaluate.bootstrap import DRAWS
from holter2sleep.evaluate.classes import CLASSES
from holter2sleep.evaluate.peers import CLOCK, MAJORITY
from holter2sleep.evaluate.stage_evaluation import StageEvaluation
from holter2sleep.evaluate.stage_tables import POOLED
from holter2sleep.evaluate.stage_text import number, with_interval
from holter2sleep.report.agreement_axes import draw_bland_altman, draw_confusion, draw_coverage, draw_reliability
from holter2sleep.report.axes import draw_nothing
from holter2sleep.report.document import document
from holter2sleep.report.grid import Column, heading, paragraph, table_blocks
from holter2sleep.report.page import MARGIN_MM, SOFT, TOP_MM, Page, draw_frame
from holter2sleep.report.pdf import GAP_MM, drawing_style
from holter2sleep.report.words import load_words

Row = Mapping[str, Any]

SQUARE_MM, PANEL_MM = 46.0, (48.0, 33.0)  # of the upper axes; width and height of a Bland-Altman plot
UPPER_LEFT_MM = (MARGIN_MM + 13.0, MARGIN_MM + 75.0, MARGIN_MM + 134.0)
PANELS_A_ROW, PANEL_STEP_MM = 3, (61.0, 46.5)
TITLE = "Sleep stages: agreement"
LIMIT = "A stager that has learned from these nights is flattered."
LEGEND = (
    "Bland-Altman: test minus reference against the mean of both; a point is a night. Line: bias; dashed: 95 % "
    "limits of agreement; bands: their 95 % intervals ({by}). Epochs that one side leaves unscored are so for both."
)


def agreement_pdf(found: StageEvaluation) -> bytes:
    """The page as PDF; the same figures give the same bytes."""
    with drawing_style():
        return document([agreement_page(found)], {"Title": TITLE, "Creator": "holter2sleep"}, "en")


def agreement_page(found: StageEvaluation) -> Page:
    """The page."""
    page, n_subjects = Page(), found.finest.draws.n_subjects
    head = (
        f"Sleep stages by {found.scorers} against the reference",
        f"{counted(len(found.finest.nights), 'night')}, {counted(n_subjects, 'subject')}",
    )
    draw_frame(page, head, (LIMIT, load_words()("page.foot"), "unconfirmed"), title_size=11)
    y_mm = _write_figures(page, found, TOP_MM)
    y_mm = _draw_upper(page, found, y_mm + GAP_MM)
    _draw_measures(page, found, y_mm + GAP_MM)
    return page


def _write_figures(page: Page, found: StageEvaluation, top_mm: float) -> float:
    """The pooled figures by number of classes; returns the lower edge."""
    columns = [
        Column("Classes", 14, "left"),
        Column("Kappa", 35),
        Column("Accuracy", 35),
        Column("Macro F1", 35),
        Column("Calibration error", 35),
        Column("Clock\nkappa", 12),
        Column("Majority\naccuracy", 14),
    ]
    rows = [row for n in CLASSES if (row := _figures(found, n))]
    note = f"In brackets: 95 % intervals, {DRAWS} draws of subjects. {_left_out(found)} Clock: other subjects' nights."
    notes = [paragraph(text, size=5.8, colour=SOFT) for text in (note, _peers(found)) if text]
    for block in [*table_blocks(columns, rows), *notes]:
        block.draw(page, top_mm)
        top_mm += block.height_mm
    return top_mm


def _left_out(found: StageEvaluation) -> str:
    total = found.total
    return (
        f"{counted(total.counts.sum(), 'epoch')}; left out: {total.n_reference_unscored} without a reference stage, "
        f"{total.n_test_unscored} not staged by the test."
    )


def _peers(found: StageEvaluation) -> str:
    """Kappa of each peer beside ours on the same epochs, in the most classes both can say."""
    rows = found.tables["peers"].filter(~pl.col("peer").is_in([MAJORITY, CLOCK]))
    finest = rows.group_by("peer", maintain_order=True).last().to_dicts()
    told = [
        f"{row['peer']}, {row['n_classes']} classes: kappa {number(row['kappa'])}, ours {number(row['kappa_ours'])}, "
        f"more by {with_interval(_more(row))}"
        for row in finest
    ]
    return "Beside, on the epochs both have staged. " + "; ".join(told) + "." if told else ""


def _more(row: Row) -> Row:
    return {"value": row["ours_more"], "ci_low": row["ours_more_low"], "ci_high": row["ours_more_high"]}


def _figures(found: StageEvaluation, n_classes: int) -> list[str]:
    figures = {row["measure"]: row for row in found.of("figures", n_classes=n_classes).to_dicts()}
    if not figures:
        return []
    clock = found.of("peers", peer=CLOCK, n_classes=n_classes)["kappa"].to_list()
    with_intervals = [with_interval(figures[name]) for name in ("kappa", "accuracy", "macro_f1", "calibration_error")]
    majority = number(figures["majority_accuracy"]["value"], 2)
    return [str(n_classes), *with_intervals, number(clock[0], 2) if clock else "-", majority]


def _draw_upper(page: Page, found: StageEvaluation, top_mm: float) -> float:
    """Confusion, reliability and kappa by coverage, side by side; returns the lower edge."""
    n = found.finest.n_classes
    heading(f"Stages, {n} classes, all epochs").draw(page, top_mm)
    titles = ("Share of the reference's epochs", "Chances said and come true", "Where doubtful epochs are left out")
    axes = []
    for left_mm, title in zip(UPPER_LEFT_MM, titles, strict=True):
        page.text(left_mm, top_mm + 10, title, size=6.5, weight="bold")
        axes.append(page.axes(left_mm, top_mm + 12, SQUARE_MM, SQUARE_MM))
    draw_confusion(axes[0], found.of("confusion", night=POOLED, n_classes=n), CLASSES[n])
    reasons = (
        draw_reliability(axes[1], found.of("calibration", night=POOLED, n_classes=n)),
        draw_coverage(axes[2], found.of("coverage", night=POOLED)),
    )
    for ax, reason in zip(axes[1:], reasons, strict=True):
        if reason:
            draw_nothing(ax, reason)
    return top_mm + 12 + SQUARE_MM + 9


def _draw_measures(page: Page, found: StageEvaluation, top_mm: float) -> None:
    """A Bland-Altman plot for each sleep measure."""
    heading("Sleep measures of the nights").draw(page, top_mm)
    rows = found.tables["bland_altman"].to_dicts()
    defined = found.tables["measures"].drop_nulls(["reference", "test"])
    for i, row in enumerate(rows):
        line, place = divmod(i, PANELS_A_ROW)
        left_mm = MARGIN_MM + 10 + place * PANEL_STEP_MM[0]
        panel_mm = top_mm + 8 + line * PANEL_STEP_MM[1]
        page.text(
            left_mm,
            panel_mm + 1.5,
            f"{row['label']}, {row['unit']}; n {row['n_nights']}",
            size=6.5,
            weight="bold",
        )
        page.text(left_mm, panel_mm + 4.4, _bias(row), size=5.6, colour=SOFT)
        ax = page.axes(left_mm, panel_mm + 6, *PANEL_MM)
        draw_bland_altman(ax, defined.filter(pl.col("measure") == row["measure"]), row)
    by = " or ".join(sorted({row["intervals_by"] for row in rows})) or "none"
    n_rows = -(-len(rows) // PANELS_A_ROW)
    paragraph(LEGEND.format(by=by), size=5.8, colour=SOFT).draw(page, top_mm + 8 + n_rows * PANEL_STEP_MM[1])


def _bias(row: Row) -> str:
    """Bias and limits of agreement in words."""
    bias = with_interval({"value": row["bias"], "ci_low": row["bias_low"], "ci_high": row["bias_high"]}, 1)
    limits = "" if row["lower"] is None else f"; limits {row['lower']:.1f} to {row['upper']:.1f}"
    return f"bias {bias}{limits}"
