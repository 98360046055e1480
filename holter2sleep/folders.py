"""The folders that `analyze` fills: whether they may be, whether they are already, and which a new run supersedes."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from holter2sleep.errors import UsageError
from holter2sleep.night import Recording
from holter2sleep.phenotypes.files import DRAWN, NIGHT_FILES, holds_only, is_edited, read_run
from holter2sleep.phenotypes.person import PERSON_FILES
from holter2sleep.request import ALL, AUTO, WHOLE, Request

log = logging.getLogger(__name__)


def check_writable(out: Path) -> None:
    """Fail before the work rather than after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".writable."):
            pass
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror}); choose another folder") from None


def night_files(request: Request) -> frozenset[str]:
    """Files of a complete night."""
    return NIGHT_FILES if request.report else NIGHT_FILES - DRAWN


def is_done(folder: Path, who: dict[str, Any], request: Request, expected: frozenset[str]) -> bool:
    """Whether the folder already holds this very result; refused when it holds another."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: a file stands where the folder of results goes; choose another --out or --id")
    if not folder.exists() or not any(folder.iterdir()):
        return False
    if not holds_only(folder, expected | DRAWN):
        raise UsageError(
            f"{folder} exists and is no night folder of ours, so it is left alone; choose another --out or --id"
        )
    run = read_run(folder)
    same = run is not None and run.get("identity") == who
    if same and all((folder / name).is_file() for name in expected):
        return not request.overwrite
    if is_edited(folder) and not request.overwrite:
        raise UsageError(
            f"{folder} holds a night that a person has edited (`holter2sleep review {folder} --list`), so it is left "
            f"alone; --overwrite analyses it anew and keeps the log of the edits as a file beside the tables"
        )
    if same or request.overwrite or request.renew:
        return False
    raise UsageError(
        f"{folder} holds a night made from another input, recipe or option; give --overwrite to replace it, "
        f"or another --out or --id"
    )


def remove_superseded(recording: Recording, request: Request, kept: set[Path]) -> None:
    """Remove results of the same file that a run that replaces them makes no more, such as the sixth of five nights.

    Only `--overwrite` or a renewal allows it, and only for a run that decides which nights there are; what was asked
    for by `--night whole` stays.
    """
    if not (request.overwrite or request.renew) or request.night not in (AUTO, ALL):
        return
    name = recording.recording_id
    # by name: to look through the folder of a large cohort for every night would make its cost grow with the square
    of_nights = ["_nights", *(f"_night{night:02d}" for night in range(1, 100))]
    for folder in (request.out / f"{name}{ending}" for ending in ("", *of_nights)):
        if folder in kept:
            continue
        ours = holds_only(folder, NIGHT_FILES | DRAWN | PERSON_FILES) and not is_edited(folder)
        run = read_run(folder) if ours else None
        who = (run or {}).get("identity", {})
        if who.get("input_sha256") == recording.source.sha256 and who.get("options", {}).get("night") != WHOLE:
            log.warning("%s: removed, for the nights of %s are others now", folder.name, recording.recording_id)
            shutil.rmtree(folder)
