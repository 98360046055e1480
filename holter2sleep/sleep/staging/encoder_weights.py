"""Checkpoint files to encoders: strictly, and by what the file holds, never by its name."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from holter2sleep.errors import UsageError, WeightsError
from holter2sleep.sleep.staging.encoder import CONFIGS, EncoderConfig, Net1D
from holter2sleep.sleep.staging.installable import list_installable
from holter2sleep.sleep.staging.profiles import PROFILES, Profile
from holter2sleep.sleep.staging.shipped import encoder_file, list_shipped

LIGHTNING_PREFIX = "backbone."  # of every name in a CLEF checkpoint
_SHOWN = 3  # names from either end of a long list

Shapes = dict[str, tuple[int, ...]]


def find_encoder_file(name_or_file: str) -> tuple[Path, Net1D, Profile]:
    """An encoder in a file, or the shipped or installed one of a name: its path, the network, the windows it wants.

    Raises
    ------
    UsageError
        Neither a file nor a name.
    WeightsError
        It is not installed, or is no encoder.
    """
    path = Path(name_or_file)
    known = {weights.name: weights for weights in list_installable() if weights.profile is not None}
    shipped = [encoder.name for encoder in list_shipped()]
    if not path.is_file():
        if name_or_file not in (*shipped, *known):
            raise UsageError(
                f"--encoder {name_or_file}: no such file; encoders to install: {', '.join(known)}; "
                f"shipped: {', '.join(shipped)}"
            )
        path = encoder_file(name_or_file)
    network = load_encoder(path)
    profile = next(weights.profile for weights in known.values() if weights.network == network.config.name) or ""
    return path, network, PROFILES[profile]


def load_encoder(path: Path, expected: str | None = None) -> Net1D:
    """The encoder of a checkpoint, in evaluation mode, its weights mapped from the file where the format allows.

    Parameters
    ----------
    path
        A Lightning checkpoint (`state_dict` with names `backbone.*`), one with bare names, or safetensors.
    expected
        Name in `CONFIGS` that the file must turn out to be; None takes whatever it is.

    Raises
    ------
    WeightsError
        No checkpoint, names missing, unknown or of another shape, or another encoder than expected.
    """
    read = read_tensors if path.suffix == ".safetensors" else read_state
    state = without_prefix(read(path), LIGHTNING_PREFIX)
    config = config_of(state, path.name)
    if expected not in (None, config.name):
        raise WeightsError(f"{path.name} holds the weights of {config.name}, not of {expected}")
    encoder = empty_encoder(config)
    encoder.load_state_dict({name: _as_float32(tensor) for name, tensor in state.items()}, assign=True)
    return encoder.eval()


def read_state(path: Path, key: str = "state_dict") -> dict[str, Tensor]:
    """Tensors by name under `key` of a checkpoint; nothing in the file is executed.

    Raises
    ------
    WeightsError
        The file cannot be read as a checkpoint, or has no such key.
    """
    try:
        # zip archives are mapped, not read: the moments of the optimiser, two thirds of the file, never reach memory
        content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path.name} cannot be read as a checkpoint of weights alone: {reason}") from None
    state = content.get(key) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise WeightsError(f"{path.name} holds no tensors under {key!r}")
    return dict(state)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a safetensors file.

    Raises
    ------
    WeightsError
        The file cannot be read, or is none.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path.name} cannot be read as safetensors: {error}") from None


def without_prefix(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The state with the prefix taken once from the start of every name; unchanged where one name lacks it."""
    if not all(name.startswith(prefix) for name in state):
        return dict(state)
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def config_of(state: Mapping[str, Tensor], file: str) -> EncoderConfig:
    """The configuration whose names and shapes are those of the state.

    Raises
    ------
    WeightsError
        None is; the message names what differs from the nearest.
    """
    found = shapes_of(state)
    for name, config in CONFIGS.items():  # the small one first: laying out the others takes 0.26 s
        if found == _shapes(name):
            return config
    wrong = {name: differing(found, _shapes(name)) for name in CONFIGS}
    nearest = min(wrong, key=lambda name: len(wrong[name]))
    raise WeightsError(f"{file} fits no encoder; from {nearest} differ {told(wrong[nearest])}")


def shapes_of(state: Mapping[str, Tensor]) -> Shapes:
    """Shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def differing(found: Shapes, wanted: Shapes) -> list[str]:
    """Names that only one of the two has, or whose shapes differ, each with how."""
    extra = [f"{name} (unknown)" for name in found if name not in wanted]
    missing = [f"{name} (missing)" for name in wanted if name not in found]
    other = [
        f"{name} {found[name]} instead of {shape}" for name, shape in wanted.items() if found.get(name, shape) != shape
    ]
    return missing + other + extra


def told(names: list[str]) -> str:
    """The names; of many, the first and the last few, which are missing and unknown ones."""
    shown = names if len(names) <= 2 * _SHOWN else [*names[:_SHOWN], "...", *names[-_SHOWN:]]
    return f"{len(names)} names: {', '.join(shown)}"


def empty_encoder(config: EncoderConfig) -> Net1D:
    """An encoder without memory for its weights, which are then assigned."""
    with torch.device("meta"):
        return Net1D(config)


@cache
def _shapes(name: str) -> Shapes:
    return shapes_of(empty_encoder(CONFIGS[name]).state_dict())


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
