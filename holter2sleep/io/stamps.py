"""Times as tables write them, to seconds: counted, by the clock, or with a date in one of many orders."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from holter2sleep.io.channels import MIN_FS_HZ
from holter2sleep.night import Float

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunden", "secondes", "segundos", "secondi"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "millisekunden"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nanoseconds"), 1e-9),
}
_CLOCK_WORDS = "times?|clock|zeit|uhrzeit|temps|heure|tiempo|hora|tempo|ora|tijd|tid|czas"
_DATE_WORDS = "date|datum|fecha|data|dato"
_NAME = re.compile(
    rf"({_CLOCK_WORDS}|({_DATE_WORDS}) ?({_CLOCK_WORDS})|t|elapsed( ?time)?|time ?stamps?|stamps?|zeitstempel"
    r"|horodatage|seconds|secs?|ms)( in)?"
)
# A year in front is followed by the month, a day with points is in front; else the order has to be found.
_YEAR_FIRST, _POINTS = r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", r"(\d{1,2})\.(\d{1,2})\.(\d{4})"
_DATE = rf"(?:{_YEAR_FIRST}|{_POINTS}|(\d{{1,2}})[/-](\d{{1,2}})[/-](\d{{4}}))"
_CLOCK = r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,12})?)(?:\s*([aApP])\.?\s?[mM]\b)?"
_STAMP = rf"^\[?\s*{_DATE}?[T, ]*{_CLOCK}"
_FASTEST_HZ = 5000.0  # when a unit must be guessed: more than any ECG written as text
DAY_S = 86400.0
_EPOCH = datetime(1970, 1, 1)

SlashedDate = tuple[int, int, int]  # two numbers whose order has to be found, and the year


class DayOrder(enum.Enum):
    """Which number of `03/04/2024` is the day."""

    DAY_FIRST = "day/month/year"
    MONTH_FIRST = "month/day/year"
    UNKNOWN = "either"


def time_unit(name: str, unit: str) -> tuple[bool, float | None]:
    """Whether a column is named as a time, and seconds in its unit where name or unit row say it.

    Examples
    --------
    >>> time_unit("Time [ms]", ""), time_unit("Zeit_s", ""), time_unit("ECG", "mV")
    ((True, 0.001), (True, 1.0), (False, None))
    """
    words = re.sub(r"[^a-zµμ]+", " ", name.casefold()).split()
    stated = _SECONDS.get(unit.strip().casefold())
    if len(words) > 1 and words[-1] in _SECONDS:
        stated = _SECONDS[words.pop()]
    plain = " ".join(words)
    return bool(_NAME.fullmatch(plain)), stated or _SECONDS.get(plain)


def names_a_date(name: str) -> bool:
    """Whether a column is named as one of dates without a clock.

    Examples
    --------
    >>> names_a_date(" Datum "), names_a_date("date of birth")
    (True, False)
    """
    return re.fullmatch(_DATE_WORDS, name.strip().casefold()) is not None


def seconds_of(column: pl.Series, unit_s: float, order: DayOrder | None = None) -> Float:
    """Times of a column, s since midnight, since 1970 for dates, or as counted; NaN where none is. array (n_rows,).

    `order` of the dates, found in the column where it is not given; an unknown one leaves them out.

    Examples
    --------
    >>> seconds_of(pl.Series(["00:00:01.5", "1970-01-02T00:00:00", "12:03", "8", "11:59:00 PM"]), 1.0).tolist()
    [1.5, 86400.0, 723.0, 8.0, 86340.0]
    """
    if column.dtype == pl.Datetime:
        local = column.dt.replace_time_zone(None)
        return local.dt.timestamp("us").cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e6
    if column.dtype in (pl.Time, pl.Duration):
        nanoseconds = column.cast(pl.Duration("us")).dt.total_microseconds()
        return nanoseconds.cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e6
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy() * unit_s
    texts = column.cast(pl.String).str.strip_chars(" '\"")
    counted = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if counted.null_count() == 0:
        return counted.to_numpy() * unit_s
    stamps = _stamps(texts, order or order_of(slashed_dates(texts))[0])
    return np.where(counted.is_null().to_numpy(), stamps, counted.fill_null(0.0).to_numpy() * unit_s)


def _stamps(texts: pl.Series, order: DayOrder) -> Float:
    """Seconds of `22:30:01.25`, `0:01.25`, `2024-03-01 22:30:01.25`, `01.03.2024 22:30:01`; NaN for a day not there."""
    part = texts.str.extract_groups(_STAMP).struct.unnest()
    part.columns = ["y", "m", "d", "D", "M", "Y", "a", "b", "c", "hour", "minute", "second", "half"]
    if order is DayOrder.UNKNOWN:
        part = part.with_columns(a=None, b=None, c=None)
    day, month = ("b", "a") if order is DayOrder.MONTH_FIRST else ("a", "b")
    year = pl.coalesce("y", "Y", "c")
    two_digits = (pl.coalesce(names).str.zfill(2) for names in (("m", "M", month), ("d", "D", day)))
    days = pl.concat_str(year, *two_digits, separator="-").str.to_date("%Y-%m-%d", strict=False)
    days = pl.when(year.is_null()).then(0.0).otherwise(days.cast(pl.Int32).cast(pl.Float64))
    hour, minute, second = (
        pl.col(name).str.replace(",", ".", literal=True).cast(pl.Float64) for name in ("hour", "minute", "second")
    )
    half = pl.col("half").str.to_lowercase()
    hour = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + 12 * (half == "p").cast(pl.Float64))
    seconds = days * DAY_S + hour.fill_null(0.0) * 3600 + minute * 60 + second
    return part.select(seconds.fill_null(float("nan"))).to_series().to_numpy()


def is_clock(text: str) -> tuple[bool, bool]:
    """Whether a text is a time of day, and whether it has a date; `0:01.25` has no hour and is elapsed time."""
    found = re.match(_STAMP, text.strip(" '\""))
    if not found:
        return False, False
    dated = any(found[group] is not None for group in (1, 6, 9))
    return dated or (found[10] is not None and len(found[10]) == 2 and int(found[10]) < 24), dated


def is_date(text: str) -> bool:
    """Whether a text begins with a date."""
    return re.match(_DATE, text.strip(" '\"")) is not None


def guessed_unit_s(times: Float) -> float:
    """Seconds in the unit of counted times, by which an ECG's rate results; 1 when none does."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    possible = [unit for unit in (1.0, 1e-3, 1e-6, 1e-9) if step > 0 and MIN_FS_HZ <= 1 / (step * unit) <= _FASTEST_HZ]
    return possible[0] if possible else 1.0


def moment_of(seconds: float) -> datetime:
    """Local time of seconds since 1970 on the clock on the wall, to the microsecond."""
    return _EPOCH + timedelta(seconds=round(seconds, 6))


def unwrapped(times: Float, last: float, shift: float) -> tuple[Float, float]:
    """Clock times without their fall at midnight, and the seconds added so far; `last` is the time before the first."""
    falls = np.diff(times, prepend=last - shift if np.isfinite(last) else times[:1]) < -DAY_S / 2
    shifts = shift + np.cumsum(falls) * DAY_S
    return times + shifts, float(shifts[-1]) if len(shifts) else shift


@dataclass(frozen=True)
class ClockTimes:
    """Times of a column, s since 1970 where they are dated, else since the midnight before the first."""

    seconds: Float  # (n_rows,), NaN where a row has none
    is_dated: bool
    note: str | None  # of dates whose order was found by rule, or not at all


def clock_times(column: pl.Series) -> ClockTimes | None:
    """Times of a whole column of clock times with dates or without; None for one that is of anything else."""
    if column.dtype in (pl.Datetime, pl.Time):
        is_time, has_date, order, note = True, column.dtype == pl.Datetime, DayOrder.DAY_FIRST, None
    else:
        is_time, has_date = is_clock(str(next(iter(column), "")))
        order, note = order_of(slashed_dates(column)) if has_date else (DayOrder.DAY_FIRST, None)
    if not is_time:
        return None
    seconds = seconds_of(column, 1.0, order)
    is_dated = has_date and order is not DayOrder.UNKNOWN
    known = is_dated or not np.isfinite(seconds).all()
    return ClockTimes(seconds if known else unwrapped(seconds, float("nan"), 0.0)[0], is_dated, note)


# --- day or month first ----------------------------------------------------------------------------


def slashed_dates(column: pl.Series) -> list[SlashedDate]:
    """The different dates of a column of texts such as `03/04/2024 22:30:00`, in order; none where the first has none.

    Examples
    --------
    >>> slashed_dates(pl.Series(["03/04/2024 23:59:59", "03/04/2024 23:59:59.5", "4/4/2024 00:00:00"]))
    [(3, 4, 2024), (4, 4, 2024)]
    """
    first = column.drop_nulls().head(1).to_list() if column.dtype == pl.String else []
    if not first or not (found := re.match(_DATE, first[0].strip(" '\""))) or found[7] is None:
        return []
    parts = column.str.strip_chars(" '\"").str.extract_groups(f"^{_DATE}").struct.unnest()
    dates = parts.select(parts.columns[6:9]).drop_nulls().unique(maintain_order=True)
    return [(int(a), int(b), int(year)) for a, b, year in dates.iter_rows()]


def order_of(dates: Sequence[SlashedDate]) -> tuple[DayOrder, str | None]:
    """Which number of dates is the day, and what has to be said of it.

    A number above 12 tells, or the order in which the time goes forward from date to date, and less far: the other one
    makes a month of each day, so that two dates of one recording are enough. A single one may be either.

    Examples
    --------
    >>> order_of([(3, 13, 2024)])[0].value, order_of([(3, 4, 2024), (4, 4, 2024)])[0].value
    ('month/day/year', 'day/month/year')
    >>> order_of([(3, 4, 2024)])[0].value
    'either'
    """
    days = {order: _days(dates, order) for order in (DayOrder.DAY_FIRST, DayOrder.MONTH_FIRST)}
    possible = [order for order, found in days.items() if found is not None]
    if len(possible) < 2 or days[possible[0]] == days[possible[1]]:
        return (possible or [DayOrder.DAY_FIRST])[0], None
    a, b, year = dates[0]
    written = f"{a:02d}/{b:02d}/{year}"
    span = {order: found[-1] - found[0] for order, found in days.items() if found and found == sorted(found)}
    if len(dates) > 1 and span:
        order = min(span, key=span.__getitem__)
        return order, f"dates such as {written} read as {order.value}: so the time goes forward from day to day"
    works = "--start tells it, or times as 2024-12-31 22:30:00"
    return DayOrder.UNKNOWN, f"the date {written} may have day or month first, so it was left out: {works}"


def _days(dates: Sequence[SlashedDate], order: DayOrder) -> list[int] | None:
    """Days since the year 1, None when one of the dates is none in this order."""
    try:
        if order is DayOrder.DAY_FIRST:
            return [date(year, b, a).toordinal() for a, b, year in dates]
        return [date(year, a, b).toordinal() for a, b, year in dates]
    except ValueError:
        return None
