"""Which fields of a file hold what may tell who was recorded: their names, never what is in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from holter2sleep.audit.edf_fields import RawHeader
from holter2sleep.audit.ishne_fields import RawIshne
from holter2sleep.audit.wfdb_fields import RawWfdb
from holter2sleep.counted import counted
from holter2sleep.errors import Holter2SleepError
from holter2sleep.io.edf_annotations import read_edf_annotations
from holter2sleep.io.edf_header import text_of
from holter2sleep.io.hdf5 import hdf5_texts
from holter2sleep.io.polar import polar_notes
from holter2sleep.io.vocabulary import is_known_annotation, is_known_sensor

_NOTHING = ("X", "?")  # EDF+ writes X for what is not known
_LISTED = 8  # fields of one kind named
_ISHNE_TEXTS = {
    "first name": (28, 68),
    "last name": (68, 108),
    "subject id": (108, 128),
    "recorder type": (232, 272),
    "proprietary field": (274, 354),
    "copyright field": (354, 434),
    "reserved field": (434, 522),
}
# What an HDF5 attribute may say without telling who this is.
_TECHNICAL = re.compile(
    r"fs|sfreq|freq(uency)?|rate|\w*(rate|freq|frequency)(_?hz)?|units?|physical_?dim\w*|channels?|columns?|leads?|labels?"
    r"|(channel|column|signal|lead)_?(names?|labels?|type)|class|name|title_?|version|dimension_list|dimension_labels"
    r"|matlab_\w+|_?netcdf\w*|reference_list|dtype|type|format\w*|encoding\w*|pandas_\w+|codec|shape|layout|h5path",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"(^|_)(?P<word>sub(ject)?|patient|person|participant|(sur|first|last|full|given|family)_?name|mrn|ssn|birth\w*|dob|age|sex"
    r"|gender|address|phone|e?mail|operator|technician|physician|doctor|hospital|site|serial\w*)(_|$)",
    re.IGNORECASE,
)


def edf_identity(raw: RawHeader, path: Path) -> tuple[str, ...]:
    """Fields of an EDF or BDF header, and whether its signals and annotations hold free text."""
    return (*_patient(raw), *_recording(raw), *_signal_texts(raw), *_annotation_texts(path))


def _patient(raw: RawHeader) -> list[str]:
    parts = text_of(raw.fixed["patient"]).split()
    if len(parts) >= 4 and parts[1] in ("F", "M", "X"):
        held = _filled(("patient code", "sex", "birth date", "patient name"), parts)
        return held + (["patient field: further text"] if len(parts) > 4 else [])
    return ["patient field"] if any(part not in _NOTHING for part in parts) else []


def _recording(raw: RawHeader) -> list[str]:
    parts = text_of(raw.fixed["recording"]).split()
    if parts[:1] == ["Startdate"]:
        held = _filled(("hospital code", "technician", "equipment"), parts[2:])
        return held + (["recording field: further text"] if len(parts) > 5 else [])
    return ["recording field"] if any(part not in _NOTHING for part in parts) else []


def _filled(names: tuple[str, ...], values: list[str]) -> list[str]:
    return [name for name, value in zip(names, values, strict=False) if value not in _NOTHING]


def _signal_texts(raw: RawHeader) -> list[str]:
    """Transducers and filters in other words than those of sensors, and reserved fields with text, by signal."""
    found = []
    for name in ("transducer", "prefilter", "signal reserved"):
        texts = [text_of(signal[name]) for signal in raw.signals]
        at = [str(i) for i, text in enumerate(texts, 1) if text and not is_known_sensor(text)]
        more = f" and {len(at) - _LISTED} more" if len(at) > _LISTED else ""
        found += [f"{name} of signal {', '.join(at[:_LISTED])}{more}"] if at else []
    return found


def _annotation_texts(path: Path) -> list[str]:
    """Free text among the annotations; stages, events and lights in the usual words are none."""
    try:
        notes = read_edf_annotations(path)
    except (Holter2SleepError, OSError, ValueError):
        return []  # the reader has said what is wrong
    n = sum(bool(text.strip()) and not is_known_annotation(text) for _, _, text in notes)
    return [f"free text in {counted(n, 'annotation')}"] if n else []


def wfdb_identity(raw: RawWfdb) -> tuple[str, ...]:
    """Comment lines of a WFDB header."""
    return (f"{len(raw.comments)} comment lines",) if raw.comments else ()


def ishne_identity(raw: RawIshne) -> tuple[str, ...]:
    """Fields of an ISHNE header, and its variable block."""
    held = [name for name, (a, b) in _ISHNE_TEXTS.items() if _has_text(raw.fixed[a:b])]
    held += ["variable block"] if _has_text(raw.variable) else []
    held += ["sex"] if raw.at("<h", 128)[0] in (1, 2) else []
    held += ["race"] if raw.at("<h", 130)[0] > 0 else []
    return (*held, *(["birth date"] if all(value > 0 for value in raw.at("<3h", 132)) else []))


def _has_text(field: bytes) -> bool:
    return bool(field.strip(b" \0\xffX"))


def polar_identity(path: Path) -> tuple[str, ...]:
    """Sections of a Polar file in which a person may have written."""
    try:
        return tuple(f"notes in [{section}]" for section in polar_notes(path))
    except Holter2SleepError:
        return ()


def hdf5_identity(path: Path) -> tuple[str, ...]:
    """Attributes and small datasets of an HDF5 file that tell of a person by their name, and how many more hold text.

    Their names are free as well: of a name, only the word is told by which it was known.
    """
    try:
        held = list(hdf5_texts(path))
    except Holter2SleepError:
        return ()
    personal = [(kind, word) for kind, name, value in held if (word := _personal_word(name)) and value not in ("", [])]
    others = [kind for kind, name, value in held if not _personal_word(name) and _is_free_text(name, value)]
    told = [f"{kind} for {word!r}" for kind, word in dict.fromkeys(personal)]
    return (*told, *(f"text in {others.count(kind)} {kind}s of other names" for kind in dict.fromkeys(others)))


def _personal_word(name: str) -> str | None:
    found = _PERSONAL.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()))
    return found["word"].casefold() if found else None


def _is_free_text(name: str, value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, str) and one.strip() for one in values) and not _TECHNICAL.fullmatch(name.strip())
