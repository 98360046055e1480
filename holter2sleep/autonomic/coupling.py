"""Cardiopulmonary coupling: where heart rate and breathing swing together, window by window.

References
----------
Thomas RJ, Mietus JE, Peng CK, Goldberger AL. An electrocardiogram-based technique to assess cardiopulmonary coupling
during sleep. Sleep 2005;28:1151-1161. Review: Al Ashry 2021 (Front Neurosci 15:755464).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from holter2sleep.night import EPOCH_S, NN, Beats, Bool, Coupling, EpochGrid, Float, Text
from holter2sleep.spans import runs

# Thomas 2005: coupling is coherence times cross-power, of which the bands are compared. Series at 2 Hz, windows of
# 1,024 samples moved on by 256, each the mean of three overlapping ones of 512: as the method is described by those who
# use it; the paper's own Methods were not at hand.
FS_HZ = 2.0
WINDOW, STEP, SEGMENT = 1024, 256, 512
BLOCK = 1024  # windows whose spectra are held at a time: 36 h; two weeks fill no memory
BANDS_HZ = {"VLFC": (0.0, 0.01), "LFC": (0.01, 0.1), "HFC": (0.1, 0.4)}
_LINES = np.linalg.qr(np.vander(np.arange(SEGMENT), 2))[0]  # an orthonormal basis of all straight lines


@dataclass(frozen=True)
class CouplingRules:
    """Keys of `[coupling]`."""

    elevated_ratio: float
    narrow_windows: int
    largest_hole_s: float


def find_coupling(nn: NN, beats: Beats, grid: EpochGrid, rules: CouplingRules) -> Coupling:
    """The band in which NN intervals and breathing are coupled most, around each epoch.

    An epoch takes the window whose middle is nearest. Nothing is said where a window has a long hole in either series.
    """
    series = ((nn.end_s, nn.nn_ms), breathing_series(nn, beats))
    nn_rows, breathing_rows = (_windows(*one, grid, rules) for one in series)
    known = np.asarray(np.isfinite(nn_rows + breathing_rows).all(axis=1))
    if not known.any():
        return Coupling.unknown(grid.n)
    index = np.flatnonzero(known)
    blocks = [index[first : first + BLOCK] for first in range(0, len(index), BLOCK)]
    found = [_summary(*coupling_spectra(nn_rows[block], breathing_rows[block])) for block in blocks]
    band, ratio, peak = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _of_epochs(known, band, ratio, peak, grid, rules)


def breathing_series(nn: NN, beats: Beats) -> tuple[Float, Float]:
    """Time (s) and height (mV) of the R waves that end an NN interval: they swing with breathing."""
    place = np.searchsorted(beats.time_s, nn.end_s)
    height = beats.amplitude_mv[np.minimum(place, len(beats) - 1)].astype(np.float64)
    known = np.isfinite(height)
    return nn.end_s[known], height[known]


def coupling_spectra(nn_rows: Float, breathing_rows: Float) -> tuple[Float, Float]:
    """Coherence times cross-power of each pair of windows; frequencies (n_bins,) and array (n_windows, n_bins)."""
    nn, breathing = _spectra(nn_rows), _spectra(breathing_rows)
    cross = np.abs((nn.conj() * breathing).mean(axis=1))
    powers = [(np.abs(spectra) ** 2).mean(axis=1) for spectra in (nn, breathing)]
    coherence = cross**2 / np.maximum(powers[0] * powers[1], np.finfo(float).tiny)
    product: Float = coherence * cross
    return np.arange(SEGMENT // 2 + 1, dtype=np.float64) * (FS_HZ / SEGMENT), product


def _spectra(rows: Float) -> NDArray[np.complex128]:
    """Of half-overlapping segments, line removed, Hann-weighted. array (n_rows, n_segments, n_bins)."""
    segments = np.lib.stride_tricks.sliding_window_view(rows, SEGMENT, axis=1)[:, :: SEGMENT // 2]
    level = segments - (segments @ _LINES) @ _LINES.T
    return np.fft.rfft(level * signal.windows.hann(SEGMENT, sym=False), axis=2)


def _windows(time_s: Float, values: Float, grid: EpochGrid, rules: CouplingRules) -> Float:
    """The series at 2 Hz in windows, NaN in long holes and beyond the ends. array (n_windows, WINDOW)."""
    at_s = np.arange(0.0, grid.duration_s, 1 / FS_HZ)
    even = np.full(max(len(at_s), WINDOW), np.nan)
    if len(time_s):
        edges_s = np.r_[time_s[0] - rules.largest_hole_s, time_s, time_s[-1] + rules.largest_hole_s]
        behind = np.clip(np.searchsorted(edges_s, at_s), 1, len(edges_s) - 1)
        whole = np.diff(edges_s)[behind - 1] <= rules.largest_hole_s
        whole &= (at_s >= edges_s[0]) & (at_s <= edges_s[-1])
        even[: len(at_s)] = np.where(whole, np.interp(at_s, time_s, values), np.nan)
    return np.lib.stride_tricks.sliding_window_view(even, WINDOW)[::STEP]


def _summary(hz: Float, coupled: Float) -> tuple[Text, Float, NDArray[np.intp]]:
    """Band of the greatest coupling, low over high coupling, and bin of the low band's peak; each (n_windows,)."""
    inside = {name: (hz > low) & (hz <= high) for name, (low, high) in BANDS_HZ.items()}
    total = np.column_stack([coupled[:, mask].sum(axis=1) for mask in inside.values()])
    named = dict(zip(BANDS_HZ, total.T, strict=True))
    ratio = named["LFC"] / np.maximum(named["HFC"], np.finfo(float).tiny)
    peak = np.where(inside["LFC"], coupled, -1.0).argmax(axis=1)
    return np.array(list(BANDS_HZ))[total.argmax(axis=1)], ratio, peak


def _narrow(elevated: Bool, peak_bin: NDArray[np.intp], least: int) -> Bool:
    """Elevated windows, at least so many in a row, whose coupling peaks stay within a bin of the one before."""
    steady = elevated[1:] & elevated[:-1] & (np.abs(np.diff(peak_bin)) <= 1)
    narrow = np.zeros(len(elevated), bool)
    for first, behind in zip(*runs(steady), strict=True):
        if behind - first + 1 >= least:
            narrow[first : behind + 1] = True
    return narrow


def _of_epochs(
    known: Bool, band: Text, ratio: Float, peak: NDArray[np.intp], grid: EpochGrid, rules: CouplingRules
) -> Coupling:
    """What the known windows say, laid on the epochs."""
    n = len(known)
    state, elevated, peak_bin = np.full(n, "", "<U4"), np.zeros(n, bool), np.zeros(n, np.intp)
    state[known], peak_bin[known] = band, peak
    elevated[known] = (band == "LFC") & (ratio >= rules.elevated_ratio)
    narrow = _narrow(elevated, peak_bin, rules.narrow_windows)
    nearest = np.round(((grid.onset_s + EPOCH_S / 2) * FS_HZ - WINDOW / 2) / STEP).astype(int).clip(0, n - 1)
    return Coupling(state[nearest], elevated[nearest], narrow[nearest])
