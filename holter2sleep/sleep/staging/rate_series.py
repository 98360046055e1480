"""The heart rate on an even time line to its level, bands, breathing and cycles, epoch by epoch."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, signal
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from holter2sleep.night import EPOCH_S, Bool, Float

# All of these are part of the model, as its weights are: no recipe sets them.
FS_HZ = 4.0  # of the resampled series
HOLE_S = 5.0  # between two believed intervals: nothing is said within
FEWEST = 0.4  # share of a window that must be known
# Hz. The Task Force's LF and HF, both cut in two; below them the cycles of apnoeas (20-60 s) and of arousals (minutes).
BANDS_HZ = {
    "slow": (0.003, 0.01),
    "minute": (0.01, 0.02),
    "cycle": (0.02, 0.05),
    "lf": (0.05, 0.12),
    "breath_slow": (0.12, 0.2),
    "breath": (0.2, 0.4),
}
BREATH_S, BREATH_HZ = 64.0, (0.12, 0.45)
CYCLE_WINDOW_S, CYCLE_FS_HZ, CYCLE_LAG_S = 300.0, 1.0, (20.0, 90.0)
SHORTEST_LAG_S = 5  # of the trough between two cycles
AT_A_TIME = 1000  # epochs: 10 MB of windows and their spectra
SWING_S, SWING_TREND_S = 600.0, (120.0, 600.0)  # Walch 2019: heart rate feature
SHORT_S, MIDDLE_S, LONG_S = 30.0, 150.0, 600.0

Columns = dict[str, Float]  # name -> array (n_epochs,), NaN where unknown


def even_series(end_s: Float, log_rr: Float, offset_s: float, n_epochs: int) -> tuple[Float, Bool]:
    """The series on an even time line of whole epochs, and where it is known."""
    n = n_epochs * int(EPOCH_S * FS_HZ)
    if len(end_s) < 2:
        return np.zeros(n), np.zeros(n, bool)
    at_s = offset_s + (np.arange(n) + 0.5) / FS_HZ
    after = np.clip(np.searchsorted(end_s, at_s), 1, len(end_s) - 1)
    inside = (at_s >= end_s[0] - 1) & (at_s <= end_s[-1] + 1)
    return np.interp(at_s, end_s, log_rr), inside & (end_s[after] - end_s[after - 1] <= HOLE_S)


def _per_epoch(series: Float) -> Float:
    """Mean of each epoch. array (n_epochs,)."""
    return series.reshape(-1, int(EPOCH_S * FS_HZ)).mean(axis=1)


def _smooth(series: Float, known: Bool, width_s: float) -> Float:
    """Mean over the window around the middle of each epoch, of what is known; NaN where too little is."""
    width = max(1, round(width_s / EPOCH_S))
    total, share = _per_epoch(np.where(known, series, 0)), _per_epoch(known.astype(np.float64))
    total, share = (ndimage.uniform_filter1d(column, width, mode="constant") for column in (total, share))
    return total / np.where(share >= FEWEST * min(1.0, width_s / 300), share, np.nan)


def levels(series: Float, known: Bool) -> Columns:
    """The level, how it stands to the last and next minutes and hours, its spread and its fastest moment."""
    short, middle, long = (_smooth(series, known, width_s) for width_s in (SHORT_S, MIDDLE_S, LONG_S))
    hour = _smooth(series, known, 3600.0)
    frames = np.where(known, series, np.nan).reshape(-1, int(EPOCH_S * FS_HZ))
    fastest = np.where(np.isnan(short), 0, np.nan_to_num(frames, nan=np.inf).min(axis=1))
    slowest = np.where(np.isnan(short), 0, np.nan_to_num(frames, nan=-np.inf).max(axis=1))
    spread = {
        f"spread_{name}": log_of(np.sqrt(np.maximum(_smooth(series**2, known, width_s) - level**2, 0)))
        for name, width_s, level in (("short", SHORT_S, short), ("middle", MIDDLE_S, middle), ("long", LONG_S, long))
    }
    return {
        "level_short": short,
        "level_middle": middle,
        "level_long": long,
        "level_to_long": middle - long,
        "level_to_hour": middle - hour,
        "slope": _step_across(short, 5),
        "slope_long": _step_across(middle, 30),
        "surge": np.where(np.isnan(short), np.nan, long - fastest),
        "lull": np.where(np.isnan(short), np.nan, slowest - long),
        **spread,
    }


def _step_across(column: Float, reach: int) -> Float:
    """Mean of the epochs after minus mean of those before; 0 where a side is unknown. array (n_epochs,)."""
    padded = np.pad(column, reach, constant_values=np.nan)
    known = np.isfinite(padded)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, padded, 0))])
    count = np.concatenate([[0.0], np.cumsum(known)])
    n = len(column)
    at = np.arange(n) + reach
    before = (total[at] - total[at - reach]) / np.maximum(count[at] - count[at - reach], 1e-9)
    after = (total[at + 1 + reach] - total[at + 1]) / np.maximum(count[at + 1 + reach] - count[at + 1], 1e-9)
    both = (count[at] > count[at - reach]) & (count[at + 1 + reach] > count[at + 1])
    return np.where(both, after - before, 0.0)


def band_powers(series: Float, known: Bool) -> Columns:
    """Logarithm of the power in each band over 30 s (where that holds a cycle) and minutes; shares of them."""
    columns: Columns = {}
    for name, band_hz in BANDS_HZ.items():
        power = _band(series, known, band_hz) ** 2
        widths = {"short": 90.0, "middle": 300.0} if band_hz[0] >= 0.02 else {"middle": 600.0}
        columns |= {f"{name}_{width}": 0.5 * _log_power(_smooth(power, known, s)) for width, s in widths.items()}
    for width in ("short", "middle"):
        breath = np.log(sum(np.exp(2 * columns[f"{name}_{width}"]) for name in ("breath_slow", "breath")))
        columns[f"lf_to_breath_{width}"] = 2 * columns[f"lf_{width}"] - breath
        columns[f"cycle_to_breath_{width}"] = 2 * columns[f"cycle_{width}"] - breath
    return columns


def _log_power(power: Float) -> Float:
    return np.log(np.maximum(power, 1e-7))


def _filled(series: Float, known: Bool) -> Float:
    """The series around its mean, zero where unknown."""
    if not known.any():
        return np.zeros(len(series))
    return np.where(known, series - series[known].mean(), 0.0)


def _band(series: Float, known: Bool, band_hz: tuple[float, float]) -> Float:
    """What of the series lies within the band; edges half an octave wide, so that it does not ring."""
    n = next_fast_len(len(series) + int(600 * FS_HZ))
    frequency_hz = np.maximum(rfftfreq(n, 1 / FS_HZ), 1e-9)
    low, high = (np.clip(0.5 + 2 * np.log2(frequency_hz / edge), 0, 1) for edge in band_hz)
    return irfft(rfft(_filled(series, known), n) * (low - high), n)[: len(series)]


def _frames(series: Float, width: int, step: int) -> Float:
    """Windows of the series centred on each epoch, zeros beyond the ends. array (n_epochs, width)."""
    padded = np.pad(series, (width - step) // 2 + 1)
    return np.lib.stride_tricks.sliding_window_view(padded, width)[1::step][: len(series) // step]


def breathing(series: Float, known: Bool) -> Columns:
    """Rate of breathing by the heart (log Hz), how peaked and how steady it is."""
    step, width = int(EPOCH_S * FS_HZ), int(BREATH_S * FS_HZ)
    windows = _frames(_band(series, known, (0.08, 0.6)) * known, width, step)
    found = np.concatenate([_breaths(windows[at : at + AT_A_TIME]) for at in range(0, len(windows), AT_A_TIME)])
    rate, mean_rate, peaked, entropy = (found + 0 * _smooth(series, known, 90.0)[:, None]).T
    return {
        "breath_rate": rate,
        "breath_mean_rate": mean_rate,
        "breath_peaked": peaked,
        "breath_peaked_middle": _running_mean(peaked, 10),
        "breath_entropy": entropy,
        "breath_unsteady": _running_sd(rate, 10),
        "breath_unsteady_long": _running_sd(mean_rate, 20),
    }


def _breaths(windows: Float) -> Float:
    """Log of peak and mean frequency, share of the power near the peak, entropy. array (n_epochs, 4)."""
    width = windows.shape[1]
    frequency_hz = rfftfreq(2 * width, 1 / FS_HZ)
    inside = (frequency_hz >= BREATH_HZ[0]) & (frequency_hz <= BREATH_HZ[1])
    power = np.abs(rfft(windows * np.hanning(width), 2 * width, axis=1))[:, inside] ** 2
    share = power / np.maximum(power.sum(axis=1, keepdims=True), 1e-12)
    peak = share.argmax(axis=1)
    near = np.abs(np.arange(inside.sum()) - peak[:, None]) <= 3
    rate, mean_rate = np.log(frequency_hz[inside][peak]), np.log(share @ frequency_hz[inside] + 1e-9)
    entropy = -(share * np.log(share + 1e-12)).sum(axis=1)
    return np.column_stack([rate, mean_rate, (share * near).sum(axis=1), entropy])


def _running_mean(column: Float, width: int) -> Float:
    """Mean of the epochs around each, unknown ones left out. array (n_epochs,)."""
    return _running_moments(column, width)[0]


def _running_sd(column: Float, width: int) -> Float:
    """Standard deviation of the epochs around each, unknown ones left out. array (n_epochs,)."""
    mean, square = _running_moments(column, width)
    return np.sqrt(np.maximum(square - mean**2, 0))


def _running_moments(column: Float, width: int) -> tuple[Float, Float]:
    known = np.isfinite(column)
    value = np.where(known, column, 0.0)
    share, first, second = (
        ndimage.uniform_filter1d(x, width, mode="constant") for x in (known.astype(np.float64), value, value**2)
    )
    share = np.where(share > 1e-9, share, np.nan)
    return first / share, second / share


def cycles(series: Float, known: Bool) -> Columns:
    """How much the rate repeats itself every 20-90 s, as in apnoeas, and how long a cycle is (log s)."""
    slow = _band(series, known, (0.008, 0.12))[:: int(FS_HZ / CYCLE_FS_HZ)]
    windows = _frames(slow, int(CYCLE_WINDOW_S * CYCLE_FS_HZ), int(EPOCH_S * CYCLE_FS_HZ))
    found = np.concatenate([_repeats(windows[at : at + AT_A_TIME]) for at in range(0, len(windows), AT_A_TIME)])
    height, swing, length = (found + 0 * _smooth(series, known, CYCLE_WINDOW_S)[:, None]).T
    return {
        "cycle_height": height,
        "cycle_swing": swing,
        "cycle_length": length,
        "cycle_height_long": _running_mean(height, 20),
    }


def _repeats(windows: Float) -> Float:
    """Height of the autocorrelation's peak, height above its trough, log of the lag. array (n_epochs, 3)."""
    width = windows.shape[1]
    spectrum = np.abs(rfft(windows, 2 * width, axis=1)) ** 2
    likeness = irfft(spectrum, axis=1)[:, :width]
    likeness = likeness / np.maximum(likeness[:, :1], 1e-12) / (1 - np.arange(width) / width)
    low, high = (int(s * CYCLE_FS_HZ) for s in CYCLE_LAG_S)
    lag = likeness[:, low:high].argmax(axis=1) + low
    height = np.take_along_axis(likeness, lag[:, None], axis=1)[:, 0]
    trough = likeness[:, SHORTEST_LAG_S:high].min(axis=1)
    return np.column_stack([height, height - trough, np.log(lag / CYCLE_FS_HZ)])


def rate_swing(series: Float, known: Bool, dark: Bool) -> Float:
    """Swing of the heart rate within 10 min, relative to the night's own (Walch 2019). array (n_epochs,).

    Standard deviation of the rate without its slow trend, in units of the 90th percentile of its size in the dark.
    The one feature that the open sleep-accel recordings (heart rate of a wrist sensor) have in common with beats.
    """
    rate = 60 / np.exp(_filled(series, known)[:: int(FS_HZ)])
    detrended = np.subtract(*(_gaussian_mean(rate, width_s) for width_s in SWING_TREND_S))
    of_dark = np.repeat(dark, int(EPOCH_S))
    size = np.quantile(np.abs(detrended[of_dark if of_dark.any() else slice(None)]), 0.9)
    first, second = (ndimage.uniform_filter1d(x, int(SWING_S)) for x in (detrended, detrended**2))
    swing = np.sqrt(np.maximum(second - first**2, 0))[int(EPOCH_S) // 2 :: int(EPOCH_S)] / max(size, 1e-6)
    return swing + 0 * _smooth(series, known, SWING_S)


def _gaussian_mean(values: Float, sd: float) -> Float:
    """Mean around each value with Gaussian weights; mirrored at the ends, by Fourier transforms: the window is wide."""
    reach = round(4 * sd)
    weights = signal.windows.gaussian(2 * reach + 1, sd)
    mean: Float = signal.oaconvolve(np.pad(values, reach, mode="symmetric"), weights / weights.sum(), mode="valid")
    return mean


def log_of(values: Float) -> Float:
    """Natural logarithm, of a thousandth where there is less."""
    return np.log(np.maximum(values, 1e-3))
