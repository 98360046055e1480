"""`holter2sleep models`: what each model was made from and how good it is, and the weights to install."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from holter2sleep.sleep.staging.installable import Licence


@click.group()
def models() -> None:
    """Pretrained models: source, licence, checksum, validation figures; weights to install.

    Installed weights lie in the folder that HOLTER2SLEEP_WEIGHTS names, else in the user's data folder.

    \b
    Examples:
      holter2sleep models list
      holter2sleep models install clef-small
    """  # noqa: D301  click reads the backspace


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_models(as_json: bool) -> None:
    """List the stagers in the order `auto` tries them, then the other models, encoders, and weights to install.

    A line has the figure that stands for a model; `models show NAME` prints the others and the limits.

    \b
    Example:
      holter2sleep models list --json
    """  # noqa: D301  click reads the backspace
    import json

    from holter2sleep.models import list_model_cards
    from holter2sleep.sleep.staging import list_cards
    from holter2sleep.sleep.staging.installable import list_installable
    from holter2sleep.sleep.staging.installed import is_installed
    from holter2sleep.sleep.staging.shipped import list_shipped

    if as_json:
        click.echo(json.dumps(list(_facts().values()), indent=2))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for card in list_cards():
        click.echo(listed(card.name, card.scheme, card.headline, width))
    for model in list_model_cards():
        click.echo(listed(model.name, "model", f"{model.title}: {model.headline}", width))
    for encoder in list_shipped():
        click.echo(listed(encoder.name, "encoder", f"shipped: {encoder.title}", width))
    for weights in list_installable():
        state = "installed" if is_installed(weights) else f"not installed, {weights.size_mb:g} MB"
        click.echo(listed(weights.name, "weights", f"{state}: {weights.title}", width))


def listed(name: str, kind: str, text: str, width: int | None) -> str:
    """A model on one line; on a terminal of some width its text wrapped below its name."""
    if width is None:
        return f"{name:33} {kind:8} {text}"
    indent = "    "
    return f"{name}  {kind}\n" + textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


@models.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def show_model(name: str, as_json: bool) -> None:
    """Show the card of a model, of a head in a folder or of an encoder, or the entry of weights with their licence.

    \b
    Examples:
      holter2sleep models show sleepecg-mesa
      holter2sleep models show apnea
      holter2sleep models show h2s-encoder-small
      holter2sleep models show clef-small
      holter2sleep models show my-head
    """  # noqa: D301  click reads the backspace
    import json

    from holter2sleep.errors import UsageError

    known = _facts(name)
    if name not in known:
        raise UsageError(f"No model {name!r}; there is: {', '.join(known)}")
    if as_json:
        click.echo(json.dumps(known[name], indent=2))
        return
    for key, value in known[name].items():
        for number, line in enumerate(_lines(value)):
            click.echo(f"{'' if number else key:17} {line}")


def _lines(value: Any) -> list[str]:
    """A field of a card, a line for each of its parts."""
    if isinstance(value, dict):
        return [f"{key} {part}" for key, part in value.items() if part not in (None, ())]
    parts = value if isinstance(value, tuple | list) else (() if value is None else (value,))
    return [str(part) for part in parts] or ["-"]


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.option(
    "--from", "local", type=click.Path(path_type=Path), help="A file, or a folder that holds it; nothing is fetched."
)
@click.option("--mirror", help="Address of a folder with the files, instead of the registered source.")
@click.option("--accept-licence", is_flag=True, help="Accept the licence without being asked, for scripts.")
def install(names: tuple[str, ...], local: Path | None, mirror: str | None, accept_licence: bool) -> None:
    """Install weights: licence shown, file fetched or copied, checksum and network checked.

    A download that breaks goes on where it stopped when the command is run again. Nothing half-done is ever used.

    \b
    Examples:
      holter2sleep models install clef-small
      holter2sleep models install clef-small --from Downloads --accept-licence
      holter2sleep models install clef-medium --mirror https://mirror.example.org/clef
    """  # noqa: D301  click reads the backspace
    from holter2sleep.cli.progress import bytes_shown
    from holter2sleep.errors import UsageError
    from holter2sleep.sleep.staging.install import install as install_weights
    from holter2sleep.sleep.staging.installable import get_installable

    if local is not None and mirror is not None:
        raise UsageError("--from and --mirror exclude each other")
    if local is not None and local.is_file() and len(names) > 1:
        raise UsageError(f"--from {local} is one file; give a folder for several names")
    for weights in [get_installable(name) for name in names]:
        with bytes_shown(weights.name) as progress:
            path = install_weights(weights, lambda licence: _agrees(licence, accept_licence), progress, local, mirror)
        click.echo(f"{weights.name}: {path}")


@models.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Check that weights are there and are the registered or installed ones; without a name, all that are there.

    Of the folder of a head the networks are checked, and the encoder its card names.

    \b
    Examples:
      holter2sleep models verify sleepecg-mesa qrs
      holter2sleep models verify my-head
    """  # noqa: D301  click reads the backspace
    from holter2sleep.errors import UsageError
    from holter2sleep.models import FILES, checked_model
    from holter2sleep.sleep.staging import get_stager, list_cards
    from holter2sleep.sleep.staging.head import check_head
    from holter2sleep.sleep.staging.installable import list_installable
    from holter2sleep.sleep.staging.installed import is_installed, verified
    from holter2sleep.sleep.staging.registry import head_folder
    from holter2sleep.sleep.staging.shipped import checked, list_shipped

    stagers = {card.name: card for card in list_cards()}
    shipped = {encoder.name: encoder for encoder in list_shipped()}
    files = {weights.name: weights for weights in list_installable()}
    there = [*(name for name, card in stagers.items() if not card.installable), *FILES, *shipped]
    there += [name for name, weights in files.items() if is_installed(weights)]
    for name in names or there:
        if name in files:
            verified(files[name])
        elif name in FILES:
            checked_model(name)
        elif name in shipped:
            checked(shipped[name])
        elif name in stagers:
            get_stager(name)
        elif (folder := head_folder(name)) is not None:
            check_head(folder)
        else:
            raise UsageError(f"No model {name!r}; there is: {', '.join([*stagers, *FILES, *shipped, *files])}")
        click.echo(f"{name}: ok")


@models.command()
@click.argument("names", nargs=-1, required=True)
def remove(names: tuple[str, ...]) -> None:
    """Delete installed weights.

    \b
    Example:
      holter2sleep models remove clef-medium
    """  # noqa: D301  click reads the backspace
    from holter2sleep.sleep.staging.installable import get_installable
    from holter2sleep.sleep.staging.installed import remove as remove_weights

    for weights in [get_installable(name) for name in names]:
        remove_weights(weights)
        click.echo(f"{weights.name}: removed")


def _facts(asked: str = "") -> dict[str, dict[str, Any]]:
    """What is known of each model, encoder and weights to install, and of a head that is asked for, by name."""
    import dataclasses

    from holter2sleep.models import list_model_cards
    from holter2sleep.sleep.staging import list_cards
    from holter2sleep.sleep.staging.head_card import read_head_card
    from holter2sleep.sleep.staging.installable import list_installable
    from holter2sleep.sleep.staging.installed import is_installed
    from holter2sleep.sleep.staging.registry import head_folder
    from holter2sleep.sleep.staging.shipped import list_shipped

    kinds = {"stager": list_cards(), "model": list_model_cards(), "encoder": list_shipped()}
    known = {card.name: {"kind": kind, **dataclasses.asdict(card)} for kind, cards in kinds.items() for card in cards}
    weights = {
        entry.name: {
            "kind": "weights",
            "installed": is_installed(entry),
            **dataclasses.asdict(entry),
            "licence": entry.licence.name,
            "licence_text": entry.licence.text,
        }
        for entry in list_installable()
    }
    folder = None if asked in known | weights else head_folder(asked)
    head = {asked: {"kind": "stager", **dataclasses.asdict(read_head_card(folder))}} if folder else {}
    return {**known, **weights, **head}


def _agrees(licence: Licence, beforehand: bool) -> bool:
    """Show the licence; whether the user accepts it, who is asked where there is a terminal."""
    from holter2sleep.errors import UsageError

    click.echo(f"{licence.text}\n", err=True)
    if beforehand:
        return True
    if not _can_ask():
        raise UsageError("There is no terminal to ask on: --accept-licence says that you accept the licence above")
    return click.confirm("Do you accept this?", err=True)


def _can_ask() -> bool:
    return sys.stdin.isatty()
