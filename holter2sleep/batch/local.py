"""Tasks done by processes of this computer, each by whichever is free."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any

from holter2sleep.batch.limits import Limits
from holter2sleep.batch.worker import Work, Worker

Answer = tuple[Any, Any]  # a task, and what became of it


def run_local(
    tasks: Iterable[Any], work: Work, jobs: int, limits: Limits, log_level: int = logging.ERROR
) -> Generator[Answer, None, None]:
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
    threads = [threading.Thread(target=_drive, args=(worker, waiting, answers), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(n_tasks):
            answer = answers.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        for worker in workers:
            worker.kill()
        for thread in threads:
            thread.join()


def _drive(worker: Worker, waiting: queue.SimpleQueue[Any], answers: queue.SimpleQueue[Any]) -> None:
    """Give a process one task after another, until there is none or it is killed for good."""
    try:
        while not worker.is_killed:
            task = waiting.get_nowait()
            answers.put((task, worker.run(task)))
    except queue.Empty:
        pass
    except RuntimeError as error:
        answers.put(error)
    finally:
        worker.stop()
