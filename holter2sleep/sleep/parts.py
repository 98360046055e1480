"""The parts of a night beyond its stages and hours: cycles, thirds, time around events, day and bed."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import EPOCH_S, Episodes, Hypnogram, Lights
from holter2sleep.sleep.cycles import find_cycles
from holter2sleep.spans import Spans, as_spans, complement, duration, intersection, subtraction

CYCLE = "CVHR"  # one dip of the intervals: where an apnoea or hypopnoea ends, if it is one
EVENT_KINDS = (CYCLE, "RESP")  # what may be respiratory; RESP are minutes of it, in which one event follows another
AFTER_S = 60.0  # an arousal, its surge of the rate and what follows it are over within a minute
LEAST_DAY_S = 3600.0  # out of bed: less is getting ready


def parts_of_night(hypnogram: Hypnogram, lights: Lights, episodes: Episodes, duration_s: float) -> dict[str, Spans]:
    """Time of each part by its name; a part that the night does not have is left out.

    `cycle_01` ...: complete NREM-REM cycles. `third_first`, `third_last`: of the sleep period, from sleep onset to the
    final awakening. `event_after`: sleep within 60 s after the end of a cycle of cyclic variation; `event_free`: sleep
    outside these, the cycles, and minutes called respiratory. `day`, `bed`: outside and inside lights, where an hour or
    more lies outside.
    """
    asleep = hypnogram.grid.spans(hypnogram.mask("sleep"))
    bed = as_spans([(lights.off_s, lights.on_s)])
    return {
        **{f"cycle_{i:02d}": cycle.reshape(1, 2) for i, cycle in enumerate(find_cycles(hypnogram, lights), start=1)},
        **_thirds(intersection(asleep, bed)),
        **_around(episodes.of(CYCLE).spans, episodes.of(*EVENT_KINDS).spans, asleep),
        **_day_and_bed(bed, duration_s),
    }


def sleep_period(asleep: Spans) -> tuple[float, float] | None:
    """From sleep onset to the final awakening, s; None without sleep."""
    return (float(asleep[0, 0]), float(asleep[-1, 1])) if len(asleep) else None


def _thirds(asleep: Spans) -> dict[str, Spans]:
    period = sleep_period(asleep)
    if period is None or period[1] - period[0] < 3 * EPOCH_S:
        return {}
    start_s, end_s = period
    third_s = (end_s - start_s) / 3
    return {"third_first": as_spans([(start_s, start_s + third_s)]), "third_last": as_spans([(end_s - third_s, end_s)])}


def _around(cycles: Spans, events: Spans, asleep: Spans) -> dict[str, Spans]:
    if len(cycles) == 0 or len(asleep) == 0:
        return {}
    after = as_spans(np.column_stack([cycles[:, 1], cycles[:, 1] + AFTER_S]))
    return {
        "event_after": intersection(asleep, subtraction(after, cycles)),
        "event_free": subtraction(asleep, as_spans([*events.tolist(), *after.tolist()])),
    }


def _day_and_bed(bed: Spans, duration_s: float) -> dict[str, Spans]:
    day = complement(bed, 0.0, duration_s)
    return {"day": day, "bed": bed} if duration(day) >= LEAST_DAY_S else {}
