"""A few columns of a night's table of epochs."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from holter2sleep.errors import RecordingError


def read_epochs(folder: Path, *columns: str) -> pl.DataFrame:
    """Columns of `epochs.parquet`.

    Raises
    ------
    RecordingError
        The file is missing, broken, or lacks a column.
    """
    path = folder / "epochs.parquet"
    try:
        return pl.read_parquet(path, columns=list(columns))
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        found = next(iter(str(error).splitlines()), type(error).__name__)
        raise RecordingError(f"{path}: no table of epochs ({found}); run analyze on the recording again") from None
