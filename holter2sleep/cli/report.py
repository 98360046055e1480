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
@click.option("--full-disclosure", is_flag=True, help="The whole waveform, one minute a line: full_disclosure.pdf.")
@click.option("--recording", type=click.Path(path_type=Path), help="Recording of the night, where it was moved.")
def report(
    night_dirs: tuple[Path, ...],
    layout: Path | None,
    html: bool,
    language: str | None,
    plain: bool,
    full_disclosure: bool,
    recording: Path | None,
) -> None:
    """Draw the report of finished nights again from their tables, with what it says in narrative.json.

    \b
    Examples:
      holter2sleep report results/night
      holter2sleep report results/night --html
      holter2sleep report results/* --layout my_layout.toml
      holter2sleep report results/night --language de
      holter2sleep report results/night --plain --language de
      holter2sleep report results/night --full-disclosure --recording night.edf
    """  # noqa: D301  click reads the backspace
    import sys

    from holter2sleep.errors import Holter2SleepError
    from holter2sleep.phenotypes.person import is_person_folder
    from holter2sleep.report.html import write_html
    from holter2sleep.report.pdf import write_plain_page, write_report

    if (plain or full_disclosure) and (layout or html or (plain and full_disclosure)):
        raise click.UsageError(
            "--plain and --full-disclosure have layouts of their own (reports/person.toml, full_disclosure.toml); "
            "give one of them, and leave --layout and --html out"
        )
    if recording and not (full_disclosure and len(night_dirs) == 1):
        raise click.UsageError("--recording is read for --full-disclosure of one night; the report needs tables only")
    code = 0
    for folder in night_dirs:
        try:
            if is_person_folder(folder):
                _over_nights(folder, language, only_report=not (layout or html or plain or full_disclosure))
                continue
            if full_disclosure:
                click.echo(str(_disclosed(folder, recording, language)))
                continue
            click.echo(str(write_plain_page(folder, language) if plain else write_report(folder, layout, language)))
            if html:
                click.echo(str(write_html(folder, layout, language)))
        except Holter2SleepError as error:
            click.echo(f"Error: {error}", err=True)
            code = max(code, error.exit_code)
    sys.exit(code)


def _disclosed(folder: Path, recording: Path | None, language: str | None) -> Path:
    """The whole waveform of a night, from the recording that is told or found."""
    from holter2sleep.errors import RecordingError
    from holter2sleep.phenotypes.files import read_night
    from holter2sleep.report.pdf import write_full_disclosure
    from holter2sleep.review.recording import find_waveform

    run = read_night(folder).run
    waveform = find_waveform(folder, run, recording)
    if waveform is None and run["channel"] is None:
        raise RecordingError(
            f"{folder}: made from beats alone ({run['input']['file']}), so there is no waveform to print"
        )
    if waveform is None:
        raise RecordingError(
            f"{folder}: the recording {run['input']['file']} is neither beside the results nor here, or is another one "
            f"now; give --recording FILE"
        )
    return write_full_disclosure(folder, waveform, language)


def _over_nights(folder: Path, language: str | None, only_report: bool) -> None:
    """The report over the nights of a person; what else was asked for belongs to a single night."""
    from holter2sleep.report.pdf import write_nights_report

    if only_report:
        click.echo(str(write_nights_report(folder, folder.parent, language)))
    else:
        click.echo(f"{folder}: skipped, it sums up several nights and has one report only", err=True)
