"""Ctrl-C ends the program in one line with code 130, whenever it comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from holter2sleep.cli import main
from holter2sleep.start import INTERRUPTED

# a module of the import chain in whose place Ctrl-C comes
WHILE_LOADING = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            exec("raise KeyboardInterrupt")
sys.meta_path.insert(0, Finder())
sys.argv = ["holter2sleep", "analyze", "night.edf"]
from holter2sleep.start import main
main()
"""


@pytest.mark.parametrize(
    "module", ["holter2sleep.cli", "rich_click", "holter2sleep.cli.report", "numpy.lib", "scipy.signal"]
)
def test_ctrl_c_while_modules_are_loaded_is_one_line_and_code_130(module: str) -> None:
    code = WHILE_LOADING.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (INTERRUPTED, "Error: interrupted\n")


def test_ctrl_c_in_a_command_is_one_line_and_code_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "night.edf").write_bytes(b"0       ")
    monkeypatch.setattr("holter2sleep.run.analyze_file", interrupted)
    result = CliRunner().invoke(main, ["analyze", str(tmp_path / "night.edf"), "--out", str(tmp_path / "out")])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (INTERRUPTED, "Error: interrupted")


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["nothing"], 2)])
def test_other_ends_keep_their_code(words: list[str], code: int) -> None:
    command = [sys.executable, "-m", "holter2sleep", *words]
    assert subprocess.run(command, capture_output=True, check=False).returncode == code


def test_nothing_but_the_standard_library_is_loaded_before_the_try() -> None:
    code = "import sys, holter2sleep.start; print(*(n for n in sys.modules if 'click' in n or 'numpy' in n))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []
