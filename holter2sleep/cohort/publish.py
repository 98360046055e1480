"""The folder `cohort/`: one process at a time writes it, and it is sealed by `flow.json`.

All tables are written beside the folder first. Then `flow.json` is taken away, the tables are moved in, and the new
`flow.json` last: a folder without it was caught by a kill between the moves, and holds whole tables of two runs. What
others keep in the folder (associations, a PDF) stays.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holter2sleep.errors import OutputError, UsageError
from holter2sleep.locks import take
from holter2sleep.phenotypes.cohort_folder import SEAL
from holter2sleep.phenotypes.files import machine, scratch_prefix, sweep_leftovers

LOCK = ".lock"  # in the folder; it ends with the process that has it


@contextmanager
def alone_in(folder: Path) -> Iterator[Path]:
    """A scratch folder beside a folder of which this process is the only writer.

    Raises
    ------
    UsageError
        The folder cannot be written, or another process writes it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        door = (folder / LOCK).open("a+b")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); give a folder that can") from None
    with door:
        if not take(door):
            who = os.pread(door.fileno(), 100, 0).decode("utf-8", errors="replace") or "another process"
            raise UsageError(f"{folder}: {who} is gathering this cohort; wait for it to end")
        door.truncate(0)
        door.write(f"process {os.getpid()} on {machine()}".encode())
        door.flush()
        sweep_leftovers(folder.parent)
        try:
            scratch = tempfile.TemporaryDirectory(dir=folder.parent, prefix=scratch_prefix(folder))
        except OSError as error:
            raise UsageError(f"{folder.parent}: cannot be written ({error.strerror}); give a folder that can") from None
        with scratch as path:
            yield Path(path)


def publish(scratch: Path, folder: Path) -> tuple[Path, ...]:
    """Move the files of a scratch folder into the folder, the seal last; the paths, by name.

    Raises
    ------
    OutputError
        A file cannot be moved.
    """
    names = sorted(path.name for path in scratch.iterdir())
    try:
        (folder / SEAL).unlink(missing_ok=True)
        for name in sorted(names, key=lambda name: name == SEAL):
            (scratch / name).replace(folder / name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); run cohort again") from error
    return tuple(folder / name for name in names)
