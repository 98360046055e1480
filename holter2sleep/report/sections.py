"""Sections of the report: each turns the tables into blocks of a page. `reports/patient.toml` lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from html import escape
from typing import Any

from holter2sleep.clock import Clock, date_known, night_of
from holter2sleep.report.averaged_section import averaged_beats
from holter2sleep.report.contrast_section import contrasts
from holter2sleep.report.day_figure import day_blocks
from holter2sleep.report.days import days_of
from holter2sleep.report.disclosure import full_disclosure
from holter2sleep.report.edited import edit_blocks
from holter2sleep.report.episode_section import longest_episodes
from holter2sleep.report.grid import BETWEEN_MM, ROW_MM, TEXT_SIZE, Column, panel, paragraph, table_blocks
from holter2sleep.report.hour_section import hourly
from holter2sleep.report.layout import Layout, Section, split_name
from holter2sleep.report.methods import methods, with_facts
from holter2sleep.report.night_figure import draw_night_figure, figure_height_mm
from holter2sleep.report.nights_section import nights_figure, nights_table
from holter2sleep.report.page import (
    ALARM,
    INK,
    MARGIN_MM,
    SOFT,
    TEXT_WIDTH_MM,
    Block,
    Page,
    fitting,
    text_width_mm,
    wrap,
)
from holter2sleep.report.paper import check_words, draw_check_bar, draw_strip, strip_rows
from holter2sleep.report.rr_section import rr_pictures
from holter2sleep.report.said_sections import findings, plain_sentences, plain_text, statement
from holter2sleep.report.tables import Cell, ReportNight, unit_text
from holter2sleep.report.words import Words

Facts = list[tuple[str, str]]  # label, value
Draw = Callable[[ReportNight, Layout, Section], list[Block]]

BASIS_SIZE = 5.6
VALUE_MM = 56.0  # from the label of a key number to the end of its value


# --- page 1 ----------------------------------------------------------------------------------------


def header(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Who, when, with what: one fact a cell."""
    run, clock, words = night.run, night.clock, night.words
    unknown = words("head.unknown")
    start, stop = (clock.at(seconds) if clock else None for seconds in (0.0, run["duration_s"]))
    facts = [
        (words("head.recording"), run["recording_id"]),
        (words("head.age_sex"), _subject(run["subject"], words)),
        (words("head.start", zone=run.get("time_zone") or words("head.local_time")), _moment(start, words)),
        (words("head.stop"), _moment(stop, words)),
        (words("head.night"), f"{night_of(start) or unknown}, {clock_length(run['duration_s'])}"),
        (words("head.lead"), _lead(run, words)),
        (words("head.file"), f"{run['input']['file']} ({run['input']['format']})"),
        (words("head.stages"), night.stages_by),
        (words("head.classes"), " / ".join(night.classes)),
        (words("head.lights"), _lights(run, clock, words)),
        (words("head.lights_source"), _lights_source(run["lights"]["source"], words)),
        (words("head.recipe"), f"{run['recipe']['name']} {run['recipe']['sha256'][:12]}"),
    ]
    return [facts_block(facts, per_row=4)]


def _subject(subject: dict[str, object], words: Words) -> str:
    known = subject["age"] is not None
    age = words("head.age", age=words.number(f"{subject['age']:g}")) if known else words("head.age_unknown")
    return f"{age}, {words('head.sex_' + str(subject['sex'] or 'unknown'))}"


def _lead(run: dict[str, object], words: Words) -> str:
    if not run["channel"]:
        return words("head.beats_only")
    fs = words.number(f"{run['fs']:g}")
    return f"{run['channel']}, {fs} Hz{words('head.beats_given') if run.get('beats') else ''}"


def _lights_source(source: str, words: Words) -> str:
    """Where the lights are known from: found out, or named by whoever gave them."""
    return words(f"lights.{source}") if f"lights.{source}" in words.english else source


def _moment(at: datetime | None, words: Words) -> str:
    """Date and clock; the clock alone where the header has no date."""
    if at is None:
        return words("head.unknown")
    if not date_known(at):
        return words("head.date_unknown", time=f"{at:%H:%M:%S}")
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _lights(run: dict[str, Any], clock: Clock | None, words: Words) -> str:
    if run["lights"]["source"] == "not_found":
        return words("head.unknown")
    off_s, on_s = run["lights"]["off_s"], run["lights"]["on_s"]
    if clock:
        return f"{clock.at(off_s):%H:%M:%S}, {clock.at(on_s):%H:%M:%S}"
    return words("head.from_start", off=clock_length(off_s), on=clock_length(on_s))


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
    """Facts as cells: a small label over its value; a long value takes a second line, and is cut in it."""
    width_mm = TEXT_WIDTH_MM / per_row
    lines = [_two_lines(value, width_mm - 2.5, 7.2) for _, value in facts]
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

    cells = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts)
    return Block(sum(heights_mm) + 1, draw, f'<dl class="{"plain" if fill == "none" else "fill"}">{cells}</dl>')


def _two_lines(text: str, width_mm: float, size: float) -> list[str]:
    lines = wrap(text, width_mm, size)
    return lines if len(lines) < 3 else [lines[0], fitting(" ".join(lines[1:3]), width_mm, size)]


def quality(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """How much could be analysed; a red banner below the limits of the layout."""
    cells = [night.cell(*split_name(name)) for name in section.phenotypes]
    facts = [(night.words.layout(head), cell.with_unit) for head, cell in zip(section.heads, cells, strict=True)]
    block = facts_block([*facts, *waveform_facts(night)], per_row=8, fill="#f2f4f6")
    words = banner_words(night, layout)
    return [block] if words is None else [block, _banner(words)]


def waveform_facts(night: ReportNight) -> Facts:
    """The longest hole in the file, and which way up the lead was."""
    words = night.words
    heads = words("quality.longest_gap"), words("quality.lead")
    if night.run["channel"] is None:
        return [(head, words("quality.no_waveform")) for head in heads]
    longest_s = max((end_s - start_s for start_s, end_s in night.run["gaps"]), default=None)
    gap = words("quality.no_gap") if longest_s is None else clock_length(longest_s)
    return [
        (heads[0], gap),
        (heads[1], words("quality.inverted" if night.run["polarity"] == -1 else "quality.upright")),
    ]


def banner_words(night: ReportNight, layout: Layout) -> str | None:
    """What is below the limits, or None."""
    limits, words = layout.limits, night.words
    wanted = (("analysable_time", limits.banner_analysable_h), ("analysable_share", limits.banner_analysable_percent))
    below = [
        words("quality.below", value=cell.with_unit, limit=words.number(f"{limit:g} {unit_text(cell.entry)}"))
        for cell, limit in ((night.cell(name), limit) for name, limit in wanted)
        if not cell.ok or (cell.value or 0.0) < limit
    ]
    return words("quality.banner", below=", ".join(below)) if below else None


def _banner(words: str) -> Block:
    size = min(8.0, 8.0 * TEXT_WIDTH_MM / text_width_mm(words, 8.0, "bold"))

    def draw(page: Page, top_mm: float) -> None:
        page.box(MARGIN_MM - 1.5, top_mm, TEXT_WIDTH_MM + 3, 6.2, fill=ALARM)
        middle_mm = MARGIN_MM + TEXT_WIDTH_MM / 2
        page.text(middle_mm, top_mm + 4.1, words, size=size, weight="bold", colour="white", align="center")

    return Block(7.5, draw, f'<p class="alarm">{escape(words)}</p>')


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
            room_mm = VALUE_MM - text_width_mm(row_label(cell, stratum), 6.8) - 1.5
            fits = text_width_mm(cell.with_unit, size, "bold") <= room_mm
            value = cell.with_unit if cell.ok or fits else cell.short
            page.text(x_mm + VALUE_MM, y_mm - 1.2, value, size=size, weight="bold", colour=colour, align="right")
            page.text(x_mm + width_mm, y_mm - 1.2, basis(cell, 30), size=BASIS_SIZE, colour=SOFT, align="right")
            page.line((x_mm, x_mm + width_mm), (y_mm, y_mm), width=0.25)

    return [Block(ROW_MM * half + 1.5, draw, _key_numbers_html([(night.cell(*one), one[1]) for one in shown]))]


def _key_numbers_html(cells: Sequence[tuple[Cell, str]]) -> str:
    rows = (
        f'<tr><td class="left">{escape(row_label(cell, stratum))}</td><td class="right"><strong>'
        f'{escape(cell.with_unit)}</strong></td><td class="left small">{escape(basis(cell, TEXT_WIDTH_MM))}</td></tr>'
        for cell, stratum in cells
    )
    return f'<div class="wide"><table class="key"><tbody>{"".join(rows)}</tbody></table></div>'


def row_label(cell: Cell, stratum: str) -> str:
    """Label of the dictionary with the stratum."""
    word = cell.words.stratum(stratum)
    return f"{cell.label}, {word}" if word else cell.label


def basis(cell: Cell, width_mm: float, interval_shown: bool = False, size: float = BASIS_SIZE) -> str:
    """What a number rests on, or how much is missing for one; as much of it as the width holds."""
    if cell.status == "not_applicable":
        return ""
    if cell.status == "insufficient_data":
        return _short_of(cell, width_mm, size)
    words = cell.words
    items = f"{words.whole(cell.n)} {words.counts(cell.entry.counts, cell.n)}" if cell.n else ""
    hours = words.number(f"{cell.coverage_s / 3600:.1f} h") if cell.coverage_s else ""
    # where no column holds the interval, it says more than what the number rests on
    interval = words("number.rests_on_interval", interval=cell.interval) if cell.interval and not interval_shown else ""
    parts = [part for part in (interval or items, hours) if part]
    return longest_fitting(width_mm, size, ", ".join(parts), *parts)


def longest_fitting(width_mm: float, size: float, *texts: str) -> str:
    """The first text that fits into a width, or nothing."""
    return next((text for text in texts if text_width_mm(text, size) <= width_mm), "")


def _short_of(cell: Cell, width_mm: float, size: float) -> str:
    """How much there is of what a number needs; nothing where neither items nor minutes are short."""
    if cell.shortfall is None:
        return ""
    have, needed, counts = cell.shortfall
    of = cell.words("number.of", have=cell.words.whole(have), needed=cell.words.whole(needed))
    return longest_fitting(width_mm, size, f"{of} {counts}", of)


def night_figure(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """All tracks on one time axis, or a row for each day of a long recording."""
    if layout.shows_days(night.duration_h):
        return day_blocks(days_of(night), layout.tracks(night.duration_h), night.words)

    def drawn(height_mm: float) -> Block:
        def draw(page: Page, top_mm: float) -> None:
            draw_night_figure(page, top_mm, night, section.tracks, layout.limits.low_confidence, height_mm)

        return Block(height_mm, draw, shrunk=drawn)

    return [drawn(figure_height_mm(section.tracks, section.size))]


# --- tables ----------------------------------------------------------------------------------------


def phenotype_table(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row a phenotype: value, interval where there is one, and what it rests on."""
    words = night.words
    cells = [(night.cell(name, stratum), stratum) for name, stratum in map(split_name, section.phenotypes)]
    with_interval = any(cell.interval for cell, _ in cells)
    columns = [Column("", 58, "left"), Column(words("table.value"), 26)]
    columns += [Column(words("table.interval"), 34)] if with_interval else []
    columns += [Column(words("table.rests_on"), TEXT_WIDTH_MM - sum(column.width_mm for column in columns))]
    rows = []
    for cell, stratum in cells:
        interval = [cell.interval] if with_interval else []
        rests_on = basis(cell, columns[-1].width_mm - BETWEEN_MM, with_interval, TEXT_SIZE)
        rows.append([row_label(cell, stratum), cell.with_unit, *interval, rests_on])
    return table_blocks(columns, rows)


def stage_table(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """One row a stage, one column a phenotype; first how many NN intervals it has."""
    width_mm = (TEXT_WIDTH_MM - 24 - 36) / len(section.heads)
    words = night.words
    columns = [Column(words("table.stage"), 24, "left"), Column(words("table.nn_intervals"), 18)]
    columns += [Column(words("table.minutes"), 18), *(Column(words.layout(head), width_mm) for head in section.heads)]
    rows = []
    for stratum in section.strata:
        cells = [night.cell(name, stratum) for name in section.phenotypes]
        counted = night.cell("sdnn", stratum)
        amount = [words("status.not_applicable_short")] * 2
        if counted.status != "not_applicable":
            amount = [words.whole(counted.n or 0), words.whole(round((counted.coverage_s or 0) / 60))]
        rows.append([words.row(stratum), *amount, *(cell.short for cell in cells)])
    return table_blocks(columns, rows, bold_last=True)


# --- strips and words ------------------------------------------------------------------------------


def strips(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """Strips at true scale under a check bar, or the reason why there are none."""
    relative = night.has_no_scale
    rows = strip_rows(night.strips, night.beats, relative)
    if not rows and night.run["channel"] is None:
        return [panel(night.words("strip.none_beats_only"))]
    if not rows:
        return [panel(night.words("strip.none_short"))]
    check = check_words(night.words, relative)
    blocks = [Block(6.0, lambda page, top_mm: draw_check_bar(page, MARGIN_MM, top_mm + 2.0, check))]
    return blocks + [
        Block(row.height_mm, partial(draw_strip, row=row, words=night.words), bleed_mm=row.bleed_mm) for row in rows
    ]


def edits(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """What a person has changed, each with before and after."""
    return edit_blocks(night)


def method_section(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """How the numbers came about, from what the run wrote down."""
    return methods(night)


def limits(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """What the report cannot say."""
    return [paragraph(with_facts(night.words.layout(text), night), bullet="-") for text in section.text]


SECTIONS: dict[str, Draw] = {
    "header": header,
    "quality": quality,
    "key_numbers": key_numbers,
    "statement": statement,
    "findings": findings,
    "plain_text": plain_text,
    "plain_sentences": plain_sentences,
    "night_figure": night_figure,
    "hourly": hourly,
    "longest_episodes": longest_episodes,
    "rr_pictures": rr_pictures,
    "phenotype_table": phenotype_table,
    "stage_table": stage_table,
    "contrasts": contrasts,
    "averaged_beats": averaged_beats,
    "strips": strips,
    "full_disclosure": full_disclosure,
    "nights_table": nights_table,
    "nights_figure": nights_figure,
    "edits": edits,
    "methods": method_section,
    "limits": limits,
}
