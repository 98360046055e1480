"""What the subcommands of `holter2sleep evaluate` share: options, and how results are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import rich_click as click

Rows = Mapping[str, Mapping[str, float | None]]

EXISTING = click.Path(exists=True, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the reports, as text and CSV."
)


def subject_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of a command whose intervals come from drawing subjects."""
    seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the bootstrap.")
    told = "CSV with recording_id, subject_id; else each night is a person."
    return click.option("--subjects", type=EXISTING, help=told)(seed(command))


def inputs(suffix: str) -> Callable[[Any], Any]:
    """The options every subcommand shares: what is tested, against what."""

    def add(command: Any) -> Any:
        for option in reversed(
            [
                click.option(
                    "--test",
                    "tests",
                    type=EXISTING,
                    multiple=True,
                    required=True,
                    help="Night folder, folder of night folders, or file; repeatable.",
                ),
                click.option(
                    "--reference", "references", type=EXISTING, multiple=True, help="Reference file, one for each test."
                ),
                click.option("--reference-dir", type=FOLDER, help="Folder of references named recording id + suffix."),
                click.option("--suffix", default=suffix, show_default=True, help="Ending of the references' names."),
                click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout."),
            ]
        ):
            command = option(command)
        return command

    return add


def write_reports(out: Path | None, reports: Mapping[str, str | bytes]) -> None:
    """Reports into their folder, all or none."""
    from holter2sleep.whole_files import write_files

    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    write_files({out / name: [text.encode() if isinstance(text, str) else text] for name, text in reports.items()})


def echo_json(rows: Rows, **facts: Any) -> None:
    """Rates of each record, and what else there is to say, on stdout."""
    click.echo(json.dumps({"measures": rows, **facts}, indent=1))
