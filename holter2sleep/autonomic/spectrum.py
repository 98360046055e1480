"""Heart-rate variability in the frequency domain: powers of bands, and where they peak."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import signal

from holter2sleep.autonomic.blocks import ratio
from holter2sleep.autonomic.lomb import HZ as LOMB_HZ
from holter2sleep.autonomic.lomb import lomb_density
from holter2sleep.autonomic.windows import WINDOW_S, HrvRules, Windows, resampled
from holter2sleep.night import Float

# Task Force 1996 (Circulation 93:1043-1065), table 2; VLF starts where 5 min still hold one cycle
BANDS_HZ = {"vlf": (0.0033, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.4)}
N_STEPS = round(BANDS_HZ["hf"][1] * WINDOW_S)  # of Welch's spectrum: what 5 min tell apart
HZ = np.arange(1, N_STEPS + 1) / WINDOW_S
LOMB_BATCH = 128  # windows: of more, their grids outgrow the processor's cache


def welch_rows(windows: Windows, rules: HrvRules) -> Float:
    """1 and the power density at the steps of each window, ms2/Hz. array (n_windows, 1 + n_steps).

    Each window is interpolated by a cubic spline at `resample_hz`, its mean removed, and its power taken from one
    Hann-weighted periodogram.

    References
    ----------
    Welch 1967, IEEE Trans Audio Electroacoust 15:70-73 (windows side by side).
    """
    return _counted((_welch_density(batch, rules) for batch in windows.batches()), N_STEPS)


def welch_values(totals: Float) -> dict[str, Float]:
    """Band powers in ms2, mean over the windows, their ratios and peaks, of totals of `welch_rows` (..., 1 + n_steps).

    A band's power is the sum of the steps of 1/300 Hz within `(low, high]`; NaN without a window (Task Force 1996,
    table 2).
    """
    density = _means(totals)
    peaks = {f"{name}_peak": _peak_hz(density, *band) for name, band in BANDS_HZ.items()}
    return {**_with_ratios(_powers(density, HZ)), **peaks}


def lomb_rows(windows: Windows) -> Float:
    """1 and the powers of each window, in all and of the bands, ms2. array (n_windows, 5).

    Of the intervals as they lie in time, without resampling, in steps of 1/1024 Hz; the total begins at the first.

    References
    ----------
    Lomb 1976, Astrophys Space Sci 39:447-462. Scargle 1982, Astrophys J 263:835-853. Clifford and Tarassenko 2005, IEEE
    Trans Biomed Eng 52:630-638 (of intervals with beats removed).
    """
    return _counted((_powers(lomb_density(batch), LOMB_HZ) for batch in windows.batches(LOMB_BATCH)), 1 + len(BANDS_HZ))


def lomb_values(totals: Float) -> dict[str, Float]:
    """Band powers and their ratios, mean over the windows, by names that end in `_ls`, of totals of `lomb_rows`."""
    return {f"{name}_ls": value for name, value in _with_ratios(_means(totals)).items()}


def _welch_density(windows: Windows, rules: HrvRules) -> Float:
    """Power density at the steps, ms2/Hz. array (n_windows, n_steps)."""
    even_ms = resampled(windows, rules)
    _, density = signal.periodogram(even_ms, rules.resample_hz, window="hann", detrend="constant", axis=1)
    return density[:, 1 : N_STEPS + 1]


def _counted(batches: Iterable[Float], n_columns: int) -> Float:
    """The rows of all batches behind a count of one. array (n_windows, 1 + n_columns)."""
    rows = np.concatenate([np.empty((0, n_columns)), *batches])
    return np.column_stack([np.ones(len(rows)), rows])


def _means(totals: Float) -> Float:
    """Means over the windows of what stands behind their count. array (..., n_columns)."""
    return ratio(totals[..., 1:], totals[..., :1])


def _powers(density: Float, hz: Float) -> Float:
    """Total power and that of the bands, of a density at even steps from the first on. array (..., 4)."""
    parts = [slice(None), *(_inside(hz, *band) for band in BANDS_HZ.values())]
    return hz[0] * np.stack([density[..., part].sum(axis=-1) for part in parts], axis=-1)


def _with_ratios(powers: Float) -> dict[str, Float]:
    total, vlf, lf, hf = np.moveaxis(powers, -1, 0)
    lf_nu, hf_nu = 100 * ratio(lf, lf + hf), 100 * ratio(hf, lf + hf)
    own = {"total_power": total, "vlf": vlf, "lf": lf, "hf": hf}
    return {**own, "lf_nu": lf_nu, "hf_nu": hf_nu, "lf_hf": ratio(lf, hf)}


def _inside(hz: Float, low_hz: float, high_hz: float) -> slice:
    """Steps within `(low, high]`."""
    first, behind = np.searchsorted(hz, (low_hz + 1e-9, high_hz + 1e-9))
    return slice(int(first), int(behind))


def _peak_hz(density: Float, low_hz: float, high_hz: float) -> Float:
    """Frequency of the highest step of a band where it is higher than both beside it; NaN on a slope. array (...)."""
    inside = _inside(HZ, low_hz, high_hz)
    top = inside.start + np.argmax(density[..., inside], axis=-1)[..., None]
    beside = np.take_along_axis(density, np.concatenate([top - 1, top + 1], axis=-1).clip(0, N_STEPS - 1), -1)
    is_peak = (np.take_along_axis(density, top, -1) > beside).all(axis=-1)
    return np.where(is_peak, HZ[top[..., 0]], np.nan)
