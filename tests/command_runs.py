"""The program run inside a test."""

from __future__ import annotations

from click.testing import CliRunner, Result

from holter2sleep.cli import main


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def ok(*words: object) -> Result:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result
