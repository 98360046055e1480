"""A night as BIDS tables: `*_events.tsv` and `*_hypnogram.tsv`, each with the JSON that says what its columns mean.

References
----------
Brain Imaging Data Structure 1.10: task events, tabular files. The hypnogram is a proposal (bids-specification #2138):
letters of the AASM manual, and the scheme in the JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from holter2sleep.errors import UsageError
from holter2sleep.export.finished import FinishedNight
from holter2sleep.night import SCHEMES

_LEVELS = {
    "beat": "a heart beat; its AAMI class (N S V F Q, ANSI/AAMI EC57) stands in label",
    "unusable": "signal that cannot be trusted",
    "episode": "any other word is a kind of episode, by the WFDB rhythm code where one exists",
}
_STAGE_WORDS = {
    "W": "wake",
    "N1": "N1",
    "N2": "N2",
    "N3": "N3",
    "R": "REM sleep",
    "L": "N1 or N2",
    "NREM": "N1, N2 or N3",
    "U": "unscored",
}


def bids_files(night: FinishedNight, name: str) -> dict[str, bytes]:
    """Contents by file name; the subject's label is the recording id without what BIDS does not allow.

    Raises
    ------
    UsageError
        An id without a letter or digit.
    """
    return bids_tables(night, f"sub-{bids_label(name)}_task-sleep")


def bids_label(name: str) -> str:
    """A name without what BIDS does not allow in the label of a subject or session.

    Raises
    ------
    UsageError
        A name without a letter or digit.

    Examples
    --------
    >>> bids_label("n-01")
    'n01'
    """
    label = re.sub(r"[^0-9A-Za-z]", "", name)
    if not label:
        raise UsageError(f"{name}: BIDS names a subject with letters and digits; analyse it with --id")
    return label


def bids_tables(night: FinishedNight, stem: str) -> dict[str, bytes]:
    """Events and hypnogram of a night under names that begin with `stem`."""
    return {
        f"{stem}_events.tsv": bids_tsv(_events(night)),
        f"{stem}_events.json": bids_json(_EVENT_COLUMNS),
        f"{stem}_hypnogram.tsv": bids_tsv(_hypnogram(night)),
        f"{stem}_hypnogram.json": bids_json(_hypnogram_columns(night)),
    }


def _events(night: FinishedNight) -> pl.DataFrame:
    beats, episodes, unreadable = night.beats, night.episodes, night.unreadable
    rows = [
        (time_s, 0.0, "beat", label) for time_s, label in zip(beats.time_s.tolist(), beats.label.tolist(), strict=True)
    ]
    spans = list(zip(episodes.start_s.tolist(), episodes.end_s.tolist(), episodes.kind.tolist(), strict=True))
    spans += [(start_s, end_s, "unusable") for start_s, end_s in unreadable.tolist()]
    rows += [(start_s, end_s - start_s, kind, None) for start_s, end_s, kind in spans]
    names = {"onset": pl.Float64, "duration": pl.Float64, "trial_type": pl.String, "label": pl.String}
    return pl.DataFrame(rows, schema=names, orient="row").sort("onset", maintain_order=True)


def _hypnogram(night: FinishedNight) -> pl.DataFrame:
    edges = night.grid.edges_s
    columns = {"onset": edges[:-1], "duration": edges[1:] - edges[:-1], "stage": night.stage.tolist()}
    if "confidence" in night.tables.epochs.columns:
        columns["confidence"] = night.tables.epochs["confidence"]
    return pl.DataFrame(columns)


_EVENT_COLUMNS: dict[str, Any] = {
    "onset": {"Description": "seconds from the first sample of the recording", "Units": "s"},
    "duration": {"Description": "seconds; 0 for a beat", "Units": "s"},
    "trial_type": {"Description": "what it is", "Levels": _LEVELS},
    "label": {"Description": "AAMI class of a beat"},
}


def _hypnogram_columns(night: FinishedNight) -> dict[str, Any]:
    """What the columns of the hypnogram mean, with the scheme that limits its letters, and who staged."""
    letters = (*SCHEMES.get(night.scheme, ()), "U")
    return {
        "onset": {"Description": "seconds from the first sample of the recording", "Units": "s"},
        "duration": {"Description": "seconds; the last epoch ends with the recording", "Units": "s"},
        "stage": {
            "Description": f"sleep stage, AASM letters, scheme {night.scheme}",
            "Levels": {letter: _STAGE_WORDS[letter] for letter in letters},
            "Scorer": night.scorer,
        },
        "confidence": {"Description": "probability of the stage, 0 to 1, where the stager gives one"},
    }


def bids_tsv(table: pl.DataFrame) -> bytes:
    """A table as BIDS has it: tabs, `n/a` where nothing is known."""
    return table.write_csv(separator="\t", null_value="n/a").encode()


def bids_json(content: dict[str, Any]) -> bytes:
    """Facts as JSON."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
