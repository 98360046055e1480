"""Progress of long work: a bar on a terminal, plain lines otherwise. On stderr, so that stdout can be piped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rich_click as click

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
        begun = iter(range(N_STEPS))
        yield lambda step: progress.update(task, description=step, completed=next(begun, N_STEPS))


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
