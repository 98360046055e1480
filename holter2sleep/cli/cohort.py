"""`holter2sleep cohort`: finished nights as one table, and a reference made of them."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option("--reference", is_flag=True, help="Also make reference.parquet: percentiles of each number by sex.")
def cohort(directory: Path, reference: bool) -> None:
    """Gather the finished nights of a folder into DIR/cohort/.

    Where batch made the nights they are those of its manifest, and `subject` is the manifest's subject_id.

    \b
    phenotypes.parquet   the long tables of all nights under one another
    nights.parquet/.csv  a row a night, a column for each phenotype__stratum;
                         after batch, the manifest's columns too
    flow.json            how many entered, finished, failed, were left out
    failures.csv         after batch: which failed, and why
    dictionary.csv       what each number means
    reference.parquet    with --reference: mean, SD and percentiles of each
                         number by sex, from 40 subjects on; a subject counts
                         once. It speaks only of ages and recorded times that
                         its nights have: see `compare --reference`.

    \b
    Examples:
      holter2sleep cohort results/
      holter2sleep cohort results/ --reference
    """  # noqa: D301  click reads the backspace
    gather_cohort(directory, reference)


def gather_cohort(directory: Path, reference: bool) -> None:
    """Make the tables, and print where they lie."""
    from contextlib import ExitStack

    from holter2sleep.cli.progress import nights_shown
    from holter2sleep.cohort.tables import make_cohort

    with ExitStack() as stack:
        made = make_cohort(directory, reference, lambda n: stack.enter_context(nights_shown(n)))
    for path in made:
        click.echo(path)
