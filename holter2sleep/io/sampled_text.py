"""Whether numbers of a text are samples of a waveform, which must never be taken for intervals between beats."""

from __future__ import annotations

import re

import numpy as np

from holter2sleep.io.ecg_likeness import ecg_likeness
from holter2sleep.io.labels import ecg_rank
from holter2sleep.night import Float

_SIGNAL_NAME = re.compile(
    r"ppg|pleth|puls|spo2|sao2|\b(acc\w*|resp\w*|e[eom]g\w*|samples?|signal|adc|m?v|uv|abp|temp\w*)\b"
)
_WINDOW = 300  # values looked at together
# Root mean square of their changes over their standard deviation. Intervals: median of the windows 0.3 and more, of
# an exercise test 0.23 with 1.2 in other windows; ECG 0.08 at 500 Hz to 0.9 at 100 Hz; a pulse wave at 100 Hz 0.07
_SMOOTH, _ROUGH = 0.2, 0.95
_SAMPLED_HZ = (100.0, 128.0, 250.0, 500.0)  # within a factor of 1.5 of any usual rate, and so is the heart's
_LEAST_S, _LOOK_S = 30.0, 60.0
_CLEARLY_ECG = 0.6  # intervals with frequent ectopy reach 0.5 by chance


def names_a_signal(name: str) -> bool:
    """Whether a column is named as samples of a signal are.

    Examples
    --------
    >>> [names_a_signal(name) for name in ("ecg", "'sample #'", "SpO2", "rr (ms)", "interval")]
    [True, True, True, False, False]
    """
    return ecg_rank(name) is not None or _SIGNAL_NAME.search(name.casefold()) is not None


def looks_sampled(values: Float) -> str | None:
    """Why numbers look like samples of a waveform rather than intervals between beats; None when they do not.

    Samples follow one another smoothly, and in an ECG the beats stand out at a steady pace; from beat to beat the heart
    changes by a good part of what it changes in five minutes.
    """
    if len(values) < 2 * _WINDOW:
        return None
    rows = values[: len(values) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    spread = rows.std(axis=1)
    change = np.sqrt((np.diff(rows, axis=1) ** 2).mean(axis=1))
    moving = spread > 1e-6  # s; a constant list is a paced heart
    if not moving.any():
        return None
    ratio = change[moving] / spread[moving]
    if np.quantile(ratio, 0.9) < _SMOOTH:
        return "neighbours hardly differ, as samples of a waveform do"
    for fs in _SAMPLED_HZ if np.median(ratio) < _ROUGH else ():
        if len(values) >= _LEAST_S * fs and ecg_likeness(values[: int(_LOOK_S * fs)], fs).score >= _CLEARLY_ECG:
            return f"read as samples at {fs:g} Hz they are an ECG"
    return None
