"""`holter2sleep review`: a person looks at a finished night, corrects it, and has it recomputed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from holter2sleep.counted import counted

if TYPE_CHECKING:
    from holter2sleep.review.recompute import Source

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("night_dir", type=PATH)
@click.option(
    "--who", metavar="NAME", help="Who edits, as the log and the report will name it; without it nothing can be edited."
)
@click.option("--list", "listed", is_flag=True, help="Print the log of edits, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --list: JSON instead of lines.")
@click.option("--verify", is_flag=True, help="Check the chain of the log, and end.")
@click.option(
    "--apply", "asked", type=PATH, metavar="FILE", help="Make the edits of a .csv or .jsonl file, recompute, and end."
)
@click.option("--recompute", "only_recompute", is_flag=True, help="Recompute the night from its log, and end.")
@click.option(
    "--recording", type=PATH, metavar="FILE", help="The recording, where it is not beside the results any more."
)
@click.option("--no-browser", is_flag=True, help="Print the address of the page instead of opening it.")
def review(
    night_dir: Path,
    who: str | None,
    listed: bool,
    as_json: bool,
    verify: bool,
    asked: Path | None,
    only_recompute: bool,
    recording: Path | None,
    no_browser: bool,
) -> None:
    """Look at a finished night in a browser, correct beats, episodes and stages, and recompute what follows.

    The page is served by this program to this computer alone. Every edit is kept in edits.jsonl in the night's folder:
    who (as given by --who), when, what, before and after; an undo is an edit too, and nothing is ever removed. The
    machine's tables stay in machine/.

    \b
    Examples:
      holter2sleep review results/night --who "A. Reader"
      holter2sleep review results/night --apply corrections.csv --who "A. Reader"
      holter2sleep review results/night --list
      holter2sleep review results/night --verify
    """  # noqa: D301  click reads the backspace
    from holter2sleep.errors import UsageError
    from holter2sleep.review.recompute import read_source

    if sum(map(bool, (listed, verify, asked, only_recompute))) > 1:
        raise UsageError("--list, --verify, --apply and --recompute are different things to do; give one of them")
    if listed:
        _list(night_dir, as_json)
    elif verify:
        _verify(night_dir)
    elif asked is not None:
        _apply(night_dir, read_source(night_dir, recording), asked, who)
    elif only_recompute:
        _recompute(night_dir, read_source(night_dir, recording))
    else:
        _serve(night_dir, who, recording, no_browser)


def _list(folder: Path, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from holter2sleep.edits import in_force, told
    from holter2sleep.phenotypes.files import read_night
    from holter2sleep.review.log import verified
    from holter2sleep.review.recompute import clock_of

    clock, edits = clock_of(read_night(folder).run), verified(folder)
    if as_json:
        click.echo(json.dumps([{**asdict(edit), "sha256": edit.sha256} for edit in edits], ensure_ascii=False))
        return
    holding = in_force(edits)
    for edit in edits:
        words = told(edit, clock)
        undone = "" if edit.number in holding else "  (undone)"
        click.echo(f"{edit.number}  {edit.when}  {edit.who}  {words.what}: {words.before} -> {words.after}{undone}")
    if not edits:
        click.echo("no edits")


def _verify(folder: Path) -> None:
    from holter2sleep.phenotypes.files import read_night
    from holter2sleep.review.log import verified
    from holter2sleep.review.recompute import is_behind

    read_night(folder)  # a folder that is no night is told as such
    edits = verified(folder)
    last = f", the last with SHA-256 {edits[-1].sha256}" if edits else ""
    behind = "; the tables are older than the log: --recompute" if is_behind(folder, edits) else ""
    click.echo(f"{counted(len(edits), 'edit')}, the chain is whole{last}{behind}")


def _apply(folder: Path, source: Source, asked: Path, who: str | None) -> None:
    from holter2sleep.errors import UsageError
    from holter2sleep.review.ask import changes_of
    from holter2sleep.review.asked_file import read_asked
    from holter2sleep.review.derive import editable_of
    from holter2sleep.review.log import append
    from holter2sleep.review.recompute import clock_of

    if who is None:
        raise UsageError("--apply needs --who NAME: the log says who has edited, and does not guess")
    run, tables = source.machine.run, editable_of(source.machine)
    duration_s = run["duration_s"]
    rows = read_asked(asked, clock_of(run), duration_s)
    new = append(
        folder, who, lambda edits: changes_of(rows, tables, edits, duration_s, lambda i: f"{asked}, row {i + 1}")
    )
    click.echo(f"{counted(len(new), 'edit')} of {asked.name} added to {folder / 'edits.jsonl'}")
    _recompute(folder, source)


def _recompute(folder: Path, source: Source) -> None:
    from holter2sleep.cli.progress import steps_shown
    from holter2sleep.review.recompute import recompute

    before = _names(folder)
    with steps_shown(folder.name) as show:
        recompute(folder, source, show)
    click.echo(f"report  {folder / 'report.pdf'}")
    if gone := before - _names(folder):
        click.echo(f"not drawn anew: {', '.join(sorted(gone))}; holter2sleep report makes them of the edited night")


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def _serve(folder: Path, who: str | None, recording: Path | None, no_browser: bool) -> None:
    from holter2sleep.review.server import serve

    def opened(address: str) -> None:
        click.echo(address)
        click.echo("Ctrl-C, or the button on the page, ends it", err=True)
        if not no_browser:
            click.launch(address)

    serve(folder, who, recording, opened)
