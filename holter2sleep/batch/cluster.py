"""Tasks done by the workers of a Dask cluster that see the same folders: `pip install 'holter2sleep[cluster]'`.

Each thread of a Dask worker keeps a process of its own for the nights, so that limits hold there as they do at home.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from holter2sleep.batch.limits import Limits
from holter2sleep.batch.local import Answer
from holter2sleep.batch.worker import Lost, Work, Worker
from holter2sleep.errors import UsageError

_here = threading.local()


class Future(Protocol):
    """What is used of a future of Dask."""

    def add_done_callback(self, function: Callable[[Any], object]) -> None:
        """Have a function called once there is a result, or none will come."""

    def exception(self) -> BaseException | None:
        """Why there is no result."""

    def result(self) -> Any:
        """What the work has made."""


class Client(Protocol):
    """What is used of a client of Dask."""

    def submit(self, function: Callable[..., Any], *args: Any, pure: bool) -> Future:
        """Have the cluster call a function."""

    def cancel(self, futures: list[Any]) -> Any:
        """Call off what is not done."""


def connect(address: str) -> Any:
    """A client of the scheduler at an address, such as `tcp://10.0.0.1:8786`, or of a scheduler file (`.json`).

    Raises
    ------
    UsageError
        The extra is not installed, or nobody answers.
    """
    try:
        from distributed import Client as DaskClient
    except ImportError:
        raise UsageError(
            "--scheduler needs Dask: pip install 'holter2sleep[cluster]', here and on the workers"
        ) from None
    where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    try:
        return DaskClient(**where, timeout="30s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"--scheduler {address}: no scheduler answers ({error})") from None


def run_on_cluster(tasks: Iterable[Any], work: Work, client: Client, limits: Limits) -> Iterator[Answer]:
    """Each task with what the work made of it, or `Lost`, in the order in which they end.

    Closing the iterator calls off what is not done.
    """
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    waiting: dict[int, tuple[Future, Any]] = {}
    for i, task in enumerate(tasks):
        waiting[i] = (client.submit(run_here, work, task, limits, pure=False), task)
        waiting[i][0].add_done_callback(functools.partial(_tell, ended, i))
    try:
        while waiting:
            future, task = waiting.pop(ended.get())  # the cluster forgets what nobody holds any more
            error = future.exception()
            yield task, future.result() if error is None else Lost(type(error).__name__, str(error))
    finally:
        client.cancel([future for future, _ in waiting.values()])


def _tell(ended: queue.SimpleQueue[int], i: int, _future: Future) -> None:
    ended.put(i)


def run_here(work: Work, task: Any, limits: Limits) -> Any:
    """On the cluster: what the work makes of a task, in the process that this thread keeps for it."""
    if getattr(_here, "made_for", None) != (work, limits):
        if hasattr(_here, "worker"):
            _here.worker.stop()
        _here.worker, _here.made_for = Worker(work, limits), (work, limits)
    return _here.worker.run(task)
