"""A night as WFDB annotations: beats and rhythms (`.atr`), stages (`.st`), and a header where there is none.

Times are whole samples of the recording, the nearest one, so that they are off by half a sample at most; beats without
a sample clock are written in milliseconds. What marks the border of a stretch (rhythm, unreadable signal, note) stands
a sample before its first beat or behind its last, because a sample has one annotation at most.

References
----------
Moody, WFDB Applications Guide, annot(5) and the table of annotation codes. PhysioNet, slpdb: stages are notes, one an
epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from holter2sleep.export.finished import FinishedNight
from holter2sleep.io.annotation_write import NOTE, RHYTHM, Mark, annotation_bytes, header_text, spread, wfdb_comments
from holter2sleep.io.annotations import QUALITY_CHANGE, UNREADABLE
from holter2sleep.night import UNSCORED, Episodes

MILLISECONDS_HZ = 1000.0
# S is any supraventricular ectopic beat, as the AAMI class is; A would say atrial.
SYMBOL = {label: label for label in "NSVFQ"}
# Rhythm codes of WFDB, the last goes before the others where several hold: a record has one rhythm at a time.
RHYTHMS = ("N", "SBR", "P", "NOD", "PREX", "BII", "AFL", "AFIB", "AB", "T", "B", "SVTA", "IVR", "VFL", "VT")
_RHYTHM_OF_KIND = {"BRADY": "SBR", **{code: code for code in RHYTHMS}}
_STAGE_WORD = {"N1": "1", "N2": "2", "N3": "3"}  # slpdb writes digits; other letters are theirs or ours

Moving = tuple[Mark, int]


def wfdb_files(night: FinishedNight, name: str) -> dict[str, bytes]:
    """Contents by file name; the beats are `.qrs`, a detector's, where nobody has classified them."""
    ticks_hz = night.fs or MILLISECONDS_HZ
    n_samples = round(night.grid.duration_s * ticks_hz)
    start = night.clock.at(0.0) if night.clock else None
    files = {
        f"{name}.{'atr' if night.classified else 'qrs'}": annotation_bytes(_marks(night, ticks_hz), ticks_hz),
        f"{name}.hea": header_text(name, ticks_hz, n_samples, start, wfdb_comments(night.subject)).encode(),
    }
    stages = [
        Mark(round(onset_s * ticks_hz), NOTE, _STAGE_WORD.get(stage, stage))
        for onset_s, stage in zip(night.grid.onset_s.tolist(), night.stage.tolist(), strict=True)
        if stage != UNSCORED
    ]
    return {**files, f"{name}.st": annotation_bytes(stages, ticks_hz)} if stages else files


def _marks(night: FinishedNight, ticks_hz: float) -> list[Mark]:
    ticks = np.rint(night.beats.time_s * ticks_hz).astype(np.int64).tolist()
    beats = [Mark(tick, SYMBOL.get(label, "Q")) for tick, label in zip(ticks, night.beats.label.tolist(), strict=True)]
    first = ticks[0] if ticks else 0
    others = [*_unreadable(night, ticks_hz), *_rhythms(night.episodes, first, ticks_hz), *_notes(night, ticks_hz)]
    return spread(beats, others)


def _unreadable(night: FinishedNight, ticks_hz: float) -> Iterator[Moving]:
    """Where no signal can be read begins and ends; an unusable beat lies inside, a usable one at the border outside."""
    usable = dict(zip(night.beats.time_s.tolist(), night.beats.usable.tolist(), strict=True))
    for start_s, end_s in night.unreadable.tolist():
        yield (
            Mark(round(start_s * ticks_hz), QUALITY_CHANGE, subtype=UNREADABLE),
            1 if usable.get(start_s, True) else -1,
        )
        yield Mark(round(end_s * ticks_hz), QUALITY_CHANGE), -1 if usable.get(end_s, True) else 1


def rhythm_changes(episodes: Episodes, first: int, ticks_hz: float) -> list[tuple[int, str]]:
    """Tick and code of each change of rhythm, from the first beat on; N where no episode holds.

    Episodes may hold at once, and a record has one rhythm at a time: a run in AF interrupts it.

    Examples
    --------
    >>> af = Episodes([10.0, 12.0], [20.0, 13.0], ["AFIB", "VT"], [12, 4], [70.0, 180.0], [0.5, 0.5])
    >>> rhythm_changes(af, 0, 10.0)
    [(0, 'N'), (100, 'AFIB'), (120, 'VT'), (131, 'AFIB'), (201, 'N')]
    """
    code = [_RHYTHM_OF_KIND.get(kind) for kind in episodes.kind.tolist()]
    start, end = (np.rint(times * ticks_hz).astype(np.int64) for times in (episodes.start_s, episodes.end_s))
    edges = np.unique(np.r_[first, start, end + 1])
    holds = np.zeros(len(edges), np.int64)
    ranked = sorted((RHYTHMS.index(c), a, b) for c, a, b in zip(code, start, end, strict=True) if c)
    for rank, a, b in ranked:
        holds[np.searchsorted(edges, a) : np.searchsorted(edges, b + 1)] = rank
    changes = [(int(edges[0]), RHYTHMS[holds[0]])]
    changes += [
        (int(at), RHYTHMS[now]) for at, (was, now) in zip(edges[1:], pairwise(holds), strict=True) if was != now
    ]
    return changes


def _rhythms(episodes: Episodes, first: int, ticks_hz: float) -> Iterator[Moving]:
    """Changes of rhythm: what begins stands before its first beat, what ends has ended behind its last."""
    starts = set(np.rint(episodes.start_s * ticks_hz).astype(np.int64).tolist()) | {first}
    for tick, code in rhythm_changes(episodes, first, ticks_hz):
        yield Mark(tick, RHYTHM, f"({code}"), -1 if tick in starts else 1


def _notes(night: FinishedNight, ticks_hz: float) -> Iterator[Moving]:
    """What WFDB has no rhythm code for, as a note with its length: `PAUSE 2.400 s`."""
    episodes = night.episodes
    for start_s, end_s, kind in zip(
        episodes.start_s.tolist(), episodes.end_s.tolist(), episodes.kind.tolist(), strict=True
    ):
        if kind not in _RHYTHM_OF_KIND:
            yield Mark(round(start_s * ticks_hz), NOTE, f"{kind} {end_s - start_s:.3f} s"), -1
