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

    \b
    phenotypes.parquet   the long tables of all nights under one another
    nights.parquet/.csv  a row a night, a column for each phenotype__stratum
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
    from holter2sleep.cli.progress import nights_shown
    from holter2sleep.cohort.nights import gather
    from holter2sleep.cohort.reference import reference_table
    from holter2sleep.cohort.tables import write_cohort
    from holter2sleep.phenotypes.find import find_nights

    folders = find_nights([directory])
    with nights_shown(len(folders)) as show:
        phenotypes, facts = gather(folders, show)
    made = write_cohort(
        directory / "cohort", phenotypes, facts, reference_table(phenotypes, facts) if reference else None
    )
    for path in made:
        click.echo(path)
