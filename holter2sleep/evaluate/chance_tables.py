"""What the probabilities of nights are worth, as tables: reliability, and kappa where the test may be silent.

References
----------
El-Yaniv R, Wiener Y (2010) On the foundations of noise-free selective classification. J Mach Learn Res 11:1605-1641.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from holter2sleep.evaluate.calibration import N_BINS
from holter2sleep.evaluate.judged import Judged
from holter2sleep.evaluate.stage_tables import WHICH, JudgedNights
from holter2sleep.evaluate.stages import counts_of, kappa

COVERAGE = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # shares of the epochs that are kept

CALIBRATION_SCHEMA = {
    **WHICH,
    "bin_low": pl.Float64,
    "bin_high": pl.Float64,
    "n": pl.Int64,
    "mean_chance": pl.Float64,
    "share_right": pl.Float64,
}
COVERAGE_SCHEMA = {
    **WHICH,
    "coverage": pl.Float64,
    "n": pl.Int64,
    "least_chance": pl.Float64,
    "kappa": pl.Float64,
}


def calibration_table(judged: JudgedNights) -> pl.DataFrame:
    """Reliability: a row for each bin of the chance of the answer, of each night and of all; empty bins have none."""
    rows = [
        (name, judged.n_classes, i / N_BINS, (i + 1) / N_BINS, int(n), said / n, true / n)
        for name, epochs in judged.each
        for i, (n, said, true) in enumerate(epochs.reliability.T.tolist())
        if n
    ]
    return pl.DataFrame(rows, CALIBRATION_SCHEMA, orient="row")


def coverage_table(judged: JudgedNights) -> pl.DataFrame:
    """Kappa of the surest epochs: a row for each share that is kept, of each night and of all."""
    rows = [(name, judged.n_classes, *row) for name, epochs in judged.each for row in by_coverage(epochs.with_chance())]
    return pl.DataFrame(rows, COVERAGE_SCHEMA, orient="row")


def by_coverage(epochs: Judged) -> Iterator[tuple[float, int, float, float | None]]:
    """Share of the epochs that is kept, the surest first; their number, the least chance among them, their kappa."""
    order = np.argsort(-epochs.sure, kind="stable")
    for share in COVERAGE:
        kept = order[: round(share * len(order))]
        if len(kept):
            counts = counts_of(epochs.truth[kept], epochs.answer[kept], epochs.n_classes)
            yield share, len(kept), float(epochs.sure[kept].min()), kappa(counts)
