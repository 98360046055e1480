"""`holter2sleep associate`: an association study of a cohort from a written plan."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option(
    "--plan", type=PATH, required=True, help="The plan, a TOML file; pipelines/association.toml explains each key."
)
@click.option("--out", type=PATH, help="Folder of the study; DIR/associations without it.")
@click.option("--overwrite", is_flag=True, help="Replace the study of another plan in that folder.")
def associate(directory: Path, plan: Path, out: Path | None, overwrite: bool) -> None:
    """Relate phenotypes of a cohort to outcomes, as a plan says that was written before.

    DIR holds cohort/, as `cohort` or `batch --cohort` makes it; outcomes and
    covariates are columns of the manifest or phenotypes.

    \b
    associations.parquet/.csv   a row each model and exposure: estimate,
                                interval, p, q, n, status
    partial_residuals.parquet   of the exposures with the smallest p
    methods.md                  the paragraph on methods
    plan.toml                   the plan, as it was
    study.json                  hashes, versions, flow, warnings
    figures/                    flow, forest, volcano, partial residuals

    Estimates are differences, or logarithms of odds, rate or hazard ratios.
    Associations are not causes. Research use only.

    \b
    Examples:
      holter2sleep associate results/ --plan plan.toml
      holter2sleep associate results/ --plan second.toml --out results/second
    """  # noqa: D301  click reads the backspace
    from contextlib import ExitStack

    from holter2sleep.cli.progress import exposures_shown
    from holter2sleep.cohort.association.write import make_study

    with ExitStack() as stack:
        folder, warnings = make_study(
            directory, plan, out, overwrite, lambda n: stack.enter_context(exposures_shown(n))
        )
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            click.echo(path)
