from __future__ import annotations

from collections.abc import Callable

import pytest
from drawn_nights import PLANS, Drawn, drawn
from night_tables import write_night

from holter2sleep.report.pdf import write_report


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Drawn]:
    """The report of one of the invented nights in a language, drawn and read once."""
    known: dict[tuple[str, str], Drawn] = {}

    def read(name: str, language: str = "en") -> Drawn:
        if (name, language) not in known:
            folder = write_night(tmp_path_factory.mktemp("night"), PLANS[name])
            known[name, language] = drawn(write_report(folder, language=language))
        return known[name, language]

    return read
