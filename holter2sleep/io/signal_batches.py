"""Tables of samples, text or Parquet, in batches of rows: a long recording never lies in memory whole."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from holter2sleep.io.files import MAX_ELAPSED_S, is_binary, refusal
from holter2sleep.io.labels import ecg_rank

Batches = Callable[[Sequence[int]], Iterator[pl.DataFrame]]  # columns by number -> batches of their rows, in order

PARQUET_MAGIC = b"PAR1"
_HEAD_CHARS = 1 << 16  # looked at to learn how a text is written
_BLOCK_CHARS = 1 << 23
_LONGEST_LINE = 1 << 26
_PARQUET_ROWS = 1 << 20
_MAX_PARQUET_ROWS = round(MAX_ELAPSED_S * 1000)  # equal samples pack into next to nothing; at 1,000 Hz
_MAX_COLUMNS = 4096
_HEAD_ROWS = 200  # lines among which the first row is looked for: some recorders write a page above it
_ROWS_BELOW = 8  # that must look like a first row which holds words as well as numbers
_IN_QUOTES = re.compile(r'"([+-]?\d+),(\d+)"')
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
_STAMP = re.compile(r"[\d.:,TZ /+-]*\d:\d\d[\d.:,TZ /+-]*([aApP]\.?\s?[mM]\.?)?")
_DATE = re.compile(r"\d{4}([./-])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2\d{4}")
MISSING = ("", "nan", "na", "n/a", "null", "none", "-", "--", "?")  # what stands for no sample, lower case
_WORKS = "a table of samples, one column a lead, with --fs or a time column"


@dataclass(frozen=True)
class SignalTable:
    """A table of samples: names of its columns, units where a second line gives them, and its rows in batches."""

    names: tuple[str, ...]  # as written; `column 1` ... without a header line
    units: tuple[str, ...]  # empty where no line of units is
    named: bool  # whether the names are the file's own
    first_row: int  # line of the first row, 1 for the first
    batches: Batches


def open_signal_table(path: Path, *, is_samples: bool = False) -> SignalTable:
    """A table without its rows.

    `is_samples`: somebody says that these are samples. Else a text with lines above its header, or with columns of
    words, has to name an ECG: a table of stages or results is written like that too.

    Raises
    ------
    RecordingError
        Binary content that is no Parquet, no row, or rows of different lengths.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_CHARS)
    return _parquet(path) if head.startswith(PARQUET_MAGIC) else _text(path, head, is_samples)


# --- Parquet ---------------------------------------------------------------------------------------


def _parquet(path: Path) -> SignalTable:
    def guarded(work: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        try:
            return work()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            said = " ".join(str(error).replace(str(path.parent), "").split())[:100]
            raise refusal(path, f"not a Parquet table ({said})", _WORKS) from None

    scan = pl.scan_parquet(path, glob=False)
    names = guarded(lambda: scan.head(0).collect()).columns
    n_rows = guarded(lambda: scan.select(pl.len()).collect()).item()

    def batches(columns: Sequence[int]) -> Iterator[pl.DataFrame]:
        chosen = scan.select([names[i] for i in columns])
        for first in range(0, n_rows, _PARQUET_ROWS):
            yield guarded(lambda first=first: chosen.slice(first, _PARQUET_ROWS).collect())  # type: ignore[misc]

    if n_rows == 0 or not names:
        raise refusal(path, "the table has no row", _WORKS)
    if n_rows > _MAX_PARQUET_ROWS:
        raise refusal(path, f"{n_rows:,} rows, more than a month of samples", _WORKS)
    return SignalTable(tuple(names), ("",) * len(names), True, 1, batches)


# --- text ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    encoding: str
    separator: str | None  # None: blanks
    n_before: int  # lines before the first row
    n_columns: int


def _text(path: Path, head: bytes, is_samples: bool) -> SignalTable:
    encoding = _encoding(path, head)
    # the head may end within a character or a line
    text = head.decode(encoding, errors="replace")
    lines = text.splitlines()[: None if len(head) < _HEAD_CHARS else -1]
    layout, names, units = _layout(path, lines, encoding, is_samples)

    def batches(columns: Sequence[int]) -> Iterator[pl.DataFrame]:
        done = layout.n_before
        for block in _blocks(path, layout):
            frame = _frame(path, block, layout, done)
            yield frame.select([frame.columns[i] for i in columns])
            done += len(frame)

    named = bool(names)
    names = names or tuple(f"column {i + 1}" for i in range(layout.n_columns))
    return SignalTable(names, units or ("",) * layout.n_columns, named, layout.n_before + 1, batches)


def _encoding(path: Path, head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if is_binary(head):
        raise refusal(path, "binary content where text was expected", _WORKS)
    try:
        head[: len(head) - 3].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _layout(
    path: Path, lines: list[str], encoding: str, is_samples: bool
) -> tuple[_Layout, tuple[str, ...], tuple[str, ...]]:
    """How the text is written, and the names and units in the lines above the first row."""
    written = [i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    if not written:
        raise refusal(path, "no row of samples", _WORKS)
    separator = _separator([lines[i] for i in written])
    rows = [_fields(lines[i], separator) for i in written[: _HEAD_ROWS + _ROWS_BELOW]]
    first = next((k for k in range(min(len(rows), _HEAD_ROWS)) if _is_row(rows[k]) or _is_mixed_row(rows, k)), None)
    if first is None:
        raise refusal(path, f"no row of numbers below {lines[written[0]][:40]!r}", _WORKS)
    n_columns = len(rows[first])
    names, units, n_above = _titles(rows[:first], n_columns)
    if n_columns > _MAX_COLUMNS or len(names) > n_columns or len(units) > n_columns:
        raise refusal(path, f"rows of {n_columns} fields below other titles", _WORKS)
    if names and any(field.strip() for field in rows[first][len(names) :]):  # maybe decimal commas between commas
        found = f"rows of {n_columns} fields below {len(names)} titles"
        raise refusal(path, found, "a title for each column; ';' or tabs between columns where commas are decimal")
    is_plain = n_above == 0 and _is_row(rows[first])
    if not is_plain and not is_samples and not _names_an_ecg(list(names)):
        raise refusal(path, f"no row of numbers below {lines[written[0]][:40]!r}", _WORKS)
    if any(_NUMBER.fullmatch(field) for field in units):
        first, units = first - 1, ()  # a broken row, to be named when it is read, and no line of units
    _refuse_thousands(path, lines)
    names, units = (fields + ("",) * (n_columns - len(fields)) if fields else () for fields in (names, units))
    return _Layout(encoding, separator, written[first], n_columns), names, units


def _titles(above: list[list[str]], n_columns: int) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """Names and units in the lines right above the first row, and how many lines are above these."""
    if not above:
        return (), (), 0
    last, before = above[-1], above[-2] if len(above) > 1 else []
    has_names = len(before) == n_columns and _names_an_ecg(before)
    if before and (has_names or not _names_an_ecg(last)) and (len(before) == n_columns or len(above) == 2):
        return tuple(before), tuple(last), len(above) - 2
    return tuple(last), (), len(above) - 1


def _names_an_ecg(fields: list[str]) -> bool:
    return any(ecg_rank(field) is not None for field in fields)


def _refuse_thousands(path: Path, lines: list[str]) -> None:
    """A comma within quotes is the decimal sign, unless every one of them parts thousands."""
    found = [match for line in lines for match in _IN_QUOTES.finditer(line)]
    if found and all(len(match[2]) == 3 and match[1].lstrip("+-")[0] != "0" for match in found):
        raise refusal(path, f"numbers such as {found[0][0]}: thousands, or a decimal comma?", f"{_WORKS}, without it")


def _separator(lines: list[str]) -> str | None:
    """Mark between columns; None for blanks. A comma may be the decimal sign of a single column."""
    body = [line for line in lines[:200] if line.strip()]
    for mark in ("\t", ";", "|"):
        if mark in body[-1]:
            return mark
    if "," not in body[-1]:
        return None if len(body[-1].split()) > 1 and not _STAMP.fullmatch(body[-1].strip()) else ","
    pairs = [found for line in body if (found := re.fullmatch(r"\s*([+-]?\d+),\d+\s*", line))]
    single = len(pairs) >= len(body) - 2 and not ("," in body[0] and not _NUMBER.fullmatch(body[0].strip()))
    counts_up = all(int(b[1]) - int(a[1]) == 1 for a, b in itertools.pairwise(pairs)) and len(pairs) > 1
    return ";" if single and not counts_up else ","


def _fields(line: str, separator: str | None) -> list[str]:
    fields = line.split() if separator is None else line.split(separator)
    if separator is not None and '"' in line:
        fields = next(csv.reader([line], delimiter=separator), fields)
    return [field.strip().strip("'\"").strip() for field in fields]


def _is_row(fields: list[str]) -> bool:
    """Whether a line holds values: a number or a time in it, and nothing that is neither."""
    values = [field for field in fields if field.casefold() not in MISSING]
    return bool(values) and all(any(kind.fullmatch(value) for kind in (_NUMBER, _STAMP, _DATE)) for value in values)


def _is_mixed_row(rows: list[list[str]], at: int) -> bool:
    """Whether a line of numbers and words is a row: below it are numbers where it has some, and not where it has words.

    So the words of a marker in a first row, of stages or of a flag make no header of it.
    """
    below = rows[at + 1 : at + 1 + _ROWS_BELOW]
    is_number = [_is_row([field]) for field in rows[at]]
    if not any(is_number) or not below or any(len(fields) != len(is_number) for fields in below):
        return False
    columns = list(zip(*below, strict=True))
    known = [[field for field in column if field.casefold() not in MISSING] for column in columns]
    alike = [bool(column) and all(_is_row([field]) for field in column) for column in known]
    missing = [field.casefold() in MISSING for field in rows[at]]
    return all(a == b or c for a, b, c in zip(is_number, alike, missing, strict=True))


def _blocks(path: Path, layout: _Layout) -> Iterator[str]:
    """Rows of the text as blocks of whole lines."""
    with path.open(encoding=layout.encoding, errors="replace", newline=None) as file:
        for _ in range(layout.n_before):
            file.readline()
        rest = ""
        while read := file.read(_BLOCK_CHARS):
            whole, line_end, rest = (rest + read).rpartition("\n")
            if len(rest) > _LONGEST_LINE:
                raise refusal(path, f"a line of more than {_LONGEST_LINE} characters", _WORKS)
            if line_end:
                yield whole + line_end
        if rest.strip("\0\x1a \t"):
            yield rest + "\n"


def _frame(path: Path, block: str, layout: _Layout, n_before: int) -> pl.DataFrame:
    """Rows as texts; blank lines are left out."""
    if layout.separator is None:
        block = re.sub(r"[ \t]+", "\t", re.sub(r"(?m)^[ \t]+|[ \t]+$", "", block))
    if "\n\n" in block or block.startswith("\n"):
        block = re.sub(r"\n[ \t;,|\n]*\n", "\n", block).lstrip("\n")
    try:
        return pl.read_csv(
            io.BytesIO(block.encode()),
            has_header=False,
            separator=layout.separator or "\t",
            schema={f"column {i + 1}": pl.String for i in range(layout.n_columns)},
            encoding="utf8",
        )
    except pl.exceptions.NoDataError:
        return pl.DataFrame(schema={f"column {i + 1}": pl.String for i in range(layout.n_columns)})
    except pl.exceptions.PolarsError as error:
        said = next(iter(str(error).splitlines()), "")[:100]
        raise refusal(path, f"the table is broken behind line {n_before} ({said})", _WORKS) from None
