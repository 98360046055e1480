"""What arrays have freed is kept for the next ones, where the C library can be told so."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# A hundred arrays of 1 MB, freed and asked for again: each page of memory that is given anew costs a fault.
WORK = """
import resource
{first}
import numpy as np

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    return sum(array[0] for array in [np.ones(1 << 17) for _ in range(100)])

work()
before = faults()
work()
print(faults() - before)
"""


def faults_of_work_done_again(first: str) -> int:
    command = [sys.executable, "-c", WORK.format(first=first)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_work_done_again_asks_the_system_for_no_memory() -> None:
    assert faults_of_work_done_again("import holter2sleep.start") < 500
    assert faults_of_work_done_again("") > 2000  # else this would hold anyway


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from holter2sleep import start

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(start.ctypes, "CDLL", lambda _: pytest.fail("asked for a C library"))
    start.keep_freed_memory()
