"""Times on the wall, without the steps that summer time makes in them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from holter2sleep.night import Float

_SEARCHED_H = 32 * 24  # from the first time on: no recording is longer than a month
_FALL_S = 60.0  # a time that falls by more within the hour that is lived twice has begun its second round
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SteadyTime:
    """Turns local times, s since 1970 on the wall, into times that go on evenly; batch after batch, in order.

    In the hour that is lived twice, times are of the first round until they fall.

    Examples
    --------
    >>> before = datetime(2024, 3, 31, 1, 59, 59, tzinfo=UTC).timestamp()  # in Berlin clocks go forward at two
    >>> (SteadyTime("Europe/Berlin").of(np.array([before, before + 3601.0])) - before).tolist()
    [0.0, 1.0]
    """

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._changes: list[tuple[float, float]] | None = None  # local time at which the clock is moved, by how much
        self._last = np.nan
        self._passed: set[float] = set()

    def of(self, local: Float) -> Float:
        """The next batch. array like `local`."""
        if self._changes is None:
            self._changes = self._found(float(local[0]))
        steady = local.astype(np.float64)
        for at_s, moved_s in self._changes:
            steady[self._behind(local, at_s, moved_s) :] -= moved_s
        self._last = float(local[-1])
        return steady

    def _behind(self, local: Float, at_s: float, moved_s: float) -> int:
        """Index of the first time behind a change of the clock."""
        if at_s in self._passed:
            return 0
        is_behind = local >= at_s
        if moved_s < 0:
            falls = np.diff(local, prepend=self._last) < -_FALL_S
            is_behind |= falls & (local >= at_s + moved_s)
        if not is_behind.any():
            return len(local)
        self._passed.add(at_s)
        return int(is_behind.argmax())

    def _found(self, first_s: float) -> list[tuple[float, float]]:
        """Changes of the clock in the month after a local time: when on the clock before it, and by how much."""
        hours = [self._offset_s(first_s + 3600 * hour) for hour in range(-24, _SEARCHED_H)]
        changes = []
        for hour, (before_s, after_s) in enumerate(itertools.pairwise(hours), start=-23):
            if before_s != after_s:
                utc_s = self._moved_at(first_s + 3600 * (hour - 1), first_s + 3600 * hour)
                changes.append((utc_s + before_s, after_s - before_s))
        return changes

    def _moved_at(self, before_s: float, after_s: float) -> float:
        """The second, UTC, at which the offset changes, between two others."""
        while after_s - before_s > 1:
            middle_s = np.floor((before_s + after_s) / 2)
            same = self._offset_s(middle_s) == self._offset_s(before_s)
            before_s, after_s = (middle_s, after_s) if same else (before_s, middle_s)
        return float(np.floor(after_s))

    def _offset_s(self, utc_s: float) -> float:
        moment = (_EPOCH + timedelta(seconds=float(utc_s))).astimezone(self._zone)
        return (moment.utcoffset() or timedelta()).total_seconds()
