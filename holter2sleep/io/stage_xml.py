"""Sleep stages of XML files: NSRR annotations (`PSGAnnotation`) and Compumedics Profusion (`CMPStudyConfig`)."""

from __future__ import annotations

import re
from datetime import datetime, time
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from holter2sleep.clock import NO_DATE
from holter2sleep.io.files import quoted, refusal
from holter2sleep.io.scored import Scored
from holter2sleep.io.stage_codes import letters_of_codes, stage_letter
from holter2sleep.night import EPOCH_S, Float

_WORKS = "an NSRR annotation file (PSGAnnotation) or a Profusion one (CMPStudyConfig)"
_PROFUSION_STAGES = range(10)  # 0 wake, 1-4 as Rechtschaffen and Kales, 5 REM, 6 movement, 9 unscored
_CLOCK_TIME = re.compile(r"\b(\d{1,2})[.:](\d\d)[.:](\d\d)\s*$")  # behind a date, where there is one
_EPOCH_S = (1.0, 300.0)  # shortest and longest epoch that a lab scores


def read_stage_xml(path: Path, content: bytes) -> Scored:
    """Stages of an XML file.

    Raises
    ------
    RecordingError
        Not XML, of another dialect, with a document type or entities, or without times.
    """
    root = _root(path, content)
    if root.tag == "PSGAnnotation":
        return _nsrr(path, root)
    if root.tag == "CMPStudyConfig":
        return _profusion(path, root)
    raise refusal(path, f"XML with the root {root.tag[:40]!r}", _WORKS)


def _root(path: Path, content: bytes) -> ElementTree.Element:
    """Root of an XML text without document type: entities defined in one can grow without bound or name files."""

    def refuse(*_declaration: object) -> None:
        raise refusal(path, "XML with a document type or entities, which no sleep scoring needs", _WORKS)

    looking = expat.ParserCreate()
    looking.StartDoctypeDeclHandler = refuse
    looking.EntityDeclHandler = refuse
    try:
        looking.Parse(content, True)
        return ElementTree.fromstring(content)
    except (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise refusal(path, f"not valid XML ({error})", _WORKS) from None


def _nsrr(path: Path, root: ElementTree.Element) -> Scored:
    events = [event for event in root.iter("ScoredEvent") if (event.findtext("EventType") or "").startswith("Stages")]
    try:
        onset_s = np.array([float(event.findtext("Start", "")) for event in events])
        length_s = np.array([float(event.findtext("Duration", "")) for event in events])
    except ValueError:
        raise refusal(path, "a stage without Start and Duration in seconds", _WORKS) from None
    concepts = [event.findtext("EventConcept") or "" for event in events]
    letters = [stage_letter(concept) for concept in concepts]
    if None in letters:
        raise refusal(path, f"unknown stage {quoted(concepts[letters.index(None)])}", _WORKS)
    return Scored(onset_s, onset_s + length_s, np.array(letters, "<U4"), _nsrr_start(root))


def _nsrr_start(root: ElementTree.Element) -> datetime | None:
    """Clock of the event that marks the recording's start: `00.00.00 22.30.00`, the date mostly blanked out."""
    for event in root.iter("ScoredEvent"):
        if (event.findtext("EventConcept") or "").strip() == "Recording Start Time":
            found = _CLOCK_TIME.search(event.findtext("ClockTime") or "")
            hour, minute, second = map(int, found.groups()) if found else (-1, 0, 0)
            try:
                return datetime.combine(NO_DATE, time(hour, minute, second))
            except ValueError:
                return None
    return None


def _profusion(path: Path, root: ElementTree.Element) -> Scored:
    """One stage an epoch, from the start of the recording; the codes are those of EDF+ and NSRR."""
    written = [(stage.text or "").strip() for stage in root.iterfind("SleepStages/SleepStage")]
    strange = [text for text in written if not (text.isdecimal() and int(text) in _PROFUSION_STAGES)]
    if strange:
        raise refusal(path, f"unknown stage {quoted(strange[0])}", _WORKS)
    letters, _ = letters_of_codes([int(text) for text in written], "nsrr")
    epoch_s = _epoch_s(path, root.findtext("EpochLength"))
    onset_s: Float = epoch_s * np.arange(len(letters), dtype=np.float64)
    return Scored(onset_s, onset_s + epoch_s, np.array(letters, "<U4"))


def _epoch_s(path: Path, text: str | None) -> float:
    shortest, longest = _EPOCH_S
    try:
        epoch_s = EPOCH_S if text is None else float(text)
    except ValueError:
        epoch_s = float("nan")
    if not shortest <= epoch_s <= longest:
        raise refusal(path, f"an EpochLength of {quoted(text or '')}", f"{shortest:g} to {longest:g} s")
    return epoch_s
