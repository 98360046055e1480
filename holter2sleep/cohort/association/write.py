"""The folder that a study leaves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from holter2sleep.cohort.association.columns import NIGHTS
from holter2sleep.cohort.association.methods_text import methods_text, software
from holter2sleep.cohort.association.plan_file import PlanFile, read_plan
from holter2sleep.cohort.association.selection import left_out
from holter2sleep.cohort.association.study import Begin, Studied, study
from holter2sleep.counted import counted
from holter2sleep.errors import UsageError
from holter2sleep.folders import check_writable
from holter2sleep.io.files import sha256_of
from holter2sleep.phenotypes.files import fill_folder, write_csv, write_parquet
from holter2sleep.report.associations import Box, write_figures
from holter2sleep.report.cohort.flow_section import flow_boxes as boxes_of_cohort
from holter2sleep.report.words import load_words

FOLDER, FACTS, FIGURES = "associations", "study.json", "figures"
FILES = frozenset(
    {"associations.parquet", "associations.csv", "partial_residuals.parquet", "plan.toml", "methods.md", FACTS, FIGURES}
)


def make_study(
    directory: Path, plan: Path, out: Path | None, overwrite: bool, begin: Begin
) -> tuple[Path, tuple[str, ...]]:
    """Study a cohort by a plan, and write tables, figures and methods; the folder written, and warnings.

    Raises
    ------
    UsageError
        No plan, no cohort, or a folder that holds another study or something else.
    RecipeError
        The plan cannot be used, or not on this cohort.
    OutputError
        The disk is full; nothing was changed.
    """
    plan_file = read_plan(plan)
    folder = out or directory / FOLDER
    check_place(folder, plan_file, overwrite)
    if directory.is_dir():
        check_writable(folder.parent)
    found = study(directory, plan_file, begin)
    fill_folder(folder, lambda new: _write(new, plan_file, sha256_of([directory / NIGHTS]), found))
    return folder, found.warnings


def check_place(folder: Path, plan_file: PlanFile, overwrite: bool) -> None:
    """Refuse, before anything is fitted, a folder that holds what a new study must not take the place of.

    Raises
    ------
    UsageError
        It holds other files, or the study of another plan without `overwrite`.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: a file stands where the folder of the study goes; choose another --out")
    others = sorted({path.name for path in folder.iterdir()} - FILES)
    if others:
        raise UsageError(f"{folder} holds {others[0]!r}, which is no file of a study; choose another --out")
    held = _plan_held(folder)
    if held not in (None, plan_file.sha256) and not overwrite:
        raise UsageError(
            f"{folder} holds a study by another plan (or by {plan_file.path.name} before it was changed); give "
            f"--overwrite to replace it, or another --out"
        )


def _plan_held(folder: Path) -> str | None:
    """Hash of the plan whose study a folder holds; None where there is none."""
    try:
        return str(json.loads((folder / FACTS).read_text(encoding="utf-8"))["plan"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(folder: Path, plan_file: PlanFile, cohort_sha256: str, found: Studied) -> None:
    write_parquet(folder / "associations.parquet", found.associations)
    write_csv(folder / "associations.csv", found.associations)
    write_parquet(folder / "partial_residuals.parquet", found.partial)
    (folder / "plan.toml").write_bytes(plan_file.content)
    (folder / "methods.md").write_text(methods_text(plan_file, cohort_sha256, found), encoding="utf-8")
    facts = json.dumps(facts_of(plan_file, cohort_sha256, found), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FACTS).write_text(facts + "\n", encoding="utf-8")
    (folder / FIGURES).mkdir()
    write_figures(folder / FIGURES, found.associations, found.partial, flow_boxes(found), plan_file.plan.study.title)


def facts_of(plan_file: PlanFile, cohort_sha256: str, found: Studied) -> dict[str, Any]:
    """The content of `study.json`."""
    return {
        "title": plan_file.plan.study.title,
        "plan": {"file": plan_file.path.name, "sha256": plan_file.sha256},
        "cohort": {"file": NIGHTS.name, "sha256": cohort_sha256, "flow": found.before},
        "software": software(),
        "flow": [dataclasses.asdict(step) for step in found.flow],
        "models": {
            name: {"n_complete": n, "n_exposures": found.n_exposures[name], "references": found.references[name]}
            for name, n in found.complete.items()
        },
        "warnings": list(found.warnings),
    }


def flow_boxes(found: Studied) -> list[Box]:
    """The flow as it is drawn: who is left after each step, and beside it who was left out."""
    before = boxes_of_cohort(found.before, load_words())[:-1] if found.before else []
    steps = [
        Box(
            (step.words, f"{counted(step.n_nights, 'night')} of {counted(step.n_subjects, 'person')}"),
            left_out(step) if i else "",
        )
        for i, step in enumerate(found.flow)
    ]
    models = [
        f"{name}: {counted(n, 'night')} complete, {counted(found.n_exposures[name], 'exposure')}"
        for name, n in found.complete.items()
    ]
    return [*before, *steps, Box(("Models", *models), "")]
