"""Invented nights drawn as reports, and what can be read on their pages."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from night_tables import NightPlan
from pypdf import PageObject, PdfReader

from holter2sleep.report.page import MM_PER_POINT

PLANS = {
    "ordinary": NightPlan(
        values={
            ("heart_rate_mean", "night"): 61.72,
            ("tst", "night"): 403.5,
            ("rmssd", "nrem"): 43.21,
            ("sdnn", "rem"): 87.65,
            ("lf", "light"): 1234.4,
            ("n_veb", "hour_03"): 777.0,
            ("qt", "nrem"): 387.2,
            ("se", "night"): 999.9,
        },
        statuses={("se", "night"): "implausible", ("rmssd", "wake"): "insufficient_data"},
    ),
    "empty": NightPlan(hours=6.0, unusable_share=1.0, staged=False),
    "beats only": NightPlan(hours=6.0, waveform=False, scheme="CARDIO3", unusable_share=0.4),
    "twenty minutes": NightPlan(hours=1 / 3),
    "thirty hours": NightPlan(hours=30.2, scheme="CARDIO3"),
    "three days": NightPlan(hours=62.0, scheme="CARDIO3"),
    "af all night": NightPlan(hours=3.0, af=True),
    "no stages": NightPlan(hours=2.0, staged=False),
    "five classes, no clock": NightPlan(hours=3.0, scheme="AASM5", start=None),
}


Place = tuple[str, float, float, float]  # words, size in pt, x and y of their start in mm


class Drawn:
    """A report that was drawn, and its words page by page with their place in mm; read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.reader = PdfReader(path)

    @cached_property
    def _read(self) -> list[tuple[str, list[Place]]]:
        return [read_page(page) for page in self.reader.pages]

    @property
    def pages(self) -> list[str]:
        return [text for text, _ in self._read]

    @property
    def text(self) -> str:
        return "\n".join(self.pages)

    @property
    def places_of_pages(self) -> list[list[Place]]:
        return [places for _, places in self._read]

    @property
    def places(self) -> list[Place]:
        return [place for places in self.places_of_pages for place in places]


def read_page(page: PageObject) -> tuple[str, list[Place]]:
    places: list[Place] = []

    def note(words: str, cm: list[float], tm: list[float], _font: object, size: float) -> None:
        if words.strip():
            x_pt, y_pt = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
            places.append((words.strip(), size, x_pt * MM_PER_POINT, y_pt * MM_PER_POINT))

    return page.extract_text(visitor_text=note), places
