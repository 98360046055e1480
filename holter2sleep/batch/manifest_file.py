"""A manifest as a table of text: CSV, TSV or Parquet."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io.files import is_file, is_folder
from holter2sleep.phenotypes.files import read_table

NEEDED = ("recording_id", "path")
# What R, pandas, Python and BIDS write where nothing is known
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "None", "n/a"]
_SEPARATORS = ("\t", ";", ",")  # a semicolon: Excel where the comma belongs to numbers
_TWICE = re.compile(r"(.+)_duplicated_\d+")  # how polars names a column that is there already
_DECIMAL_COMMA = r"^\s*([+-]?\d+(,\d+)?|NA|N/A|NaN|nan)?\s*$"
_LEADING_ZERO = r"^[+-]?0\d"


def read_rows(path: Path) -> pl.DataFrame:
    """The rows as text, null where nothing is written; column names and values without blanks around them.

    Raises
    ------
    UsageError
        No such file, no table, no row, or a column that is missing or there twice.
    """
    works = "`holter2sleep batch init FOLDER` drafts one of the recordings in a folder"
    table = read_text_table(path, works, "a folder, not a manifest")
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise UsageError(
            f"{path}: no column {missing[0]!r} among {', '.join(table.columns)[:200]}; a manifest needs it"
        )
    if table.is_empty():
        raise UsageError(f"{path}: no row; a manifest has one for each night")
    return table


def read_text_table(path: Path, works: str, folder: str = "a folder, not a table") -> pl.DataFrame:
    """A table as text, null where nothing is written; column names and values without blanks around them.

    Parameters
    ----------
    works, folder
        What would work in place of what is no file, and what a folder is called.

    Raises
    ------
    UsageError
        No such file, no table, or a column that is there twice.
    """
    if not is_file(path):
        raise UsageError(f"{path}: {folder if is_folder(path) else 'no such file'}; {works}")
    table = _from_parquet(path) if path.suffix.lower() == ".parquet" else _from_text(path)
    table = table.rename(lambda name: name.strip().removeprefix("\ufeff"))
    twice = [found[1] for name in table.columns if (found := _TWICE.fullmatch(name)) and found[1] in table.columns]
    if twice:
        raise UsageError(f"{path}: column {twice[0]!r} is there twice; rename one")
    text = pl.all().cast(pl.String).str.strip_chars()
    return table.select(pl.when(text.is_in(MISSING)).then(None).otherwise(text).name.keep())


def _from_parquet(path: Path) -> pl.DataFrame:
    try:
        return read_table(path)
    except RecordingError as error:
        raise UsageError(str(error)) from None


def _from_text(path: Path) -> pl.DataFrame:
    try:
        header = path.read_bytes()[:10_000].partition(b"\n")[0].decode("utf-8")
        separator = max(_SEPARATORS, key=header.count)
        table = pl.read_csv(path, separator=separator, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        found = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(f"{path}: no table in UTF-8 ({found}); save it as CSV, TSV or Parquet") from None
    return table if separator != ";" else table.select(_with_points(column) for column in table)


def _with_points(text: pl.Series) -> pl.Series:
    """A column of numbers with decimal commas, as tables with semicolons have them, with points."""
    known = text.drop_nulls()
    return text.str.replace(",", ".", literal=True) if known.str.contains(_DECIMAL_COMMA).all() else text


def with_numbers(text: pl.DataFrame) -> pl.DataFrame:
    """The columns that hold nothing but numbers as such; codes such as `007` stay text.

    Examples
    --------
    >>> with_numbers(pl.DataFrame({"bmi": ["24.5", None], "site": ["01", "12"], "arm": ["a", "b"]})).dtypes
    [Float64, String, String]
    """
    return text.select(_narrowed(column) for column in text)


def _narrowed(text: pl.Series) -> pl.Series:
    if text.str.contains(_LEADING_ZERO).any():
        return text
    for kind in (pl.Int64, pl.Float64):
        numbers = text.cast(kind, strict=False)
        if numbers.null_count() == text.null_count() < len(text):
            return numbers
    return text
