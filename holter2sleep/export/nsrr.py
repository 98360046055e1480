"""A night as NSRR annotations (`PSGAnnotation` XML): stages and episodes.

The clock has the time of day and no date, as the files of the National Sleep Research Resource have it. The archive has
no concepts for most rhythms: episodes are of type `Cardiac` and named by our code.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from holter2sleep.export.finished import FinishedNight
from holter2sleep.night import EPOCH_S

# L (N1 or N2) and NREM are no stages of NSRR: their words are ours, and have no number
CONCEPT = {
    "W": "Wake|0",
    "N1": "Stage 1 sleep|1",
    "N2": "Stage 2 sleep|2",
    "N3": "Stage 3 sleep|3",
    "R": "REM sleep|5",
    "L": "Light sleep|L",
    "NREM": "NREM sleep|NREM",
    "U": "Unscored|9",
}
_STAGES, _CARDIAC = "Stages|Stages", "Cardiac|Cardiac"

Event = tuple[str, str, float, float]  # type, concept, onset s, duration s


def nsrr_files(night: FinishedNight, name: str) -> dict[str, bytes]:
    """Contents by file name, `<id>-nsrr.xml` as the archive names them."""
    root = ElementTree.Element("PSGAnnotation")
    ElementTree.SubElement(root, "SoftwareVersion").text = f"holter2sleep {night.version}"
    ElementTree.SubElement(root, "EpochLength").text = f"{EPOCH_S:g}"
    events = ElementTree.SubElement(root, "ScoredEvents")
    first = _add(events, ("", "Recording Start Time", 0.0, night.grid.duration_s))
    if night.clock is not None:
        ElementTree.SubElement(first, "ClockTime").text = f"00.00.00 {night.clock.at(0.0):%H.%M.%S}"
    for event in sorted(_events(night), key=lambda event: event[2]):
        _add(events, event)
    ElementTree.indent(root)
    return {f"{name}-nsrr.xml": ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"}


def _events(night: FinishedNight) -> Iterator[Event]:
    for onset_s, end_s, stage in night.stage_runs:
        yield _STAGES, CONCEPT[stage], onset_s, end_s - onset_s
    episodes = night.episodes
    columns = (episodes.start_s.tolist(), episodes.end_s.tolist(), episodes.kind.tolist())
    for start_s, end_s, kind in zip(*columns, strict=True):
        yield _CARDIAC, f"{kind}|{kind}", start_s, end_s - start_s


def _add(events: ElementTree.Element, event: Event) -> ElementTree.Element:
    element = ElementTree.SubElement(events, "ScoredEvent")
    kind, concept, onset_s, duration_s = event
    texts = {"EventType": kind, "EventConcept": concept, "Start": _seconds(onset_s), "Duration": _seconds(duration_s)}
    for tag, text in texts.items():
        ElementTree.SubElement(element, tag).text = text
    return element


def _seconds(value: float) -> str:
    """Seconds to the millisecond, without zeros that say nothing.

    Examples
    --------
    >>> _seconds(30.0), _seconds(0.1234)
    ('30.0', '0.123')
    """
    return str(round(value, 3))
