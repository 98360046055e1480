"""`holter2sleep compare`: a night against a reference, or against another night."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from holter2sleep.counted import counted

if TYPE_CHECKING:
    import polars as pl

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("night_dir", type=PATH)
@click.argument("earlier_dir", type=PATH, required=False)
@click.option("--reference", type=PATH, help="Table that `cohort --reference` made.")
@click.option("--out", type=PATH, help="CSV file for the whole table.")
@click.option("--overwrite", is_flag=True, help="Replace --out.")
def compare(
    night_dir: Path, earlier_dir: Path | None, reference: Path | None, out: Path | None, overwrite: bool
) -> None:
    """Compare a finished night with a reference cohort, or with an earlier night.

    With --reference: z and percentile of each number among the subjects of the reference, where the night's age,
    recorded time and stager are among theirs; otherwise the reason why nothing is said. With EARLIER_DIR: ratio or
    difference of each number, with its 95 % interval where both nights have one.

    Nothing here is a diagnosis: a reference says how common a value is among its own subjects.

    \b
    Examples:
      holter2sleep cohort results/ --reference
      holter2sleep compare results/n7 --reference results/cohort/reference.parquet
      holter2sleep compare results/n7_night2 results/n7_night1 --out change.csv
    """  # noqa: D301  click reads the backspace
    from holter2sleep.cohort.nights import gather
    from holter2sleep.cohort.placement import placed
    from holter2sleep.cohort.reference import read_reference
    from holter2sleep.errors import UsageError
    from holter2sleep.phenotypes.cross import change_table

    if (earlier_dir is None) == (reference is None):
        raise UsageError("give either --reference FILE or the folder of an earlier night to compare with")
    if out is not None and out.exists() and not overwrite:
        raise UsageError(f"{out} exists; give --overwrite to replace it")
    phenotypes, facts = gather([night_dir])
    if reference is not None:
        table = placed(phenotypes, facts.row(0, named=True), read_reference(reference))
        _echo(table, ["phenotype", "stratum", "value", "unit", "z", "percentile", "reason"], out)
    elif earlier_dir is not None:
        table = change_table(phenotypes, gather([earlier_dir])[0])
        shown = ["phenotype", "stratum", "value", "against_value", "unit", "contrast", "contrast_value"]
        _echo(table, [*shown, "contrast_low", "contrast_high"], out)


def _echo(table: pl.DataFrame, columns: list[str], out: Path | None) -> None:
    """The rows of the whole night on the screen, all rows in the file."""
    import polars as pl

    from holter2sleep.phenotypes.files import write_csv

    for row in [columns, *table.filter(pl.col("stratum") == "night").select(columns).iter_rows()]:
        click.echo("\t".join(_shown(value) for value in row))
    if out is not None:
        write_csv(out, table)
        click.echo(f"{counted(len(table), 'row')} of all strata: {out}", err=True)


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
