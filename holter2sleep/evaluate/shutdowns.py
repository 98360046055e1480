"""Time in which an annotation file declares the signal unreadable: what EC57 calls a shutdown.

A WFDB noise mark `~` whose subtype has bits 4 and 5 set (no signal readable) opens a shutdown, the noise mark after it
closes it. Files of the AHA database have a single mark in its middle: it then lasts from a match window after the beat
before to a match window before the mark that follows.

References
----------
Moody, WFDB Applications Guide, annot(5) and bxb(1).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holter2sleep.evaluate.protocol import STANDARD, Protocol
from holter2sleep.io.annotations import AAMI_CLASS, QUALITY_CHANGE, Annotations, clock_hz, read_annotations
from holter2sleep.night import Bool
from holter2sleep.spans import Spans, as_spans

UNREADABLE_BITS = 0x30  # neither of the first two signals can be read
VF_ENDS = "]"


def read_shutdowns(path: Path, protocol: Protocol = STANDARD) -> Spans:
    """Shutdowns of an annotation file, s; one that nothing closes lasts for ever.

    Raises
    ------
    RecordingError
        Not a WFDB annotation file.
    """
    annotations = read_annotations(path)
    ticks_hz, _ = clock_hz(path, annotations)
    return shutdown_spans(annotations, ticks_hz, protocol)


def shutdown_spans(annotations: Annotations, ticks_hz: float, protocol: Protocol = STANDARD) -> Spans:
    """Shutdowns among annotations, s."""
    time_s = annotations.sample / ticks_hz
    is_noise = annotations.symbol == QUALITY_CHANGE
    opens = is_noise & ((annotations.subtype & UNREADABLE_BITS) == UNREADABLE_BITS)
    starts = np.flatnonzero(opens & ~np.r_[False, opens[:-1]])  # a second mark in a row repeats the first
    spans = []
    for at in starts.tolist():
        behind = at + int(np.argmin(np.r_[opens[at:], False]))
        if behind == len(time_s):
            spans.append((time_s[at], np.inf))
        elif is_noise[behind]:
            spans.append((time_s[at], time_s[behind]))
        else:
            before = _last_of_heart(annotations, at)
            spans.append(
                ((time_s[before] if before >= 0 else 0.0) + protocol.window_s, time_s[behind] - protocol.window_s)
            )
    return as_spans(spans)


def _last_of_heart(annotations: Annotations, at: int) -> int:
    """Index of the last beat, or end of fibrillation, before an annotation; -1 where there is none."""
    known: Bool = np.isin(annotations.symbol[:at], [*AAMI_CLASS, VF_ENDS])
    return int(np.flatnonzero(known)[-1]) if known.any() else -1
