"""Whether a strict EDF reader opens a file: pyedflib as a witness, never as a judge."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyedflib

from holter2sleep.audit.findings import Finding, finding


def strict_reader_finding(path: Path) -> Finding | None:
    """The complaint of a strict reader in short; None when it opens the file."""
    try:
        with _unprinted(), pyedflib.EdfReader(str(path), pyedflib.DO_NOT_READ_ANNOTATIONS, pyedflib.CHECK_FILE_SIZE):
            return None
    except Exception as error:  # it raises whatever its C library says
        said = str(error).replace(str(path), path.name).removeprefix(f"{path.name}: ").strip() or type(error).__name__
        return finding("strict_reader", f"pyedflib: {said[:160]}")


@contextmanager
def _unprinted() -> Iterator[None]:
    """What the C library prints of a file's size goes nowhere: standard output holds the audit, maybe as JSON."""
    if sys.platform == "win32" or sys.stdout is None:  # without one C library to flush, or a standard output
        yield
        return
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
