"""Tables as users bring them, Parquet or separated text: the columns by name, as words or as numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from holter2sleep.io.files import MAX_ROWS, read_bytes, refusal
from holter2sleep.night import Float

Columns = dict[str, pl.Series]  # by lower-case name

_MAX_VALUES = 4 * MAX_ROWS
_HEAD_CHARS = 1 << 16  # no line of names is longer
_SEPARATORS = ("\t", ";", "|", ",")


def read_parquet_columns(path: Path, works: str) -> Columns:
    """Columns of a Parquet file; `works` says in the refusal what would be read.

    Raises
    ------
    RecordingError
        Not Parquet.
    """
    scan = pl.scan_parquet(io.BytesIO(read_bytes(path, works)))
    try:
        schema = scan.collect_schema()
        n_rows = scan.select(pl.len()).collect().item()
        # a column of equal values packs a thousand million rows into a few kilobytes
        if n_rows > MAX_ROWS or n_rows * len(schema) > _MAX_VALUES:
            raise refusal(path, f"{n_rows:,} rows of {len(schema)} columns, too much for a month of beats", works)
        return _columns(scan.select(_plain(name, kind) for name, kind in schema.items()).collect())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise refusal(path, f"not a Parquet table ({_first_line(error)})", works) from None


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    """A column; without values, and under another name, where they are lists or structures; bytes as text."""
    if kind.is_nested():
        return pl.lit(None, pl.String).alias(f"{name} ({kind})")
    return pl.col(name).cast(pl.String) if kind == pl.Binary else pl.col(name)


def nested_kind(columns: Columns, name: str) -> str | None:
    """What a column that was left out for it holds: lists or structures; None where there is no such column.

    Examples
    --------
    >>> nested_kind({"label (list(string))": pl.Series([None])}, "label")
    'list(string)'
    """
    return next((key[len(name) + 2 : -1] for key in columns if key.startswith(f"{name} (") and key.endswith(")")), None)


def text_columns(path: Path, text: str, known: Iterable[set[str]], works: str) -> Columns | None:
    """Columns, as texts, of a text whose first line names all columns of one of the `known` sets; else None.

    Raises
    ------
    RecordingError
        Lines with more fields than the first.
    """
    text = text.lstrip()
    first = text[:_HEAD_CHARS].partition("\n")[0].partition("\r")[0]
    separator = next((mark for mark in _SEPARATORS if mark in first), ",")
    names = {name.strip().strip('"').casefold() for name in first.split(separator)}
    if not any(needed <= names for needed in known):
        return None
    try:
        return _columns(pl.read_csv(io.StringIO(text), separator=separator, infer_schema=False))
    except pl.exceptions.PolarsError as error:
        raise refusal(path, f"the table is broken ({_first_line(error)})", works) from None


def words(column: pl.Series) -> list[str]:
    """A column as texts without blanks around them; a missing field is empty.

    Examples
    --------
    >>> words(pl.Series([" N ", None]))
    ['N', '']
    """
    return [(value or "").strip() for value in column.cast(pl.String).to_list()]


def numbers(column: pl.Series) -> Float:
    """A column as numbers, with point or comma; NaN where a field is no number. array (n_rows,).

    Examples
    --------
    >>> numbers(pl.Series(["0.5", " 1,5", "soon", None])).tolist()
    [0.5, 1.5, nan, nan]
    """
    texts = column.cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True)
    return texts.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def _columns(table: pl.DataFrame) -> Columns:
    return {name.strip().casefold(): table[name] for name in table.columns}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
