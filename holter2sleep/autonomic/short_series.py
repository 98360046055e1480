"""Entropies and symbols of short series: one value a 5-min window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from holter2sleep.autonomic.entropy import EntropyRules, fuzzy_entropy, sample_entropy
from holter2sleep.autonomic.symbols import NAMES, symbolic_measures
from holter2sleep.night import NN, Float


def values_of_windows(parts: Sequence[NN], rules: EntropyRules) -> dict[str, Float]:
    """Each measure of each window, NaN where it has none. arrays (n_windows,)."""
    rows = [_of_series(part.nn_ms.tobytes(), part.adjacent.tobytes(), rules) for part in parts]
    names = ("sample_entropy", "fuzzy_entropy", *NAMES)
    return dict(zip(names, np.array(rows, np.float64).reshape(-1, len(names)).T, strict=True))


@lru_cache(maxsize=4096)  # a fortnight: the windows of a night are those of its hours, and mostly of its stages, again
def _of_series(nn: bytes, adjacent: bytes, rules: EntropyRules) -> tuple[float, ...]:
    nn_ms = np.frombuffer(nn)
    part = NN(np.cumsum(nn_ms) / 1000, nn_ms, np.frombuffer(adjacent, bool))
    return sample_entropy(part, rules), fuzzy_entropy(part, rules), *symbolic_measures(part).values()
