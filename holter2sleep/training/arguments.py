"""What the scripts that fit networks on MIT-BIH records are told on the command line."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch


def read_arguments(about: str | None, out: Path, *, variants: int, steps: int, **more: int) -> argparse.Namespace:
    """Folders, where the weights go, and numbers; words of progress go to the terminal, torch to one thread."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("mitdb", type=Path)
    parser.add_argument("nstdb", type=Path)
    parser.add_argument("--out", type=Path, default=out)
    for name, value in {"variants": variants, "steps": steps, "seed": 0, **more}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    return parser.parse_args()
