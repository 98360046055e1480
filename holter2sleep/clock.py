"""The wall clock of a recording, and dates that archives shift or leave out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

NO_DATE = date(1985, 1, 1)  # the first day EDF can say: in EDF and archives it stands for "no date", the clock holds

POSSIBLE_YEARS = range(1800, 3000)  # dates of archives are shifted by centuries: MIMIC to 2100 and 2900


def date_known(moment: datetime) -> bool:
    """Whether a moment has a day, and not only a time of day."""
    return moment.date() != NO_DATE


def with_possible_date(moment: datetime) -> datetime:
    """The moment, without a date where its year is none that a recording or a shifted archive has.

    Examples
    --------
    >>> with_possible_date(datetime(9999, 12, 31, 22, 30))
    datetime.datetime(1985, 1, 1, 22, 30)
    """
    return moment if moment.year in POSSIBLE_YEARS else datetime.combine(NO_DATE, moment.time())


def night_of(moment: datetime | None) -> date | None:
    """The evening's date of the night a moment belongs to: its own from noon on, else the day before.

    Examples
    --------
    >>> night_of(datetime(2024, 3, 2, 0, 40)), night_of(datetime(2024, 3, 2, 22, 40))
    (datetime.date(2024, 3, 1), datetime.date(2024, 3, 2))
    """
    if moment is None or not date_known(moment):
        return None
    return moment.date() if moment.hour >= 12 else moment.date() - timedelta(days=1)


@dataclass(frozen=True)
class Clock:
    """The wall clock of a recording: local time of an elapsed second, and back.

    Elapsed seconds are the truth. With a zone the clock follows its summer time; without one nothing is assumed. Local
    times are naive; the hour that is lived twice is told apart by `fold` (PEP 495: 0 the first time, 1 the second).
    """

    start: datetime  # naive local time of second 0
    zone: str | None = None  # IANA name, such as Europe/Berlin

    @classmethod
    def of_iso(cls, start: str, zone: str | None) -> Self:
        """The clock that `iso` and `zone` tell of."""
        moment = datetime.fromisoformat(start)
        if zone is not None and moment.tzinfo is not None:
            moment = moment.astimezone(ZoneInfo(zone))
        return cls(moment.replace(tzinfo=None), zone)

    def at(self, seconds: float) -> datetime:
        """Naive local time after so many seconds; without a date it stays without one.

        Examples
        --------
        >>> Clock(datetime(2024, 3, 31, 1, 59), "Europe/Berlin").at(60.0)  # clocks go forward at two
        datetime.datetime(2024, 3, 31, 3, 0)
        """
        if self.zone is None:
            moment = self.start + timedelta(seconds=seconds)
            return moment if date_known(self.start) else datetime.combine(NO_DATE, moment.time())
        return (self._utc(self.start) + timedelta(seconds=seconds)).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def elapsed_s(self, moment: datetime) -> float:
        """Seconds from the start to a naive local time; one that the clock skips counts with the offset before it.

        Examples
        --------
        >>> Clock(datetime(2024, 3, 30, 22, 30), "Europe/Berlin").elapsed_s(datetime(2024, 3, 31, 6, 30)) / 3600
        7.0
        """
        if self.zone is None:
            return (moment - self.start).total_seconds()
        return (self._utc(moment) - self._utc(self.start)).total_seconds()

    def iso(self, seconds: float) -> str:
        """Local time after so many seconds as ISO 8601, with the offset from UTC where the zone is known."""
        moment = self.at(seconds)
        return (moment if self.zone is None else moment.replace(tzinfo=ZoneInfo(self.zone))).isoformat()

    def _utc(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=ZoneInfo(self.zone or "UTC")).astimezone(UTC)
