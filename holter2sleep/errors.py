"""The errors a user can meet, each with the exit code of the command line.

Anything that is not one of these is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_LISTED = 20


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None, most: int = 1) -> str:
    """Advice for a word that is not known: the nearest ones, else `otherwise`, else those that are known.

    Examples
    --------
    >>> did_you_mean("covariate", ("covariates", "cluster"))
    "did you mean 'covariates'?"
    >>> did_you_mean("x", ("covariates", "cluster"))
    'known: covariates, cluster'
    """
    names = list(known)
    if close := difflib.get_close_matches(word, names, n=most):
        return f"did you mean {' or '.join(map(repr, close))}?"
    listed = f"known: {', '.join(names[:_MOST_LISTED])}{', ...' if len(names) > _MOST_LISTED else ''}"
    return listed if otherwise is None else otherwise


class Holter2SleepError(Exception):
    """A finding the user can act on; the message names the file, what was found and what would work."""

    exit_code = 1


class OutputError(Holter2SleepError):
    """Results that cannot be written: the disk is full, or gone."""


class NarrativeError(Holter2SleepError):
    """A sentence of the report whose numbers are not those of the tables; the report is not written."""


class UsageError(Holter2SleepError):
    """Wrong use: a missing path, clashing ids, an output folder made from something else."""

    exit_code = 2


class RecordingError(Holter2SleepError):
    """A file that is no recording, is empty, or holds no ECG channel."""

    exit_code = 3


class NotEnoughSignal(Holter2SleepError):
    """Readable, but with too little analysable signal."""

    exit_code = 4


class RecipeError(Holter2SleepError):
    """A recipe, plan or layout that cannot be used."""

    exit_code = 5


class WeightsError(Holter2SleepError):
    """Model weights that are missing, wrong or refused."""

    exit_code = 6
