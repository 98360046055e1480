from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from drawn_nights import PLANS, Drawn
from night_tables import write_night

from holter2sleep.locks import wait_for
from holter2sleep.report.pdf import write_report


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Drawn]:
    """The report of one of the invented nights in a language; drawn once by all processes, read once by each."""
    known: dict[tuple[str, str], Drawn] = {}
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "drawn"
    shared.mkdir(exist_ok=True)

    def read(name: str, language: str = "en") -> Drawn:
        if (name, language) not in known:
            path = shared / f"{name}-{language}.pdf"
            with path.with_suffix(".lock").open("wb") as lock:
                wait_for(lock)
                if not path.exists():
                    folder = write_night(tmp_path_factory.mktemp("night"), PLANS[name])
                    write_report(folder, language=language).rename(path)
            known[name, language] = Drawn(path)
        return known[name, language]

    return read
