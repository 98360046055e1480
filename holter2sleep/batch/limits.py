"""How long a night may take and how much memory it may have, watched from outside its process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Seconds between two looks. A process fills memory at 1 to 2 GB/s: it is caught some 0.2 GB above its limit.
LOOK_EVERY_S = 0.1
_MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Limits of each night; None is no limit."""

    time_s: float | None = None
    memory_mb: float | None = None


class Watch:
    """Calls `stop` once when the process goes beyond a limit while the `with` block lasts; `reason` then says why."""

    def __init__(self, pid: int, limits: Limits, stop: Callable[[], None]) -> None:
        self.reason: str | None = None
        self._pid, self._limits, self._stop = pid, limits, stop
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        """Begin to watch."""
        self._begun = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; from here on nothing is stopped."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_EVERY_S):
            self.reason = self._beyond()
            if self.reason is not None:
                self._stop()
                return

    def _beyond(self) -> str | None:
        time_s, memory_mb = self._limits.time_s, self._limits.memory_mb
        if time_s is not None and time.monotonic() - self._begun > time_s:
            return f"stopped after {time_s / 60:.3g} min, the limit of time; give more with --time-limit"
        if memory_mb is not None and (used_mb := resident_mb(self._pid)) is not None and used_mb > memory_mb:
            return f"stopped at {used_mb:.0f} MB, above the limit of {memory_mb:.0f} MB; give more with --memory-limit"
        return None


def resident_mb(pid: int) -> float | None:
    """Memory of a process that lies in RAM; None where the system does not tell, as on Windows."""
    if sys.platform == "win32":
        return None
    try:
        if sys.platform == "linux":
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / _MB
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
        return int(shown.stdout) / 1024
    except (OSError, ValueError, IndexError, subprocess.CalledProcessError):  # it has just ended
        return None


def memory_share_mb(jobs: int) -> float | None:
    """The computer's memory divided among so many processes; None where it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _MB / jobs
    except (AttributeError, OSError, ValueError):
        return None
