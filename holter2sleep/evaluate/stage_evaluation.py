"""All that is found of the stages of nights against their references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.chance_tables import calibration_table, coverage_table
from holter2sleep.evaluate.classes import CLASSES
from holter2sleep.evaluate.judged import StagedNight
from holter2sleep.evaluate.peers import Peer, floors_of, peer_table
from holter2sleep.evaluate.sleep_agreement import agreement_table, measure_table
from holter2sleep.evaluate.stage_tables import JudgedNights, confusion_table, figure_table, night_table, stage_table
from holter2sleep.evaluate.stages import StageMatrix
from holter2sleep.evaluate.subgroup_table import subgroup_table


@dataclass(frozen=True)
class StageEvaluation:
    """The tables by name, and what they rest on; `finest` are the nights in the most classes that all can say."""

    tables: dict[str, pl.DataFrame]
    finest: JudgedNights
    seed: int

    @property
    def scorers(self) -> str:
        """Who staged the nights; files, of which each has its own name, are counted."""
        names = sorted({night.test.scorer for night in self.finest.nights})
        return ", ".join(names) if len(names) <= 2 else f"{len(names)} scorers"

    @property
    def total(self) -> StageMatrix:
        """Pooled counts in the finest classes."""
        return self.finest.pooled.matrix

    def of(self, table: str, **values: str | int) -> pl.DataFrame:
        """Rows of a table with the given values."""
        return self.tables[table].filter(*(pl.col(name) == value for name, value in values.items()))


def evaluate_stages(nights: Sequence[StagedNight], peers: Sequence[Peer], seed: int) -> StageEvaluation:
    """Every figure of the nights, beside the floors and the peers.

    Raises
    ------
    UsageError
        No epoch of any night is staged on both sides, or two peers have one name.
    """
    floors = floors_of(nights)
    beside = [*floors, *peers]
    names = [peer.name for peer in beside]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        taken = f"({' and '.join(floor.name for floor in floors)} are the floors)"
        raise UsageError(
            f"peers have one name twice: {', '.join(twice)} {taken}; give another, as in --peer mine=FOLDER"
        )
    in_classes = [JudgedNights.of(nights, n, seed) for n in CLASSES if any(n <= night.most_classes for night in nights)]
    if not len(in_classes[0].pooled.truth):
        raise UsageError("no epoch is staged on both sides in any night: do the references belong to these nights?")
    measures = measure_table(nights)
    by_classes: dict[str, Callable[[JudgedNights], pl.DataFrame]] = {
        "figures": figure_table,
        "nights": night_table,
        "stages": stage_table,
        "confusion": confusion_table,
        "calibration": calibration_table,
        "coverage": coverage_table,
        "subgroups": lambda judged: subgroup_table(judged, seed),
    }
    tables = {name: pl.concat([make(judged) for judged in in_classes]) for name, make in by_classes.items()}
    tables |= {
        "measures": measures,
        "bland_altman": agreement_table(measures, seed),
        "peers": peer_table(nights, beside, seed),
    }
    finest = [judged for judged in in_classes if len(judged.nights) == len(nights)][-1]
    return StageEvaluation(tables, finest, seed)
