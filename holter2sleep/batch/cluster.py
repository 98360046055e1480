"""Tasks done by the workers of a Dask cluster that see the same folders: `pip install 'holter2sleep[cluster]'`.

Each thread of a Dask worker keeps a process of its own for the nights, so that limits hold there as they do at home.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from holter2sleep.batch.limits import Limits
from holter2sleep.batch.local import Answer
from holter2sleep.batch.worker import Lost, Work, Worker
from holter2sleep.errors import UsageError

_here = threading.local()


class Future(Protocol):
    """What is used of a future of Dask."""

    key: str

    def exception(self) -> BaseException | None:
        """Why there is no result."""

    def result(self) -> Any:
        """What the work has made."""

    def release(self) -> None:
        """Forget it, so that memory does not grow with the cohort."""


class Client(Protocol):
    """What is used of a client of Dask."""

    def submit(self, function: Any, *args: Any, pure: bool) -> Future:
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
    from distributed import as_completed

    open_tasks = {}
    for task in tasks:
        future = client.submit(run_here, work, task, limits, pure=False)
        open_tasks[future.key] = (future, task)
    try:
        for future in as_completed([future for future, _ in open_tasks.values()]):
            _, task = open_tasks.pop(future.key)
            error = future.exception()
            yield task, future.result() if error is None else Lost(type(error).__name__, str(error))
            future.release()
    finally:
        client.cancel([future for future, _ in open_tasks.values()])


def run_here(work: Work, task: Any, limits: Limits) -> Any:
    """On the cluster: what the work makes of a task, in the process that this thread keeps for it."""
    if getattr(_here, "made_for", None) != (work, limits):
        if hasattr(_here, "worker"):
            _here.worker.stop()
        _here.worker, _here.made_for = Worker(work, limits), (work, limits)
    return _here.worker.run(task)
