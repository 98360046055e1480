"""How torch is run here: nothing learns, one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def inference() -> Iterator[None]:
    """No gradients, and one torch thread: on two busy cores a second one made a night ten times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
