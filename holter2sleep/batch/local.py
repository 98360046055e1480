"""Tasks done by processes of this computer, each by whichever is free."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from holter2sleep.batch.limits import Limits
from holter2sleep.batch.worker import Work, Worker

Answer = tuple[Any, Any]  # a task, and what became of it


def run_local(
    tasks: Iterable[Any], work: Work, jobs: int, limits: Limits, log_level: int = logging.ERROR
) -> Iterator[Answer]:
    """Each task with what the work made of it, or `Lost`, in the order in which they end.

    Closing the iterator ends the processes at once.

    Raises
    ------
    RuntimeError
        A process cannot even begin.
    """
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    n_tasks = 0
    for task in tasks:
        waiting.put(task)
        n_tasks += 1
    answers: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
    workers = [Worker(work, limits, log_level) for _ in range(min(jobs, n_tasks))]
    is_over = threading.Event()
    for worker in workers:
        threading.Thread(target=_drive, args=(worker, waiting, answers, is_over), daemon=True).start()
    try:
        for _ in range(n_tasks):
            answer = answers.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        is_over.set()
        for worker in workers:
            worker.stop()


def _drive(
    worker: Worker, waiting: queue.SimpleQueue[Any], answers: queue.SimpleQueue[Any], is_over: threading.Event
) -> None:
    """Give a process one task after another."""
    while not is_over.is_set():
        try:
            task = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            answers.put((task, worker.run(task)))
        except RuntimeError as error:
            answers.put(error)
            return
