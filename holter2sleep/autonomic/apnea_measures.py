"""What the trees are told of each epoch: how the heart swings around it, how regularly, and how that is for this night.

All is measured on the series that the networks see (`apnea_series.py`). Cyclic variation comes back after 20 to 90 s
(Guilleminault 1984, Lancet 1:126-131), so it is looked for in windows of three and of five minutes.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from holter2sleep.autonomic.apnea_series import CHANNELS, FS_HZ, PER_EPOCH, Series
from holter2sleep.night import EPOCH_S, Bool, Float

WINDOW_S, SHORT_S, MIDDLE_S, LONG_S = 300, 60, 150, 180
BANDS_HZ = (0.004, 0.010, 0.016, 0.022, 0.030, 0.040, 0.055, 0.075)  # finest where cycles of 25 to 60 s lie
CYCLE_HZ, ENVELOPE_HZ, BREATHING_HZ = (0.008, 0.060), (0.010, 0.050), (0.15, 0.50)
SLOW_HZ = (0.004, 0.100)  # as the envelope of breathing comes and goes
LAGS_S = (18, 95)  # after which a cycle comes back
DIP, DIP_WIDTH_S, DIP_REACH_S = 0.4, (4.0, 80.0), 200.0  # of the swing: 2 % of the heart rate
LONGEST_CYCLE_S, UNEVEN = 200.0, np.log(2.0)  # where no surge follows another: a gap, and the SD of its log
NEIGHBOURS = (-6, -2, 2, 6)  # epochs
SMOOTHING = 20.0  # epochs, SD: ten minutes
KNOWN_SHARE = 0.3  # of a window, from which it counts for the night
UPPER = 0.9  # quantile of the night
BLOCK = 2880  # epochs whose windows are held at a time: a day; two weeks fill no memory
TINY = 1e-6

Columns = dict[str, Float]  # (n_epochs,) each


def apnea_measures(series: Series) -> NDArray[np.float32]:
    """Measures of each epoch, by itself and in its night. array (n_epochs, n_measures)."""
    n = series.shape[1] // PER_EPOCH
    blocks = [around(series, np.arange(first, min(first + BLOCK, n))) for first in range(0, max(n, 1), BLOCK)]
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    known = columns.pop("known") >= KNOWN_SHARE
    table = np.column_stack([*columns.values(), *dips(_channel(series, "swing"), n).values()])
    return _in_its_night(table.astype(np.float32), known)


def around(series: Series, epochs: NDArray[np.intp]) -> Columns:
    """Measures of the windows around some epochs."""
    swing, envelope, breathing = (
        _windows(_channel(series, name), epochs, WINDOW_S)
        for name in ("swing", "breathing_envelope", "breathing_local")
    )
    level = _windows(_channel(series, "level"), epochs, 2 * SHORT_S)
    return {
        "known": _windows(_channel(series, "known"), epochs, WINDOW_S).mean(axis=1),
        **_spectrum(swing),
        **_periodicity(swing, WINDOW_S),
        **_periodicity(_middle(swing, LONG_S), LONG_S),
        **_form(_middle(swing, SHORT_S), SHORT_S),
        **_form(_middle(swing, MIDDLE_S), MIDDLE_S),
        **_envelope(swing, envelope),
        **_breathing(breathing),
        "breathing_size": _windows(_channel(series, "breathing_size"), epochs, PER_EPOCH).mean(axis=1),
        "level": level.mean(axis=1),
        "level_rise": level[:, -1] - level[:, 0],
    }


def _channel(series: Series, name: str) -> Float:
    return series[CHANNELS.index(name)].astype(np.float64)


def _windows(values: Float, epochs: NDArray[np.intp], length: int) -> Float:
    """The series around the middle of each epoch, zeros beyond its ends. array (n_epochs, length)."""
    padded = np.pad(values, length)
    first = epochs * PER_EPOCH + PER_EPOCH // 2 + length - length // 2
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, length)[first])


def _middle(windows: Float, length: int) -> Float:
    first = (windows.shape[1] - length) // 2
    return windows[:, first : first + length]


def _transformed(windows: Float) -> tuple[Float, NDArray[np.complex128]]:
    """Frequencies and Fourier transform of the windows, mean removed, Hann-weighted."""
    n = windows.shape[1]
    levelled = windows - windows.mean(axis=1, keepdims=True)
    hz = np.asarray(np.fft.rfftfreq(n, 1 / FS_HZ), np.float64)
    return hz, np.fft.rfft(levelled * signal.windows.hann(n, sym=False), axis=1)


def _between(hz: Float, band: tuple[float, float]) -> Bool:
    return np.asarray((hz >= band[0]) & (hz < band[1]))


def _spectrum(swing: Float) -> Columns:
    """Size of the swing, its shares in narrow bands, and how sharp its peak is."""
    hz, transform = _transformed(swing)
    power = np.abs(transform) ** 2 / swing.shape[1] ** 2
    parts = np.column_stack([power[:, _between(hz, band)].sum(axis=1) for band in pairwise(BANDS_HZ)]) + TINY
    total = parts.sum(axis=1)
    shares = {f"share_{i}": np.log(part / total) for i, part in enumerate(parts.T)}
    peak_hz, peak_share, disorder = _peak(hz, power, CYCLE_HZ)
    return {"size": np.log(total), **shares, "peak_hz": peak_hz, "peak_share": peak_share, "disorder": disorder}


def _peak(hz: Float, power: Float, band: tuple[float, float]) -> tuple[Float, Float, Float]:
    """Frequency of the highest bin of a band, the share of it and its neighbours, and the entropy of the band."""
    inside = _between(hz, band)
    share = (power[:, inside] + TINY**2) / (power[:, inside] + TINY**2).sum(axis=1, keepdims=True)
    peak = share.argmax(axis=1)
    near = np.abs(np.arange(share.shape[1]) - peak[:, None]) <= 1
    return hz[inside][peak], (share * near).sum(axis=1), -(share * np.log(share)).sum(axis=1)


def _periodicity(swing: Float, length: int) -> Columns:
    """How much the swing is like itself one cycle later, and after which time."""
    levelled = swing - swing.mean(axis=1, keepdims=True)
    product = np.fft.irfft(np.abs(np.fft.rfft(levelled, 2 * length, axis=1)) ** 2, axis=1)
    overlap = 1 - 0.8 * np.arange(LAGS_S[1]) / length  # without the 0.8 the last lags would be mostly chance
    likeness = product[:, : LAGS_S[1]] / (product[:, :1] + TINY) / overlap
    first_quarter = likeness[:, : LAGS_S[0] // 4 + 1].min(axis=1, keepdims=True)
    cycle = np.where(first_quarter < 0, 0.0, likeness[:, LAGS_S[0] :])  # two or three too fast ones would look like one
    return {f"likeness_{length}": cycle.max(axis=1), f"lag_{length}": LAGS_S[0] + cycle.argmax(axis=1)}


def _form(swing: Float, length: int) -> Columns:
    """Size of the swing and its steepest fall: the heart speeds up faster than it slows down."""
    size = np.log(swing.std(axis=1) + 0.02)
    return {f"size_{length}": size, f"fall_{length}": np.diff(swing, axis=1).min(axis=1)}


def _envelope(swing: Float, envelope: Float) -> Columns:
    """How breathing comes and goes, how much of it at the rate of apnoeas, and whether with the swing."""
    hz, moved = _transformed(envelope)
    _, swung = _transformed(swing)
    slow, cycle = _between(hz, SLOW_HZ), _between(hz, ENVELOPE_HZ)
    total = (np.abs(moved[:, slow]) ** 2).sum(axis=1) + TINY
    in_cycle, of_swing = ((np.abs(each[:, cycle]) ** 2).sum(axis=1) + TINY for each in (moved, swung))
    common = np.abs((swung * moved.conj())[:, cycle].sum(axis=1))
    now = _middle(envelope, SHORT_S)
    return {
        "envelope_size": np.log(total),
        "envelope_share": np.log(in_cycle / total),
        "coherence": common / np.sqrt(in_cycle * of_swing),
        "envelope": now.mean(axis=1),
        "envelope_sd": now.std(axis=1),
    }


def _breathing(breathing: Float) -> Columns:
    """Rate of the breathing, and how steady it is."""
    hz, transform = _transformed(breathing)
    rate_hz, _, disorder = _peak(hz, np.abs(transform) ** 2, BREATHING_HZ)
    return {"breathing_hz": rate_hz, "breathing_disorder": disorder}


def dips(swing: Float, n_epochs: int) -> Columns:
    """Surges of the rate in the five minutes around: how many, how high, how evenly they follow each other."""
    bottom, height = _bottoms(swing)
    gap = np.log(np.minimum(np.diff(bottom, prepend=-np.inf) / FS_HZ, LONGEST_CYCLE_S))
    middle = (np.arange(n_epochs) * EPOCH_S + EPOCH_S / 2) * FS_HZ
    first, behind = (np.searchsorted(bottom, middle + side * WINDOW_S / 2 * FS_HZ) for side in (-1, 1))
    n = behind - first
    mean_height, mean_gap, mean_square = (_means(values, first, behind) for values in (height, gap, gap**2))
    return {
        "dips": n.astype(np.float64),
        "dip_height": np.where(n == 0, np.log(DIP), mean_height),
        "gap": np.where(n == 0, np.log(LONGEST_CYCLE_S), mean_gap),
        "gap_sd": np.where(n == 0, UNEVEN, np.sqrt(np.maximum(mean_square - mean_gap**2, 0.0))),
    }


def _bottoms(swing: Float) -> tuple[NDArray[np.intp], Float]:
    """Place of the bottom of each dip of the swing, and the logarithm of its depth."""
    bottom, facts = signal.find_peaks(
        -swing,
        plateau_size=(None, SHORT_S * FS_HZ),  # a gap, where the series is zero, is no dip
        prominence=DIP,
        width=tuple(each * FS_HZ for each in DIP_WIDTH_S),
        rel_height=0.7,
        wlen=round(DIP_REACH_S * FS_HZ) | 1,
    )
    crowded = np.diff(bottom, prepend=-np.inf, append=np.inf) < LAGS_S[0] * FS_HZ
    single = ~(crowded[1:] & crowded[:-1])  # a row of them is breathing
    return bottom[single], np.log(facts["prominences"][single])


def _means(values: Float, first: NDArray[np.intp], behind: NDArray[np.intp]) -> Float:
    """Mean of the values from each `first` to before `behind`; zero where there are none."""
    sums = np.r_[0.0, np.cumsum(values)]
    return np.asarray((sums[behind] - sums[first]) / np.maximum(behind - first, 1))


def _in_its_night(table: NDArray[np.float32], known: Bool) -> NDArray[np.float32]:
    """Each measure as it is, above the night's median, smoothed, of neighbours; and the night's own middle and end."""
    of_night = table[known] if known.any() else np.zeros_like(table, shape=(1, table.shape[1]))
    median = np.median(of_night, axis=0)
    upper = np.quantile(of_night, UPPER, axis=0) - median
    filled = np.where(known[:, None], table, median)
    smooth = ndimage.gaussian_filter1d(filled, SMOOTHING, axis=0, mode="nearest")
    places = (np.clip(np.arange(len(table)) + shift, 0, len(table) - 1) for shift in NEIGHBOURS)
    whole = (np.broadcast_to(row, table.shape) for row in (median, upper))
    return np.hstack([table, table - median, smooth, *(table[place] for place in places), *whole])
