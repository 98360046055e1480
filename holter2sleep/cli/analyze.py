"""`holter2sleep analyze`: recordings in, one folder each out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from holter2sleep.cli.number import Number
from holter2sleep.cli.words import SEX, UNIT

if TYPE_CHECKING:
    from holter2sleep.request import Request

# headings of the options in --help
OUTPUT, FILE, CLOCK, PERSON, SCORED, METHOD = (
    "Output",
    "The file",
    "Clock and nights",
    "Person",
    "Scored already",
    "Method",
)
PATH = click.Path(path_type=Path)


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=PATH)
@click.option(
    "--out",
    panel=OUTPUT,
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("holter2sleep_out"),
    show_default=True,
    help="Where the folder of each night goes.",
)
@click.option("--id", "recording_id", panel=OUTPUT, metavar="ID", help="Name of the night.  [default: the file's stem]")
@click.option("--report/--no-report", panel=OUTPUT, default=True, show_default=True, help="Draw the PDF.")
@click.option("--overwrite", panel=OUTPUT, is_flag=True, help="Replace a night folder made from something else.")
@click.option(
    "--deidentify", panel=OUTPUT, is_flag=True, help="A pseudonym for the name, no date, no place; the clock stays."
)
@click.option(
    "--key",
    panel=OUTPUT,
    metavar="FILE",
    type=PATH,
    help="Key of the pseudonyms, which --deidentify needs; made where there is none.",
)
@click.option("--channel", panel=FILE, metavar="NAME", help="ECG channel.  [default: found]")
@click.option(
    "--fs",
    panel=FILE,
    metavar="HZ",
    type=Number(0, 100_000, min_open=True),
    help="Sampling rate of a file without header.",
)
@click.option(
    "--unit",
    panel=FILE,
    type=UNIT,
    help="Unit of the samples, in place of the file's.",
)
@click.option(
    "--polarity",
    panel=FILE,
    type=click.Choice(["auto", "upright", "inverted"]),
    default="auto",
    show_default=True,
    help="Which way the lead is; auto looks at the beats.",
)
@click.option(
    "--rr-unit",
    panel=FILE,
    type=click.Choice(["auto", "s", "ms"]),
    default="auto",
    show_default=True,
    help="Unit of an RR text.",
)
@click.option("--profile", panel=FILE, metavar="NAME", help="Archive it comes from: shhs, mesa, cfs, slpdb, ...")
@click.option(
    "--start",
    panel=CLOCK,
    metavar="ISO",
    help="Local time of the first sample, 2024-03-01T22:30:00, or its clock time only, 22:30.",
)
@click.option(
    "--tz",
    panel=CLOCK,
    metavar="ZONE",
    help="Time zone, such as Europe/Berlin: the clock follows its summer time.",
)
@click.option(
    "--night",
    panel=CLOCK,
    metavar="NIGHT",
    default="auto",
    show_default=True,
    help="all: each main sleep period is a result. 1, 2, ...: only that one. whole: never split. auto: as all above "
    "36 h, else whole, in bed for the sleep period found if above 14 h.",
)
@click.option(
    "--lights-off",
    panel=CLOCK,
    metavar="TIME",
    help="Clock time (22:45), ISO time, or seconds from the start (900s).",
)
@click.option("--lights-on", panel=CLOCK, metavar="TIME", help="Likewise.")
@click.option("--age", panel=PERSON, type=Number(0, 130), help="Years, if the header does not say or is wrong.")
@click.option("--sex", panel=PERSON, type=SEX, help="Likewise.")
@click.option("--beats", panel=SCORED, metavar="FILE", type=PATH, help="Use these beats instead of detecting any.")
@click.option(
    "--hypnogram", panel=SCORED, metavar="FILE", type=PATH, help="Use this scored hypnogram instead of staging."
)
@click.option(
    "--hypnogram-code",
    panel=SCORED,
    metavar="CODE",
    type=click.Choice(["nsrr", "yasa", "ucddb"]),
    help="What its numbers mean: nsrr (REM is 5), yasa (4) or ucddb (1).  [default: inferred]",
)
@click.option(
    "--stager",
    panel=METHOD,
    metavar="NAME|FOLDER",
    help="Who stages: auto, a name of `models list`, or a folder of `train head`.  [default: the recipe's]",
)
@click.option(
    "--recipe",
    panel=METHOD,
    metavar="NAME|FILE",
    default="overnight",
    show_default=True,
    help="Choices of the analysis.",
)
@click.option(
    "--set",
    "settings",
    panel=METHOD,
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one choice: rhythm.pause_s=2.5.",
)
@click.option(
    "--seed",
    panel=METHOD,
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of whatever draws numbers; recorded in run.json.",
)
def analyze(inputs: tuple[Path, ...], **options: Any) -> None:
    """Analyse recordings: beats, rhythm, variability, sleep stages; tables and a PDF in one folder a night.

    INPUT is a recording (EDF, EDF+, BDF, GDF, ISHNE, WFDB header, HDF5, CSV or Parquet), a beat file (WFDB
    annotation, R-point CSV, RR text), a folder of them, or a pattern. Exit code: 0 done, 2 wrong use, 3 no recording,
    4 too little signal, 5 recipe, 6 weights, 1 anything else; of several recordings, the worst.

    \b
    Examples:
      holter2sleep analyze night.edf
      holter2sleep analyze a.edf --lights-off 22:45
      holter2sleep analyze patch.edf --night 3
      holter2sleep analyze a.hea --hypnogram a.st
      holter2sleep analyze holter/ *.edf --out results
      holter2sleep analyze a.csv --fs 250 --unit uV
    """  # noqa: D301  click reads the backspace
    import sys

    from holter2sleep.request import Request

    request = Request.from_options(options)
    paths = request.inputs(inputs)
    sys.exit(max(_one(path, request, alone=len(paths) == 1) for path in paths))


def _one(path: Path, request: Request, alone: bool) -> int:
    """Exit code of one recording; an error of several is told, and the next one is analysed."""
    from holter2sleep.cli.progress import steps_shown
    from holter2sleep.cli.tell import tell
    from holter2sleep.errors import Holter2SleepError
    from holter2sleep.privacy import veiled_logs, without_names
    from holter2sleep.run import analyze_file

    names = request.veil(path)
    try:
        with veiled_logs(names) if names else nullcontext(), steps_shown(request.shown_name(path)) as show:
            outcome = analyze_file(path, request, show)
    except Holter2SleepError as error:
        told = type(error)(without_names(str(error), names)) if names else error
        if alone:
            raise told from None
        tell(str(told))
        return error.exit_code
    click.echo(outcome.text)
    return outcome.exit_code
