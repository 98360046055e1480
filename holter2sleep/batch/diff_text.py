"""The difference of two runs in words, as JSON and as a file of every changed value."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import polars as pl

from holter2sleep.batch.diff import CHANGE_SCHEMA, Diff, diff_runs
from holter2sleep.counted import counted
from holter2sleep.errors import UsageError
from holter2sleep.whole_files import whole

MANY = 20  # names that are printed; JSON has all
_SHOWN = ("phenotype", "n_nights", "n_status", "mean_change", "largest_change", "unit", "largest_percent", "largest_in")


def diff_into(a: Path, b: Path, out: Path | None, overwrite: bool) -> Diff:
    """The difference of two runs; each changed value goes to the file `out` where one is named.

    Raises
    ------
    UsageError
        The file is there already, or cannot be written; a folder without a night.
    """
    if out is None:
        return diff_runs(a, b)
    if (out.exists() or out.is_symlink()) and not overwrite:
        raise UsageError(f"{out}: is there already; choose another --out, or give --overwrite")
    try:
        with whole(out) as part, part.open("wb") as file:
            return _written(a, b, file)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None


def _written(a: Path, b: Path, file: IO[bytes]) -> Diff:
    file.write(pl.DataFrame(schema=CHANGE_SCHEMA).write_csv().encode())
    return diff_runs(a, b, lambda rows: _append(file, rows))


def _append(file: IO[bytes], rows: pl.DataFrame) -> None:
    file.write(rows.write_csv(include_header=False).encode())


def as_json(diff: Diff) -> dict[str, Any]:
    """All of it but the single values."""
    facts = {name: getattr(diff, name) for name in ("changed", "n_same", "only_a", "only_b", "made_by")}
    return {**facts, "phenotypes": diff.summary.to_dicts()}


def as_text(diff: Diff) -> str:
    """For a person to read: counts, names, and a line for each phenotype that changed."""
    otherwise = ", ".join(f"{what} of {n}" for what, n in diff.made_by.items() if n)
    lines = [
        f"{counted(len(diff.changed), 'night')} changed, {diff.n_same} the same",
        f"made otherwise: {otherwise or 'none'}",
        *_named("changed", diff.changed),
        *_named("only in A", diff.only_a),
        *_named("only in B", diff.only_b),
    ]
    if len(diff.summary):
        lines.append("\t".join(_SHOWN))
        lines += ["\t".join(map(_shown, row)) for row in diff.summary.select(_SHOWN).iter_rows()]
    return "\n".join(lines)


def _named(what: str, names: tuple[str, ...]) -> list[str]:
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return [f"{what}: {', '.join(names[:MANY])}{more}"] if names else []


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:+.4g}" if isinstance(value, float) else str(value)
