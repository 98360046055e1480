"""Thirds, time around events, day and bed."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import Episodes, EpochGrid, Hypnogram, Lights
from holter2sleep.sleep.parts import parts_of_night
from holter2sleep.spans import Spans, duration, intersection, subtraction


def events(*pairs: tuple[float, float], kind: str = "CVHR") -> Episodes:
    start_s, end_s = np.array(pairs).reshape(-1, 2).T
    n = len(start_s)
    return Episodes(start_s, end_s, np.full(n, kind), np.zeros(n), np.full(n, np.nan), np.full(n, np.nan))


def parts(
    stages: list[str], found: Episodes | None = None, lights: tuple[float, float] | None = None
) -> dict[str, Spans]:
    grid = EpochGrid.covering(30.0 * len(stages))
    off_s, on_s = lights or (0.0, grid.duration_s)
    hypnogram = Hypnogram(grid, np.array(stages), "CARDIO3", "by hand")
    return parts_of_night(hypnogram, Lights(off_s, on_s, "by hand"), found or Episodes.none(), grid.duration_s)


def test_thirds_run_from_sleep_onset_to_the_final_awakening() -> None:
    found = parts(["W"] * 20 + ["NREM"] * 30 + ["W"] * 10 + ["NREM"] * 20 + ["W"] * 5)
    assert found["third_first"].tolist() == [[600.0, 1200.0]]
    assert found["third_last"].tolist() == [[1800.0, 2400.0]]


def test_a_night_without_sleep_or_events_has_neither() -> None:
    assert parts(["W"] * 100) == {}
    assert parts(["U"] * 100, events((300.0, 320.0))) == {}


def test_the_minute_after_an_event_and_the_sleep_that_no_event_touches_share_nothing() -> None:
    found = parts(["NREM"] * 20, events((100.0, 120.0), (150.0, 170.0)))
    assert found["event_after"].tolist() == [[120.0, 150.0], [170.0, 230.0]]
    assert found["event_free"].tolist() == [[0.0, 100.0], [230.0, 600.0]]


def test_only_sleep_counts_around_events() -> None:
    found = parts(["W"] * 10 + ["NREM"] * 10, events((270.0, 290.0)))
    assert found["event_after"].tolist() == [[300.0, 350.0]]
    assert found["event_free"].tolist() == [[350.0, 600.0]]
    assert "event_after" not in parts(["NREM"] * 20, events((270.0, 290.0), kind="VT"))


def test_respiratory_minutes_are_not_free_of_events_and_have_the_cycles_within_them() -> None:
    both = events((100.0, 120.0)).and_also(events((60.0, 300.0), kind="RESP"))
    found = parts(["NREM"] * 20, both)
    assert found["event_after"].tolist() == [[120.0, 180.0]]
    assert found["event_free"].tolist() == [[0.0, 60.0], [300.0, 600.0]]


def test_day_and_bed_are_told_apart_where_an_hour_lies_outside_lights() -> None:
    found = parts(["W"] * 130 + ["NREM"] * 100, lights=(3900.0, 6900.0))
    assert found["day"].tolist() == [[0.0, 3900.0]]
    assert duration(found["bed"]) == 3000.0
    assert "day" not in parts(["W"] * 110 + ["NREM"] * 100, lights=(3300.0, 6300.0))


def test_parts_around_events_never_leave_sleep() -> None:
    rng = np.random.default_rng(1)
    stages = rng.choice(["W", "NREM", "R"], 400).tolist()
    starts = np.sort(rng.uniform(0, 11_900, 60))
    found = parts(stages, events(*((float(s), float(s) + 20) for s in starts)))
    asleep = np.array([[30.0 * i, 30.0 * i + 30] for i, letter in enumerate(stages) if letter != "W"])
    for name in ("event_after", "event_free"):
        assert duration(subtraction(found[name], asleep)) == 0
    assert duration(intersection(found["event_after"], found["event_free"])) == 0
