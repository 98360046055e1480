"""Whatever a command raises ends in one line and the exit code of the contract."""

from __future__ import annotations

import errno

import pytest
import rich_click as click
from click.testing import CliRunner

from holter2sleep.cli import _Commands
from holter2sleep.errors import NotEnoughSignal, RecordingError, UsageError

FULL = OSError(errno.ENOSPC, "No space left on device", "out/night.tmp")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("no such lead"), 2, "no such lead"),
        (RecordingError("night.edf is empty"), 3, "night.edf is empty"),
        (NotEnoughSignal("under two minutes"), 4, "under two minutes"),
        (FULL, 1, "out/night.tmp: cannot be written (No space left on device)"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 2, "out: Permission denied"),
        (OSError("gone"), 1, "the output: gone"),
        (MemoryError(), 1, "there is not enough memory for this"),
        (KeyboardInterrupt(), 130, "Error: interrupted"),
        (ZeroDivisionError("by zero"), 1, "ZeroDivisionError: by zero (a defect of ours; --debug shows the traceback)"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_an_error_is_one_line_and_a_code_and_with_debug_its_traceback_too(
    error: BaseException, code: int, said: str, debug: bool
) -> None:
    @click.group(cls=_Commands)
    @click.option("--debug", is_flag=True)
    def main(debug: bool) -> None: ...

    @main.command()
    def fails() -> None:
        raise error

    done = CliRunner().invoke(main, ["--debug", "fails"] if debug else ["fails"])
    lines = done.stderr.splitlines()
    assert done.exit_code == code
    assert said in lines[-1]
    traced = debug and not isinstance(error, MemoryError | KeyboardInterrupt)
    assert (len(lines) > 1) == traced
    assert ("Traceback" in done.stderr) == traced
