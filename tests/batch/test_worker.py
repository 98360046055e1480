"""Processes that hang, fill memory or die cost one task each, and nothing waits for them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_work import do

from holter2sleep.batch.limits import Limits, memory_share_mb, resident_mb
from holter2sleep.batch.local import run_local
from holter2sleep.batch.worker import Lost, Worker

SOON = Limits(time_s=1.0)
LONG = Limits(time_s=120.0)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(do, LONG)
    yield made
    made.stop()


def lost(task: str, limits: Limits) -> Lost:
    worker = Worker(do, limits)
    try:
        answer = worker.run(task)
    finally:
        worker.stop()
    assert isinstance(answer, Lost)
    return answer


def test_one_process_does_task_after_task(worker: Worker) -> None:
    first, second = worker.run("a"), worker.run("b")
    assert first.split()[-1] == second.split()[-1] != str(os.getpid())


def test_a_task_without_end_is_stopped_at_the_limit() -> None:
    begun = time.monotonic()
    assert lost("hang", SOON) == Lost(
        "LimitExceeded", "stopped after 0.0167 min, the limit of time; give more with --time-limit"
    )
    assert time.monotonic() - begun < 30


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_file_that_never_delivers_is_stopped_at_the_limit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.edf")
    assert lost(f"fifo {tmp_path / 'pipe.edf'}", SOON).error == "LimitExceeded"


@pytest.mark.skipif(resident_mb(os.getpid()) is None, reason="this system does not tell what memory a process has")
def test_a_task_that_fills_memory_is_stopped_at_the_limit() -> None:
    found = lost("fill", Limits(120.0, 400.0))
    assert found.error == "LimitExceeded"
    assert "above the limit of 400 MB" in found.message


@pytest.mark.parametrize(("task", "words"), [("die", "ended by SIGKILL"), ("exit", "ended with code 7")])
def test_a_process_that_ends_by_itself_is_told(task: str, words: str) -> None:
    found = lost(task, LONG)
    assert (found.error, words in found.message) == ("ProcessLost", True)


def test_after_a_loss_another_process_goes_on(worker: Worker) -> None:
    before = worker.run("a")
    assert isinstance(worker.run("die"), Lost)
    after = worker.run("a")
    assert before != after


def test_what_a_library_prints_is_no_answer(worker: Worker) -> None:
    assert worker.run("print").startswith("print by")


@pytest.mark.skipif(not Path("/bin/false").is_file(), reason="no program here that only fails")
def test_a_process_that_cannot_begin_ends_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RuntimeError, match="ended with code 1"):
        list(run_local(["a", "b"], do, 2, LONG))


def test_each_task_is_answered_once_and_bad_ones_stall_nobody() -> None:
    tasks = ["a", "hang", "b", "die", "c", "exit", "d"]
    answers = dict(run_local(tasks, do, 2, Limits(3.0)))
    assert set(answers) == set(tasks)
    assert {task for task, answer in answers.items() if isinstance(answer, Lost)} == {"hang", "die", "exit"}


def test_closing_ends_the_processes_at_once() -> None:
    answers = run_local(["a", "hang"], do, 1, LONG)
    _, said = next(answers)
    pid = int(said.split()[-1])
    begun = time.monotonic()
    answers.close()
    assert time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_task_needs_no_process() -> None:
    assert list(run_local([], do, 4, LONG)) == []


def test_memory_is_shared_among_the_processes() -> None:
    whole, half = memory_share_mb(1), memory_share_mb(2)
    assert (whole is None) == (half is None)
    assert whole is None or half is None or whole == 2 * half > 0
