"""How torch is run here: one thread, and in use nothing learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread: on two busy cores a second one made a night ten times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def inference() -> Iterator[None]:
    """No gradients, and one thread."""
    with one_thread(), torch.inference_mode():
        yield
