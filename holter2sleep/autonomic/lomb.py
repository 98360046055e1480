"""Lomb-Scargle periodograms of many windows of intervals at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.autonomic.windows import Windows
from holter2sleep.night import Float

PERIOD_S = 1024.0  # steps of 1/1024 Hz, as in the PhysioNet Cardiovascular Signal Toolbox: windows can be compared
N_STEPS = 409  # up to 0.4 Hz
HZ = np.arange(1, N_STEPS + 1) / PERIOD_S

# Greengard & Lee 2004 (SIAM Review 46:443-454): beats are spread on a grid by a narrow Gaussian, which is divided out
# again behind the Fourier transform; twelve points a beat leave an error of a millionth.
GRID = 4096  # points on the period: more than twice the two sides of double the highest frequency
REACH = 6  # points on either side of a beat
WIDTH = np.pi * REACH / (GRID * (GRID - 2 * N_STEPS))  # of the Gaussian exp(-x ** 2 / 4 width), x in radians
UNSPREAD = np.sqrt(np.pi / WIDTH) * np.exp(WIDTH * np.arange(1, 2 * N_STEPS + 1) ** 2) / GRID
LEAST_SHARE = 1e-4  # of sines in the weights: even beats meet none at half their rate, where 0 / 0 has to be 0


def lomb_density(windows: Windows) -> Float:
    """Power density at 1/1024, 2/1024 ... 409/1024 Hz of the intervals at the times they end, ms2/Hz, mean removed.

    Scargle's periodogram is made a density that sums to the variance: times twice the mean interval, so that a swing
    of amplitude a has a power of a ** 2 / 2 whatever beats are missing (Parseval). array (n_windows, n_steps).

    References
    ----------
    Scargle 1982, equation 10; Press and Rybicki 1989, Astrophys J 338:277-280 (all sums from two Fourier transforms).
    """
    row = np.repeat(np.arange(len(windows)), windows.behind - windows.first)
    beat = np.arange(len(row)) - np.r_[0, np.cumsum(windows.behind - windows.first)][row] + windows.first[row]
    n = np.bincount(row, minlength=len(windows))
    mean_ms = windows.sums(windows.nn.nn_ms) / n
    turn = (windows.nn.end_s[beat] - windows.start_s[row]) / PERIOD_S
    values = windows.nn.nn_ms[beat] - mean_ms[row]
    cell, weights = _spread(turn, row)
    double = _transformed(cell, weights, len(windows))[:, 1::2]
    weights *= values[:, None]
    wave = _transformed(cell, weights, len(windows))[:, :N_STEPS]
    periodogram = _scargle(wave, double, n[:, None])
    return 2 * mean_ms[:, None] / 1000 * periodogram


def _scargle(wave: NDArray[np.complex128], double: NDArray[np.complex128], n: NDArray[np.int64]) -> Float:
    """The periodogram of the sums of y exp(-iwt) and of exp(-2iwt). array (n_windows, n_steps)."""
    size = np.abs(double)
    phase = np.sqrt(np.divide(double, size, out=np.ones_like(double), where=size > 0))
    turned = wave / phase  # Lomb's shift of time: sines and cosines are then independent
    cosines, sines = (n + size) / 2, np.maximum(n - size, LEAST_SHARE * n) / 2
    return (turned.real**2 / cosines + turned.imag**2 / sines) / 2


def _spread(turn: Float, row: NDArray[np.int64]) -> tuple[NDArray[np.int64], Float]:
    """The points about each beat on the grids of all rows, and its weights there. arrays (n_beats, 2 REACH)."""
    nearest = np.floor(turn * GRID)
    offset = np.arange(1 - REACH, REACH + 1)
    weights = 2 * np.pi / GRID * (turn * GRID - nearest)[:, None] - 2 * np.pi / GRID * offset  # x, as yet
    weights *= weights  # one array, worked on in place: most of the time would go into asking for memory
    weights /= -4 * WIDTH
    np.exp(weights, out=weights)
    cell = nearest[:, None].astype(np.int64) + offset
    cell &= GRID - 1  # around the period: a power of two
    cell += row[:, None] * GRID
    return cell, weights


def _transformed(cell: NDArray[np.int64], weights: Float, n_rows: int) -> NDArray[np.complex128]:
    """Sums of what is spread, times exp(-2 pi i k turn), over each row, k = 1 ... 2 N_STEPS. array (n_rows, n_k)."""
    grid = np.bincount(cell.ravel(), weights.ravel(), n_rows * GRID).reshape(n_rows, GRID)
    return UNSPREAD * np.fft.rfft(grid)[:, 1 : 2 * N_STEPS + 1]
