"""`holter2sleep cohort`: finished nights as one set of tables, and what differs between groups of people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from holter2sleep.cli.groups import Runs
from holter2sleep.counted import counted

if TYPE_CHECKING:
    from holter2sleep.cohort.tables import Made

PATH = click.Path(path_type=Path)


@click.group(cls=Runs)
def cohort() -> None:
    """Gather finished nights into DIR/cohort/, and audit what differs between groups of people.

    The word `run` may be left out; `holter2sleep cohort run --help` shows the tables and options.

    \b
    Examples:
      holter2sleep cohort results/
      holter2sleep cohort results/ --exclude cohort
      holter2sleep cohort audit results/ --by sex,age,site
      holter2sleep cohort embed results/ --encoder clef-small
      holter2sleep cohort report results/
    """  # noqa: D301  click reads the backspace


@cohort.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option("--exclude", metavar="NAME|FILE", help="Leave nights out by ordered rules: `cohort`, or your own TOML.")
@click.option("--reference", is_flag=True, help="Also make reference.parquet: percentiles of each number by sex.")
@click.option(
    "--names",
    type=click.Choice(["own", "nsrr"]),
    default="own",
    show_default=True,
    help="nsrr: also nights_nsrr.csv, with NSRR's harmonised terms where there are such.",
)
@click.option("--bids", type=PATH, metavar="DIR", help="Also write the nights as a BIDS derivative into a new folder.")
@click.option("--report/--no-report", "drawn", default=True, show_default=True, help="Draw cohort.pdf.")
@click.pass_context
def run(
    context: click.Context,
    directory: Path,
    exclude: str | None,
    reference: bool,
    names: str,
    bids: Path | None,
    drawn: bool,
) -> None:
    """Gather the finished nights of a folder into DIR/cohort/.

    Where batch made the nights they are those of its manifest, and `subject` is the manifest's subject_id. No night is
    left out unless --exclude asks for it; pipelines/cohort.toml holds the shipped rules, each with its reason.

    \b
    phenotypes.parquet   the long tables of all nights under one another
    nights.parquet/.csv  a row a night, a column for each phenotype__stratum;
                         after batch, the manifest's columns too
    subjects.parquet/.csv  a row a subject: mean and SD over the nights,
                         regularity of sleep
    reliability.csv      night-to-night ICC, spread within subjects, effect of
                         the first night, with intervals from drawing subjects
    quality.csv          a row a number: how often missing and why, its range
    quality_nights.csv   a row a night: signal, warnings, other versions
    problems.csv         rows that the dictionary does not know
    excluded.csv         which nights were left out, by which rule
    flow.json            how many entered, finished, failed, were left out;
                         the last file to be written
    failures.csv         which failed, and why
    dictionary.csv       what each number means
    reference.parquet    with --reference: mean, SD and percentiles of each
                         number by sex, from 40 subjects on; a subject counts
                         once. It speaks only of ages and recorded times that
                         its nights have: see `compare --reference`.
    cohort.pdf           the tables on paper: see `cohort report`

    Exit code: 0 done, 2 wrong use, 3 done but for nights that cannot be read, or none can, 5 rules that cannot be used.

    \b
    Examples:
      holter2sleep cohort run results/
      holter2sleep cohort run results/ --reference
      holter2sleep cohort run results/ --exclude my_study.toml
      holter2sleep cohort run results/ --names nsrr --bids results_bids
    """  # noqa: D301  click reads the backspace
    context.exit(gather_cohort(directory, exclude, reference, names == "nsrr", bids, drawn))


def _draw(directory: Path, drawn: bool) -> None:
    """Draw the tables that were just made; without, say so where an older PDF is left beside them."""
    if drawn:
        from holter2sleep.report.cohort.pdf import write_cohort_report

        click.echo(write_cohort_report(directory))
    elif (old := directory / "cohort" / "cohort.pdf").is_file():
        click.echo(f"{old} is of earlier tables; holter2sleep cohort report {directory} draws it anew", err=True)


@cohort.command("report")
@click.argument("directory", metavar="DIR", type=PATH)
@click.option("--layout", type=PATH, metavar="FILE", help="Another layout than reports/cohort.toml.")
@click.option("--language", metavar="LANG|FILE", help="en, de, or a catalogue file; default: the layout's.")
def redraw(directory: Path, layout: Path | None, language: str | None) -> None:
    """Draw DIR/cohort/cohort.pdf anew from the tables there, after an audit or a study too.

    Flow, quality, distributions by group, far-out nights with links to their reports, stages, the heart by stage, night
    to night, audit, associations (of DIR/associations), definitions. Groups of fewer than five persons are not shown,
    unless the layout says so.

    Exit code: 0 done, 3 no finished cohort in DIR, 5 a layout or language that cannot be used.

    \b
    Examples:
      holter2sleep cohort report results/
      holter2sleep cohort report results/ --layout mine.toml --language de
    """  # noqa: D301  click reads the backspace
    from holter2sleep.report.cohort.pdf import write_cohort_report

    click.echo(write_cohort_report(directory, layout, language))


def gather_cohort(
    directory: Path,
    exclude: str | None = None,
    reference: bool = False,
    nsrr: bool = False,
    bids: Path | None = None,
    drawn: bool = True,
) -> int:
    """Make the tables and their PDF, and print where they lie; the exit code."""
    from contextlib import ExitStack

    from holter2sleep.cli.progress import nights_shown
    from holter2sleep.cohort.tables import CohortOptions, make_cohort

    options = CohortOptions(exclude=exclude, reference=reference, nsrr=nsrr, bids=bids)
    with ExitStack() as stack:
        made = make_cohort(directory, options, lambda n: stack.enter_context(nights_shown(n)))
    for path in made.paths:
        click.echo(path)
    _draw(directory, drawn)
    return _told(made, exclude)


def _told(made: Made, exclude: str | None) -> int:
    """Say on stderr what became of the nights; the exit code."""
    from holter2sleep.cli.tell import tell
    from holter2sleep.errors import RecordingError

    flow, would = made.flow, made.would_exclude
    steps = ", ".join(f"{name} {n}" for name, n in would["step"].value_counts(sort=True, name="n").iter_rows())
    if exclude is not None:
        click.echo(
            f"{counted(flow['nights'], 'night')} kept, {flow['excluded']} left out ({steps or 'none'})", err=True
        )
    elif would.height:
        said = f"every night is in; --exclude cohort would leave out {would.height} of {flow['nights']} ({steps})"
        click.echo(said, err=True)
    for what, found in flow["made_by"].items():
        if len(found) > 1:
            shown = ", ".join(f"{name[:16]} {n}" for name, n in found.items())
            click.echo(f"the nights are not made alike: {what} {shown}; see quality_nights.csv", err=True)
    if made.problems.height:
        differ = counted(made.problems.height, "kind of rows differs", "kinds of rows differ")
        click.echo(f"{differ} from the dictionary: see problems.csv", err=True)
    for why in made.broken.values():
        tell(why)
    return RecordingError.exit_code if made.broken else 0


@cohort.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option("--encoder", required=True, metavar="NAME|FILE", help="Of `models list`, or a file.")
@click.option("--recordings", type=PATH, metavar="FOLDER", help="Where the recordings lie, at any depth.")
def embed(directory: Path, encoder: str, recordings: Path | None) -> None:
    """Write what an encoder sees in each night, pooled over its stages: DIR/cohort/embeddings.parquet.

    A row for each night and stage: mean over the epochs of the mean and SD over their windows. For late fusion with
    what else is known of a person; pipelines/examples/late_fusion.py is an example. A night whose recording is not
    found is told and left out; a run that was stopped goes on where it was.

    \b
    Examples:
      holter2sleep cohort embed results/ --encoder clef-small --recordings /data/nights
      holter2sleep cohort embed results/ --encoder my-encoder/encoder.safetensors
    """  # noqa: D301  click reads the backspace
    from contextlib import ExitStack

    from holter2sleep.cli.progress import nights_shown
    from holter2sleep.cohort.embeddings import embed_cohort, read_encoder

    used = read_encoder(encoder)
    with ExitStack() as stack:
        made = embed_cohort(directory, used, recordings, lambda n: stack.enter_context(nights_shown(n)))
    for why in made.without.values():
        click.echo(why, err=True)
    click.echo(f"{counted(made.n_nights, 'night')} with an embedding, {len(made.without)} without", err=True)
    click.echo(made.path)


@cohort.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option(
    "--by", metavar="NAMES", help="sex,age,ahi,af or any column; default: of sex,age,ahi,af,site,device what is known."
)
@click.option("--reference-dir", type=PATH, metavar="HYPNOGRAMS", help="Scored hypnograms: recording id + suffix.")
@click.option("--suffix", default=".st", show_default=True, help="Ending of the hypnograms' names.")
@click.option("--rules", metavar="NAME|FILE", default="audit", show_default=True, help="Margins, bands, least number.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on stdout.")
@click.pass_context
def audit(
    context: click.Context,
    directory: Path,
    by: str | None,
    reference_dir: Path | None,
    suffix: str,
    rules: str,
    as_json: bool,
) -> None:
    """Say whether numbers are missing more often, or stages less right, in some groups of people.

    For each sex, band of age and AHI, with and without AF, site, device, or any column of the manifest: numbers that
    are missing, epochs left undecided, signal quality, recordings that failed, nights left out; with --reference-dir
    kappa and calibration of the stages. Intervals come from drawing subjects. A difference is flagged by a rule that
    audit.md states; groups that are too small are named, not tested. All nights count, those left out too.

    Writes DIR/cohort/audit.csv and audit.md. Exit code: 0 done, whether anything differs or not; 2 wrong use; 3 done
    but for nights that cannot be read, or none can; 5 rules that cannot be used.

    \b
    Examples:
      holter2sleep cohort audit results/
      holter2sleep cohort audit results/ --by sex,age,bmi
      holter2sleep cohort audit results/ --reference-dir scored --suffix .xml --json
    """  # noqa: D301  click reads the backspace
    from contextlib import ExitStack

    from holter2sleep.cli.progress import nights_shown
    from holter2sleep.cli.tell import tell
    from holter2sleep.cohort.audit import audit_cohort
    from holter2sleep.cohort.audit_files import write_audit
    from holter2sleep.cohort.audit_rules import read_audit_rules
    from holter2sleep.cohort.audit_text import as_json as audit_as_json
    from holter2sleep.errors import RecordingError

    names = [name.strip() for name in (by or "").split(",") if name.strip()]
    reference = None if reference_dir is None else (reference_dir, suffix)
    asked = read_audit_rules(rules)
    with ExitStack() as stack:
        found = audit_cohort(directory, names, asked, reference, lambda n: stack.enter_context(nights_shown(n)))
    paths = write_audit(directory, found)
    if as_json:
        click.echo(audit_as_json(found))
    else:
        click.echo(f"{counted(found.flagged.height, 'difference')} flagged")
        for path in paths:
            click.echo(path)
    for why in found.broken.values():
        tell(why)
    context.exit(RecordingError.exit_code if found.broken else 0)
