"""Every odd file, in the order of the table."""

from __future__ import annotations

from odd_edf import edf_files
from odd_others import other_files
from odd_truth import OddFile
from odd_wfdb import wfdb_files


def odd_files() -> list[OddFile]:
    """EDF and BDF, WFDB, ISHNE, GDF, tables, beats."""
    return [*edf_files(), *wfdb_files(), *other_files()]
