"""95 % intervals of gross rates on records of MIT-BIH, by drawing whole people with replacement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple

import numpy as np

from holter2sleep.evaluate.bootstrap import Draws
from holter2sleep.evaluate.ec57 import MEASURES, BeatMatrix, EpisodeAgreement
from holter2sleep.evaluate.tables import Column
from holter2sleep.night import Float

SAME_PERSON = {"202": "201"}  # by the database's own description
SEED = 0

Rates = dict[str, tuple[float | None, float | None, float | None]]  # value, low, high; shares of 1
Counts = np.ndarray | Float


def beat_rates(records: Mapping[str, BeatMatrix]) -> Rates:
    """Sensitivities and positive predictivities of beats, gross, with their intervals."""

    def rate_of(name: str) -> Callable[[Counts], float | None]:
        return lambda counts: MEASURES[name](BeatMatrix(counts, 0.0))

    return rates_of(list(records), [matrix.counts for matrix in records.values()], {n: rate_of(n) for n in MEASURES})


def time_rates(records: Mapping[str, EpisodeAgreement]) -> Rates:
    """Sensitivity and positive predictivity of the time in episodes, gross, with their intervals."""

    def rate_of(name: str) -> Callable[[Counts], float | None]:
        return lambda sums: EpisodeAgreement(*sums.tolist()).measures()[name]

    names = ("duration_sensitivity", "duration_positive_predictivity")
    return rates_of(list(records), [np.array(astuple(one)) for one in records.values()], {n: rate_of(n) for n in names})


def rates_of(
    records: Sequence[str], counts: Sequence[Counts], measures: Mapping[str, Callable[[Counts], float | None]]
) -> Rates:
    """Measures of the sum of the records' counts, with intervals where at least two people have what is measured."""
    people = [SAME_PERSON.get(name, name) for name in records]
    draws, total = Draws(people, SEED), np.sum(counts, axis=0)

    def ends(measure: Callable[[Counts], float | None]) -> tuple[float | None, float | None]:
        asked = {person for person, own in zip(people, counts, strict=True) if measure(own) is not None}
        return draws.of_sums(counts, measure) or (None, None) if len(asked) > 1 else (None, None)

    return {name: (measure(total), *ends(measure)) for name, measure in measures.items()}


def rate_columns(titles: Mapping[str, str]) -> tuple[Column, ...]:
    """Three columns a measure: its value, and where its interval begins and ends."""
    ends = (("", "", 0), (" from", "_low", 1), (" to", "_high", 2))
    return tuple(
        Column(f"{title}{word}", f"{name}{suffix}", "percent", lambda rates, name=name, i=i: rates[name][i])
        for name, title in titles.items()
        for word, suffix, i in ends
    )


QRS_COLUMNS = rate_columns({"qrs_sensitivity": "Se", "qrs_positive_predictivity": "+P"})
CLASS_COLUMNS = rate_columns(
    {
        "veb_sensitivity": "V Se",
        "veb_positive_predictivity": "V +P",
        "sveb_sensitivity": "S Se",
        "sveb_positive_predictivity": "S +P",
    }
)
TIME_COLUMNS = rate_columns({"duration_sensitivity": "Se", "duration_positive_predictivity": "+P"})
