"""How torch is run here: one thread, memory that is kept, and in use nothing learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

LARGE_BLOCK = 31 * 2**20


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
    """No gradients, one thread, and memory kept from layer to layer."""
    keep_freed_memory()
    with one_thread(), torch.inference_mode():
        yield


@cache
def keep_freed_memory() -> None:
    """Have memory that a layer gives back lie ready for the next: a sixth less time in CLEF-small on Linux.

    The C library gives large blocks back to the system, which clears them when they are asked for again. How large is
    learned from what is freed, up to 32 MB (`mallopt(3)`, M_MMAP_THRESHOLD): one block just below that teaches it.
    """
    torch.empty(LARGE_BLOCK, dtype=torch.uint8)
