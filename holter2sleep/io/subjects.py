"""Age and sex as file headers write them."""

from __future__ import annotations

import re
from datetime import date, datetime

from holter2sleep.clock import NO_DATE
from holter2sleep.night import Sex, Subject

_OLDEST_YEARS = 110  # above, the birth date is a placeholder such as 01-JAN-1900
MONTHS = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)  # EDF+ writes dates in English
_SEX: dict[str, Sex] = {"m": "M", "f": "F"}
_AGE_THEN_SEX = re.compile(r"^\s*(\d{1,3}|x|\?)\s+([MF])\b", re.IGNORECASE)
_AGE = re.compile(r"\bage\b\W*(\d{1,3})", re.IGNORECASE)
_SEX_FIELD = re.compile(r"\b(?:sex|gender)\b\W*([MF])(?:ale|emale)?\b", re.IGNORECASE)


def named_date(text: str) -> date | None:
    """Date written as `02-MAR-2002` at the start of the text; None when there is none."""
    found = re.match(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})(?:\s|$)", text)
    if not found or found[2].upper() not in MONTHS:
        return None
    try:
        return date(int(found[3]), MONTHS.index(found[2].upper()) + 1, int(found[1]))
    except ValueError:
        return None


def age_at(birth: date | None, start: datetime | None) -> tuple[float | None, str | None]:
    """Whole years from birth to the recording, and a warning when that is no age.

    Examples
    --------
    >>> age_at(date(1960, 3, 2), datetime(2020, 3, 1, 22))
    (59.0, None)
    """
    if birth is None or start is None or start.date() == NO_DATE:
        return None, None
    age = start.year - birth.year - ((start.month, start.day) < (birth.month, birth.day))
    if not 0 <= age <= _OLDEST_YEARS:
        return None, f"birth date and start would make an age of {age} years: age unknown"
    return float(age), None


def subject_of_patient_field(patient: str, start: datetime | None) -> tuple[Subject, str | None]:
    """Sex and age from the EDF+ patient field (code, sex, birth date, name), and a warning for an impossible age.

    Examples
    --------
    >>> subject_of_patient_field("X F 02-MAR-1960 X", datetime(2020, 3, 1, 22))[0]
    Subject(age_years=59.0, sex='F')
    """
    parts = patient.split()
    if len(parts) < 3 or parts[1].upper() not in ("F", "M", "X"):
        return Subject(), None
    sex = _SEX.get(parts[1].lower())
    age, note = age_at(named_date(parts[2]), start)
    return Subject(age, sex), note


def subject_of_comments(comments: list[str]) -> Subject:
    """Age and sex from the first WFDB comments that give them.

    Examples
    --------
    >>> subject_of_comments(["44 M 89 32-01-89"])
    Subject(age_years=44.0, sex='M')
    >>> subject_of_comments(["<age>: 63 <sex>: F"])
    Subject(age_years=63.0, sex='F')
    """
    age: float | None = None
    sex: Sex | None = None
    for comment in comments:
        if pair := _AGE_THEN_SEX.match(comment):
            years, letter = pair[1], pair[2]
        else:
            years = found[1] if (found := _AGE.search(comment)) else ""
            letter = found[1] if (found := _SEX_FIELD.search(comment)) else ""
        if age is None and years.isdecimal() and int(years) <= _OLDEST_YEARS:
            age = float(years)
        sex = sex or _SEX.get(letter.lower())
    return Subject(age, sex)
