"""A child process as seen from its parent: one task at a time, within limits, replaced when it dies."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from holter2sleep.batch.limits import Limits, Watch

Work = Callable[[Any], Any]  # a function at the top of a module, for the child imports it by name


@dataclass(frozen=True)
class Lost:
    """A task that took its process down: stopped at a limit, or ended by itself."""

    error: str
    message: str


class Worker:
    """A child process, started when the first task comes."""

    def __init__(self, work: Work, limits: Limits, log_level: int = logging.ERROR) -> None:
        self._work, self._limits, self._log_level = work, limits, log_level
        self._process: subprocess.Popen[bytes] | None = None
        self.is_killed = False

    def __del__(self) -> None:
        """The thread of a cluster that kept this worker has ended."""
        self.stop()

    def run(self, task: object) -> Any:
        """What the work makes of a task; `Lost` where it took the process down.

        Raises
        ------
        RuntimeError
            The process cannot even begin.
        """
        process = self._process or self._start()
        answer: Any = None
        with Watch(process.pid, self._limits, process.kill) as watch:
            try:
                _send(process, task)
                answer = _receive(process)
            except (EOFError, OSError, pickle.UnpicklingError):
                answer = Lost("ProcessLost", "")
        if isinstance(answer, Lost):
            answer = Lost("LimitExceeded", watch.reason) if watch.reason else Lost("ProcessLost", _how(process))
        if isinstance(answer, Lost) or watch.reason:  # in the end stopped when it had just finished
            self.stop()
        return answer

    def kill(self) -> None:
        """End the process for good, from another thread than the one that runs tasks."""
        self.is_killed = True
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """End the process, if there is one, and leave nothing of it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what could not be sent is tried again
                    if pipe is not None:
                        pipe.close()

    def _start(self) -> subprocess.Popen[bytes]:
        code = f"from holter2sleep.batch.child import main; main({self._log_level})"
        process = self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
        )
        if self.is_killed:  # meanwhile
            process.kill()
        try:
            _send(process, self._work)
            _receive(process)
        except (EOFError, OSError) as error:
            self.stop()
            raise RuntimeError(f"a process for the nights does not start: {_how(process)}") from error
        return process


def _environment() -> dict[str, str]:
    """The child finds the modules that the parent has found, and no others."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(os.getcwd()) for path in sys.path)}  # noqa: PTH109


def _send(process: subprocess.Popen[bytes], message: object) -> None:
    stdin = process.stdin
    if stdin is None:
        raise EOFError
    pickle.dump(message, stdin)
    stdin.flush()


def _receive(process: subprocess.Popen[bytes]) -> Any:
    if process.stdout is None:
        raise EOFError
    return pickle.load(process.stdout)


def _how(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    code = process.wait()
    if code >= 0:
        return f"its process ended with code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        hint = "; the system may have run out of memory" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}"
    return f"its process was ended by signal {-code}"
