"""Weights of the small networks of this room: one file a task, written by `training`, read once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]


def joined(**networks: Arrays) -> dict[str, NDArray[np.float32]]:
    """The arrays of several networks, each name beginning with that of its network."""
    return {
        f"{network}.{name}": array.astype(np.float32)
        for network, arrays in networks.items()
        for name, array in arrays.items()
    }


def write_weights(path: Path, arrays: Arrays) -> None:
    """As `read_weights` reads them."""
    np.savez(path, **arrays)  # type: ignore[arg-type]


@cache
def read_weights(path: Path) -> Mapping[str, Arrays]:
    """Arrays by network and name."""
    networks: dict[str, dict[str, NDArray[np.float32]]] = {}
    with np.load(path) as file:
        for name in file.files:
            network, _, array = name.partition(".")
            networks.setdefault(network, {})[array] = file[name]
    return networks
