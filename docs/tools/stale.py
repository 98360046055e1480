"""What the documents name must exist: commands, options, modules, targets, files, columns, phenotypes, links.

`python -m docs.tools.stale` prints what does not, and ends with 1 where there is any. A name in code is known where it
stands in the sources, in a recipe, or in a block of the same page; names of others are listed here.
"""

from __future__ import annotations

import ast
import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import rich_click as click
from click.exceptions import ClickException

from docs.tools.commands import PROGRAM
from docs.tools.generated import filled
from docs.tools.markdown import blocks, slug, without_blocks
from docs.tools.repository import ROOT
from holter2sleep.cli import main as program
from holter2sleep.cli.groups import Runs
from holter2sleep.phenotypes.dictionary import STRATA_SETS, load_dictionary

HISTORY = ROOT / "CHANGELOG.md"  # speaks of what was
SOURCES = ("holter2sleep", "benchmarks", "pipelines", "reports", "docs/tools")
SOURCE_SUFFIXES = (".py", ".toml", ".js", ".html", ".sh", "")
OURS = ("py", "toml", "npz", "md", "mplstyle")  # what the program does not write into a folder of results
ROOMS = ("", "holter2sleep", "tests", "benchmarks")  # from which documents name files
# Names of others: records and folders of archives, functions of other packages, what an example is called.
FOREIGN = frozenset(
    "a18 afdb_rr ann bxb epicmp hrv_nonlinear rxr sleep_accel_features ucddb_hypnograms hrv_time hrv_frequency ecg_rsp "
    "StandardizedData MSEDemo.csv EDF X ECG DATA FOLDER WEIGHTS NIGHT NAME DIR "
    "PIP_FIND_LINKS xx.toml edits_before_NN.jsonl".split()
)
PLACEHOLDERS = ("...", "NAME", "FORMAT")  # of a value that the reader chooses
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_HASH = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+/?|[\w-]+\.(py|toml|md|csv|json|jsonl|parquet|pdf|npz|edf|html)")
_SHELL_ENDS = re.compile(r"\s(?:[|>]|&&|;|2>)\s?.*")


def documents() -> list[Path]:
    """Everything that is written for readers."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    found += [*(ROOT / "sample_data").glob("*.md"), *(ROOT / "holter2sleep").rglob("README.md")]
    return sorted(found)


def complaints(path: Path, text: str) -> Iterator[str]:
    """What a document names and nobody knows."""
    yield from _of_links(path, text)
    if path == HISTORY:
        return
    own = _own_names(text)
    for block in blocks(text):
        if block.language == "sh":
            yield from (f"line {block.line}: {each}" for line in _lines(block.code) for each in of_command(line))
    for number, line in enumerate(without_blocks(text).splitlines(), 1):
        for found in _CODE.finditer(line):
            yield from (f"line {number}: {each}" for each in of_code(found[1], own))


# --- links -----------------------------------------------------------------------------------------


def _of_links(path: Path, text: str) -> Iterator[str]:
    for found in _LINK.finditer(without_blocks(text)):
        target, _, anchor = found[1].partition("#")
        if ":" in target:
            continue
        whole = (path.parent / target).resolve()
        if target and not whole.exists():
            yield f"link to {found[1]}: no such file"
        elif anchor and anchor not in (_anchors(whole) if target else _anchors_in(text)):
            yield f"link to {found[1]}: no such heading"


@cache
def _anchors(path: Path) -> frozenset[str]:
    """Of a page as the site shows it."""
    return _anchors_in(filled(path.read_text(encoding="utf-8")))


def _anchors_in(text: str) -> frozenset[str]:
    return frozenset(slug(heading) for heading in _HEADING.findall(without_blocks(text)))


# --- commands --------------------------------------------------------------------------------------


def _lines(code: str) -> Iterator[str]:
    """Commands of a shell block, continued lines joined, what a comment or a pipe adds left out."""
    for line in code.replace("\\\n", " ").splitlines():
        if words := _SHELL_ENDS.sub("", f"{line.partition(' #')[0]} ").strip():
            yield words


def of_command(line: str) -> Iterator[str]:
    """What is wrong with a line of shell that calls the program, a module or make."""
    words = shlex.split(line)
    name, rest = words[0].rpartition("/")[2], words[1:]
    if name == PROGRAM:
        yield from _of_program(program, rest, PROGRAM)
    elif name == "make":
        yield from (f"make has no target {word!r}" for word in rest if "=" not in word and word not in _targets())
    elif name == "python" and rest[:1] == ["-m"] and rest[1:]:
        yield from _of_module(rest[1], rest[2:])


def _of_program(command: click.Command, words: list[str], name: str) -> Iterator[str]:
    """Words that a command does not take; arguments that a text leaves out are no fault."""
    words = [word for word in words if word not in ("-h", "--help")]
    if not isinstance(command, click.Group):
        yield from _of_options(command, words, name)
    elif words and words[0] in command.commands:
        yield from _of_program(command.commands[words[0]], words[1:], f"{name} {words[0]}")
    elif words and isinstance(command, Runs):
        yield from _of_program(command.commands["run"], words, f"{name} run")
    elif words and words[0][0] != "-":
        yield f"{name} has no command {words[0]!r}"
    elif words:
        yield from _of_options(command, words[:1], name)
        yield from _of_program(command, words[1:], name)


def _of_options(command: click.Command, words: list[str], name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    try:
        given, _, _ = command.make_parser(context).parse_args(list(words))
        for option in command.params:
            value = given.get(option.name)
            if isinstance(option.type, click.Choice) and isinstance(value, str) and value not in PLACEHOLDERS:
                option.type.convert(value, option, context)
    except ClickException as error:
        yield f"{name} {' '.join(words)}: {error.message}"


def _of_module(module: str, words: list[str]) -> Iterator[str]:
    if module.partition(".")[0] not in ("holter2sleep", "benchmarks", "docs"):
        return
    path = ROOT / module.replace(".", "/")
    if not path.with_suffix(".py").is_file() and not (path / "__main__.py").is_file():
        yield f"python -m {module}: no such module"
    yield from (
        f"python -m {module} {word}: no such option" for word in words if word[:2] == "--" and word not in _texts()
    )


@cache
def _targets() -> frozenset[str]:
    rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(rules)


# --- names -----------------------------------------------------------------------------------------


def of_code(code: str, own: frozenset[str] = frozenset()) -> Iterator[str]:
    """What is wrong with a word in code; `own` are names that the same page brings in."""
    first = code.split()[0].rpartition("/")[2]
    if first in (PROGRAM, "make", "python") and " " in code:
        yield from of_command(_SHELL_ENDS.sub("", code))
    elif first.startswith("--"):
        yield from (f"no command has {word}" for word in code.split() if word[:2] == "--" and not _known_option(word))
    elif "__" in code.strip("_") and _NAME.fullmatch(code):
        yield from _of_column(code)
    elif _PATH.fullmatch(code):
        yield from () if _known_path(code, own) else (f"no file {code}",)
    elif _HASH.fullmatch(code):
        yield from () if code in _hashes() else (f"no file of the project has the SHA-256 {code}",)
    elif _NAME.fullmatch(code):
        yield from () if _known_name(code, own) else (f"nothing is called {code}",)


def _of_column(name: str) -> Iterator[str]:
    phenotype, _, stratum = name.partition("__")
    sets = STRATA_SETS["all"]
    if phenotype in load_dictionary() and stratum.partition("_")[0] in sets:
        return
    if name not in _words():
        yield f"no column {name}: a phenotype, two underscores, a part of the night"


def _known_option(option: str) -> bool:
    return option.partition("=")[0] in _texts()


def _known_path(path: str, own: frozenset[str]) -> bool:
    """A file of the project, or one that the program writes."""
    name = path.rstrip("/").rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    if any((ROOT / room / path).exists() for room in ROOMS) or {path, name} & (FOREIGN | own):
        return True
    is_ours = suffix in OURS and "/" in path and any((ROOT / room / path.partition("/")[0]).is_dir() for room in ROOMS)
    return not is_ours and (name in _words() or {stem, suffix} <= _words())


def _known_name(name: str, own: frozenset[str]) -> bool:
    return name in FOREIGN | own or all(part in _words() for part in name.split("."))


def _own_names(text: str) -> frozenset[str]:
    """Files and words of the blocks of a page: names that an example makes itself."""
    found = list(blocks(text))
    words = {word for block in found for word in re.findall(r"[\w.-]+", block.code)}
    return frozenset(words | {block.file for block in found if block.file})


@cache
def _hashes() -> frozenset[str]:
    """Of the weights that are shipped."""
    weights = [*(ROOT / "holter2sleep").rglob("*.npz"), *(ROOT / "holter2sleep").rglob("*.json")]
    return frozenset(sha256(path.read_bytes()).hexdigest() for path in weights)


@cache
def _words() -> frozenset[str]:
    """Every word of the project's sources, and every name of its files."""
    files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*")]
    found = {name for path in files for name in (path.name, path.stem)}
    for path in _sources():
        found |= set(re.findall(r"[\w.-]+", path.read_text(encoding="utf-8")))
    return frozenset(found | {part for word in found for part in re.split(r"[.-]", word)})


@cache
def _texts() -> frozenset[str]:
    """Options: of the commands, and of scripts."""
    options = {name for command in _all_params(program) for name in (*command.opts, *command.secondary_opts)}
    for path in _sources():
        if path.suffix == ".py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            options |= {
                node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and str(node.value)[:2] == "--"
            }
    return frozenset({*options, "--help"})


def _all_params(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _all_params(each)


@cache
def _sources() -> tuple[Path, ...]:
    files = (path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in SOURCE_SUFFIXES)
    return tuple(path for path in (*files, ROOT / "Makefile", ROOT / "pyproject.toml") if path.is_file())


def main() -> None:
    """Print every complaint."""
    found = [
        f"{path.relative_to(ROOT)}, {each}"
        for path in documents()
        for each in complaints(path, path.read_text("utf-8"))
    ]
    for each in found:
        print(each)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
