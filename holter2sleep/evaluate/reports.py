"""Reports of beats, runs and episodes in the layout of the C programs: `bxb -L`, `rxr -L`, `epicmp -L`.

Titles are theirs: the capital is the reference, the small letter the test, and a prime says that classes are put
together (n' = n, f and q; o' = o and x; F' = F and Q; O' = O and X).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from holter2sleep.evaluate.ec57 import CLASSES, EpisodeAgreement, gross_episodes, ratio
from holter2sleep.evaluate.protocol import Protocol
from holter2sleep.evaluate.records import BeatAgreement, gross_agreement
from holter2sleep.evaluate.run_by_run import KINDS, LENGTHS, RUN_CLASSES
from holter2sleep.evaluate.tables import COUNT, GROSS, Column, Table, csv_text, grid_text, record_table

# Cells of the line format: reference classes, test classes.
_BEAT_CELLS = {
    "Nn'": ("N", "NFQ"),
    "Sn'": ("S", "NFQ"),
    "Vn'": ("V", "NFQ"),
    "Fn'": ("FQ", "NFQ"),
    "On'": ("OX", "NFQ"),
    "Ns": ("N", "S"),
    "Ss": ("S", "S"),
    "Vs": ("V", "S"),
    "Fs'": ("FQ", "S"),
    "Os'": ("OX", "S"),
    "Nv": ("N", "V"),
    "Sv": ("S", "V"),
    "Vv": ("V", "V"),
    "Fv'": ("FQ", "V"),
    "Ov'": ("OX", "V"),
    "No'": ("N", "OX"),
    "So'": ("S", "OX"),
    "Vo'": ("V", "OX"),
    "Fo'": ("FQ", "OX"),
}
_BEAT_RATES = {
    "Q Se": "qrs_sensitivity",
    "Q +P": "qrs_positive_predictivity",
    "V Se": "veb_sensitivity",
    "V +P": "veb_positive_predictivity",
    "S Se": "sveb_sensitivity",
    "S +P": "sveb_positive_predictivity",
}
_EPISODE_RATES = {
    "ESe": "episode_sensitivity",
    "E+P": "episode_positive_predictivity",
    "DSe": "duration_sensitivity",
    "D+P": "duration_positive_predictivity",
}


def _measure(name: str) -> Callable[[BeatAgreement | EpisodeAgreement], float | None]:
    return lambda record: record.measures()[name]


def _cell(rows: str, columns: str) -> Callable[[BeatAgreement], int]:
    return lambda record: record.matrix.count(rows, columns)


BEAT_COLUMNS = (
    *(Column(title, title, COUNT, _cell(*cell)) for title, cell in _BEAT_CELLS.items()),
    *(Column(title, name, "percent", _measure(name)) for title, name in _BEAT_RATES.items()),
    Column("RR err", "rms_rr_error_ms", "ms", lambda record: record.rr_error.rms_ms),
)


def _missed(classes: str) -> Callable[[BeatAgreement], float | None]:
    """Share of the beats of some classes that were lost to a shutdown of the test."""
    return lambda record: ratio(record.matrix.count(classes, "X"), record.matrix.count(classes, CLASSES))


SHUTDOWN_COLUMNS = (
    *(Column(f"{name}x", f"{name}x", COUNT, _cell(name, "X")) for name in "NSVFQ"),
    Column("% beats missed", "beats_missed", "percent", _missed("NSVFQ")),
    *(Column(f"% {name} missed", f"{name.lower()}_missed", "percent", _missed(name)) for name in "NSVF"),
    Column("Total shutdown time, s", "shutdown_s", "seconds", lambda record: record.matrix.shutdown_s),
    Column("Scored time, s", "scored_s", "seconds", lambda record: record.matrix.scored_s),
)


def _run_columns(label: str) -> Iterator[Column]:
    """Counts of true and false, then rates, of the runs of one class."""
    for kind in KINDS:
        for side, table, titles in (("reference", "found", ("Ts", "FN")), ("test", "confirmed", ("Tp", "FP"))):
            for i, title in enumerate(titles):
                name = f"{kind}_{side}_{'met' if i == 0 else 'not_met'}"
                yield Column(kind[0].upper() + title, name, COUNT, partial(_run_count, label, table, kind, i))
    for kind in KINDS:
        for short, name in (("Se", "sensitivity"), ("+P", "positive_predictivity")):
            value = partial(_run_rate, label, f"{kind}_{name}")
            yield Column(kind[0].upper() + short, f"{kind}_{name}", "whole percent", value)


def _run_count(label: str, table: str, kind: str, at: int, record: BeatAgreement) -> int:
    met: tuple[int, int] = getattr(record.runs[label], table)(kind)
    return met[at]


def _run_rate(label: str, name: str, record: BeatAgreement) -> float | None:
    return record.runs[label].measures()[name]


EPISODE_COLUMNS = (
    Column("TPs", "reference_met", COUNT, lambda record: record.n_reference_met),
    Column("FN", "reference_not_met", COUNT, lambda record: record.n_reference - record.n_reference_met),
    Column("TPp", "test_met", COUNT, lambda record: record.n_test_met),
    Column("FP", "test_not_met", COUNT, lambda record: record.n_test - record.n_test_met),
    *(Column(title, name, "whole percent", _measure(name)) for title, name in _EPISODE_RATES.items()),
    Column("Ref duration", "reference_s", "clock", lambda record: record.reference_s),
    Column("Test duration", "test_s", "clock", lambda record: record.test_s),
)


BEAT_LAYOUTS = {  # heading and columns of each line report
    "beats": ("Beat by beat (EC57)", BEAT_COLUMNS),
    "shutdown": ("Beats missed in shutdown", SHUTDOWN_COLUMNS),
    **{f"runs_{name}": (f"Runs of {name}", tuple(_run_columns(name))) for name in RUN_CLASSES},
}


def beat_tables(records: Mapping[str, BeatAgreement]) -> dict[str, Table]:
    """Line reports: beats, shutdowns, runs of V and of S."""
    total = gross_agreement(list(records.values()))
    return {name: record_table(heading, columns, records, total) for name, (heading, columns) in BEAT_LAYOUTS.items()}


def episode_table(records: Mapping[str, EpisodeAgreement], heading: str) -> Table:
    """Line report of episodes."""
    return record_table(heading, EPISODE_COLUMNS, records, gross_episodes(list(records.values())))


def beat_matrix_text(record: BeatAgreement) -> str:
    """Beats by class, as `bxb -S` has them."""
    return grid_text("     ", list(CLASSES), list(CLASSES.lower()), record.matrix.counts)


def run_matrices_text(record: BeatAgreement, label: str) -> str:
    """Runs of a class by length, as `rxr -S` has them."""
    tables = record.runs[label]
    return "\n".join(
        f"Runs of {label}, {name} (row: length in the reference, column: in the test)\n"
        + grid_text("     ", LENGTHS, LENGTHS, counts)
        for name, counts in (("sensitivity", tables.sensitivity), ("positive predictivity", tables.predictivity))
    )


def beat_files(records: Mapping[str, BeatAgreement], protocol: Protocol) -> dict[str, str]:
    """Name and content of every report of beats: each line report as text and CSV, and all matrices."""
    tables = beat_tables(records)
    with_gross = {**records, GROSS: gross_agreement(list(records.values()))}
    return {
        **{f"{name}.txt": f"{protocol}\n{table.text()}" for name, table in tables.items()},
        **{f"{name}.csv": table.csv(protocol=str(protocol)) for name, table in tables.items()},
        "matrices.txt": f"{protocol}\n" + "\n".join(_matrices_text(*item) for item in with_gross.items()),
        "matrices.csv": _matrices_csv(with_gross, protocol),
        "run_matrices.csv": _run_matrices_csv(with_gross, protocol),
    }


def _matrices_text(name: str, record: BeatAgreement) -> str:
    parts = [beat_matrix_text(record), *(run_matrices_text(record, label) for label in RUN_CLASSES)]
    return f"Record {name} (row: reference, column: test)\n" + "\n".join(parts)


def _matrices_csv(records: Mapping[str, BeatAgreement], protocol: Protocol) -> str:
    rows = (
        (name, reference, test, record.matrix.count(reference, test), protocol)
        for name, record in records.items()
        for reference in CLASSES
        for test in CLASSES
    )
    return csv_text(("record", "reference", "test", "beats", "protocol"), rows)


def _run_matrices_csv(records: Mapping[str, BeatAgreement], protocol: Protocol) -> str:
    rows = (
        (name, label, table, reference, test, getattr(record.runs[label], table)[r, t], protocol)
        for name, record in records.items()
        for label in RUN_CLASSES
        for table in ("sensitivity", "predictivity")
        for r, reference in enumerate(LENGTHS)
        for t, test in enumerate(LENGTHS)
    )
    names = ("record", "class", "table", "reference_length", "test_length", "runs", "protocol")
    return csv_text(names, rows)
