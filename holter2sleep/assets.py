"""Where recipes and layouts lie: in the installed package, else in the source checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def asset(folder: str, name: str) -> Path:
    """Path of a shipped file, such as `asset("pipelines", "overnight.toml")`.

    The wheel carries the folders inside the package; an editable install has them beside it.

    Raises
    ------
    FileNotFoundError
        Neither place has it; the message lists what the folder holds.
    """
    places = [PACKAGE / folder, PACKAGE.parent / folder]
    for place in places:
        if (place / name).is_file():
            return place / name
    known = sorted({path.name for place in places if place.is_dir() for path in place.iterdir() if path.is_file()})
    raise FileNotFoundError(f"no {name!r} in {folder}/; there is: {', '.join(known)}")
