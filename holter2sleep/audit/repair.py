"""Header fields made legal, each with word of what was changed; words of a change never quote personal content."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from holter2sleep.audit.edf_fields import RawHeader
from holter2sleep.clock import date_known
from holter2sleep.io.edf_header import EdfSignal, is_annotation_label, text_of
from holter2sleep.io.edf_write import DIGITAL_RANGE, SignalFields
from holter2sleep.io.export import edf_date, patient_field
from holter2sleep.io.files import quoted
from holter2sleep.io.subjects import named_date
from holter2sleep.io.units import MV_PER_UNIT, UNITS
from holter2sleep.io.vocabulary import is_known_label, is_known_unit
from holter2sleep.night import Subject

_Ranges = tuple[str, str, str, str]  # physical minimum and maximum, digital minimum and maximum
_EXACT = 1e-7  # of a range: far below a step of 16 bits

Identity = Literal["plain", "keep", "drop"]  # sex and age only; all that is there; nothing, not even the date

_IN_ASCII = str.maketrans(
    {"\u03bc": "u", "\u03a9": "Ohm", "°": "deg", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l"}
)
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)")
_FILTER_WORD = re.compile(r"((HP|LP|BP|BS|N|Notch)[:=]?)?(DC|\d{1,4}(\.\d{1,4})?)?(k?Hz)?", re.IGNORECASE)
_FIRST_YEAR, _LAST_YEAR = 1985, 2084  # that two digits can say


@dataclass(frozen=True)
class Change:
    """One thing that the fixed file says otherwise than the input."""

    field: str
    before: str
    after: str
    why: str


# --- text ------------------------------------------------------------------------------------------


def shown(field: bytes) -> str:
    """A technical field as it may be told: numbers, dates and times as written, nothing else."""
    return quoted(text_of(field)).strip("'") or "blank"


def legal(text: str) -> str:
    """Printable ASCII: letters without their accents, other characters as `_`.

    Examples
    --------
    >>> legal("Müller µV")
    'Muller uV'
    """
    apart = unicodedata.normalize("NFKD", text).translate(_IN_ASCII)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return re.sub(r"[^ -~]", "_", re.sub(r"\s+", " ", bare)).strip()


def eight(value: float) -> str:
    """The number in at most eight characters, as exact as they allow.

    Examples
    --------
    >>> eight(-159842.304), eight(200.0), eight(0.000012345)
    ('-159842', '200', '0.000012')
    """
    if abs(value) >= 1e8 or value <= -1e7:
        return f"{value:.1e}" if value > 0 else f"{value:.0e}"
    fits = (text for decimals in range(7, -1, -1) if len(text := f"{value:.{decimals}f}") <= 8)
    text = next(fits, f"{value:.0f}")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def number(field: bytes, value: float) -> str:
    """The field where it is a number by the standard, else its value written so."""
    text = text_of(field).replace(",", ".")
    return text if _NUMBER.fullmatch(text) and float(text) == value else eight(value)


# --- person and date -------------------------------------------------------------------------------


def patient(raw: RawHeader, subject: Subject, start: datetime | None, identity: Identity) -> tuple[str, list[Change]]:
    """The patient field, with what was taken out of it."""
    given = text_of(raw.fixed["patient"])
    parts = given.split()
    if identity == "keep":
        return _changed("patient field", given, _kept_patient(parts), "EDF+: code, sex, birth date, name, in ASCII")
    if identity == "plain":
        field = patient_field(subject, start if start and date_known(start) else None)
        age = "; the age stays as 1 January of the year that gives it" if "-JAN-" in field else ""
        return _told("patient field", given, field, _held_of_patient(parts), f"who it was is left out{age}")
    field = f"X {subject.sex or 'X'} X X"
    return _told("patient field", given, field, _held_of_patient(parts), "de-identified: sex only")


def _is_patient(parts: Sequence[str]) -> bool:
    """Whether the subfields are those of EDF+, the name perhaps missing."""
    if len(parts) < 3 or parts[1].upper() not in ("F", "M", "X"):
        return False
    return parts[2] == "X" or named_date(parts[2]) is not None


def _kept_patient(parts: Sequence[str]) -> str:
    if not _is_patient(parts):
        return legal(" ".join(["X X X X", *parts]))[:80].strip()
    code, sex, birth, *rest = parts
    return legal(" ".join([code, sex.upper(), birth.upper(), *(rest or ["X"])]))[:80].strip()


def _held_of_patient(parts: Sequence[str]) -> str:
    if not _is_patient(parts):
        return "free text" if set(parts) - {"X"} else ""
    held = zip(("an id", "a birth date", "a name"), (parts[0], parts[2], *parts[3:4]), strict=False)
    found = [what for what, text in held if text != "X"]
    return ", ".join([*found, *(["free text"] if len(parts) > 4 else [])])


def recording_field(raw: RawHeader, start: datetime | None, identity: Identity) -> tuple[str, list[Change]]:
    """The recording field, with what was taken out of it; `start` as the fixed file says it."""
    given = text_of(raw.fixed["recording"])
    day = edf_date(start) if start and date_known(start) else "X"
    parts = given.split()
    ours = len(parts) > 1 and parts[0] == "Startdate"
    rest = parts[2:] if ours else parts
    if identity == "keep":
        lacking = ["X"] * (3 - len(rest)) if ours else ["X"] * 3
        field = legal(" ".join(["Startdate", day, *(rest + lacking if ours else lacking + rest)]))[:80].strip()
        return _changed("recording field", given, field, "EDF+: Startdate, date, code, technician, equipment, in ASCII")
    held = "code, technician, equipment or other free text" if set(rest) - {"X"} else ""
    return _told("recording field", given, f"Startdate {day} X X X", held, "free text is left out")


def _changed(name: str, given: str, field: str, why: str) -> tuple[str, list[Change]]:
    change = Change(name, "not by the standard" if given else "blank", "the same content, made legal", why)
    return field, [] if given == field else [change]


def _told(name: str, given: str, field: str, held: str, why: str) -> tuple[str, list[Change]]:
    before = f"held {held}" if held else "not by the standard" if given else "blank"
    change = Change(name, before, field, why if held else "subfields of EDF+, X where nothing is known")
    return field, [] if given == field else [change]


def date_text(start: datetime) -> str:
    """The start date of the header; a year that two digits cannot say is `yy` by EDF+ (pyedflib refuses that)."""
    return f"{start:%d.%m.%y}" if _FIRST_YEAR <= start.year <= _LAST_YEAR else f"{start:%d.%m.}yy"


# --- signals ---------------------------------------------------------------------------------------


def signal_fields(
    raw: RawHeader, signals: Sequence[EdfSignal], kept: Sequence[int], identity: Identity
) -> tuple[tuple[SignalFields, ...], list[Change]]:
    """Header fields of the kept signals (positions in the file), and what was changed."""
    labels, changes = _labels(raw, kept, identity)
    fields = []
    for i, label in zip(kept, labels, strict=True):
        one, more = _ranges(raw, i, signals[i])
        if identity == "drop" and not is_known_unit(one.unit):
            one = replace(one, unit="")
            more.append(Change(f"unit of signal {i + 1}", "held text", "blank", "de-identified: of no known unit"))
        one, texts = _texts(raw, i, replace(one, label=label), identity)
        fields.append(one)
        changes += more + texts
    return tuple(fields), changes


def _labels(raw: RawHeader, kept: Sequence[int], identity: Identity) -> tuple[list[str], list[Change]]:
    """Labels of printable ASCII, each once; no signal is called as the annotations are."""
    labels: list[str] = []
    changes = []
    given = {legal(text_of(raw.signals[i]["label"])) for i in kept}
    for i in kept:
        text = text_of(raw.signals[i]["label"])
        label, why = legal(text)[:16].strip(), "printable ASCII only"
        if identity == "drop" and label and not is_known_label(label):
            label, why = "", "de-identified: made of words that are in no list of channel names"
        if not label:
            label, why = f"Signal {i + 1}", "no label" if not text else why
        if label in labels or is_annotation_label(label):
            label, why = _numbered(label, given | {*labels}), "two signals had one label"
        labels.append(label)
        if label != text:
            changes.append(Change(f"label of signal {i + 1}", "another text" if text else "blank", label, why))
    return labels, changes


def _numbered(label: str, taken: set[str]) -> str:
    """The label with the first number that nobody has, in 16 characters."""
    numbers = (f" {n}" for n in range(2, 10_000))
    return next(new for end in numbers if (new := label[: 16 - len(end)] + end) not in taken)


def _ranges(raw: RawHeader, i: int, signal: EdfSignal) -> tuple[SignalFields, list[Change]]:
    """Unit and ranges: the same line from counts to values wherever there was one."""
    given = raw.signals[i]
    names = ("physical minimum", "physical maximum", "digital minimum", "digital maximum")
    values = (signal.physical_min, signal.physical_max, signal.digital_min, signal.digital_max)
    low, high = DIGITAL_RANGE[raw.kind]
    unit, note = legal(text_of(given["unit"]))[:8], ""
    if math.isnan(signal.gain):
        texts = _neutral(signal, low, high)
        unit, note = (
            "counts",
            "no line from counts to values in the header: values are the counts, the scale is unknown",
        )
    elif not all(value.is_integer() and low <= value <= high for value in values[2:]):
        texts, unit, fit = _rescaled(signal, low, high, unit)
        note = f"the digital range was beyond the sample format; the same line{fit or ', in 8 characters'}"
    else:
        texts, unit, fit = _as_given(given, signal, unit)
        turned = signal.digital_min > signal.digital_max
        line = "digital minimum above maximum: both ranges turned over, which is the same line"
        note = (line if turned else "numbers by the standard" if fit else "") + fit
    if float(texts[0]) == float(texts[1]):
        texts, unit = _neutral(signal, low, high), "counts"
        note = "too small for 8 characters in any unit: values are the counts, the scale is lost"
    fields = SignalFields("", "", unit, *texts, "", str(signal.samples_per_record))
    said_before = tuple(text_of(given[name]) for name in names)
    before = ", ".join(shown(given[name]) for name in names)
    why = note or "numbers by the standard"
    changes = [Change(f"ranges of signal {i + 1}", before, ", ".join(texts), why)] if said_before != texts else []
    if text_of(given["unit"]) != unit:
        changes.append(
            Change(f"unit of signal {i + 1}", "another text", unit or "blank", note or "printable ASCII only")
        )
    return fields, changes


def _as_given(given: Mapping[str, bytes], signal: EdfSignal, unit: str) -> tuple[_Ranges, str, str]:
    """The ranges as they are, lowest count first, their unit, and what was done to fit them in."""
    ends = (signal.physical_min, signal.physical_max)
    as_is = (number(given["physical minimum"], ends[0]), number(given["physical maximum"], ends[1]))
    fit = ""
    if tuple(map(float, as_is)) != ends:
        as_is, unit, fit = _fitted(ends, unit)
    low, high = str(int(signal.digital_min)), str(int(signal.digital_max))
    in_turn = signal.digital_min > signal.digital_max
    return ((as_is[1], as_is[0], high, low) if in_turn else (*as_is, low, high)), unit, fit


def _fitted(ends: tuple[float, float], unit: str) -> tuple[tuple[str, str], str, str]:
    """Both ends in eight characters, in the first unit of voltage in which they are exact, else in the best.

    Examples
    --------
    >>> _fitted((-1.234e-5, 1.234e-5), "V")
    (('-0.01234', '0.01234'), 'mV', ', in mV, where 8 characters hold them')
    """
    to_mv = MV_PER_UNIT.get(unit.casefold())
    factors = {unit: 1.0} | ({} if to_mv is None else {name: to_mv / mv for name, mv in UNITS.items() if mv != to_mv})
    tried = {name: (eight(ends[0] * factor), eight(ends[1] * factor)) for name, factor in factors.items()}
    wrong = {name: _wrong(ends, texts, factors[name]) for name, texts in tried.items()}
    best = next((name for name in tried if wrong[name] <= _EXACT), min(wrong, key=lambda name: wrong[name]))
    moved = f", in {best}, where 8 characters hold them" if best != unit else ""
    return tried[best], best, moved + (f", rounded by {wrong[best]:.1g} of the range" if wrong[best] > _EXACT else "")


def _wrong(ends: tuple[float, float], texts: tuple[str, str], factor: float) -> float:
    """How far the texts are from the ends, as a share of the range."""
    away = max(abs(float(text) / factor - end) for text, end in zip(texts, ends, strict=True))
    return away / abs(ends[1] - ends[0])


def _neutral(signal: EdfSignal, low: int, high: int) -> _Ranges:
    digital = (signal.digital_min, signal.digital_max)
    usable = all(v.is_integer() and low <= v <= high for v in digital) and digital[0] < digital[1]
    ends = (str(int(digital[0])), str(int(digital[1]))) if usable else (str(low), str(high))
    return (*ends, *ends)


def _rescaled(signal: EdfSignal, low: int, high: int, unit: str) -> tuple[_Ranges, str, str]:
    """The line over the whole range of the sample format, its unit, and what was done to fit it in."""
    first, last = (signal.physical_min + (count - signal.digital_min) * signal.gain for count in (low, high))
    ends, named, fit = _fitted((first, last), unit)
    return (*ends, str(low), str(high)), named, fit


def _texts(raw: RawHeader, i: int, fields: SignalFields, identity: Identity) -> tuple[SignalFields, list[Change]]:
    """Transducer, prefilter and the signal's reserved field."""
    given = {name: text_of(raw.signals[i][name]) for name in ("transducer", "prefilter", "signal reserved")}
    new = {name: legal(text) for name, text in given.items()}
    if identity != "keep":
        new["signal reserved"] = ""  # whatever is there, no standard says what it means
    if identity == "drop":
        new["transducer"] = ""  # mostly a device with its serial number
        words = re.split(r"[ ,;/]+", new["prefilter"])
        new["prefilter"] = new["prefilter"] if all(map(_FILTER_WORD.fullmatch, words)) else ""
    changes = [
        Change(f"{name} of signal {i + 1}", "held text", new[name] or "blank", _why_text(new[name]))
        for name, text in given.items()
        if text != new[name]
    ]
    return (
        replace(fields, transducer=new["transducer"], prefilter=new["prefilter"], reserved=new["signal reserved"]),
        changes,
    )


def _why_text(text: str) -> str:
    return "printable ASCII only" if text else "free text is left out"
