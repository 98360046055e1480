"""The commands of the program, as click knows them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import groupby

import rich_click as click

from docs.tools.markdown import code, plain, table
from holter2sleep.cli import main

PROGRAM = "holter2sleep"
_AS_IT_IS = "\b"  # click's mark of a paragraph whose lines stay as they are


def all_commands(group: click.Group = main, prefix: str = PROGRAM) -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name, groups before their own."""
    for name, command in group.commands.items():
        yield f"{prefix} {name}", command
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix} {name}")


def command_reference() -> str:
    """A section for each command: what it does, examples, options."""
    return "\n\n".join(_section(name, command) for name, command in all_commands())


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", f"```text\n{usage}\n```", *_paragraphs(command.help or ""), *_options(command, context)]
    return "\n\n".join(parts)


def _paragraphs(text: str) -> Iterator[str]:
    """Help as Markdown; examples as a block of code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        kept = paragraph.removeprefix(_AS_IT_IS).strip("\n")
        head, _, rest = kept.partition("\n")
        if kept == paragraph:
            yield plain(paragraph)
        elif rest and all(line.startswith(f"  {PROGRAM}") for line in rest.splitlines()):
            yield f"{plain(head)}\n\n```sh\n{inspect.cleandoc(rest)}\n```"
        else:
            yield f"```text\n{kept}\n```"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """A table of options for each heading that --help has."""
    options = [option for option in command.params if isinstance(option, click.Option)]
    for panel, members in groupby(options, lambda option: getattr(option, "panel", None)):
        records = [record for option in members if (record := option.get_help_record(context))]
        rows = [[code(" ".join(names.split())), plain(meaning)] for names, meaning in records]
        yield table([panel or "Option", ""], rows)
