"""`holter2sleep models`: the stagers, what they were made from and how good they are."""

from __future__ import annotations

import rich_click as click


@click.group()
def models() -> None:
    """Pretrained models: source, licence, checksum, validation figures.

    \b
    Example:
      holter2sleep models list
    """  # noqa: D301  click reads the backspace


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_models(as_json: bool) -> None:
    """List the stagers in the order `auto` tries them.

    \b
    Example:
      holter2sleep models list --json
    """  # noqa: D301  click reads the backspace
    import dataclasses
    import json

    from holter2sleep.sleep.staging import list_cards

    cards = list_cards()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(card) for card in cards], indent=2))
        return
    for card in cards:
        click.echo(f"{card.name:15} {card.scheme:8} {card.external_figure}")


@models.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def show_model(name: str, as_json: bool) -> None:
    """Show the card of a stager.

    \b
    Example:
      holter2sleep models show sleepecg-mesa
    """  # noqa: D301  click reads the backspace
    import dataclasses
    import json

    from holter2sleep.errors import UsageError
    from holter2sleep.sleep.staging import list_cards

    cards = {card.name: card for card in list_cards()}
    if name not in cards:
        raise UsageError(f"No model {name!r}; there is: {', '.join(cards)}")
    facts = dataclasses.asdict(cards[name])
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        click.echo(f"{key:17} {value if value is not None else '-'}")


@models.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Check that the weights of the stagers are there and are the registered ones.

    \b
    Example:
      holter2sleep models verify sleepecg-mesa
    """  # noqa: D301  click reads the backspace
    from holter2sleep.sleep.staging import get_stager, list_cards

    for name in names or tuple(card.name for card in list_cards()):
        get_stager(name)
        click.echo(f"{name}: ok")
