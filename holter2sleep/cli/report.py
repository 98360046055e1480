"""`holter2sleep report`: the PDF of a finished night, or a page for a screen, drawn again from its tables."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command()
@click.argument("night_dirs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--layout", type=click.Path(path_type=Path), help="Layout file (TOML) instead of reports/patient.toml.")
@click.option("--html", is_flag=True, help="Also write report.html: the same sections for a screen, in one file.")
@click.option("--language", metavar="NAME|FILE", help="en, de, or a catalogue file (TOML).  [default: the layout's]")
@click.option("--plain", is_flag=True, help="A page in plain words for the recorded person: person.pdf.")
def report(night_dirs: tuple[Path, ...], layout: Path | None, html: bool, language: str | None, plain: bool) -> None:
    """Draw the report of finished nights again from their tables, with what it says in narrative.json.

    \b
    Examples:
      holter2sleep report results/night
      holter2sleep report results/night --html
      holter2sleep report results/* --layout my_layout.toml
      holter2sleep report results/night --language de
      holter2sleep report results/night --plain --language de
    """  # noqa: D301  click reads the backspace
    import sys

    from holter2sleep.errors import Holter2SleepError
    from holter2sleep.report.html import write_html
    from holter2sleep.report.pdf import write_plain_page, write_report

    if plain and (layout or html):
        raise click.UsageError("--plain has its own layout, reports/person.toml; leave --layout and --html out")
    code = 0
    for folder in _nights(night_dirs):
        try:
            click.echo(str(write_plain_page(folder, language) if plain else write_report(folder, layout, language)))
            if html:
                click.echo(str(write_html(folder, layout, language)))
        except Holter2SleepError as error:
            click.echo(f"Error: {error}", err=True)
            code = max(code, error.exit_code)
    sys.exit(code)


def _nights(folders: tuple[Path, ...]) -> list[Path]:
    """The folders without those over the nights of a person, which lie among them and have no report of their own."""
    from holter2sleep.errors import RecordingError
    from holter2sleep.phenotypes.person import is_person_folder

    over = [folder for folder in folders if is_person_folder(folder)]
    if len(over) == len(folders):
        raise RecordingError(
            f"{over[0]}: sums up several nights and has no report; give the folders of its nights, such as "
            f"{over[0].name.removesuffix('s')}01"
        )
    for folder in over:
        click.echo(f"{folder}: skipped, it sums up several nights and has no report", err=True)
    return [folder for folder in folders if folder not in over]
