"""Intervals cut into 5-min windows that lie wholly in one stretch of a night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate

from holter2sleep.night import NN, Float
from holter2sleep.spans import Spans

WINDOW_S = 300.0  # Task Force 1996, short-term recording
BATCH = 512  # windows worked on together: those of a month would fill the memory
LONGEST_FILL = 64  # beats put into a hole; a window with a longer one does not count


@dataclass(frozen=True)
class HrvRules:
    """Keys of `[hrv]`."""

    minimum_window_share: float
    resample_hz: float


@dataclass(frozen=True)
class Windows:
    """The valid windows of a series of intervals: window i holds intervals `first[i]` to `behind[i]` - 1."""

    nn: NN
    start_s: Float  # (n_windows,)
    first: NDArray[np.int64]  # (n_windows,)
    behind: NDArray[np.int64]  # (n_windows,)

    def __len__(self) -> int:
        return len(self.start_s)

    def sums(self, values: Float) -> Float:
        """Totals over each window of one value an interval. array (n_windows,)."""
        running = np.r_[0.0, np.cumsum(values)]
        return running[self.behind] - running[self.first]

    @property
    def covered_s(self) -> float:
        """Time that the intervals of all windows last."""
        return float(self.sums(self.nn.nn_ms).sum()) / 1000

    @property
    def parts(self) -> list[NN]:
        """The intervals of each window by themselves; the first has no neighbour."""
        return [self._part(a, b) for a, b in zip(self.first, self.behind, strict=True)]

    def _part(self, first: int, behind: int) -> NN:
        adjacent = self.nn.adjacent[first:behind].copy()
        adjacent[0] = False  # its neighbour lies in the window before
        return NN(self.nn.end_s[first:behind], self.nn.nn_ms[first:behind], adjacent)

    def batches(self, size: int = BATCH) -> Iterator[Windows]:
        """The same windows, some at a time."""
        for at in range(0, len(self), size):
            here = slice(at, at + size)
            yield Windows(self.nn, self.start_s[here], self.first[here], self.behind[here])


def five_minute_windows(nn: NN, spans: Spans, rules: HrvRules) -> Windows:
    """Windows of 5 min from the start of each span on, those that intervals fill to at least the minimum share.

    The spans are those of a part of a night, `night.within("rem").spans`: a window never leaves the bout it begins in,
    so all of it is of one stage, and a bout that lies astride the recording's 5-min marks has its windows too. The last
    window of a bout may be shorter, down to the minimum share.
    """
    n_windows = places_for_windows(spans, rules)
    bout = np.repeat(np.arange(len(spans)), n_windows)
    number = np.arange(len(bout)) - (np.cumsum(n_windows) - n_windows)[bout]
    start_s = spans[bout, 0] + WINDOW_S * number
    return _filled(nn, start_s, np.minimum(start_s + WINDOW_S, spans[bout, 1]), rules)


def places_for_windows(spans: Spans, rules: HrvRules) -> NDArray[np.int64]:
    """How many windows of 5 min each span has room for, whether intervals fill them or not. array (n_spans,)."""
    places = (spans[:, 1] - spans[:, 0]) / WINDOW_S + 1 - rules.minimum_window_share
    return np.floor(np.round(places, 9)).astype(np.int64)  # rounded: 1.8 + 1 - 0.8 is a little less than 2


def windows_around(nn: NN, middle_s: Float, rules: HrvRules) -> Windows:
    """Windows of 5 min with the given middles, which may overlap; those that intervals fill to the minimum share."""
    return _filled(nn, middle_s - WINDOW_S / 2, middle_s + WINDOW_S / 2, rules)


def _filled(nn: NN, start_s: Float, end_s: Float, rules: HrvRules) -> Windows:
    windows = Windows(nn, start_s, np.searchsorted(nn.end_s, start_s), np.searchsorted(nn.end_s, end_s))
    valid = windows.sums(nn.nn_ms) >= 1000 * WINDOW_S * rules.minimum_window_share
    valid &= windows.behind - windows.first > 1
    return Windows(nn, start_s[valid], windows.first[valid], windows.behind[valid])


def resampled(windows: Windows, rules: HrvRules) -> Float:
    """Intervals on a regular time line, ms: a cubic spline, straight over holes, level beyond a window's ends.

    A straight line from beat to beat would keep only sinc(f RR) ** 4 of the power at f: 66 % of breathing at 0.25 Hz
    and 60/min. A spline alone would swing out in holes, so a hole is filled with beats on a straight line first.
    array (n_windows, n_samples).
    """
    nn, fs = windows.nn, rules.resample_hz
    here = slice(int(windows.first[0]), int(windows.behind[-1]))
    end_s, nn_ms = nn.end_s[here], nn.nn_ms[here]
    n_beats = np.clip(np.round(1000 * np.diff(end_s) / nn_ms[1:]), 1, LONGEST_FILL)  # more than one: a hole
    place = np.r_[0, np.cumsum(n_beats)]
    beat_s = np.interp(np.arange(place[-1] + 1), place, end_s)
    spline = interpolate.CubicSpline(beat_s, np.interp(beat_s, end_s, nn_ms))
    at_s = windows.start_s[:, None] + np.arange(round(WINDOW_S * fs)) / fs
    return spline(np.clip(at_s, nn.end_s[windows.first][:, None], nn.end_s[windows.behind - 1][:, None]))
