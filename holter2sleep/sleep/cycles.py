"""Hypnogram to NREM-REM cycles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import EPOCH_S, Bool, Hypnogram, Lights
from holter2sleep.spans import Spans, as_spans, runs

# Feinberg and Floyd 1979 (Psychophysiology 16:283-291), as applied by Aeschbach and Borbely 1993 (J Sleep Res 2:70-81)
LEAST_NREM_MIN = 15.0  # of NREM before a REM period, or the REM belongs to the period before
LEAST_REM_MIN = 5.0  # of REM in a period; the first of the night may be shorter


def find_cycles(hypnogram: Hypnogram, lights: Lights) -> Spans:
    """Complete cycles, from the first NREM epoch to the end of the REM period that closes it. array (n, 2), s.

    REM epochs with less than 15 min of NREM between them are one REM period. A period with less than 5 min of REM
    closes no cycle, except the first of the night. What follows the last REM period is no complete cycle, and the wake
    after a REM period belongs to none. Only epochs in bed count; a night without REM has no cycle.

    References
    ----------
    Feinberg I, Floyd TC (1979) Psychophysiology 16:283-291.

    Examples
    --------
    20 min of NREM and 6 min of REM, twice:

    >>> from holter2sleep.night import EpochGrid
    >>> stages = (["NREM"] * 40 + ["R"] * 12) * 2
    >>> night = Hypnogram(EpochGrid.covering(30.0 * len(stages)), np.array(stages), "CARDIO3", "by hand")
    >>> (find_cycles(night, Lights(0.0, 3120.0, "recording")) / 60).tolist()
    [[0.0, 26.0], [26.0, 52.0]]
    """
    in_bed = lights.dark(hypnogram.grid)
    nrem, rem = hypnogram.mask("nrem") & in_bed, hypnogram.mask("rem") & in_bed
    begin, spans = 0, []
    for first, behind in _rem_periods(nrem, rem):
        nrem_before = np.flatnonzero(nrem[begin:first])
        if len(nrem_before) * EPOCH_S / 60 >= LEAST_NREM_MIN:
            spans.append((hypnogram.grid.edges_s[begin + nrem_before[0]], hypnogram.grid.edges_s[behind]))
        begin = behind
    # two cycles may touch, and stay two
    return np.array(spans, np.float64).reshape(-1, 2) if spans else as_spans([])


def _rem_periods(nrem: Bool, rem: Bool) -> list[tuple[int, int]]:
    """First epoch of each REM period and the epoch behind it; those too short to close a cycle are left out."""
    first, behind = runs(rem)
    n_nrem = np.r_[0, np.cumsum(nrem)]
    apart = (n_nrem[first[1:]] - n_nrem[behind[:-1]]) * EPOCH_S / 60 >= LEAST_NREM_MIN
    starts, ends = first[np.r_[True, apart][: len(first)]], behind[np.r_[apart, True][: len(first)]]
    return [
        (int(start), int(end))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
        if number == 0 or _minutes(rem[start:end]) >= LEAST_REM_MIN
    ]


def _minutes(mask: NDArray[np.bool_]) -> float:
    return float(mask.sum()) * EPOCH_S / 60
