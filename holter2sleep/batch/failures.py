"""`failures.csv`: every night that could not be made, at which step and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from holter2sleep.batch.ledger import Failure, Record
from holter2sleep.batch.manifest import BadRow
from holter2sleep.cohort.members import FAILURE_COLUMNS, FAILURES, OF_MANIFEST
from holter2sleep.whole_files import write_bytes


def write_failures(out: Path, records: Iterable[Record], bad: Iterable[BadRow]) -> None:
    """Bad rows of the manifest first, then nights by their id; a file without rows when nothing failed."""
    rows = [Failure(row.recording_id or f"row {row.line}", OF_MANIFEST, "BadRow", row.message) for row in bad]
    rows += sorted((failure for record in records for failure in record.failures), key=lambda row: row.recording_id)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(FAILURE_COLUMNS)
    table.writerows([getattr(row, name) for name in FAILURE_COLUMNS] for row in rows)
    write_bytes(out / FAILURES, text.getvalue().encode("utf-8", errors="backslashreplace"))
