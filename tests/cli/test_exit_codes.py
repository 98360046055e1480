"""Whatever a command raises ends in one line and the exit code of the contract."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner

from holter2sleep.cli import _Commands
from holter2sleep.cli import main as program
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("analyze", "night.edf", "--sexx", "F"),
            "No such option '--sexx'. (Did you mean one of: '--seed', '--set', '--sex'?)",
        ),
        (("analyze", "night.edf", "--age", "old"), "Invalid value for '--age': 'old' is not a valid number"),
        (("analyze", "-night.edf"), "No such option '-n'; see holter2sleep analyze --help"),
        (("analyse", "night.edf"), "No such command 'analyse'"),
        (("--nothing",), "No such option '--nothing'; see holter2sleep --help"),
        (("export", "night"), "Missing option '--format'. Choose from: wfdb, edf+, csv, nsrr-xml, bids"),
    ],
)
def test_wrong_use_is_one_line_that_names_the_help(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(program, words, prog_name="holter2sleep")
    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert line.startswith(f"Error: {said}")
    assert line.endswith(" --help")


def test_a_file_that_is_called_like_an_option_is_told_how_to_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-night.edf").touch()
    for words in (("analyze", "-night.edf"), ("-night.edf",)):
        assert "; the file -night.edf is given as ./-night.edf;" in CliRunner().invoke(program, words).stderr
    assert CliRunner().invoke(program, ("analyze", "./-night.edf")).exit_code == 3  # it is empty
