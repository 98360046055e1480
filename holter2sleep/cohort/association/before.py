"""What became of the recordings before a study chose its nights: the cohort's own flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from holter2sleep.cohort.association.columns import NIGHTS
from holter2sleep.counted import counted
from holter2sleep.errors import RecordingError
from holter2sleep.phenotypes.cohort_folder import SEAL
from holter2sleep.report.cohort.tables import flow_of_file

Flow = Mapping[str, Any]
FLOW = NIGHTS.with_name(SEAL)


def flow_before(directory: Path, n_nights: int) -> Flow | None:
    """The flow that a cohort's folder tells; None where there is none, or where it is that of another table of nights.

    Raises
    ------
    RecordingError
        It cannot be read.
    """
    path = directory / FLOW
    if not path.is_file():
        return None
    try:
        flow = flow_of_file(path)
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path}: broken ({error}); run: holter2sleep cohort {directory}") from None
    return flow if flow["nights"] == n_nights else None


def told_before(flow: Flow) -> str:
    """Sentences for the methods: what entered, failed, was left out by rules of the cohort, and who made the rest."""
    return " ".join([*_entered(flow), *_left_out(flow), *_made_by(flow["made_by"])])


def _entered(flow: Flow) -> Iterator[str]:
    subjects = flow["subjects"]
    lost = flow.get("failed", 0) + flow["unreadable"]
    yield (
        f"{counted(flow['entered'], 'recording')} of {counted(subjects['entered'], 'subject')} entered; "
        f"{lost:,} failed and {flow.get('not_analysed', 0):,} were not analysed, "
        f"which left {counted(flow['nights_finished'], 'night')}."
    )


def _left_out(flow: Flow) -> Iterator[str]:
    if flow["steps"]:
        steps = "; ".join(f"{step['rule']} ({step['nights_excluded']:,} left out)" for step in flow["steps"])
        yield f"Rules of the cohort ({flow['exclusions']}), in order: {steps}."


def _made_by(made_by: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    versions = ", ".join(f"{version} ({n:,})" for version, n in made_by["version"].items())
    recipes = ", ".join(f"{sha256[:12]} ({n:,})" for sha256, n in made_by["recipe_sha256"].items())
    scorers = ", ".join(f"{scorer} ({n:,})" for scorer, n in made_by["scorer"].items())
    yield f"Nights were analysed by holter2sleep {versions}, recipe {recipes}, with stages by {scorers}."
