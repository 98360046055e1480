"""`holter2sleep analyze`: recordings in, one folder each out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from holter2sleep.run import Request


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("holter2sleep_out"),
    show_default=True,
    help="Where the folder of each night goes.",
)
@click.option("--channel", metavar="NAME", help="ECG channel.  [default: found by its label]")
@click.option("--id", "recording_id", metavar="ID", help="Name of the night.  [default: the file's stem]")
@click.option("--age", type=click.FloatRange(0, 130), help="Years, if the header does not say or is wrong.")
@click.option("--sex", type=click.Choice(["F", "M"], case_sensitive=False), help="Likewise.")
@click.option(
    "--start",
    metavar="ISO",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]),
    help="Local time of the first sample, such as 2024-03-01T22:30:00.",
)
@click.option("--lights-off", metavar="TIME", help="Clock time (22:45), ISO time, or seconds from the start (900s).")
@click.option("--lights-on", metavar="TIME", help="Likewise.")
@click.option("--beats", type=click.Path(path_type=Path), help="Use these beats instead of detecting any.")
@click.option("--hypnogram", type=click.Path(path_type=Path), help="Use this scored hypnogram instead of staging.")
@click.option("--stager", metavar="NAME", help="Who stages: auto, or a name of `models list`.  [default: the recipe's]")
@click.option("--rr-unit", type=click.Choice(["auto", "s", "ms"]), default="auto", help="Unit of an RR text.")
@click.option("--recipe", metavar="NAME|FILE", default="overnight", show_default=True, help="Choices of the analysis.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one choice: rhythm.pause_s=2.5.")
@click.option("--report/--no-report", default=True, show_default=True, help="Draw the PDF.")
@click.option("--overwrite", is_flag=True, help="Replace a night folder made from something else.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of whatever draws numbers; recorded in run.json.",
)
def analyze(inputs: tuple[Path, ...], **options: Any) -> None:
    """Analyse recordings: beats, rhythm, variability, sleep stages; tables and a PDF in one folder a night.

    INPUT is an EDF, EDF+, BDF or ISHNE file, a WFDB header (.hea), or a beat file (WFDB annotation, R-point CSV,
    RR text). Exit code: 0 done, 2 wrong use, 3 no recording, 4 too little signal, 5 recipe, 6 weights;
    of several recordings, the worst.

    \b
    Examples:
      holter2sleep analyze night.edf
      holter2sleep analyze night.edf --channel "ECG II" --lights-off 22:45 --lights-on 06:30
      holter2sleep analyze record.hea --hypnogram record.st --set rhythm.pause_s=2.5
      holter2sleep analyze slp01a.ecg nights/*.edf --out results
    """  # noqa: D301  click reads the backspace
    import sys

    from holter2sleep.run import Request

    request = Request.from_options(options)
    code = max(_one(path, request, alone=len(inputs) == 1) for path in request.distinct(inputs))
    sys.exit(code)


def _one(path: Path, request: Request, alone: bool) -> int:
    """Exit code of one recording; an error of several is told, and the next one is analysed."""
    from holter2sleep.cli.progress import steps_shown
    from holter2sleep.errors import Holter2SleepError
    from holter2sleep.run import analyze_file

    try:
        with steps_shown(path.name) as show:
            outcome = analyze_file(path, request, show)
    except Holter2SleepError as error:
        if alone:
            raise
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    click.echo(outcome.text)
    return 0
