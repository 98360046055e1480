"""A page followed to the letter: its files written, its changes made, its commands run, its output compared.

The last code in the sentence before a block, where the sentence ends with a colon, names a file:

* `diff`: the file is changed; the lines that are taken away or kept must stand in it once;
* any other language: the block is the file.

A block of `sh` or `python` whose sentence names no file is run. A block of `text` is what the one before it printed;
`python -m docs.tools.walkthrough --write docs/tutorial_night.md` puts there what is printed now; with `--copy` it is
followed on a copy of the project, which it may change.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from docs.tools.markdown import Block, blocks
from docs.tools.repository import ROOT

OUTPUT = "text"
COPIED = ("holter2sleep", "pipelines", "reports", "tests", "benchmarks", "pyproject.toml")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)")
_RULED = re.compile(r"[\s─═]+")  # tables widen with their content


@dataclass(frozen=True)
class Printed:
    """What a page says was printed, and what was."""

    page: str
    block: Block
    found: str

    @property
    def agrees(self) -> bool:
        """The same words; numbers within 2 % or 0.02, as another processor may round them."""
        ours, theirs = (_NUMBER.split(_RULED.sub(" ", text).strip()) for text in (self.block.code, self.found))
        return len(ours) == len(theirs) and all(
            _close(float(a), float(b)) if i % 2 else a == b for i, (a, b) in enumerate(zip(ours, theirs, strict=True))
        )


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= max(0.02, 0.02 * abs(a))


def follow(page: Path, folder: Path, package: Path = ROOT) -> list[Printed]:
    """Do in a folder what a page says, with the package that lies in another, or in the same.

    Raises
    ------
    ValueError
        A change does not fit its file, or a command ends with an error.
    """
    environment = _environment(folder, package)
    printed, found = [], ""
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}, line {block.line}"
        if block.language == OUTPUT:
            printed.append(Printed(where, block, found))
        elif block.file and block.language == "diff":
            change(folder / block.file, block.code, where)
        elif block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.code, encoding="utf-8")
        else:
            found = _run(block, folder, environment, where)
    return printed


def change(path: Path, diff: str, where: str) -> None:
    """Change a file as a diff without line numbers says.

    Raises
    ------
    ValueError
        Its old lines do not stand in the file, or more than once.
    """
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{where}: in {path.name} these lines stand {text.count(old)} times, not once:\n{old}")
    path.write_text(text.replace(old, new), encoding="utf-8")


def _environment(folder: Path, package: Path) -> dict[str, str]:
    """Where `holter2sleep` and `python` are those of the package that the page speaks of."""
    programs = folder / ".programs"
    programs.mkdir()
    for name, words in (("python", ""), ("holter2sleep", "-m holter2sleep")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(package), "COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": ""}


def _run(block: Block, folder: Path, environment: dict[str, str], where: str) -> str:
    """What a block prints."""
    shell = block.language == "sh"
    command = ["sh", "-e", "-c", block.code] if shell else [sys.executable, "-c", block.code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{where}: ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def copy_of_the_project(folder: Path) -> Path:
    """What a page that adds something works on."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("examples"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def rewritten(text: str, printed: list[Printed]) -> str:
    """A page whose output is what was printed."""
    found = iter(printed)
    return re.sub(
        rf"^```{OUTPUT}\n.*?^```$", lambda _: f"```{OUTPUT}\n{next(found).found.rstrip()}\n```", text, flags=re.M | re.S
    )


def main() -> None:
    """Follow pages, and compare or write their output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="put what was printed into the pages")
    parser.add_argument("--copy", action="store_true", help="work on a copy of the project")
    options = parser.parse_args()
    for page in options.pages:
        with tempfile.TemporaryDirectory() as scratch:
            folder = copy_of_the_project(Path(scratch)) if options.copy else Path(scratch)
            printed = follow(page, folder, folder if options.copy else ROOT)
        if options.write:
            page.write_text(rewritten(page.read_text(encoding="utf-8"), printed), encoding="utf-8")
        for each in printed:
            if not each.agrees:
                print(f"{each.page}: {'was' if options.write else 'is'}\n{each.block.code}printed\n{each.found}")


if __name__ == "__main__":
    main()
