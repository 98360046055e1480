"""Weights from their source, or from a folder, into the weights folder: checked first, moved in one go."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from holter2sleep.errors import UsageError, WeightsError
from holter2sleep.sleep.staging.download import NotThere, Progress, download
from holter2sleep.sleep.staging.installable import Installable, Licence
from holter2sleep.sleep.staging.installed import (
    VARIABLE,
    accept,
    hash_of,
    is_accepted,
    is_installed,
    verified,
    weights_folder,
    write_record,
)

_COPIED_BYTES = 1 << 22


def install(
    weights: Installable,
    agrees: Callable[[Licence], bool],
    progress: Progress,
    local: Path | None = None,
    mirror: str | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Path of the installed weights; what is installed and unchanged is left as it is.

    Parameters
    ----------
    agrees
        Shows the licence and says whether the user accepts it; asked once for each text.
    local
        A file, or a folder that holds it under its own name; nothing is then fetched.
    mirror
        Address of a folder that holds the file under its own name, instead of the registered source.

    Raises
    ------
    UsageError
        The folder of weights is a file.
    WeightsError
        Licence not accepted, nowhere to be had, or not the registered file.
    """
    if weights_folder().is_file():
        raise UsageError(f"{VARIABLE}={weights_folder()}: this is a file; name a folder for the weights")
    if is_installed(weights):
        return verified(weights)
    if not is_accepted(weights.licence):
        if not agrees(weights.licence):
            raise WeightsError(f"Weights {weights.name!r}: the licence was not accepted, nothing was installed")
        accept(weights.licence)
    part = weights_folder() / f"{weights.file}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    if local is not None:
        origin = _copied(weights, local, part, progress)
    else:
        origin = _fetched(weights, mirror, part, progress, wait)
    return _moved(weights, part, origin)


def _moved(weights: Installable, part: Path, origin: str) -> Path:
    """The part file at its place, once it is known to be what it should be; else it is deleted."""
    try:
        _check_hash(weights, part, origin)
        _check_network(weights, part)
    except WeightsError:
        part.unlink()
        raise
    path = weights_folder() / weights.file
    sha256 = hash_of(part, "sha256")
    part.replace(path)
    write_record(weights, sha256, origin)
    return path


def _copied(weights: Installable, local: Path, part: Path, progress: Progress) -> str:
    """Copy the file, or that of the folder; its name, without the folder."""
    source = _found_in(weights, local) if local.is_dir() else local
    if not source.is_file():
        raise UsageError(f"--from {local}: there is no such file or folder")
    total, there = source.stat().st_size, 0
    with source.open("rb") as given, part.open("wb") as file:
        while block := given.read(_COPIED_BYTES):
            file.write(block)
            there += len(block)
            progress(there, total)
    return source.name


def _found_in(weights: Installable, folder: Path) -> Path:
    for name in weights.spellings:
        if (folder / name).is_file():
            return folder / name
    raise UsageError(f"--from {folder}: it holds no {' or '.join(weights.spellings)}")


def _fetched(
    weights: Installable, mirror: str | None, part: Path, progress: Progress, wait: Callable[[float], None]
) -> str:
    """Fetch the file from the first address that has it, and say from where.

    What an earlier run left is gone on with; where that does not give the registered file, it is fetched anew once.
    """
    resumed = part.exists()
    origin = _downloaded(_addresses(weights, mirror), part, progress, wait)
    if resumed and not _has_registered_hash(weights, part):
        part.unlink()
        origin = _downloaded(_addresses(weights, mirror), part, progress, wait)
    return origin


def _downloaded(urls: list[str], part: Path, progress: Progress, wait: Callable[[float], None]) -> str:
    for url in urls[:-1]:
        try:
            download(url, part, progress, wait)
            return url
        except NotThere:  # under another spelling, perhaps
            continue
    download(urls[-1], part, progress, wait)
    return urls[-1]


def _addresses(weights: Installable, mirror: str | None) -> list[str]:
    if mirror is not None:
        return [f"{mirror.rstrip('/')}/{name}" for name in weights.spellings]
    if weights.url is not None:
        return [weights.url]
    raise UsageError(
        f"Weights {weights.name!r}: no lasting address is known. Get {weights.file} from {weights.source}, "
        f"then: holter2sleep models install {weights.name} --from FOLDER"
    )


def _has_registered_hash(weights: Installable, part: Path) -> bool:
    """Whether every registered hash is that of the file; True where none is registered."""
    return all(hash_of(part, algorithm) == expected for algorithm, expected in _registered(weights))


def _registered(weights: Installable) -> list[tuple[str, str]]:
    return [(name, value) for name, value in (("sha256", weights.sha256), ("md5", weights.md5)) if value]


def _check_hash(weights: Installable, part: Path, origin: str) -> None:
    for algorithm, expected in _registered(weights):
        found = hash_of(part, algorithm)
        if found != expected:
            raise WeightsError(
                f"Weights {weights.name!r}: {origin} ({part.stat().st_size} bytes) has {algorithm.upper()} {found}, "
                f"registered is {expected}; it is another file, or damaged, and was not installed"
            )


def _check_network(weights: Installable, part: Path) -> None:
    """What the file holds must be the network of the registry."""
    if weights.network.startswith("cardiosomnography"):
        from holter2sleep.sleep.staging.cardiosomnography_net import load_network

        load_network(part, real_time=weights.network == "cardiosomnography-real-time")
    else:
        from holter2sleep.sleep.staging.encoder_weights import load_encoder

        load_encoder(part, weights.network)
