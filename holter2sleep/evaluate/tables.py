"""Tables with one line a record, then all records as one (Gross) and the mean of their rates (Average)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = float | int | str | None  # None: a rate without denominator

ABSENT = "-"
GROSS, AVERAGE = "Gross", "Average"
COUNT = "count"


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds to the millisecond."""
    ms = round(1000 * seconds)
    return f"{ms // 3_600_000}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


# How a value is printed; a CSV has it in full.
FORMS: dict[str, Callable[[Any], str]] = {
    COUNT: str,
    "percent": lambda share: f"{100 * share:.2f}",
    "whole percent": lambda share: f"{int(100 * share + 0.5)}",
    "ms": lambda value: f"{value:.2f}",
    "seconds": lambda value: f"{value:.0f}",
    "clock": _clock,
}


@dataclass(frozen=True)
class Column:
    """A column: its title in the field's reports, its name in a CSV, how it prints, and where its value comes from."""

    title: str
    name: str
    form: str
    value: Callable[[Any], Value]


@dataclass(frozen=True)
class Table:
    """Rows of values under columns; `rows` begin with the record's name."""

    heading: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Value, ...]], ...]

    def text(self) -> str:
        """Lines as the field's reports have them."""
        lines = [("Record", *(column.title for column in self.columns))]
        lines += [(name, *map(self._cell, self.columns, values)) for name, values in self.rows]
        return "\n".join([self.heading, *aligned(lines)]) + "\n"

    @staticmethod
    def _cell(column: Column, value: Value) -> str:
        return ABSENT if value is None else value if isinstance(value, str) else FORMS[column.form](value)

    def csv(self, **facts: str) -> str:
        """The values in full, rates as shares of 1; each fact is a column that says the same in every row."""
        names = ["record", *(column.name for column in self.columns), *facts]
        rows = ([name, *(ABSENT if v is None else v for v in values), *facts.values()] for name, values in self.rows)
        return csv_text(names, rows)


def aligned(lines: Sequence[Sequence[str]], gap: str = " ") -> list[str]:
    """Lines of cells under one another: the first cell at the left, all others at the right of their columns."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return [
        gap.join(
            [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))]
        ).rstrip()
        for first, *cells in lines
    ]


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV with a line of names."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([names, *rows])
    return file.getvalue()


def line_table(heading: str, columns: Sequence[Column], records: Mapping[str, Any]) -> Table:
    """A line for each record."""
    rows = tuple((name, tuple(column.value(record) for column in columns)) for name, record in records.items())
    return Table(heading, tuple(columns), rows)


def record_table(heading: str, columns: Sequence[Column], records: Mapping[str, Any], total: Any) -> Table:
    """A line for each record, the gross one of `total`, and the average.

    The average weighs every record that defines a value alike; of counts there is none.
    """
    lines = line_table(heading, columns, {**records, GROSS: total})
    of_records = [values for _, values in lines.rows[:-1]]
    average = tuple(
        "" if column.form == COUNT else _mean([values[i] for values in of_records]) for i, column in enumerate(columns)
    )
    return Table(heading, lines.columns, (*lines.rows, (AVERAGE, average)))


def _mean(values: Iterable[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def grid_text(corner: str, rows: Sequence[str], columns: Sequence[str], counts: Any) -> str:
    """A matrix of counts with its names at the left and above."""
    width = max(5, *(len(str(value)) + 1 for value in np.ravel(counts)))
    left = max(len(corner), *(len(name) for name in rows))
    lines = [corner.ljust(left) + "".join(name.rjust(width) for name in columns)]
    lines += [
        name.ljust(left) + "".join(str(value).rjust(width) for value in row)
        for name, row in zip(rows, np.asarray(counts).tolist(), strict=True)
    ]
    return "\n".join(lines) + "\n"
