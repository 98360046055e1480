"""Heart beats to the 36 features an epoch that the SleepECG classifiers read.

Written from the feature definitions, not from the package; the tests compare it with the package, value by value.

References
----------
Brunner C, Hofer F. SleepECG: a Python package for sleep staging based on heart rate. JOSS 2023;8(86):5411.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.integrate import trapezoid
from scipy.signal import periodogram

from holter2sleep.night import EPOCH_S, Bool, Float, Sex

# The classifier was trained on exactly these; they are part of the model, not choices of an analysis.
LOOKBACK_S, LOOKFORWARD_S = 120.0, 150.0
MIN_RR_S, MAX_RR_S = 0.3, 2.0
MAX_NAN_SHARE = 0.5
FS_RESAMPLED_HZ = 4.0
MISSING = -1.0
VLF_HZ, LF_HZ, HF_HZ, TOTAL_HZ = (0.0033, 0.04), (0.04, 0.15), (0.15, 0.4), (0.0, 0.4)
N_OF_BEATS = 33  # features; three more tell the context
AT_A_TIME = 1000  # epochs: 9 MB of resampled windows
_SEX_CODE = {"F": 0.0, "M": 1.0}


@dataclass(frozen=True)
class Context:
    """What the classifier reads besides the beats; None is unknown."""

    start: time | None
    age_years: float | None
    sex: Sex | None

    @property
    def columns(self) -> tuple[float, float, float]:
        """Seconds after midnight, age, sex code; -1 where unknown."""
        start = self.start
        return (
            MISSING if start is None else 3600.0 * start.hour + 60.0 * start.minute + start.second,
            MISSING if self.age_years is None else self.age_years,
            MISSING if self.sex is None else _SEX_CODE[self.sex],
        )


def sleepecg_features(beat_s: Float, context: Context, believed: Bool | None = None) -> Float:
    """Features of every whole epoch up to the last beat, in a context. array (n_epochs, 36); -1 is missing."""
    return in_context(beat_features(beat_s, believed), context)


def in_context(features: Float, context: Context) -> Float:
    """The features of beats, with recording start, age and sex behind them. array (n_epochs, 36)."""
    return np.hstack([features, np.tile(context.columns, (len(features), 1))])


def beat_features(beat_s: Float, believed: Bool | None = None) -> Float:
    """Features of every whole epoch up to the last beat. array (n_epochs, 33); -1 is missing.

    Parameters
    ----------
    beat_s
        Times of the heart beats. array (n_beats,), s from the recording's start.
    believed
        Whether each interval is to be read at all; array (n_beats - 1,). None: all, as the package does.
    """
    n_epochs = int(beat_s[-1] // EPOCH_S) if len(beat_s) > 1 else 0
    if n_epochs == 0:
        return np.empty((0, N_OF_BEATS))
    rr_end_s, rr_s = beat_s[1:], np.where(_read(beat_s, believed), np.diff(beat_s), np.nan)
    onset_s = EPOCH_S * np.arange(n_epochs, dtype=np.float64)
    features = np.empty((n_epochs, N_OF_BEATS))
    worked, alike = _worth_work(rr_end_s, onset_s)
    intervals, resampled = _windows(rr_end_s, rr_s, onset_s[worked]), _resampled_windows(rr_end_s, rr_s, onset_s)
    padded = np.append(rr_s, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for first in range(0, len(worked), AT_A_TIME):
            part = worked[first : first + AT_A_TIME]
            columns = (_time_domain(padded[intervals[first : first + AT_A_TIME]]), _frequency_domain(resampled[part]))
            features[part] = np.hstack(columns)
    features[alike] = features[alike[:1]]
    return np.where(np.isfinite(features), features, MISSING)


def has_interval(beat_s: Float, n_epochs: int, believed: Bool | None = None) -> Bool:
    """Whether the epoch's window holds any interval that is read. array (n_epochs,)."""
    valid_s = beat_s[1:][_read(beat_s, believed)]
    onset_s = EPOCH_S * np.arange(n_epochs, dtype=np.float64)
    first = np.searchsorted(valid_s, onset_s - LOOKBACK_S)
    return np.searchsorted(valid_s, onset_s + LOOKFORWARD_S) > first


def _read(beat_s: Float, believed: Bool | None) -> Bool:
    """Which intervals are read. array (n_beats - 1,)."""
    rr_s = np.diff(beat_s)
    possible: Bool = (rr_s >= MIN_RR_S) & (rr_s <= MAX_RR_S)
    return possible if believed is None else possible & believed


def _worth_work(rr_end_s: Float, onset_s: Float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Epochs with an interval in their window, and the first of those without; and all of those, which are alike.

    A window without the end of an interval holds no sample either, for what lies across it is far above `MAX_RR_S`.
    """
    first = np.searchsorted(rr_end_s, onset_s - LOOKBACK_S)
    empty = np.searchsorted(rr_end_s, onset_s + LOOKFORWARD_S) == first
    alike = np.flatnonzero(empty)
    return np.sort(np.r_[np.flatnonzero(~empty), alike[:1]]), alike


def _windows(rr_end_s: Float, rr_s: Float, onset_s: Float) -> NDArray[np.int32]:
    """Index of the intervals around each epoch, padded with their number. array (n_epochs, longest window)."""
    first = np.searchsorted(rr_end_s, onset_s - LOOKBACK_S)
    after = np.searchsorted(rr_end_s, onset_s + LOOKFORWARD_S)
    index = first[:, None].astype(np.int32) + np.arange((after - first).max(), dtype=np.int32)
    return np.where(index < after[:, None], index, np.int32(len(rr_s)))


def _time_domain(rr_ew: Float) -> Float:
    """The 26 time-domain features. array (n_epochs, 26)."""
    differences = np.diff(rr_ew, axis=1)
    width = max(rr_ew.shape[1] - 1, 1)
    mean, sdnn = _mean_sd(rr_ew)
    mean_difference, sdsd = _mean_sd(differences)
    rmssd = np.sqrt(_mean_sd(differences**2)[0])
    nn50 = (np.abs(differences) > 0.05).sum(axis=1)
    nn20 = (np.abs(differences) > 0.02).sum(axis=1)
    ordered = np.sort(rr_ew, axis=1)
    low, lower, median, upper, high = (_quantile(ordered, share) for share in (0, 0.25, 0.5, 0.75, 1))
    mad = _quantile(np.sort(np.abs(rr_ew - median[:, None]), axis=1), 0.5)
    sd1 = np.sqrt(sdsd**2 / 2)
    sd2 = np.sqrt(2 * sdnn**2 - sd1**2)
    columns = (
        *(mean, high, low, high - low, sdnn, rmssd, sdsd, nn50, nn20, nn50 / width, nn20 / width),
        *(median, mad, upper - lower, sdnn / mean, sdsd / mean_difference),
        *(60 / mean, 60 / low, 60 / high, _mean_sd(60 / rr_ew)[1]),
        *(sd1, sd2, np.pi * sd1 * sd2, sd1 / sd2, sd2 / sd1, np.log10(16 * sd1 * sd2)),
    )
    return np.column_stack(columns)


def _mean_sd(values: Float) -> tuple[Float, Float]:
    """Row mean and standard deviation (n - 1), NaN left out; both NaN where undefined."""
    count = np.isfinite(values).sum(axis=1)
    mean = np.nansum(values, axis=1) / count
    deviation = np.nansum((values - mean[:, None]) ** 2, axis=1)
    return mean, np.sqrt(deviation / np.where(count > 1, count - 1, np.nan))


def _quantile(ordered: Float, share: float) -> Float:
    """Linear quantile of rows sorted with NaN last; NaN for an empty row."""
    count = np.isfinite(ordered).sum(axis=1)
    position = share * (np.maximum(count, 1) - 1)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    row = np.arange(len(ordered))
    return ordered[row, below] + (position - below) * (ordered[row, above] - ordered[row, below])


def _resampled_windows(rr_end_s: Float, rr_s: Float, onset_s: Float) -> Float:
    """Interval series at 4 Hz around each epoch; NaN outside and around NaN. array (n_epochs, 1080)."""
    n_window = int((LOOKBACK_S + LOOKFORWARD_S) * FS_RESAMPLED_HZ)
    first_s = onset_s[0] - LOOKBACK_S
    n_total = int((onset_s[-1] + LOOKFORWARD_S - first_s) * FS_RESAMPLED_HZ)
    at_s = first_s + np.arange(n_total) / FS_RESAMPLED_HZ
    series = np.interp(at_s, rr_end_s, rr_s, left=np.nan, right=np.nan)
    step = int(EPOCH_S * FS_RESAMPLED_HZ)
    return np.lib.stride_tricks.sliding_window_view(series, n_window)[::step]


def _frequency_domain(rr_et: Float) -> Float:
    """The 7 frequency-domain features. array (n_epochs, 7)."""
    frequency_hz, density = _density(rr_et)
    total, vlf, lf, hf = (_band_power(frequency_hz, density, band) for band in (TOTAL_HZ, VLF_HZ, LF_HZ, HF_HZ))
    return np.column_stack([total, vlf, lf, 100 * lf / (lf + hf), hf, 100 * hf / (lf + hf), lf / hf])


def _density(rr_et: Float) -> tuple[Float, Float]:
    """Periodogram of each window, s2/Hz: NaN where more than half of it is missing."""
    n_window = rr_et.shape[1]
    n_valid = np.isfinite(rr_et).sum(axis=1)
    frequency_hz: Float = np.fft.rfftfreq(n_window, 1 / FS_RESAMPLED_HZ).astype(np.float64)
    density = np.full((len(rr_et), len(frequency_hz)), np.nan)
    full = n_valid == n_window
    if full.any():
        density[full] = periodogram(rr_et[full], FS_RESAMPLED_HZ, axis=1)[1]
    some = ~full & (n_window - n_valid <= MAX_NAN_SHARE * n_window)
    if some.any():
        density[some] = _density_of_rest(rr_et[some])
    return frequency_hz, density


def _density_of_rest(rr_et: Float) -> Float:
    """Periodogram of what is there of each window, put together and Hann-weighted, s2/Hz. array (n_epochs, n_steps)."""
    weighted = np.zeros(rr_et.shape)
    for i, row in enumerate(rr_et):
        valid = row[np.isfinite(row)]
        hann = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, len(valid) + 1)[:-1])
        scale = np.sqrt(FS_RESAMPLED_HZ * 3 / 8 * len(valid))  # 3 / 8: mean square of the window
        weighted[i, : len(valid)] = hann / scale * (valid - valid.mean())
    spectrum = rfft(weighted, axis=1)
    density = spectrum.real**2 + spectrum.imag**2
    density[:, 1:-1] *= 2  # one side
    return density


def _band_power(frequency_hz: Float, density: Float, band_hz: tuple[float, float]) -> Float:
    """Power in the band, s2, by the trapezoid rule."""
    inside = (frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])
    return trapezoid(density[:, inside], frequency_hz[inside], axis=1)
