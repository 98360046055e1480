"""Warnings go where stderr is when they are said: above a progress bar, which takes its place meanwhile."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from holter2sleep.cli import _StderrHandler


def test_a_warning_goes_to_what_stderr_is_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    log, handler = logging.Logger("night"), _StderrHandler()
    log.addHandler(handler)
    first, second = io.StringIO(), io.StringIO()
    for stderr, words in ((first, "before"), (second, "while a bar is shown")):
        monkeypatch.setattr(sys, "stderr", stderr)
        log.warning(words)
    assert (first.getvalue(), second.getvalue()) == ("before\n", "while a bar is shown\n")
