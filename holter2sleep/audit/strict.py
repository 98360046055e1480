"""Whether a strict EDF reader opens a file: pyedflib as a witness, never as a judge."""

from __future__ import annotations

from pathlib import Path

import pyedflib

from holter2sleep.audit.findings import Finding, finding


def strict_reader_finding(path: Path) -> Finding | None:
    """The complaint of a strict reader in short; None when it opens the file."""
    try:
        with pyedflib.EdfReader(str(path), pyedflib.DO_NOT_READ_ANNOTATIONS, pyedflib.CHECK_FILE_SIZE):
            return None
    except Exception as error:  # it raises whatever its C library says
        said = str(error).replace(str(path), path.name).removeprefix(f"{path.name}: ").strip() or type(error).__name__
        return finding("strict_reader", f"pyedflib: {said[:160]}")
