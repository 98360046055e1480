"""How values are spread over a cohort: quartiles, in words and as a histogram."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from holter2sleep.night import Float
from holter2sleep.report.axes import number_ticks
from holter2sleep.report.cohort.tables import Cohort
from holter2sleep.report.words import Words

BAR, MIDDLE = "#9fb4c8", "#1f3b57"
N_BINS = 24


def quartiles_of(values: Float) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of values, of which there is one at least."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return low, middle, high


def spread_text(cohort: Cohort, values: Float, decimals: int) -> str:
    """Number, median and quartiles of values."""
    if not len(values):
        return cohort.words("cohort.no_value")
    low, middle, high = (cohort.number(q, decimals) for q in quartiles_of(values))
    return cohort.words("cohort.spread", n=cohort.words.whole(len(values)), median=middle, low=low, high=high)


def draw_histogram(ax: Axes, values: Float, words: Words) -> None:
    """Counts over the range of the values, median marked."""
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    if not len(values):
        ax.set_xticks([])
        return
    ax.hist(values, bins=N_BINS, color=BAR, edgecolor="white", linewidth=0.2)
    ax.axvline(float(np.median(values)), color=MIDDLE, linewidth=1.0)
    ax.locator_params(axis="x", nbins=5)
    number_ticks(ax.xaxis, words)
