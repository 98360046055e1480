"""How well chances of respiratory events fit the scored minutes: of minutes, and of whole recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from holter2sleep.evaluate.minutes import (
    CALLED,
    Minutes,
    accuracy_of,
    auc,
    auc_of,
    compare_minutes,
    interval_by_subject,
    pooled_minutes,
)
from holter2sleep.night import EPOCH_S, Float
from holter2sleep.training.apnea_data import APNEA_ECG, HUGCDN, ScoredNight

DRAWS = 2000
FEW_EVENTS = 0.05  # of the minutes: fewer tell nothing of a lag
LARGEST_LAG = 8  # epochs
CLOCK_BIN = 60  # epochs: half an hour of the night
# Which recordings are told from which: b of Apnea-ECG are borderline, ND of HuGCDN2014 have no desaturation.
RECORDINGS = {
    APNEA_ECG: {"a against c": (("a",), ("c",)), "a and b against c": (("a", "b"), ("c",))},
    HUGCDN: {"D against C": (("D",), ("C",)), "D and ND against C": (("D", "ND"), ("C",))},
}

# What a recording is told by: the mean chance, and the share of its epochs that are called.
SCORES: dict[str, Callable[[Float], float]] = {
    "recordings": lambda chance: float(chance.mean()),
    "recordings_by_share": lambda chance: float((chance >= CALLED).mean()),
}


def figures(nights: Sequence[ScoredNight], chances: Mapping[str, Float], seed: int) -> dict[str, object]:
    """Figures of each data set, with intervals by drawing subjects, and those of guessing by the clock."""
    found: dict[str, object] = {}
    for source in sorted({night.source for night in nights}):
        own = [night for night in nights if night.source == source]
        found[source] = {
            **of_minutes(own, chances, seed),
            **{name: of_recordings(own, chances, score) for name, score in SCORES.items()},
            "clock": of_minutes(own, _by_the_clock(own), seed),
        }
    return found


def of_minutes(nights: Sequence[ScoredNight], chances: Mapping[str, Float], seed: int) -> dict[str, object]:
    """Rates of the minutes of all nights together."""
    records = [minutes_of(night, chances[night.name]) for night in nights]
    subjects = [night.subject for night in nights]
    intervals = {
        f"{name}_95_interval": interval_by_subject(records, subjects, measure, np.random.default_rng(seed), DRAWS)
        for name, measure in {"accuracy": accuracy_of, "auc": auc_of}.items()
    }
    counted = {"n_subjects": len(set(subjects)), "n_nights": len(nights)}
    total = pooled_minutes(records)
    return {**counted, "n_minutes": len(total.reference), **total.measures(), **intervals}


def minutes_of(night: ScoredNight, chance: Float) -> Minutes:
    """Its scored minutes with their chances."""
    per_minute = round(60 / EPOCH_S)
    reference = night.target[::per_minute] == 1
    return compare_minutes(60.0 * np.arange(len(reference), dtype=np.float64), reference, chance)


def of_recordings(
    nights: Sequence[ScoredNight], chances: Mapping[str, Float], score: Callable[[Float], float]
) -> dict[str, float | None]:
    """Area under the ROC curve of a recording's score, for each question asked of its data set."""
    scores = np.array([score(chances[night.name]) for night in nights])
    group = np.array([night.group for night in nights])
    found = {}
    for question, (ill, well) in RECORDINGS[nights[0].source].items():
        asked = np.isin(group, ill + well)
        found[question] = auc(np.isin(group[asked], ill), scores[asked])
    return found


def alignment(nights: Sequence[ScoredNight], raw: Mapping[str, Float]) -> dict[str, float]:
    """By how much the labels come after the log odds, s, where both fit best: quartiles over nights with events."""
    lags_s = [_lag_s(night.target, raw[night.name]) for night in nights if night.target.mean() >= FEW_EVENTS]
    return dict(zip(("q1", "median", "q3"), np.quantile(lags_s, [0.25, 0.5, 0.75]).tolist(), strict=True))


def _lag_s(target: NDArray[np.float32], raw: Float) -> float:
    lags = range(-LARGEST_LAG, LARGEST_LAG + 1)
    n = len(target) - 2 * LARGEST_LAG
    own = raw[LARGEST_LAG : LARGEST_LAG + n]
    fit = [np.corrcoef(own, target[LARGEST_LAG + lag : LARGEST_LAG + lag + n])[0, 1] for lag in lags]
    return EPOCH_S * lags[int(np.argmax(fit))]


def _by_the_clock(nights: Sequence[ScoredNight]) -> dict[str, Float]:
    """Share of events at the same half hour of the nights of all other subjects: what needs no beat."""
    n = max(len(night.target) for night in nights) // CLOCK_BIN + 1
    sums = {night.name: np.bincount(np.arange(len(night.target)) // CLOCK_BIN, night.target, n) for night in nights}
    counts = {night.name: np.bincount(np.arange(len(night.target)) // CLOCK_BIN, minlength=n) for night in nights}
    chances = {}
    for night in nights:
        others = [other.name for other in nights if other.subject != night.subject]
        events, epochs = (np.sum([table[name] for name in others], axis=0) for table in (sums, counts))
        chances[night.name] = (events / np.maximum(epochs, 1))[np.arange(len(night.target)) // CLOCK_BIN]
    return chances
