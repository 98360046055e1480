"""The section of episodes: when the longest of each rhythm began, how long and how fast they were, in which stage."""

from __future__ import annotations

from typing import Any

import polars as pl

from holter2sleep.night import UNSCORED
from holter2sleep.report.grid import Column, fitted_columns, panel, table_blocks
from holter2sleep.report.layout import Layout, Section
from holter2sleep.report.page import TEXT_WIDTH_MM, Block
from holter2sleep.report.tables import ReportNight

# In the order of a reader's interest; each has its name in the catalogue.
KINDS = ("AFIB", "AFL", "PAUSE", "BIII", "BII", "VT", "IVR", "SVTA", "B", "T", "BRADY", "TACHY")
SHOWN = 4  # of a kind: the longest
IN_SECONDS = 100.0  # shorter ones
HOURS_OF_A_DAY = 24.0
NAME_MM, STAGE_MM = 44.0, 24.0

Row = dict[str, Any]  # of the table of episodes


def longest_episodes(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """The longest of each kind, by their start; how many there are stands beside the kind."""
    if night.episodes.filter(pl.col("kind").is_in(KINDS)).is_empty():
        return [panel(night.words("episode.none"))]
    rows = [row for kind in KINDS for row in _rows_of(night, kind)]
    words = [
        Column(night.words("episode.kind"), NAME_MM, "left"),
        Column(night.words("episode.stage"), STAGE_MM, "left"),
    ]
    heads = [night.words(f"episode.{name}") for name in ("start", "length", "beats", "rate")]
    figures = fitted_columns(heads, [row[2:] for row in rows], TEXT_WIDTH_MM - NAME_MM - STAGE_MM)
    return table_blocks([*words, *figures], rows)


def _rows_of(night: ReportNight, kind: str) -> list[list[str]]:
    found = night.episodes.filter(kind=kind)
    longest_first = found.sort([pl.col("start_s") - pl.col("end_s"), "start_s"])
    shown = longest_first.head(SHOWN).sort("start_s")
    words, name = night.words, night.words(f"episode.{kind}")
    if found.height > SHOWN:
        name = words("episode.of", name=name, shown=SHOWN, n=words.whole(found.height))
    return [["" if i else name, *_cells(night, row)] for i, row in enumerate(shown.iter_rows(named=True))]


def _cells(night: ReportNight, row: Row) -> list[str]:
    """In which stage, when, how long, how many beats, how fast."""
    words, length_s = night.words, row["end_s"] - row["start_s"]
    length = f"{length_s:.1f} s" if length_s < IN_SECONDS else f"{length_s / 60:.1f} min"
    rate = words.whole(round(row["rate_bpm"])) if row["rate_bpm"] is not None else ""
    stage = "-" if row["stage_at_onset"] in (None, UNSCORED) else words.stage(row["stage_at_onset"])
    return [stage, _start(night, row["start_s"]), words.number(length), words.whole(row["n_beats"]), rate]


def _start(night: ReportNight, start_s: float) -> str:
    """The clock, after the date where that changes more than once."""
    name, one_day = night.time_name(start_s), night.duration_h <= HOURS_OF_A_DAY
    return name if one_day or night.clock is None else f"{night.clock.at(start_s):%Y-%m-%d} {name}"
