"""Who entered a cohort, who was left out and why, who is in its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holter2sleep.report.cohort.layout import CohortLayout, CohortSection
from holter2sleep.report.cohort.tables import Cohort
from holter2sleep.report.flow_chart import Box, draw_flow_on, flow_height_mm
from holter2sleep.report.grid import TEXT_SIZE, Column, paragraph, subheading, table_blocks
from holter2sleep.report.page import MARGIN_MM, TEXT_WIDTH_MM, Block, Page, fitting
from holter2sleep.report.words import Words

REASON_MM, RULE_MM = 86.0, 90.0


def draw_flow_section(cohort: Cohort, _layout: CohortLayout, _section: CohortSection) -> list[Block]:
    """The flow chart, and tables of failures and of rules that left nights out."""
    boxes = flow_boxes(cohort.flow, cohort.words)

    def draw(page: Page, top_mm: float) -> None:
        draw_flow_on(page.part(MARGIN_MM, top_mm, TEXT_WIDTH_MM, flow_height_mm(boxes)), boxes, TEXT_WIDTH_MM)

    return [Block(flow_height_mm(boxes), draw), *_failures(cohort), *_rules(cohort)]


def flow_boxes(flow: Mapping[str, Any], words: Words) -> list[Box]:
    """What stands in each box: recordings that entered, nights that were analysed, and what each rule left."""
    subjects = flow["subjects"]
    lost = flow.get("failed", 0) + flow["unreadable"]
    beside = words("cohort.beside_failed", failed=words.whole(lost), open=words.whole(flow.get("not_analysed", 0)))
    entered = words("cohort.recordings", n=words.whole(flow["entered"]), persons=words.whole(subjects["entered"]))
    without = subjects["entered"] - subjects["without_a_night"]
    analysed = words("cohort.nights", n=words.whole(flow["nights_finished"]), persons=words.whole(without))
    boxes = [
        Box((words("cohort.entered"), entered), ""),
        Box((words("cohort.analysed"), analysed), beside),
    ]
    for step in flow["steps"]:
        left = words("cohort.nights", n=words.whole(step["nights_left"]), persons=words.whole(step["subjects_left"]))
        out = words("cohort.beside_left_out", n=words.whole(step["nights_excluded"]))
        boxes.append(Box((f"{step['step']}: {step['rule']}", left), out))
    kept = words("cohort.nights", n=words.whole(flow["nights"]), persons=words.whole(subjects["kept"]))
    return [*boxes, Box((words("cohort.in_tables"), kept), "" if flow["steps"] else words("cohort.beside_no_rule"))]


def _failures(cohort: Cohort) -> list[Block]:
    words, flow = cohort.words, cohort.flow
    rows = [[error, words.whole(n)] for error, n in flow.get("failed_by_error", {}).items()]
    rows += [[words("cohort.unreadable"), words.whole(flow["unreadable"])]] if flow["unreadable"] else []
    if not rows:
        return [paragraph(words("cohort.none_failed"))]
    columns = [Column(words("cohort.failed_with"), REASON_MM, "left"), Column(words("cohort.head_recordings"), 24)]
    return [subheading(words("cohort.failed")), *table_blocks(columns, rows)]


def _rules(cohort: Cohort) -> list[Block]:
    words, steps = cohort.words, cohort.flow["steps"]
    if not steps:
        return [paragraph(words("cohort.no_rules"))]
    heads = ("head_nights_out", "head_unknown", "head_persons_out", "head_nights_left", "head_persons_left")
    columns = [
        Column(words("cohort.head_rule"), RULE_MM, "left"),
        *(Column(words(f"cohort.{head}"), 18) for head in heads),
    ]
    keys = ("nights_excluded", "nights_excluded_unknown", "subjects_excluded", "nights_left", "subjects_left")
    # the whole of a rule stands in its box above
    named = [fitting(f"{step['step']}: {step['rule']}", RULE_MM - 3, TEXT_SIZE) for step in steps]
    rows = [[name, *(words.whole(step[key]) for key in keys)] for name, step in zip(named, steps, strict=True)]
    why = [paragraph(f"{step['step']}: {step['reason']}", bullet="•") for step in steps]
    return [subheading(words("cohort.rules", name=cohort.flow["exclusions"])), *table_blocks(columns, rows), *why]
