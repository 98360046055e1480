"""Beat classes, runs and atrial fibrillation of the whole analysis against annotators, by EC57."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from benchmarks.class_counts import COLUMNS as COUNT_COLUMNS
from benchmarks.class_counts import counted, strangers
from benchmarks.detection import N_WORST
from benchmarks.detectors import Annotated, progress, read_annotated
from benchmarks.people import CLASS_COLUMNS, TIME_COLUMNS, beat_rates, time_rates
from holter2sleep.analyze import analyze_night
from holter2sleep.errors import Holter2SleepError
from holter2sleep.evaluate.ec57 import CLASSES, EpisodeAgreement, compare_episodes, gross_episodes, scored_spans
from holter2sleep.evaluate.records import BeatAgreement, compare_sides, gross_agreement
from holter2sleep.evaluate.reports import BEAT_LAYOUTS, EPISODE_COLUMNS, beat_matrix_text
from holter2sleep.evaluate.rhythms import ATRIAL_FIBRILLATION, VENTRICULAR_FIBRILLATION
from holter2sleep.evaluate.sides import Side
from holter2sleep.evaluate.tables import COUNT, Column, Table, line_table, record_table
from holter2sleep.night import Night
from holter2sleep.recipe import load_recipe
from holter2sleep.training.mitdb import DS1, DS2

# de Chazal 2004, the records that lie in `mitdb`
PACED = ("102", "104", "107", "217")  # EC57 leaves them out of the beat classes
SETS = {"DS1": DS1, "DS2": DS2, "all": (*DS1, *DS2)}
FALSELY_CALLED = {"V": "NSOX", "S": "NVFOX"}  # EC57: F or Q called V, and Q called S, are no false positives

T = TypeVar("T")


def side_of(night: Night) -> Side:
    """What a night says, as `evaluate beats` reads it from its tables."""
    vf, af = (night.episodes.of(*kinds).spans for kinds in (VENTRICULAR_FIBRILLATION, ATRIAL_FIBRILLATION))
    return Side(night.beats, vf, af, night.grid.spans(~night.quality.usable))


def analysed(headers: Iterable[Path]) -> Iterator[tuple[Annotated, Side]]:
    """Records with what the whole analysis says of them; one that is refused is told, and left out."""
    recipe = load_recipe()
    for header in headers:
        record = read_annotated(header)
        progress(f"classes: {record.name}")
        try:
            yield record, side_of(analyze_night(record.recording, recipe))
        except Holter2SleepError as error:
            print(f"REFUSED {record.name}: {error}")


def classes(headers: Iterable[Path]) -> Iterator[tuple[str, Table]]:
    """Beats, runs and atrial fibrillation, of each set and of each record."""
    beats: dict[str, BeatAgreement] = {}
    fibrillation: dict[str, EpisodeAgreement] = {}
    sides: dict[str, tuple[Side, Side]] = {}
    for record, side in analysed(headers):
        duration_s = record.recording.duration_s
        if record.name not in PACED:
            beats[record.name] = compare_sides(record.reference, side, duration_s)
            sides[record.name] = record.reference, side
        spans = record.reference.atrial_fibrillation, side.atrial_fibrillation
        fibrillation[record.name] = compare_episodes(*spans, scored_spans(duration_s))
    yield from _beat_tables(beats)
    yield from _count_tables(_named(sides, DS2))
    yield from _fibrillation_tables(fibrillation)


def _beat_tables(records: Mapping[str, BeatAgreement]) -> Iterator[tuple[str, Table]]:
    totals = {name: gross_agreement(_members(records, members)) for name, members in SETS.items()}
    everything = gross_agreement(list(records.values()))
    for name, total in totals.items():
        print(f"{name}, gross counts (row: reference, column: test)\n{beat_matrix_text(total)}")
    for name, (heading, columns) in BEAT_LAYOUTS.items():
        yield name, line_table(f"{heading}, MIT-BIH, gross", columns, totals)
        yield f"{name}_records", record_table(f"{heading}, records", columns, records, everything)
    matrices = {name: record.matrix for name, record in records.items()}
    rates = {name: beat_rates(own) for name, members in SETS.items() if (own := _named(matrices, members))}
    yield "class_intervals", line_table("Classes, 95 % intervals over people", CLASS_COLUMNS, rates)
    for label, columns in CLASS_ERRORS.items():
        yield f"worst_{label}", line_table(f"Worst {N_WORST} records, {label}", columns, worst_of_class(records, label))


def _count_tables(sides: Mapping[str, tuple[Side, Side]]) -> Iterator[tuple[str, Table]]:
    for label in CLASS_ERRORS:
        found = strangers({name: counted(*both, label) for name, both in sides.items()})
        held = f"{sum(one.holds for one in found.values())} of {len(found)} people of DS2 within"
        yield f"counts_{label}", line_table(f"Number of {label} and its 95 % interval: {held}", COUNT_COLUMNS, found)


def _fibrillation_tables(records: Mapping[str, EpisodeAgreement]) -> Iterator[tuple[str, Table]]:
    sets = {**SETS, "all and paced": (*DS1, *DS2, *PACED)}
    totals = {name: gross_episodes(_members(records, members)) for name, members in sets.items()}
    yield "af", line_table("Atrial fibrillation and flutter, MIT-BIH, gross", EPISODE_COLUMNS, totals)
    rates = {name: time_rates(own) for name, members in sets.items() if (own := _named(records, members))}
    yield "af_intervals", line_table("Time in AF and flutter, 95 % intervals over people", TIME_COLUMNS, rates)
    everything = gross_episodes(list(records.values()))
    yield "af_records", record_table("Atrial fibrillation and flutter, records", EPISODE_COLUMNS, records, everything)


def _members(records: Mapping[str, T], names: Iterable[str]) -> list[T]:
    return list(_named(records, names).values())


def _named(records: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    return {name: records[name] for name in names if name in records}


def class_errors(record: BeatAgreement, label: str) -> tuple[int, int]:
    """Beats of a class that are not called so, and beats falsely called so."""
    missed = record.matrix.count(label, CLASSES.replace(label, ""))
    return missed, record.matrix.count(FALSELY_CALLED[label], label)


def worst_of_class(records: Mapping[str, BeatAgreement], label: str) -> dict[str, BeatAgreement]:
    """The records with the most errors of a class."""
    ranked = sorted(records, key=lambda name: -sum(class_errors(records[name], label)))
    return {name: records[name] for name in ranked[:N_WORST]}


def _error_columns(label: str) -> tuple[Column, ...]:
    return (
        Column("beats", "beats", COUNT, lambda record: record.matrix.count(label, CLASSES)),
        Column("not called", "not_called", COUNT, lambda record: class_errors(record, label)[0]),
        Column("falsely called", "falsely_called", COUNT, lambda record: class_errors(record, label)[1]),
    )


CLASS_ERRORS = {label: _error_columns(label) for label in ("V", "S")}
