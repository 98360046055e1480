"""Sections of the report: each turns the tables into blocks of a page. `reports/patient.toml` lists them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl

from holter2sleep.clock import Clock, date_known, night_of
from holter2sleep.night import EPOCH_S, STAGE_STRATA, UNSCORED
from holter2sleep.report.averaged_section import averaged_beats
from holter2sleep.report.contrast_section import contrasts
from holter2sleep.report.edited import edit_blocks
from holter2sleep.report.grid import ROW_MM, Column, panel, paragraph, table_blocks
from holter2sleep.report.layout import STRATUM_WORDS, Layout, Section, split_name
from holter2sleep.report.methods import methods, with_facts
from holter2sleep.report.narrative import sentences
from holter2sleep.report.night_figure import draw_night_figure, figure_height_mm
from holter2sleep.report.page import (
    ALARM,
    INK,
    MARGIN_MM,
    RULE,
    SOFT,
    TEXT_WIDTH_MM,
    Block,
    Page,
    text_width_mm,
    wrap,
)
from holter2sleep.report.paper import CHECK_WORDS, RELATIVE_WORDS, draw_check_bar, draw_strip, strip_rows
from holter2sleep.report.tables import Cell, ReportNight, unit_text

Facts = list[tuple[str, str]]  # label, value
Draw = Callable[[ReportNight, Layout, Section], list[Block]]

UNKNOWN, NO_WAVEFORM = "unknown", "no waveform"
LIGHTS_WORDS = {
    "recording": "not given: whole recording",
    "detected": "not given: main sleep period found",
    "not_found": "not given, and not found",
}
BASIS_SIZE = 5.6
ALIKE_HOURS = 12  # rows that say the same, from which on they become one


# --- page 1 ----------------------------------------------------------------------------------------


def header(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Who, when, with what: one fact a cell."""
    run, clock = night.run, night.clock
    start, stop = (clock.at(seconds) if clock else None for seconds in (0.0, run["duration_s"]))
    facts = [
        ("Recording", run["recording_id"]),
        ("Age, sex", _subject(run["subject"])),
        (f"Start ({run.get('time_zone') or 'local time'})", _moment(start)),
        ("Stop", _moment(stop)),
        ("Night of, duration", ", ".join([str(night_of(start) or UNKNOWN), clock_length(run["duration_s"])])),
        ("Lead, sampling rate", _lead(run)),
        ("File", f"{run['input']['file']} ({run['input']['format']})"),
        ("Stages", night.stages_by),
        ("Classes of stages", " / ".join(night.classes)),
        ("Lights off, on", _lights(run, clock)),
        ("Lights known from", LIGHTS_WORDS.get(run["lights"]["source"], run["lights"]["source"])),
        ("Recipe", f"{run['recipe']['name']} {run['recipe']['sha256'][:12]}"),
    ]
    return [facts_block(facts, per_row=4)]


def _subject(subject: dict[str, object]) -> str:
    age = "age unknown" if subject["age"] is None else f"{subject['age']:g} y"
    return f"{age}, {subject['sex'] or 'sex unknown'}"


def _lead(run: dict[str, object]) -> str:
    if not run["channel"]:
        return "beats only, no waveform"
    return f"{run['channel']}, {run['fs']:g} Hz{', beats given' if run.get('beats') else ''}"


def _moment(at: datetime | None) -> str:
    """Date and clock; the clock alone where the header has no date."""
    if at is None:
        return UNKNOWN
    if not date_known(at):
        return f"{at:%H:%M:%S}, date unknown"
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _lights(run: dict[str, Any], clock: Clock | None) -> str:
    if run["lights"]["source"] == "not_found":
        return "unknown"
    off_s, on_s = run["lights"]["off_s"], run["lights"]["on_s"]
    if clock:
        return f"{clock.at(off_s):%H:%M:%S}, {clock.at(on_s):%H:%M:%S}"
    return f"{clock_length(off_s)}, {clock_length(on_s)} from start"


def clock_length(seconds: float) -> str:
    """A length of time in hours and minutes.

    Examples
    --------
    >>> clock_length(28_830.0)
    '8 h 30 s'
    """
    hours, rest = divmod(round(seconds), 3600)
    parts = [(hours, "h"), (rest // 60, "min"), (rest % 60, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def facts_block(facts: Facts, per_row: int, fill: str = "none") -> Block:
    """Facts as cells: a small label over its value; a long value takes a second line."""
    width_mm = TEXT_WIDTH_MM / per_row
    lines = [wrap(value, width_mm - 2.5, 7.2)[:2] for _, value in facts]
    rows = [range(i, min(i + per_row, len(facts))) for i in range(0, len(facts), per_row)]
    heights_mm = [5.2 + 3.0 * max(len(lines[i]) for i in row) for row in rows]

    def draw(page: Page, top_mm: float) -> None:
        if fill != "none":
            page.box(MARGIN_MM - 1.5, top_mm, TEXT_WIDTH_MM + 3, sum(heights_mm), fill=fill)
        for row, height_mm in zip(rows, heights_mm, strict=True):
            for i in row:
                x_mm = MARGIN_MM + width_mm * (i - row[0])
                page.text(x_mm, top_mm + 2.8, facts[i][0], size=5.6, colour=SOFT)
                for k, line in enumerate(lines[i]):
                    page.text(x_mm, top_mm + 6.2 + 3.0 * k, line, size=7.2)
            top_mm += height_mm

    return Block(sum(heights_mm) + 1, draw)


def quality(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """How much could be analysed; a red banner below the limits of the layout."""
    cells = [night.cell(*split_name(name)) for name in section.phenotypes]
    facts = [(head, cell.with_unit) for head, cell in zip(section.heads, cells, strict=True)]
    block = facts_block([*facts, *waveform_facts(night)], per_row=8, fill="#f2f4f6")
    words = banner_words(night, layout)
    return [block] if words is None else [block, _banner(words)]


def waveform_facts(night: ReportNight) -> Facts:
    """The longest hole in the file, and which way up the lead was."""
    if night.run["channel"] is None:
        return [("Longest file gap", NO_WAVEFORM), ("Lead", NO_WAVEFORM)]
    longest_s = max((end_s - start_s for start_s, end_s in night.run["gaps"]), default=None)
    gap = "none" if longest_s is None else clock_length(longest_s)
    return [("Longest file gap", gap), ("Lead", "inverted" if night.run["polarity"] == -1 else "upright")]


def banner_words(night: ReportNight, layout: Layout) -> str | None:
    """What is below the limits, or None."""
    limits = layout.limits
    wanted = (("analysable_time", limits.banner_analysable_h), ("analysable_share", limits.banner_analysable_percent))
    below = [
        f"{cell.with_unit} analysable (limit {limit:g} {unit_text(cell.entry)})"
        for cell, limit in ((night.cell(name), limit) for name, limit in wanted)
        if not cell.ok or (cell.value or 0.0) < limit
    ]
    return f"Limited quality: {', '.join(below)}. Every rate is per analysable time." if below else None


def _banner(words: str) -> Block:
    def draw(page: Page, top_mm: float) -> None:
        page.box(MARGIN_MM - 1.5, top_mm, TEXT_WIDTH_MM + 3, 6.2, fill=ALARM)
        middle_mm = MARGIN_MM + TEXT_WIDTH_MM / 2
        page.text(middle_mm, top_mm + 4.1, words, size=8, weight="bold", colour="white", align="center")

    return Block(7.5, draw)


def key_numbers(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Numbers with what they rest on, in two columns."""
    shown = [split_name(name) for name in section.phenotypes]
    half = (len(shown) + 1) // 2
    width_mm = TEXT_WIDTH_MM / 2 - 3

    def draw(page: Page, top_mm: float) -> None:
        for i, (name, stratum) in enumerate(shown):
            cell = night.cell(name, stratum)
            x_mm = MARGIN_MM + (i // half) * (width_mm + 6)
            y_mm = top_mm + ROW_MM * (i % half + 1)
            page.text(x_mm, y_mm - 1.2, row_label(cell, stratum), size=6.8)
            size, colour = (6.8, INK) if cell.ok else (5.8, SOFT)
            page.text(x_mm + 56, y_mm - 1.2, cell.with_unit, size=size, weight="bold", colour=colour, align="right")
            page.text(x_mm + width_mm, y_mm - 1.2, basis(cell, 30), size=BASIS_SIZE, colour=SOFT, align="right")
            page.line((x_mm, x_mm + width_mm), (y_mm, y_mm), width=0.25)

    return [Block(ROW_MM * half + 1.5, draw)]


def row_label(cell: Cell, stratum: str) -> str:
    """Label of the dictionary with the stratum."""
    word = STRATUM_WORDS.get(stratum, stratum)
    return f"{cell.entry.label}, {word}" if word else cell.entry.label


def basis(cell: Cell, width_mm: float, interval_shown: bool = False) -> str:
    """What a number rests on, or how much is missing for one; as much of it as the width holds."""
    if cell.status == "not_applicable":
        return ""
    if cell.status == "insufficient_data":
        of, rest = shortfall(cell)
        return longest_fitting(width_mm, " ".join(part for part in (of, rest) if part), of)
    items = f"{cell.n:,} {cell.entry.counts}" if cell.n else ""
    hours = f"{cell.coverage_s / 3600:.1f} h" if cell.coverage_s else ""
    # where no column holds the interval, it says more than what the number rests on
    interval = f"95 %: {cell.interval}" if cell.interval and not interval_shown else ""
    parts = [part for part in (interval or items, hours) if part]
    return longest_fitting(width_mm, ", ".join(parts), *parts)


def longest_fitting(width_mm: float, *texts: str) -> str:
    """The first text that fits into a width, or nothing."""
    return next((text for text in texts if text_width_mm(text, BASIS_SIZE) <= width_mm), "")


def shortfall(cell: Cell) -> tuple[str, str]:
    """How much there is of what a number needs, and of what; nothing where neither items nor minutes are short."""
    n, coverage_s = cell.n or 0, cell.coverage_s or 0.0
    if n < cell.entry.minimum_n:
        return f"{n:,} of {cell.entry.minimum_n:,}", cell.entry.counts
    if coverage_s < cell.entry.minimum_coverage_s:
        return f"{math.floor(coverage_s / 60)} of {cell.entry.minimum_coverage_s / 60:g}", "min"
    return "", ""


def statement(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Drafted sentences on the left, room for the reader on the right."""
    width_mm, line_mm = TEXT_WIDTH_MM * 0.68, 3.2
    lines = [line for text in sentences(night) for line in wrap(text, width_mm - 4, 6.8)]
    height_mm = max(line_mm * len(lines) + 2, 22.0)

    def draw(page: Page, top_mm: float) -> None:
        page.line((MARGIN_MM, MARGIN_MM), (top_mm, top_mm + height_mm), colour=SOFT, width=1.2)
        for i, line in enumerate(lines):
            page.text(MARGIN_MM + 2.5, top_mm + line_mm * (i + 0.85), line, size=6.8)
        left_mm = MARGIN_MM + width_mm + 2
        page.box(left_mm, top_mm, TEXT_WIDTH_MM - width_mm - 2, height_mm, fill="white", edge=RULE)
        page.text(left_mm + 1.5, top_mm + 3, "Reader's text, name, date, signature", size=5.6, colour=SOFT)

    return [Block(height_mm + 2, draw)]


def night_figure(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """All tracks on one time axis."""

    def draw(page: Page, top_mm: float) -> None:
        draw_night_figure(page, top_mm, night, section.tracks, layout.limits.low_confidence)

    return [Block(figure_height_mm(section.tracks), draw)]


# --- tables ----------------------------------------------------------------------------------------


def hourly(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row an hour, totals last."""
    first, last = Column("Hour", 21, "left"), Column("Asleep\n%", 12.5)
    width_mm = (TEXT_WIDTH_MM - first.width_mm - last.width_mm) / len(section.heads)
    columns = [first, *(Column(head, width_mm) for head in section.heads), last]
    asleep = asleep_percents(night)
    rows = []
    for stratum in [*night.hour_strata, "night"]:
        cells = [night.cell(name, stratum).short for name in section.phenotypes]
        rows.append([_hour_label(night, stratum), *cells, asleep.get(stratum, "too few")])
    return table_blocks(columns, _without_repeats(rows), bold_last=True)


def _without_repeats(rows: list[list[str]]) -> list[list[str]]:
    """One row in place of many hours that read alike, as in gaps of days."""
    kept: list[list[str]] = []
    for _, run in groupby(rows, key=lambda row: row[1:]):
        alike = list(run)
        if len(alike) < ALIKE_HOURS:
            kept += alike
        else:
            first, last = (row[0].split()[0] for row in (alike[0], alike[-1]))
            kept.append([f"{first} to {last}", *alike[0][1:]])
    return kept


def _hour_label(night: ReportNight, stratum: str) -> str:
    if stratum == "night":
        return "Night"
    number = int(stratum.removeprefix("hour_"))
    part = "*" if night.duration_h < number else ""
    if night.clock is None:
        return f"{number}{part}"
    return f"{number}{part}  {night.clock.at(3600.0 * (number - 1)):%H:%M}"


def asleep_percents(night: ReportNight) -> dict[str, str]:
    """Share of the staged epochs of each hour and of the night that are sleep; no entry without a staged epoch."""
    staged = night.epochs.filter(pl.col("stage") != UNSCORED)
    is_sleep = np.isin(staged["stage"].to_numpy(), list(STAGE_STRATA["sleep"][0]))
    hour = ((staged["onset_s"].to_numpy() + EPOCH_S / 2) // 3600).astype(np.int64)
    n, n_asleep = np.bincount(hour), np.bincount(hour, is_sleep)
    found = {f"hour_{i + 1:02d}": f"{100 * n_asleep[i] / n[i]:.0f}" for i in np.flatnonzero(n)}
    return found | ({"night": f"{100 * is_sleep.mean():.0f}"} if len(is_sleep) else {})


def phenotype_table(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row a phenotype: value, interval where there is one, and what it rests on."""
    cells = [(night.cell(name, stratum), stratum) for name, stratum in map(split_name, section.phenotypes)]
    with_interval = any(cell.interval for cell, _ in cells)
    columns = [Column("", 58, "left"), Column("Value", 26)]
    columns += [Column("Interval", 34)] if with_interval else []
    columns += [Column("Rests on, or what is missing", TEXT_WIDTH_MM - sum(column.width_mm for column in columns))]
    rows = []
    for cell, stratum in cells:
        interval = [cell.interval] if with_interval else []
        rows.append([row_label(cell, stratum), cell.with_unit, *interval, basis(cell, TEXT_WIDTH_MM, with_interval)])
    return table_blocks(columns, rows)


def stage_table(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row a stage, one column a phenotype; first how many NN intervals it has."""
    width_mm = (TEXT_WIDTH_MM - 24 - 36) / len(section.heads)
    columns = [Column("Stage", 24, "left"), Column("NN intervals", 18), Column("Minutes", 18)]
    columns += [Column(head, width_mm) for head in section.heads]
    rows = []
    for stratum in section.strata:
        cells = [night.cell(name, stratum) for name in section.phenotypes]
        counted = night.cell("sdnn", stratum)
        amount = ["n/a"] * 2
        if counted.status != "not_applicable":
            amount = [f"{counted.n or 0:,}", f"{(counted.coverage_s or 0) / 60:.0f}"]
        name = {"wake": "Wake", "night": "Night"}.get(stratum, STRATUM_WORDS[stratum])
        rows.append([name, *amount, *(cell.short for cell in cells)])
    return table_blocks(columns, rows, bold_last=True)


# --- strips and words ------------------------------------------------------------------------------


def strips(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Strips at true scale under a check bar, or the reason why there are none."""
    relative = bool(night.run["unit"].get("relative"))  # results of earlier versions do not say
    rows = strip_rows(night.strips, night.beats, relative)
    if not rows and night.run["channel"] is None:
        return [panel("No strips: the input holds beats only, there is no waveform to show.")]
    if not rows:
        return [panel("No strips: no stretch of analysable signal is long enough.")]
    words = RELATIVE_WORDS if relative else CHECK_WORDS
    blocks = [Block(6.0, lambda page, top_mm: draw_check_bar(page, MARGIN_MM, top_mm + 2.0, words))]
    return blocks + [Block(row.height_mm, partial(draw_strip, row=row)) for row in rows]


def edits(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """What a person has changed, each with before and after."""
    return edit_blocks(night)


def method_section(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """How the numbers came about, from what the run wrote down."""
    return methods(night)


def limits(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """What the report cannot say."""
    return [paragraph(with_facts(text, night), bullet="-") for text in section.text]


SECTIONS: dict[str, Draw] = {
    "header": header,
    "quality": quality,
    "key_numbers": key_numbers,
    "statement": statement,
    "night_figure": night_figure,
    "hourly": hourly,
    "phenotype_table": phenotype_table,
    "stage_table": stage_table,
    "contrasts": contrasts,
    "averaged_beats": averaged_beats,
    "strips": strips,
    "edits": edits,
    "methods": method_section,
    "limits": limits,
}
