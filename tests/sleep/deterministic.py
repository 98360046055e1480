"""Weights by a formula, so that a network can be tested where its file must not be."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn


def deterministic(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values of the tensor of that name: a sine whose phase hangs on the name."""
    n = int(np.prod(shape))
    values = np.sin(0.7390851 * np.arange(n) + zlib.crc32(name.encode()) % 100003)
    scale = np.sqrt(2 / (n / shape[0])) * np.sqrt(2) if len(shape) > 1 else 0.05
    return (values * scale).reshape(shape).astype(np.float32)


def deterministic_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All tensors of a network by the formula; counters are zero."""
    return {
        name: torch.from_numpy(deterministic(name, tuple(tensor.shape)))
        if tensor.is_floating_point()
        else torch.zeros(tensor.shape, dtype=tensor.dtype)
        for name, tensor in state.items()
    }


Network = TypeVar("Network", bound=nn.Module)


def with_deterministic_weights(network: Network) -> Network:
    """The network, ready for use."""
    network.load_state_dict(deterministic_state(network.state_dict()))
    return network.eval()
