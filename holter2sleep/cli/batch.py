"""`holter2sleep batch`: a cohort of nights from a manifest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from holter2sleep.cli.analyze import OUTPUT, analyze
from holter2sleep.cli.groups import Runs
from holter2sleep.cli.number import Number
from holter2sleep.counted import counted

if TYPE_CHECKING:
    from holter2sleep.batch.run import Tally

PATH = click.Path(path_type=Path)
WORK, AGAIN = "How it is worked off", "What is done again"
# Options of analyze that can hold for all nights; what belongs to one stands in its row.
OF_ALL = frozenset(
    {"report", "deidentify", "key", "channel", "fs", "unit", "polarity", "rr_unit", "profile", "tz", "night"}
    | {"hypnogram_code", "stager", "recipe", "settings", "seed"}
)
OF_ONE = ("recording_id", "age", "sex", "start", "lights_off", "lights_on", "beats", "hypnogram")


class Shard(click.ParamType[tuple[int, int]]):
    """A part of a manifest: `2/8`."""

    name = "i/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Number of the part, from 1, and of how many.

        Raises
        ------
        click.BadParameter
            No such part.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", str(value))
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r}: expected i/n with i from 1 to n, such as 2/8", param, ctx)
        return int(found[1]), int(found[2])


def _options_of_analyze(command: click.Command) -> click.Command:
    command.params += [option for option in analyze.params if option.name in OF_ALL]
    return command


@click.group(cls=Runs)
def batch() -> None:
    """Analyse a cohort: a manifest in, a folder for each night out; resumable, failures recorded, never lost.

    The word `run` may be left out; `holter2sleep batch run --help` shows the options.

    \b
    Examples:
      holter2sleep batch init recordings/
      holter2sleep batch manifest.csv --out results --jobs 4 --cohort
      holter2sleep batch status results
      holter2sleep batch diff results_old results
    """  # noqa: D301  click reads the backspace


@_options_of_analyze
@batch.command()
@click.argument("manifest", type=PATH)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, panel=OUTPUT, help="Where all goes."
)
@click.option(
    "--cohort", "with_cohort", is_flag=True, panel=OUTPUT, help="Gather the nights into OUT/cohort/ at the end."
)
@click.option(
    "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, panel=WORK, help="Nights at a time."
)
@click.option(
    "--shard", type=Shard(), default="1/1", panel=WORK, help="Only the i-th of n equal parts, for many machines."
)
@click.option(
    "--scheduler", metavar="ADDRESS", panel=WORK, help="Use a Dask cluster; tcp://HOST:PORT or a scheduler file."
)
@click.option(
    "--time-limit",
    type=Number(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="MIN",
    panel=WORK,
    help="Minutes after which a night is given up.",
)
@click.option(
    "--memory-limit",
    type=Number(0, min_open=True),
    metavar="MB",
    panel=WORK,
    help="Memory beyond which it is.  [default: the computer's, divided by --jobs; of a Dask cluster, none]",
)
@click.option("--retry-failed", is_flag=True, panel=AGAIN, help="Try nights again that failed.")
@click.option("--verify", is_flag=True, panel=AGAIN, help="Read finished recordings again, and compare their content.")
@click.option("--skip-bad-rows", is_flag=True, panel=AGAIN, help="Run the good rows of a manifest that has bad ones.")
@click.pass_context
def run(context: click.Context, manifest: Path, **options: Any) -> None:
    """Analyse the nights of a manifest, those that are not there yet.

    MANIFEST is CSV, TSV or Parquet with a row a night. Needed: recording_id, path (from the manifest's folder on).
    Understood: subject_id, age, sex, channel, hypnogram, beats, lights_off, lights_on. All other columns (visit, site,
    ...) go into the tables of the cohort. Every row is checked before anything runs.

    A night is skipped when its files, row, recipe, models, version and options are those it was made from. A run
    that was stopped or killed goes on with the same command. OUT/failures.csv says which nights failed, and why. Exit
    code: that of the worst night, as of analyze.

    \b
    Examples:
      holter2sleep batch run manifest.csv --out results --jobs 4
      holter2sleep batch run manifest.csv --out results --retry-failed
      holter2sleep batch run manifest.csv --out results --shard 2/8
      holter2sleep batch run manifest.csv --out results --scheduler cluster.json
    """  # noqa: D301  click reads the backspace
    import logging

    from holter2sleep.batch.limits import Limits, memory_share_mb
    from holter2sleep.batch.run import BatchOptions, checked_manifest, run_batch
    from holter2sleep.cli.progress import batch_shown
    from holter2sleep.request import Request

    request = Request.from_options({**options, **dict.fromkeys(OF_ONE), "out": options["out"].absolute()})
    at_home = options["scheduler"] is None
    memory_mb = options["memory_limit"] or (memory_share_mb(options["jobs"]) if at_home else None)
    how = BatchOptions(
        options["jobs"],
        options["shard"],
        options["scheduler"],
        Limits(60 * options["time_limit"], memory_mb),
        options["retry_failed"],
        options["verify"],
        options["skip_bad_rows"],
        # what a night warns of stands in its run.json; among many nights it would only hide the progress
        logging.getLogger().level if logging.getLogger().isEnabledFor(logging.INFO) else logging.ERROR,
    )
    checked = checked_manifest(manifest, request, how.skip_bad_rows, lambda line: click.echo(line, err=True))
    try:
        with batch_shown() as begin:
            tally = run_batch(manifest, checked, request, how, begin)
    except KeyboardInterrupt:
        click.echo(f"Nights that are done stay in {request.out}; the same command goes on with the others", err=True)
        raise
    _tell(tally, request.out)
    if options["with_cohort"] and tally.n_done:
        from holter2sleep.cli.cohort import gather_cohort

        gathered = gather_cohort(options["out"], drawn=options["report"])
        context.exit(max(tally.exit_code, gathered))
    context.exit(tally.exit_code)


def _tell(tally: Tally, out: Path) -> None:
    kept = f", {tally.n_kept} of them from before" if tally.n_kept else ""
    click.echo(f"{counted(tally.n_done, 'night')} done, {tally.n_failed} failed{kept}: {out}")
    if tally.n_failed or tally.n_bad_rows:
        click.echo(f"why: {out / 'failures.csv'}; once mended: --retry-failed")


@batch.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option("--out", type=PATH, default=Path("manifest.csv"), show_default=True, help="File to write.")
@click.option("--subjects", type=PATH, metavar="FILE", help="Table of your own: subject_id, age, sex, and more.")
@click.option("--overwrite", is_flag=True, help="Replace it.")
def init(directory: Path, out: Path, subjects: Path | None, overwrite: bool) -> None:
    """Draft a manifest of the recordings in a folder and those in it, to be completed by hand.

    A hypnogram is found by its name: night.hypnogram.csv, night-nsrr.xml, night.st and others belong to night.edf.

    --subjects brings in what a table (CSV, TSV, Parquet) says of people: all its columns. A row belongs to the
    recordings that lie in a folder called by its subject_id, or whose names are that id or begin with it: p01.edf,
    p01_visit2.edf, p01/first.edf. Where names say it otherwise the table has a row a recording, with recording_id.

    \b
    Examples:
      holter2sleep batch init recordings/ --out study/manifest.csv
      holter2sleep batch init recordings/ --subjects people.csv
    """  # noqa: D301  click reads the backspace
    from holter2sleep.batch.draft import draft_manifest
    from holter2sleep.errors import UsageError
    from holter2sleep.whole_files import write_bytes

    if (out.exists() or out.is_symlink()) and not overwrite:
        raise UsageError(f"{out}: is there already; choose another --out, or give --overwrite")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: there is no folder {out.absolute().parent}; make it first")
    draft = draft_manifest(directory, out.absolute().parent, subjects)
    write_bytes(out, draft.text.encode("utf-8"))
    for note in draft.notes:
        click.echo(note, err=True)
    known = f", {draft.n_known} with a row of {subjects.name}" if subjects else ""
    found = f"{counted(draft.n_rows, 'row')}, {draft.n_hypnograms} with a hypnogram{known}"
    click.echo(f"{found}: {out}  (fill in what is known; then holter2sleep batch {out} --out DIR)")


@batch.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def status(directory: Path, as_json: bool) -> None:
    """Say how far a batch is: nights done, failed and waiting, who is at work, and how long it may take.

    \b
    Example:
      holter2sleep batch status results
    """  # noqa: D301  click reads the backspace
    import json

    from holter2sleep.batch.status import as_text, batch_status

    found = batch_status(directory)
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else as_text(found))


@batch.command()
@click.argument("run_a", type=PATH)
@click.argument("run_b", type=PATH)
@click.option("--out", type=PATH, help="CSV file for every changed value.")
@click.option("--overwrite", is_flag=True, help="Replace --out.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def diff(run_a: Path, run_b: Path, out: Path | None, overwrite: bool, as_json: bool) -> None:
    """Say which nights and which numbers differ between two runs of a cohort, and by how much.

    RUN_A and RUN_B are folders of nights, such as those before and after an upgrade. Nights are told by their ids.
    Exit code 0, whether anything differs or not.

    \b
    Examples:
      holter2sleep batch diff results_0.1 results_0.2
      holter2sleep batch diff results_0.1 results_0.2 --out changes.csv
    """  # noqa: D301  click reads the backspace
    import json

    from holter2sleep.batch.diff_text import as_json as diff_as_json
    from holter2sleep.batch.diff_text import as_text, diff_into

    found = diff_into(run_a, run_b, out, overwrite)
    click.echo(json.dumps(diff_as_json(found), indent=2) if as_json else as_text(found))
