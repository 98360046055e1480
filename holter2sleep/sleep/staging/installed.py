"""The weights folder: what is installed, whether it is still the same, and taking it away.

Beside each file lies `NAME.json` with the SHA-256 it had when it was installed; a file without one is not installed.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from holter2sleep.errors import WeightsError
from holter2sleep.sleep.staging.installable import Installable, Licence
from holter2sleep.whole_files import write_bytes

VARIABLE = "HOLTER2SLEEP_WEIGHTS"  # the one environment variable that is read
ACCEPTED = "accepted_licences.json"


def weights_folder() -> Path:
    """Folder of installed weights: the environment variable HOLTER2SLEEP_WEIGHTS, else the user's data folder."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else user_data_path("holter2sleep", appauthor=False) / "weights"


def is_installed(weights: Installable) -> bool:
    """Whether the weights were installed; their content is not looked at."""
    return _record(weights).is_file()


def verified(weights: Installable) -> Path:
    """Path of the installed file, once its content is known to be what was installed.

    Raises
    ------
    WeightsError
        Not installed, gone, or changed since.
    """
    path = weights_folder() / weights.file
    if not is_installed(weights):
        raise WeightsError(f"Weights {weights.name!r} are not installed: holter2sleep models install {weights.name}")
    whose, advice = f"Weights {weights.name!r}:", "remove and install them again"
    found = installed_sha256(weights)
    unaltered(path, found, whose, "installed was", advice)
    if weights.sha256 not in (None, found):
        raise WeightsError(f"{whose} {path} has SHA-256 {found}, registered is {weights.sha256}; {advice}")
    return path


def installed_sha256(weights: Installable) -> str:
    """SHA-256 that the file had when it was installed."""
    try:
        return str(json.loads(_record(weights).read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"Weights {weights.name!r}: {_record(weights)} is damaged ({error}); install again"
        ) from None


def write_record(weights: Installable, sha256: str, origin: str) -> None:
    """Note that a file of the weights folder is now installed."""
    _write_json(_record(weights), {"name": weights.name, "file": weights.file, "sha256": sha256, "origin": origin})


def remove(weights: Installable) -> None:
    """Delete the file and its record.

    Raises
    ------
    WeightsError
        Not installed.
    """
    if not is_installed(weights):
        raise WeightsError(f"Weights {weights.name!r} are not installed")
    (weights_folder() / weights.file).unlink(missing_ok=True)
    _record(weights).unlink()


def is_accepted(licence: Licence) -> bool:
    """Whether the user has accepted this text of the licence before."""
    return licence.key in _accepted() and _accepted()[licence.key] == _digest(licence)


def accept(licence: Licence) -> None:
    """Remember that the user has accepted the licence."""
    _write_json(weights_folder() / ACCEPTED, {**_accepted(), licence.key: _digest(licence)})


def unaltered(path: Path, sha256: str, whose: str, known: str, advice: str) -> Path:
    """The path of a file, once its content is known to be that of a hash; `known` says in words where the hash is from.

    Raises
    ------
    WeightsError
        Not there, or another content.
    """
    if not path.is_file():
        raise WeightsError(f"{whose} {path} is not there; {advice}")
    found = hash_of(path, "sha256")
    if found != sha256:
        raise WeightsError(f"{whose} {path} has SHA-256 {found}, {known} {sha256}; {advice}")
    return path


def hash_of(path: Path, algorithm: str) -> str:
    """Hash of a file's content, `sha256` or `md5`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _record(weights: Installable) -> Path:
    return weights_folder() / f"{weights.name}.json"


def _accepted() -> dict[str, Any]:
    try:
        content = json.loads((weights_folder() / ACCEPTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _digest(licence: Licence) -> str:
    return hashlib.sha256(licence.text.encode()).hexdigest()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    """In one go: a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())
