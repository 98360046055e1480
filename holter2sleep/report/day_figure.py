"""A recording of many days on one page: a row for each day, all on the same clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from holter2sleep.night import AF_KINDS, EPOCH_S
from holter2sleep.report import axes as draw
from holter2sleep.report.days import Day
from holter2sleep.report.night_figure import KEY_SIZE, Key, band_keys, write_key
from holter2sleep.report.page import HEIGHT_MM, MARGIN_MM, MM_PER_POINT, RULE, SOFT, TEXT_WIDTH_MM, Block, Page
from holter2sleep.report.words import Words

LEFT_MM, RIGHT_MM = 24.0, 21.0  # for dates, and for what colours mean
CLOCK_MM, ROOM_MM, KEY_MM = 5.0, 112.0, 2.7  # above the rows; of all rows of a page together; from word to word
LOWEST_MM, HIGHEST_MM, GAP_MM = 7.4, 32.0, 0.8  # of a row
EVERY_H = 3
FEWEST_SHOWN = 4.0  # ectopic beats in 5 min, as in the night figure
AF_COLOUR = draw.RHYTHM_LANES[0][2]


@dataclass(frozen=True)
class Scales:
    """What all rows share, so that days can be compared."""

    rate_bpm: tuple[float, float]
    ectopic: float  # beats in 5 min at the edge of the track


@dataclass(frozen=True)
class DayTrack:
    """One track of a row."""

    title: str  # key of its name
    share: float  # of the row's height
    draw: Callable[[Axes, Day, Scales], object]
    keys: Callable[[Day, Scales], list[Key]]


def day_blocks(days: Sequence[Day], names: Sequence[str], words: Words) -> list[Block]:
    """Rows of days with the named tracks; as many as a page holds are one block."""
    a_page, scales = int(ROOM_MM // LOWEST_MM), scales_of(days)
    height_mm = min(ROOM_MM / min(len(days), a_page), HIGHEST_MM)
    pieces = [days[i : i + a_page] for i in range(0, len(days), a_page)]
    drawn = partial(_draw_days, names=names, height_mm=height_mm, scales=scales, words=words)
    return [_block(piece, drawn, height_mm, _keys(names, piece[0], scales)) for piece in pieces]


def _block(days: Sequence[Day], drawn: Callable[..., None], height_mm: float, keys: Sequence[Key]) -> Block:
    rows_mm = max(height_mm * len(days), KEY_MM * len(keys))
    return Block(CLOCK_MM + rows_mm + 1.0, partial(drawn, days=days, keys=keys))


def scales_of(days: Sequence[Day]) -> Scales:
    """Scales that hold all days but one epoch in a thousand at either end of the rate."""
    rates = [draw.numbers(day.part.epochs, f"heart_rate_p{p}_bpm") for day in days for p in ("05", "95")]
    known = np.concatenate(rates)
    known = known[np.isfinite(known)]
    low, high = np.quantile(known, (0.001, 0.999)) if len(known) else (40.0, 100.0)
    counts = [draw.ectopy_counts(day.part.epochs, label).max(initial=0.0) for day in days for label in "VS"]
    return Scales((10.0 * np.floor(low / 10), 10.0 * np.ceil((high + 0.1) / 10)), max(FEWEST_SHOWN, *counts))


def _draw_days(
    page: Page,
    top_mm: float,
    days: Sequence[Day],
    keys: Sequence[Key],
    names: Sequence[str],
    height_mm: float,
    scales: Scales,
    words: Words,
) -> None:
    _write_clock(page, top_mm + CLOCK_MM - 1.5, days[0], words)
    for i, day in enumerate(days):
        _draw_day(page, top_mm + CLOCK_MM + height_mm * i, day, names, height_mm - GAP_MM, scales, first=i == 0)
    for i, (word, colour) in enumerate(keys):
        x_mm, y_mm = MARGIN_MM + TEXT_WIDTH_MM - RIGHT_MM + 1.5, top_mm + CLOCK_MM + 2.0 + KEY_MM * i
        if colour:
            write_key(page, x_mm, y_mm, (word, colour))
        else:
            page.text(x_mm, y_mm, word, size=KEY_SIZE, weight="bold", colour=SOFT)


def _draw_day(
    page: Page, top_mm: float, day: Day, names: Sequence[str], height_mm: float, scales: Scales, first: bool
) -> None:
    width_mm = TEXT_WIDTH_MM - LEFT_MM - RIGHT_MM
    page.text(MARGIN_MM, top_mm + 2.6, day.label, size=6.5, weight="bold")
    hours = f"h {day.hours[0]}-{day.hours[-1]}" if day.hours else ""
    page.text(MARGIN_MM, top_mm + 5.2, hours, size=5.5, colour=SOFT)
    whole = sum(DAY_TRACKS[name].share for name in names)
    for name in names:
        track = DAY_TRACKS[name]
        part_mm = height_mm * track.share / whole
        ax = page.axes(MARGIN_MM + LEFT_MM, top_mm, width_mm, part_mm, xlim=(day.start_h, day.end_h))
        track.draw(ax, day, scales)
        draw.draw_mask(ax, day.part)
        draw.draw_lights(ax, day.part)
        _dress(ax, day, with_ticks=first and name == "heart_rate")
        top_mm += part_mm


def _dress(ax: Axes, day: Day, with_ticks: bool) -> None:
    """The same hour lines in each track; numbers at the rate of the first row only."""
    ax.set_xlim(day.start_h, day.end_h)
    ax.set_xticks(np.arange(day.start_h, day.end_h + 0.01, EVERY_H), labels=[])
    ax.grid(axis="x", color=RULE, linewidth=0.3, zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(length=0)
    if not with_ticks:
        ax.set_yticks([])


def _write_clock(page: Page, y_mm: float, day: Day, words: Words) -> None:
    """Times of day over the hour lines, or hours of the day where the clock is unknown."""
    width_mm = TEXT_WIDTH_MM - LEFT_MM - RIGHT_MM
    page.text(
        MARGIN_MM, y_mm, words("track.clock" if day.clock_h is not None else "track.hours"), size=6.5, weight="bold"
    )
    for at_h in range(0, 25, EVERY_H):
        shown = f"{at_h} h" if day.clock_h is None else f"{(day.clock_h + at_h) % 24:02.0f}:00"
        page.text(MARGIN_MM + LEFT_MM + width_mm * at_h / 24, y_mm, shown, size=6, align="center")


# --- tracks ----------------------------------------------------------------------------------------


def _draw_rate(ax: Axes, day: Day, scales: Scales) -> None:
    draw.draw_heart_rate(ax, day.part)
    ax.set_ylim(scales.rate_bpm)
    draw.end_ticks(ax, list(scales.rate_bpm), day.part.words)
    height_mm = ax.get_position().height * HEIGHT_MM
    ax.tick_params(axis="y", labelsize=min(6.0, height_mm / 2 / MM_PER_POINT))  # two labels, one above the other


def _draw_stages(ax: Axes, day: Day, _: Scales) -> None:
    """A bar in the colours of the stages; what has none stays empty."""
    ax.set_ylim(0, 1)
    stage = day.part.epochs["stage"].to_numpy()
    for name in day.part.classes:
        draw.bars(ax, draw.spans_h(day.part.epochs, stage == name), 0.1, 0.8, draw.STAGE_COLOURS[name])


def _draw_af(ax: Axes, day: Day, _: Scales) -> None:
    ax.set_ylim(0, 1)
    found = day.part.episodes.filter(pl.col("kind").is_in(AF_KINDS)).select("start_s", "end_s").to_numpy()
    shown = found / draw.HOUR_S
    shown[:, 1] = np.maximum(shown[:, 1], shown[:, 0] + draw.THINNEST_MARK * (day.end_h - day.start_h))
    draw.bars(ax, shown, 0.1, 0.8, AF_COLOUR)


def _draw_ectopy(ax: Axes, day: Day, scales: Scales) -> None:
    """Ventricular ectopic beats in each five minutes upwards, supraventricular ones downwards."""
    ax.set_ylim(-scales.ectopic, scales.ectopic)
    epochs = day.part.epochs
    edges_h = np.append(
        draw.onset_h(epochs)[:: draw.ECTOPY_BIN_EPOCHS], draw.onset_h(epochs)[-1:] + EPOCH_S / draw.HOUR_S
    )
    for label, sign in (("V", 1), ("S", -1)):
        counts = draw.ectopy_counts(epochs, label)
        if counts.any():
            ax.stairs(sign * counts, edges_h, fill=True, color=draw.BEAT_COLOURS[label], linewidth=0)


def _draw_quality(ax: Axes, day: Day, _: Scales) -> None:
    """Why epochs were flagged: the first reason that holds."""
    ax.set_ylim(0, 1)
    flags = day.part.epochs["quality_flags"].to_numpy()
    for _name, bits, colour in reversed(draw.QUALITY_REASONS):
        draw.bars(ax, draw.spans_h(day.part.epochs, (flags & bits) != 0), 0.1, 0.8, colour)


# --- what colours mean -----------------------------------------------------------------------------


def _keys(names: Sequence[str], day: Day, scales: Scales) -> list[Key]:
    """Tracks from top to bottom, each with its letter and below it its colours; a title has no colour."""
    found: list[Key] = []
    for i, name in enumerate(names):
        track = DAY_TRACKS[name]
        found += [(f"{chr(ord('a') + i)}  {day.part.words(track.title)}", ""), *track.keys(day, scales)]
    return found


def _rate_keys(day: Day, _: Scales) -> list[Key]:
    return band_keys(day.part)


def _stage_keys(day: Day, _: Scales) -> list[Key]:
    shown = [stage for stage in draw.STAGE_ROWS if stage in day.part.classes]
    return [(day.part.words.stage(stage), draw.STAGE_COLOURS[stage]) for stage in shown]


def _ectopy_keys(day: Day, scales: Scales) -> list[Key]:
    words, most = day.part.words, f"{scales.ectopic:.0f}"
    return [
        (words("track.ve_up", most=most), draw.BEAT_COLOURS["V"]),
        (words("track.sve_down"), draw.BEAT_COLOURS["S"]),
    ]


def _af_keys(day: Day, _: Scales) -> list[Key]:
    return [(day.part.words("lane.af"), AF_COLOUR)]


def _quality_keys(day: Day, _: Scales) -> list[Key]:
    return [(day.part.words(key), colour) for key, _bits, colour in draw.QUALITY_REASONS]


DAY_TRACKS: dict[str, DayTrack] = {
    "heart_rate": DayTrack("track.heart_rate", 0.46, _draw_rate, _rate_keys),
    "hypnogram": DayTrack("track.hypnogram", 0.13, _draw_stages, _stage_keys),
    "rhythm": DayTrack("track.rhythm_of_days", 0.10, _draw_af, _af_keys),
    "ectopy": DayTrack("track.ectopy", 0.21, _draw_ectopy, _ectopy_keys),
    "quality": DayTrack("track.quality", 0.10, _draw_quality, _quality_keys),
}
