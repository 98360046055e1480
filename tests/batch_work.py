"""What processes are given to do in the tests of batch: it ends, hangs, fills memory, or takes the process down."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np


def do(task: str) -> str:
    """Do as the word says."""
    if task == "hang":
        time.sleep(3600)
    if task.startswith("fifo "):
        Path(task.removeprefix("fifo ")).read_bytes()  # nobody writes into it
    if task == "fill":
        kept = [np.ones(10_000_000) for _ in range(40)]  # 3.2 GB, 80 MB at a time
        return str(len(kept))
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exit":
        os._exit(7)
    if task == "print":
        os.write(1, b"what a library prints\n")
    return f"{task} by {os.getpid()}"
