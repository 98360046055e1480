"""`holter2sleep phenotypes`: the dictionary of everything that is computed."""

from __future__ import annotations

import rich_click as click


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
def phenotypes(form: str, as_json: bool) -> None:
    """Print the phenotype dictionary: name, unit, definition, reference of every number.

    \b
    Examples:
      holter2sleep phenotypes
      holter2sleep phenotypes --format markdown > phenotypes.md
      holter2sleep phenotypes --json
    """  # noqa: D301  click reads the backspace
    from holter2sleep.phenotypes import dictionary

    printers = {
        "text": dictionary.as_text,
        "markdown": dictionary.as_markdown,
        "csv": dictionary.as_csv,
        "json": dictionary.as_json,
    }
    click.echo(printers["json" if as_json else form]())
