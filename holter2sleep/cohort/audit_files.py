"""The files of an audit."""

from __future__ import annotations

from pathlib import Path

from holter2sleep.cohort.audit import Audit
from holter2sleep.cohort.audit_text import as_markdown
from holter2sleep.errors import OutputError
from holter2sleep.phenotypes.cohort_folder import COHORT
from holter2sleep.whole_files import write_files


def write_audit(directory: Path, audit: Audit) -> tuple[Path, ...]:
    """Write `audit.csv` and `audit.md` into the cohort's folder, both or none; the paths.

    Raises
    ------
    OutputError
        The disk is full, or cannot be written.
    """
    folder = directory / COHORT
    contents = {"audit.csv": audit.table.write_csv(), "audit.md": as_markdown(audit)}
    try:
        write_files({folder / name: [text.encode()] for name, text in contents.items()})
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); make room") from error
    return tuple(folder / name for name in contents)
