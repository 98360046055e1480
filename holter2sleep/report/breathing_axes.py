"""Draw what the beats tell of breathing on one axes; the x axis is hours since the start.

Every function returns None, or the reason why there is nothing to draw.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from holter2sleep.night import EPOCH_S
from holter2sleep.report.axes import HOUR_S, bars, end_ticks, middle_h, numbers, onset_h, spans_h
from holter2sleep.report.page import RULE
from holter2sleep.report.tables import ReportNight

RESPIRATION_COLOUR, CHANCE_COLOUR = "#0b7a75", "#5a8f8c"
COUPLING_COLOURS = {"HFC": "#2f6d4f", "LFC": "#d9902f", "VLFC": "#3f1f5c"}
FEWEST_PER_MIN, MOST_PER_MIN = 6.0, 30.0  # what the track shows; a lower rate lies on its edge
EVEN = 0.5  # chance above which an epoch is called respiratory


def draw_breathing(ax: Axes, night: ReportNight) -> str | None:
    """Breathing rate of each epoch that is sure of it; gaps stay gaps."""
    ax.set_ylim(FEWEST_PER_MIN, MOST_PER_MIN)
    end_ticks(ax, [FEWEST_PER_MIN, MOST_PER_MIN], night.words)
    rate = numbers(night.epochs, "respiration_rate_bpm")
    sure = (
        numbers(night.epochs, "respiration_confidence")
        >= night.run["recipe"]["resolved"]["breathing"]["least_confidence"]
    )
    shown = np.where(sure, np.clip(rate, FEWEST_PER_MIN, MOST_PER_MIN), np.nan)
    if not np.isfinite(shown).any():
        return night.words("empty.no_breathing")
    ax.plot(middle_h(night.epochs), shown, color=RESPIRATION_COLOUR, linewidth=0.6, marker=".", markersize=0.6)
    return None


def draw_respiratory(ax: Axes, night: ReportNight) -> str | None:
    """Chance of a respiratory event in each epoch, with a line at one half; indeterminate epochs stay empty."""
    ax.set_ylim(0, 1)
    end_ticks(ax, [0, 1], night.words)
    chance = numbers(night.epochs, "p_respiratory")
    if not np.isfinite(chance).any():
        return night.words("empty.no_respiratory")
    edge_h = np.append(onset_h(night.epochs), onset_h(night.epochs)[-1] + EPOCH_S / HOUR_S)
    ax.stairs(np.nan_to_num(chance), edge_h, fill=True, color=CHANCE_COLOUR, linewidth=0)
    ax.axhline(EVEN, color=RULE, linewidth=0.4, zorder=0)
    return None


def draw_coupling(ax: Axes, night: ReportNight) -> str | None:
    """The band in which heart rate and breathing swing together, as a bar."""
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    state = night.epochs["coupling"].fill_null("").to_numpy() if "coupling" in night.epochs.columns else np.empty(0)
    if not (state != "").any():
        return night.words("empty.no_coupling")
    for name, colour in COUPLING_COLOURS.items():
        bars(ax, spans_h(night.epochs, state == name), 0, 1, colour)
    return None
