"""The night on one time axis: the face of the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from matplotlib.axes import Axes

from holter2sleep.clock import Clock
from holter2sleep.report import axes as draw
from holter2sleep.report import breathing_axes
from holter2sleep.report.page import MARGIN_MM, RULE, SOFT, TEXT_WIDTH_MM, Page
from holter2sleep.report.tables import ReportNight
from holter2sleep.report.tachogram import draw_tachogram

LEFT_MM, RIGHT_MM = 23.5, 19.0  # for the names of tracks, and for what their colours mean
LETTER_MM = 2.6  # for the letter of a track
GAP_MM = 0.9
KEY_SIZE = 5.2
CLOCK_MM, HOURS_MM = 5.0, 4.5  # room above the first track, and below the last
HOURS_BELOW_MM, TICK_INK = 2.8, "#333333"  # where the hours stand in it
HOUR_STEPS = (1 / 60, 1 / 12, 0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96)
MOST_TICKS = 12

Key = tuple[str, str]  # word, colour


@dataclass(frozen=True)
class Track:
    """One row of the figure; its name and unit stand in the catalogue under `track.`."""

    height_mm: float
    draw: Callable[[Axes, ReportNight, float], str | None]
    keys: Callable[[ReportNight], list[Key]]


def _plain(drawn: Callable[[Axes, ReportNight], str | None]) -> Callable[[Axes, ReportNight, float], str | None]:
    """A track that does not look at the confidence limit."""
    return lambda ax, night, _low_confidence: drawn(ax, night)


def _no_keys(_: ReportNight) -> list[Key]:
    return []


def band_keys(night: ReportNight) -> list[Key]:
    """What the colours of the rate mean."""
    colours = {"median": draw.RATE_COLOUR, "band": draw.BAND_COLOUR, "extremes": draw.EXTREME_COLOUR}
    return [(night.words(f"track.{key}"), colour) for key, colour in colours.items()]


def _stage_keys(night: ReportNight) -> list[Key]:
    shown = [stage for stage in draw.STAGE_ROWS if stage in night.classes]
    return [(night.words.stage(stage), draw.STAGE_COLOURS[stage]) for stage in shown]


def _ectopy_keys(night: ReportNight) -> list[Key]:
    return [(night.words("track.ve"), draw.BEAT_COLOURS["V"]), (night.words("track.sve"), draw.BEAT_COLOURS["S"])]


def _quality_keys(night: ReportNight) -> list[Key]:
    return [(night.words(key), colour) for key, _, colour in draw.QUALITY_REASONS]


def _beat_keys(_: ReportNight) -> list[Key]:
    return [(kind, draw.BEAT_COLOURS[kind]) for kind in "NSV"]


def _coupling_keys(_: ReportNight) -> list[Key]:
    return list(breathing_axes.COUPLING_COLOURS.items())


TRACKS: dict[str, Track] = {
    "hypnogram": Track(13.4, draw.draw_hypnogram, _no_keys),
    "hypnodensity": Track(9, _plain(draw.draw_hypnodensity), _stage_keys),
    "heart_rate": Track(11, _plain(draw.draw_heart_rate), band_keys),
    "tachogram": Track(9.5, _plain(draw_tachogram), _beat_keys),
    "rmssd": Track(7.5, _plain(draw.draw_rmssd), _no_keys),
    "rhythm": Track(16.0, _plain(draw.draw_rhythm), _no_keys),
    "ectopy": Track(6.5, _plain(draw.draw_ectopy), _ectopy_keys),
    "breathing": Track(7, _plain(breathing_axes.draw_breathing), _no_keys),
    "respiratory": Track(6, _plain(breathing_axes.draw_respiratory), _no_keys),
    "coupling": Track(6, _plain(breathing_axes.draw_coupling), _coupling_keys),
    "quality": Track(7, _plain(draw.draw_quality), _quality_keys),
}


def figure_height_mm(names: Sequence[str], size: float = 1.0) -> float:
    """Height of the figure with the given tracks at their own height, or that many times it."""
    return _fixed_mm(names) + size * sum(TRACKS[name].height_mm for name in names)


def _fixed_mm(names: Sequence[str]) -> float:
    return CLOCK_MM + HOURS_MM + GAP_MM * len(names)


def draw_night_figure(
    page: Page,
    top_mm: float,
    night: ReportNight,
    names: Sequence[str],
    low_confidence: float,
    height_mm: float,
) -> None:
    """All tracks, one below the other, with the same time axis; lower ones where the figure gets less height."""
    fixed_mm = _fixed_mm(names)
    scale = (height_mm - fixed_mm) / (figure_height_mm(names) - fixed_mm)
    y_mm = top_mm + CLOCK_MM
    width_mm = TEXT_WIDTH_MM - LEFT_MM - RIGHT_MM
    ticks_h = hour_ticks(night.duration_h)
    for row, name in enumerate(names):
        track = TRACKS[name]
        track_mm = scale * track.height_mm
        ax = page.axes(MARGIN_MM + LEFT_MM, y_mm, width_mm, track_mm)
        reason = track.draw(ax, night, low_confidence)
        draw.draw_mask(ax, night)
        draw.draw_lights(ax, night)
        if reason:
            draw.draw_nothing(ax, reason)
        ax.set_xlim(0, night.duration_h)
        ax.xaxis.set_visible(False)  # one line for all hours, and their names once, instead of ticks in each track
        ax.vlines(ticks_h, 0, 1, RULE, linewidths=0.3, transform=ax.get_xaxis_transform(), zorder=0)
        _write_margins(page, y_mm + track_mm / 2, name, chr(ord("a") + row), night)
        y_mm += track_mm + GAP_MM
    _write_hours(page, y_mm - GAP_MM + HOURS_BELOW_MM, width_mm, night, ticks_h)
    _write_clock(page, top_mm + CLOCK_MM - 1.5, width_mm, night)


def since_start(tick_h: float, step_h: float) -> str:
    """A tick in hours, or in minutes where the steps are less than a quarter of an hour."""
    return f"{tick_h:g} h" if step_h >= 0.25 else f"{tick_h * 60:.0f} min"


def tick_step_h(duration_h: float) -> float:
    """The smallest step that makes at most a dozen."""
    return next((step for step in HOUR_STEPS if duration_h / step <= MOST_TICKS), HOUR_STEPS[-1])


def hour_ticks(duration_h: float) -> list[float]:
    """Whole steps of time, at most a dozen.

    Examples
    --------
    >>> hour_ticks(8.2)
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """
    return [float(tick) for tick in np.arange(0, duration_h + 1e-9, tick_step_h(duration_h))]


def _write_margins(page: Page, middle_mm: float, name: str, letter: str, night: ReportNight) -> None:
    """Letter, name and unit on the left, meaning of the colours on the right."""
    track, words, unit = TRACKS[name], night.words, f"track.{name}_unit"
    page.text(MARGIN_MM, middle_mm - 0.3, letter, size=6.5, weight="bold", colour=SOFT)
    page.text(MARGIN_MM + LETTER_MM, middle_mm - 0.3, words(f"track.{name}"), size=6.5, weight="bold")
    page.text(
        MARGIN_MM + LETTER_MM, middle_mm + 2.2, words(unit) if unit in words.english else "", size=5.5, colour=SOFT
    )
    keys = track.keys(night)
    first_mm = middle_mm - 1.2 * (len(keys) - 1) + 0.7
    for row, key in enumerate(keys):
        x_mm, baseline_mm = MARGIN_MM + TEXT_WIDTH_MM - RIGHT_MM + 1.5, first_mm + 2.4 * row
        write_key(page, x_mm, baseline_mm, key)


def write_key(page: Page, x_mm: float, baseline_mm: float, key: Key) -> None:
    """A square of a colour, and what it means."""
    word, colour = key
    page.box(x_mm, baseline_mm - 1.4, 1.5, 1.5, fill=colour)
    page.text(x_mm + 2.3, baseline_mm, word, size=KEY_SIZE, colour=SOFT)


def _write_hours(page: Page, y_mm: float, width_mm: float, night: ReportNight, ticks_h: Sequence[float]) -> None:
    """Time since the start below the last track."""
    step_h = tick_step_h(night.duration_h)
    for at_h in ticks_h:
        x_mm = MARGIN_MM + LEFT_MM + width_mm * at_h / night.duration_h
        text = night.words.number(since_start(at_h, step_h))
        page.text(x_mm, y_mm, text, size=6.5, colour=TICK_INK, align="center")


def _write_clock(page: Page, y_mm: float, width_mm: float, night: ReportNight) -> None:
    """Clock times of whole hours above the first track."""
    left_mm = MARGIN_MM + LEFT_MM
    if night.clock is None:
        page.text(left_mm, y_mm, night.words("track.no_clock"), size=5.5, colour=SOFT)
        return
    for at_h, clock in clock_ticks(night.clock, night.duration_h):
        page.text(left_mm + width_mm * at_h / night.duration_h, y_mm, clock, size=6, align="center")
    page.text(MARGIN_MM, y_mm, night.words("track.clock"), size=6.5, weight="bold")


def clock_ticks(clock: Clock, duration_h: float) -> list[tuple[float, str]]:
    """Whole clock steps within the recording: hours since its start, and the time as printed.

    Where the clock is changed, a time that does not exist has no tick, and one that is lived twice has two.
    """
    step = timedelta(hours=tick_step_h(duration_h))
    midnight = clock.start.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    n_steps = int((clock.start - midnight + timedelta(hours=duration_h + 1)) / step) + 1  # 1 h: clocks are put forward
    moments = [(midnight + k * step).replace(fold=fold) for k in range(n_steps + 1) for fold in (0, 1)]
    at_s = sorted({clock.elapsed_s(moment) for moment in moments if _exists(moment, clock)})
    return [(s / 3600, f"{clock.at(s):%H:%M}") for s in at_s if -1e-6 <= s <= 3600 * duration_h + 1e-6]


def _exists(moment: datetime, clock: Clock) -> bool:
    """Whether the clock ever shows this time."""
    shown = clock.at(clock.elapsed_s(moment))
    return (shown.hour, shown.minute) == (moment.hour, moment.minute)
