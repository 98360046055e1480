from __future__ import annotations

from collections.abc import Callable

import pytest
from drawn_nights import PLANS, Drawn, drawn
from night_tables import write_night

from holter2sleep.report.pdf import write_report


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Drawn]:
    """The report of one of the invented nights, drawn and read once."""
    known: dict[str, Drawn] = {}

    def read(name: str) -> Drawn:
        if name not in known:
            known[name] = drawn(write_report(write_night(tmp_path_factory.mktemp("night"), PLANS[name])))
        return known[name]

    return read
