"""Whether the intervals of the numbers of V and S hold what annotators counted, on people the networks did not hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.people import SAME_PERSON
from holter2sleep.evaluate.sides import Side
from holter2sleep.evaluate.tables import COUNT, Column
from holter2sleep.heart.class_net import count_spread
from holter2sleep.night import Beats
from holter2sleep.phenotypes.ectopy import count_interval
from holter2sleep.spans import Spans, contains


@dataclass(frozen=True)
class Counted:
    """Beats of a class in the time that could be judged, by annotators and by us with our interval."""

    true: int
    called: int
    low: float
    high: float

    @property
    def holds(self) -> int:
        """1 where the interval holds the annotators' number."""
        return int(self.low <= self.true <= self.high)


def counted(reference: Side, test: Side, label: str) -> Counted | None:
    """One record; S only outside atrial fibrillation. None without an interval."""
    left_out = [test.shutdown] + ([reference.atrial_fibrillation, test.atrial_fibrillation] if label == "S" else [])
    beats, true = (_outside(side.beats.where(side.beats.usable), left_out) for side in (test, reference))
    called = beats.label == label
    interval = count_interval(called, beats.chance_v if label == "V" else beats.chance_s, count_spread(label))
    return Counted(int((true.label == label).sum()), int(called.sum()), *interval) if interval else None


def _outside(beats: Beats, left_out: list[Spans]) -> Beats:
    for spans in left_out:
        beats = beats.where(~contains(spans, beats.time_s))
    return beats


def strangers(records: Mapping[str, Counted | None]) -> dict[str, Counted]:
    """Those with an interval whose people have no record in DS1."""
    return {name: one for name, one in records.items() if one and name not in SAME_PERSON}


COLUMNS = (
    Column("annotators", "true", COUNT, lambda one: one.true),
    Column("called", "called", COUNT, lambda one: one.called),
    Column("from", "low", COUNT, lambda one: round(one.low)),
    Column("to", "high", COUNT, lambda one: round(one.high)),
    Column("holds", "holds", COUNT, lambda one: one.holds),
)
