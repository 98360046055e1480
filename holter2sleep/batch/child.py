"""The process that analyses nights one after another: what is asked comes on stdin, answers go to stdout, pickled.

It is started anew only when a night has taken it down, so that the seconds of loading libraries are spent once.
"""

import holter2sleep.start  # noqa: F401  first: it sets the threads of linear algebra before any is loaded

# isort: split

import logging
import os
import pickle
import queue
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO


def main(log_level: int) -> None:
    """Load the work to do, say so, and do it for each task until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    logging.basicConfig(level=log_level, format="%(levelname)s: %(message)s", stream=sys.stderr)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, inbox), daemon=True).start()
    work = inbox.get()
    _answer(answers, None)
    while True:
        task = inbox.get()
        _forget_peak()
        _answer(answers, work(task))


def _read(stdin: BinaryIO, inbox: queue.SimpleQueue[Any]) -> None:
    """Pass on what is asked. When the parent is gone, however it went, end at once, in the middle of a night too."""
    try:
        while True:
            inbox.put(pickle.load(stdin))
    finally:  # the end of stdin, or half a message of a parent that was killed
        os._exit(0)


def _answer(answers: BinaryIO, answer: object) -> None:
    pickle.dump(answer, answers)
    answers.flush()


def _forget_peak() -> None:
    """Let the peak of memory be that of the night to come; Linux alone knows how (proc(5), clear_refs, 5)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
