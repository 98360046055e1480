"""A file that one process has alone.

A lock ends with the process that has it, however that ends. Windows has none of this kind: there nobody is told of.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

if sys.platform == "win32":

    def wait_for(file: IO[bytes]) -> None:
        """Nothing to wait for."""

    def take(file: IO[bytes]) -> bool:
        """Always."""
        return True

    def is_locked(path: Path) -> bool:
        """Never."""
        return False

else:
    import fcntl

    def wait_for(file: IO[bytes]) -> None:
        """Have a file alone until it is closed; on a disk that knows no locks, at once."""
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)

    def take(file: IO[bytes]) -> bool:
        """Have a file alone until it is closed, unless another process has it; whether one has it now."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a disk that knows no locks
        return True

    def is_locked(path: Path) -> bool:
        """Whether a process has the file alone."""
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:
                return False
        return False
