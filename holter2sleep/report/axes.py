"""Draw one noun of a night on one axes; the x axis is hours since the start.

Every function returns None, or the reason why there is nothing to draw.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter
from numpy.typing import NDArray

from holter2sleep.night import AF_KINDS, EPOCH_S, UNSCORED, Flag, Float
from holter2sleep.phenotypes.epochs import PROBABILITY_COLUMN
from holter2sleep.report.page import FAINT, INK, RULE, SOFT
from holter2sleep.report.tables import ReportNight
from holter2sleep.report.words import Words
from holter2sleep.spans import Spans, as_spans, spans_of_mask

HOUR_S = 3600.0

# One palette everywhere: told apart by the colour blind, and by their grey in print.
STAGE_COLOURS = {
    "W": "#e8a33d",
    "R": "#b5225b",
    "N1": "#a9cfe6",
    "L": "#7db4d8",
    "NREM": "#4d8fc0",
    "N2": "#4d8fc0",
    "N3": "#12427a",
}
STAGE_ROWS = ("W", "R", "N1", "L", "NREM", "N2", "N3")  # AASM order, top to bottom
BEAT_COLOURS = {"N": INK, "S": "#2b8ccc", "V": "#a3171d", "F": "#8e5ea2", "Q": "#777777"}

RATE_COLOUR, BAND_COLOUR, EXTREME_COLOUR = "#1f3b57", "#c9d6e2", "#c1272d"

# Lanes of the rhythm track, top to bottom: key of the name, kinds, colour.
RHYTHM_LANES = (
    ("lane.af", AF_KINDS, "#6a3d9a"),
    ("lane.v_runs", ("VT", "IVR"), BEAT_COLOURS["V"]),
    ("lane.sv_runs", ("SVTA",), BEAT_COLOURS["S"]),
    ("lane.cycles", ("B", "T"), "#8e5ea2"),
    ("lane.pause", ("PAUSE",), INK),
    ("lane.rates", ("TACHY", "BRADY"), "#8a6d00"),
    ("lane.cvhr", ("CVHR",), "#3b6e4f"),
    ("lane.resp", ("RESP",), "#0b7a75"),
)
THINNEST_MARK = 0.004  # of the shown width: a three-second pause must be seen on a page of eight hours

# Bits of quality_flags, as printed: key of the reason, bits, colour.
QUALITY_REASONS = (
    ("track.missing", Flag.MISSING | Flag.FLAT | Flag.SATURATED, "#333333"),
    ("track.noise", Flag.NOISE, "#d55e00"),
    ("track.no_beats", Flag.NO_BEATS, "#b79f00"),
)
ECTOPY_BIN_EPOCHS = 10  # 5 min


def numbers(epochs: pl.DataFrame, column: str) -> Float:
    """A column as float64, null as NaN."""
    return epochs[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def onset_h(epochs: pl.DataFrame) -> Float:
    """Start of each epoch, hours."""
    return numbers(epochs, "onset_s") / HOUR_S


def middle_h(epochs: pl.DataFrame) -> Float:
    """Middle of each epoch, hours."""
    return onset_h(epochs) + EPOCH_S / 2 / HOUR_S


def spans_h(epochs: pl.DataFrame, mask: NDArray[Any]) -> Spans:
    """Time of the epochs of a mask, in hours; the epochs follow one another."""
    start_h = onset_h(epochs[:1]).sum()  # 0 of no epoch
    return as_spans(spans_of_mask(mask, EPOCH_S / HOUR_S) + start_h)


def bars(ax: Axes, spans: Spans, bottom: float, height: float, colour: str, **options: Any) -> None:
    """Time spans as filled bars between two heights."""
    widths = [(float(start), float(end - start)) for start, end in spans]
    ax.broken_barh(widths, (bottom, height), facecolors=colour, linewidth=0, **options)


def _runs(*columns: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and one-past-last index of the stretches in which all columns stay the same."""
    change = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    first = np.r_[0, np.flatnonzero(change) + 1]
    return first, np.r_[first[1:], len(columns[0])]


# --- sleep -----------------------------------------------------------------------------------------


def draw_hypnogram(ax: Axes, night: ReportNight, low_confidence: float) -> str | None:
    """Steps through the stages the scheme can say; REM thick, epochs of low confidence pale."""
    rows = [stage for stage in STAGE_ROWS if stage in night.classes]
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.yaxis.set_major_locator(FixedLocator(range(len(rows))))
    ax.set_yticklabels([night.words.stage(stage) for stage in rows])
    stage = night.epochs["stage"].to_numpy()
    if not np.isin(stage, rows).any():
        return night.words("empty.no_stage")
    pale = numbers(night.epochs, "confidence") < low_confidence
    first, last = _runs(stage, pale)
    height = np.array([rows.index(name) if name in rows else np.nan for name in stage])
    start_h = onset_h(night.epochs)
    level = [(start_h[a], start_h[b - 1] + EPOCH_S / HOUR_S, height[a]) for a, b in zip(first, last, strict=True)]
    known = [i for i, a in enumerate(first) if stage[a] != UNSCORED]
    steps = [
        ((level[i][1], level[i][2]), (level[i][1], level[i + 1][2]))
        for i in known[:-1]
        if i + 1 < len(level) and np.isfinite(level[i + 1][2])
    ]
    ax.add_collection(LineCollection(steps, colors=FAINT, linewidths=0.4))
    bars = [((level[i][0], level[i][2]), (level[i][1], level[i][2])) for i in known]
    widths = [3.2 if stage[first[i]] == "R" else 1.8 for i in known]
    colours = [(STAGE_COLOURS[stage[first[i]]], 0.35 if pale[first[i]] else 1.0) for i in known]
    ax.add_collection(LineCollection(bars, colors=colours, linewidths=widths))
    return None


def draw_hypnodensity(ax: Axes, night: ReportNight) -> str | None:
    """Stage probabilities, stacked; unscored epochs stay empty."""
    ax.set_ylim(0, 1)
    end_ticks(ax, [0, 1], night.words)
    order = [stage for stage in reversed(STAGE_ROWS) if stage in night.classes]
    columns = [numbers(night.epochs, PROBABILITY_COLUMN[stage]) for stage in order]
    known = np.isfinite(np.sum(columns, axis=0))
    if not known.any():
        return night.words("empty.no_probability")
    edge_h = np.append(onset_h(night.epochs), onset_h(night.epochs)[-1] + EPOCH_S / HOUR_S)
    tops = np.cumsum(columns, axis=0)
    floors = np.vstack([np.zeros(len(known)), tops[:-1]])
    sides_h, shown = np.repeat(edge_h, 2)[1:-1], np.repeat(known, 2)  # the two sides of each epoch
    for stage, floor, top in zip(order, floors, tops, strict=True):
        low, high = np.repeat(floor, 2), np.repeat(top, 2)
        ax.fill_between(sides_h, low, high, where=shown, color=STAGE_COLOURS[stage], linewidth=0)
    return None


# --- heart -----------------------------------------------------------------------------------------


def draw_heart_rate(ax: Axes, night: ReportNight) -> str | None:
    """Median of each epoch in its band from the 5th to the 95th percentile; lowest and highest epoch marked."""
    rate, low, high = (
        numbers(night.epochs, name) for name in ("heart_rate_median_bpm", "heart_rate_p05_bpm", "heart_rate_p95_bpm")
    )
    if not np.isfinite(rate).any():
        return night.words("empty.no_rate")
    at_h = middle_h(night.epochs)
    ax.fill_between(at_h, low, high, color=BAND_COLOUR, linewidth=0)
    ax.plot(at_h, rate, color=RATE_COLOUR, linewidth=0.7)
    for extreme in (np.nanargmin(rate), np.nanargmax(rate)):
        ax.plot(at_h[extreme], rate[extreme], "o", markersize=2.4, color=EXTREME_COLOUR, markeredgewidth=0)
    _ylim(ax, np.concatenate([rate, low, high]), 10, night.words)
    return None


def _ylim(ax: Axes, values: Float, step: float, words: Words) -> None:
    """Limits at whole steps around the values, a tick at each end."""
    low = step * np.floor(np.nanmin(values) / step)
    high = max(step * np.ceil(np.nanmax(values) / step), low + step)
    ax.set_ylim(low, high)
    end_ticks(ax, [low, high], words)


def end_ticks(ax: Axes, at: list[float], words: Words) -> None:
    """Ticks whose lowest and highest label stay within the track."""
    ax.yaxis.set_major_locator(FixedLocator(at))
    labels = ax.set_yticklabels([words.number(f"{value:g}") for value in at])
    labels[0].set_verticalalignment("bottom")
    labels[-1].set_verticalalignment("top")


def number_ticks(axis: Axis, words: Words, form: str = "{:g}") -> None:
    """Plain numbers with the marks of the language, on a logarithmic axis too."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.number(form.format(value))))


def draw_rmssd(ax: Axes, night: ReportNight) -> str | None:
    """RMSSD of each epoch on a logarithmic axis; gaps stay gaps."""
    rmssd = numbers(night.epochs, "rmssd_ms")
    shown = np.where(rmssd > 0, rmssd, np.nan)
    if not np.isfinite(shown).any():
        return night.words("empty.no_normal")
    ax.set_yscale("log")
    low, high = (limit(shown) for limit in (np.nanmin, np.nanmax))
    ends = [max(1.0, min(10.0, np.floor(low))), max(100.0, np.ceil(high))]
    ax.set_ylim(min(low, ends[0]), ends[1])
    end_ticks(ax, ends, night.words)
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.tick_params(axis="y", which="minor", length=0)
    ax.plot(middle_h(night.epochs), shown, color="#3b6e4f", linewidth=0.6, marker=".", markersize=0.6)
    return None


def draw_rhythm(ax: Axes, night: ReportNight) -> str | None:
    """A lane for each kind of rhythm event."""
    ax.set_ylim(len(RHYTHM_LANES) - 0.4, -0.6)
    ax.yaxis.set_major_locator(FixedLocator(range(len(RHYTHM_LANES))))
    ax.set_yticklabels([night.words(key) for key, _, _ in RHYTHM_LANES], size=5)
    if night.beats.is_empty():
        return night.words("empty.no_beats")
    for row, (_, kinds, colour) in enumerate(RHYTHM_LANES):
        spans = night.episodes.filter(pl.col("kind").is_in(kinds)).select("start_s", "end_s").to_numpy() / HOUR_S
        seen_until = np.maximum(spans[:, 1], spans[:, 0] + THINNEST_MARK * night.duration_h)
        bars(ax, np.column_stack([spans[:, 0], seen_until]), row - 0.3, 0.6, colour)
        ax.axhline(row, color=RULE, linewidth=0.3, zorder=0)
    return None


def ectopy_counts(epochs: pl.DataFrame, label: str) -> Float:
    """Ectopic beats of a class, V or S, in each five minutes. array (n_bins,)."""
    counts = np.nan_to_num(numbers(epochs, {"V": "n_veb", "S": "n_sveb"}[label]))
    return np.add.reduceat(counts, np.arange(0, len(counts), ECTOPY_BIN_EPOCHS)) if len(counts) else counts


def draw_ectopy(ax: Axes, night: ReportNight) -> str | None:
    """Ventricular and supraventricular ectopic beats in each five minutes, side by side."""
    if night.beats.is_empty():
        return night.words("empty.no_beats")
    if night.cell("n_veb").status == "not_applicable":
        return night.words("empty.no_classes")
    width_h = ECTOPY_BIN_EPOCHS * EPOCH_S / HOUR_S
    start_h = onset_h(night.epochs)[::ECTOPY_BIN_EPOCHS]
    highest = 0.0
    for shift, label in ((0.08, "V"), (0.5, "S")):
        binned = ectopy_counts(night.epochs, label)
        highest = max(highest, float(binned.max()))
        some = binned > 0
        left_h = start_h[some] + shift * width_h
        corners = [
            ((x, 0), (x, top), (x + 0.42 * width_h, top), (x + 0.42 * width_h, 0))
            for x, top in zip(left_h, binned[some], strict=True)
        ]
        ax.add_collection(PolyCollection(corners, facecolors=BEAT_COLOURS[label], linewidths=0))
    ax.set_ylim(0, max(4.0, highest))
    end_ticks(ax, [0, max(4.0, highest)], night.words)
    return None


# --- quality ---------------------------------------------------------------------------------------


def draw_quality(ax: Axes, night: ReportNight) -> str | None:
    """Signal quality index, and along the bottom why epochs were flagged: the first reason that holds."""
    sqi = numbers(night.epochs, "sqi")
    ax.set_ylim(-0.25, 1.2)
    end_ticks(ax, [0, 1], night.words)
    flags = night.epochs["quality_flags"].to_numpy()
    for _, bits, colour in reversed(QUALITY_REASONS):  # where the signal is missing there are no beats either
        bars(ax, spans_h(night.epochs, (flags & bits) != 0), -0.22, 0.14, colour)
    if not np.isfinite(sqi).any():
        return night.words("empty.no_waveform")
    ax.plot(middle_h(night.epochs), sqi, color=SOFT, linewidth=0.6, drawstyle="steps-mid")
    return None


# --- over all tracks -------------------------------------------------------------------------------


def unusable_hours(epochs: pl.DataFrame) -> Spans:
    """Time of the epochs that are not usable, in hours."""
    return spans_h(epochs, ~epochs["usable"].to_numpy())


def draw_mask(ax: Axes, night: ReportNight) -> None:
    """Unusable time in grey, over the whole height."""
    bars(ax, unusable_hours(night.epochs), 0, 1, "#e3e3e3", transform=ax.get_xaxis_transform(), zorder=0.5)


def draw_lights(ax: Axes, night: ReportNight) -> None:
    """Lights-off and lights-on as dashed lines."""
    for name in ("off_s", "on_s"):
        at_h = night.run["lights"][name] / HOUR_S
        if 0 < at_h < night.duration_h:
            ax.axvline(at_h, color=SOFT, linewidth=0.6, linestyle=(0, (3, 2)), zorder=3)


def draw_nothing(ax: Axes, reason: str) -> None:
    """An empty track that says why it is empty."""
    ax.set_yticks([])
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # no hour line runs through the words
    options: dict[str, Any] = {"ha": "center", "va": "center", "size": 6.5, "color": SOFT, "zorder": 4, "bbox": paper}
    ax.text(0.5, 0.5, reason, transform=ax.transAxes, **options)
