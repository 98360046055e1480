"""A night as plain tables: the beats, episodes and epochs of its folder as CSV."""

from __future__ import annotations

from holter2sleep.export.finished import FinishedNight

NAMES = ("beats", "episodes", "epochs")


def csv_files(night: FinishedNight, name: str) -> dict[str, bytes]:
    """Contents by file name; the columns are those of the Parquet tables, an empty field is unknown.

    The beats go back in with `analyze --beats`, the epochs with `--hypnogram`.
    """
    return {f"{name}_{what}.csv": getattr(night.tables, what).write_csv().encode() for what in NAMES}
