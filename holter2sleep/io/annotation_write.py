"""Bytes of a WFDB annotation file (MIT format), and of a header that names no signal.

Written here and not by the wfdb package, which loads pandas and knows no header without signals; wfdb reads both back
in the tests.

References
----------
Moody, WFDB Applications Guide, annot(5), header(5). WFDB Programmer's Guide: a sample of a signal has one annotation at
most, and annotations stand in order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from holter2sleep.clock import date_known
from holter2sleep.io.annotations import ANNOTATION_CODE
from holter2sleep.night import Subject

NOTE, RHYTHM = '"', "+"
_SKIP, _SUB, _AUX = 59, 61, 63
_LOW = 0x3FF  # the ten bits below the code
_LONGEST_TEXT = 255  # bytes; annot(5)


@dataclass(frozen=True)
class Mark:
    """One annotation: `tick` from sample 0, WFDB symbol, text behind it, subtype (-1 to 127)."""

    tick: int
    symbol: str
    text: str = ""
    subtype: int = 0


def annotation_bytes(marks: Iterable[Mark], ticks_hz: float) -> bytes:
    r"""An annotation file that states its own clock, so that it needs no header to be read rightly.

    Examples
    --------
    >>> annotation_bytes([Mark(5, "N")], 250.0)[-4:]  # code 1, 5 samples on; then the end
    b'\x05\x04\x00\x00'
    """
    clock = Mark(0, NOTE, f"## time resolution: {ticks_hz:.12g}")
    parts, at = [], 0
    for mark in (clock, *marks):
        parts.append(b"".join(word.to_bytes(2, "little") for word in _words(mark, mark.tick - at)) + _text(mark.text))
        at = mark.tick
    return b"".join(parts) + b"\0\0"


def spread(fixed: Iterable[Mark], moving: Iterable[tuple[Mark, int]]) -> list[Mark]:
    """All marks in order of time, each at a sample of its own.

    The `fixed` ones, beats, stay; each of the others moves sample by sample, to later ones (1) or to earlier ones (-1),
    until it finds one that is free. One that would move before the record moves to later ones.
    """
    marks = list(fixed)
    taken = {mark.tick for mark in marks}
    for mark, way in sorted(moving, key=lambda pair: pair[0].tick):
        tick = _free(mark.tick, way, taken)
        taken.add(tick)
        marks.append(Mark(tick, mark.symbol, mark.text, mark.subtype))
    return sorted(marks, key=lambda mark: mark.tick)


def header_text(name: str, fs: float, n_samples: int, start: datetime | None, comments: Iterable[str]) -> str:
    r"""Header of a record whose signals lie elsewhere; without a date where only the time of day is known.

    Examples
    --------
    >>> header_text("a", 250.0, 5000, datetime(2024, 3, 1, 22, 30), ["54 F"])
    'a 0 250 5000 22:30:00 01/03/2024\n# 54 F\n'
    """
    clock = [] if start is None else [start.time().isoformat()]
    date = [f"{start:%d/%m/%Y}"] if start is not None and date_known(start) else []
    first = " ".join([name, "0", f"{fs:.12g}", str(n_samples), *clock, *date])
    return "".join(f"{line}\n" for line in (first, *(f"# {comment}" for comment in comments)))


def wfdb_comments(subject: Subject) -> list[str]:
    """Age and sex as headers of PhysioNet have them, such as `54 F`; nothing where neither is known."""
    if subject.age_years is None and subject.sex is None:
        return []
    age = "?" if subject.age_years is None else str(int(subject.age_years))
    return [f"{age} {subject.sex or '?'}"]


def _free(tick: int, way: int, taken: set[int]) -> int:
    """The first tick that is not taken."""
    while tick in taken or tick < 0:
        if tick <= 0:
            way = 1
        tick += way
    return tick


def _words(mark: Mark, step: int) -> Iterator[int]:
    """The 16-bit words of a mark, its text left out."""
    if step > _LOW:
        yield from (_SKIP << 10, step >> 16 & 0xFFFF, step & 0xFFFF)
        step = 0
    yield ANNOTATION_CODE[mark.symbol] << 10 | step
    if mark.subtype:
        yield _SUB << 10 | mark.subtype & _LOW


def _text(text: str) -> bytes:
    """The text behind a mark, filled to an even number of bytes."""
    content = text.encode()[:_LONGEST_TEXT]
    if not content:
        return b""
    return (_AUX << 10 | len(content)).to_bytes(2, "little") + content + b"\0" * (len(content) % 2)
