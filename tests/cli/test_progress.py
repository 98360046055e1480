"""Progress in lines where stderr is a file, and as a bar where it is a terminal."""

from __future__ import annotations

import io
import re
import sys

import pytest

from holter2sleep.batch.ledger import Failure, Record
from holter2sleep.cli.progress import batch_shown, bytes_shown, exposures_shown, nights_shown, steps_shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in place of stderr, from here to the end of the test."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


def test_steps_are_lines_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with steps_shown("night.edf") as show:
        show("beats")
        show("beats (half)")
    assert capsys.readouterr().err.splitlines() == ["night.edf: beats", "night.edf: beats (half)"]


def test_steps_are_a_bar_in_a_terminal_with_how_far_each_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with steps_shown("night.edf") as show:
        for step in ("read", "beats", "beats (half)"):
            show(step)
    assert "night.edf: beats (half)" in shown.getvalue()


@pytest.mark.parametrize(("names", "lines"), [(["a"], []), (["a", "b"], ["1 of 2: a", "2 of 2: b"])])
def test_nights_are_counted_and_one_alone_is_not_told(
    names: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with nights_shown(len(names)) as show:
        for name in names:
            show(name)
    assert capsys.readouterr().err.splitlines() == lines


def test_nights_are_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with nights_shown(3) as show:
        for name in ("first", "second"):
            show(name)
    assert "1/3 second" in shown.getvalue()


def test_exposures_are_told_at_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with exposures_shown(20) as show:
        for i in range(20):
            show(f"x{i}")
    assert capsys.readouterr().err.splitlines() == [f"{i + 1} of 20: x{i}" for i in range(0, 20, 2)]


def test_exposures_are_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with exposures_shown(2) as show:
        show("rmssd")
        show("sdnn")
    assert "1/2" in shown.getvalue()
    assert "sdnn" in shown.getvalue()


def ended(name: str, *failures: Failure) -> Record:
    return Record(name, "failed" if failures else "done", "made", failures=failures)


def test_a_batch_in_a_terminal_counts_what_failed_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with batch_shown() as begin:
        show = begin(2, 5)
        show(ended("n1"))
        show(ended("n2", Failure("n2", "beats", "NotEnoughSignal", "too [little] signal")))
    assert "n2: too [little] signal" in shown.getvalue()
    assert "n2, 1 failed" in shown.getvalue()
    assert "7/7" in shown.getvalue()


def test_a_batch_that_goes_on_counts_the_nights_from_before(capsys: pytest.CaptureFixture[str]) -> None:
    with batch_shown() as begin:
        show = begin(2, 5)
        show(ended("n6"))
        show(ended("n7"))
    first, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"6 of 7, about \d+ s left: n6 done", first)
    assert last == "7 of 7: n7 done"


def test_bytes_are_told_at_each_tenth_or_at_64_mb_where_their_number_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bytes_shown("weights") as show:
        for there in range(0, 10_000_001, 500_000):
            show(there, 10_000_000)
    assert capsys.readouterr().err.splitlines() == [f"weights: {mb:.1f} of 10.0 MB" for mb in range(11)]
    with bytes_shown("weights") as show:
        for there in (0, 1 << 25, 1 << 26, 1 << 27):
            show(there, None)
    assert capsys.readouterr().err.splitlines() == ["weights: 0.0 MB", "weights: 67.1 MB", "weights: 134.2 MB"]


def test_bytes_are_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with bytes_shown("weights") as show:
        show(5_000_000, 10_000_000)
    assert "5.0/10.0 MB" in shown.getvalue()
