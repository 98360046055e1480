"""Progress of long work: a bar on a terminal, plain lines otherwise. On stderr, so that stdout can be piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from holter2sleep.batch.ledger import Record

N_STEPS = 8  # read, beats, quality, rhythm, variability, sleep stages, tables, report


@contextmanager
def steps_shown(what: str) -> Iterator[Callable[[str], None]]:
    """A function that is told the name of each step as it begins."""
    if not sys.stderr.isatty():
        yield lambda step: click.echo(f"{what}: {step}", err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # the step before the bar: in a narrow terminal the end of the line is what is lost
    step = TextColumn("{task.fields[what]}: {task.description}")
    columns = (TimeElapsedColumn(), step, BarColumn(bar_width=20))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=N_STEPS, what=what)
        begun, last = iter(range(N_STEPS)), ""

        def show(step: str) -> None:
            nonlocal last
            if last and step.startswith(f"{last} ("):  # how far the step is, not another one
                progress.update(task, description=step)
                return
            last = step
            progress.update(task, description=step, completed=next(begun, N_STEPS))

        yield show


@contextmanager
def nights_shown(n: int) -> Iterator[Callable[[str], None]]:
    """A function that is told the name of each of `n` nights as its turn comes; silent for one alone."""
    begun = iter(range(1, n + 1))
    if n < 2 or not sys.stderr.isatty():
        yield lambda name: click.echo(f"{next(begun)} of {n}: {name}", err=True) if n > 1 else None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TimeElapsedColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=n)
        yield lambda name: progress.update(task, description=name, completed=next(begun) - 1)


@contextmanager
def exposures_shown(n: int) -> Iterator[Callable[[str], None]]:
    """A function that is told the name of each of `n` exposures as its turn comes; in lines it speaks at each tenth."""
    begun = iter(range(n + 1))
    if not sys.stderr.isatty():
        tenths = {-(-n * tenth // 10) for tenth in range(10)}

        def show(name: str) -> None:
            if (place := next(begun)) in tenths:
                click.echo(f"{place + 1} of {n}: {name}", err=True)

        yield show
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (MofNCompleteColumn(), BarColumn(bar_width=20), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=n)
        yield lambda name: progress.update(task, description=name, completed=next(begun))


@contextmanager
def batch_shown() -> Iterator[Callable[[int, int], Callable[[Record], None]]]:
    """A function that is told how many nights are to come and how many are there, and gives one for their records."""
    with ExitStack() as stack:

        def begin(n: int, n_kept: int) -> Callable[[Record], None]:
            on_terminal = n and sys.stderr.isatty()
            return stack.enter_context(_batch_bar(n, n_kept)) if on_terminal else _BatchLines(n, n_kept)

        yield begin


@contextmanager
def _batch_bar(n: int, n_kept: int) -> Iterator[Callable[[Record], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    words = TextColumn("{task.description}")
    columns = (TimeElapsedColumn(), MofNCompleteColumn(), words, BarColumn(bar_width=20), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, n_failed = progress.add_task("", total=n_kept + n, completed=n_kept), 0

        def show(record: Record) -> None:
            nonlocal n_failed
            n_failed += bool(record.failures)
            for failure in record.failures:
                progress.console.print(f"{failure.recording_id}: {failure.message}", markup=False, highlight=False)
            progress.update(task, description=f"{record.recording_id}, {n_failed} failed", advance=1)

        yield show


class _BatchLines:
    """A line on stderr for each night that has ended, with the time that the others may take."""

    def __init__(self, n: int, n_kept: int) -> None:
        self._n, self._n_kept, self._n_ended, self._begun = n, n_kept, 0, time.monotonic()

    def __call__(self, record: Record) -> None:
        from holter2sleep.batch.status import duration_text

        self._n_ended += 1
        left_s = (time.monotonic() - self._begun) / self._n_ended * (self._n - self._n_ended)
        seconds = f" in {record.seconds:.1f} s" if record.seconds is not None else ""
        became = f"failed: {record.failures[0].message}" if record.failures else f"done{seconds}"
        left = f", about {duration_text(left_s)} left" if self._n_ended < self._n else ""
        place = f"{self._n_kept + self._n_ended} of {self._n_kept + self._n}"
        click.echo(f"{place}{left}: {record.recording_id} {became}", err=True)


@contextmanager
def bytes_shown(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A function that is told how many bytes have come, of how many; in lines it speaks at each tenth."""
    if not sys.stderr.isatty():
        yield _Tenths(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None, visible=False)
        yield lambda there, total: progress.update(task, completed=there, total=total, visible=True)


class _Tenths:
    """A line on stderr at each tenth of a file, and for one of unknown size at each 64 MB."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._last = -1

    def __call__(self, there: int, total: int | None) -> None:
        step = 10 * there // total if total else there >> 26
        if step == self._last:
            return
        self._last = step
        share = f" of {total / 1e6:.1f} MB" if total else " MB"
        click.echo(f"{self._what}: {there / 1e6:.1f}{share}", err=True)
