"""Which channel is the ECG.

What the user names is taken. Else the labels of a known archive decide, best first. Else the label (`labels`):

1. modified limb lead II, then lead II: `MLII`, `ECG MLII`, `II`, `ECG II`
2. an unnamed ECG: `ECG`, `EKG`; bipolar pairs such as `ECG1-ECG2`, `LA-RA`
3. the difference of two electrodes: `ECG L` and `ECG R`, `ECG LA` and `ECG RA`, `ECG+` and `ECG-`
4. numbered channels: `ECG1`, `ECG 2`; their difference where the signals show two electrodes with one far
   reference rather than two leads (`electrodes`)
5. lead I, then other leads by name: `I`, `MLI`, `CM5`, `V5`, `V2`, `V1`, `III`, `aVF`, ...
6. any other label that begins with ECG or EKG and does not name a derived signal (`ECG_HR`, `ECG quality`)

Within a rank the first in the file is taken, unless another shows beats far more clearly. A lead that is there for less
than half the time of another ECG lead is passed over. Heart rate, pulse and
plethysmogram are never taken. `Chest`, `Channel 1`, `CH1`, `C1`, `X1` and the like say nothing of an ECG (effort
belt, EEG position, spare input): without any ECG label the channel is found by its signal (`ecg_likeness`), or the
file is refused with the reason for each channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import RecordingError
from holter2sleep.io.ecg_likeness import TAKEN_FROM, Likeness, ecg_likeness
from holter2sleep.io.electrodes import compare_channels
from holter2sleep.io.labels import ELECTRODE_RANK, NUMBERED_RANK, ecg_rank, electrode_side, may_be_ecg, plain
from holter2sleep.io.options import ReadOptions

Look = Callable[[int], NDArray[np.float32]]  # channel -> some minutes of its signal, in any unit

MIN_FS_HZ = 50.0  # slower signals cannot hold a QRS complex (main power 5-15 Hz, Nyquist with margin)

_LISTED = 40  # channels named in a message
_MOST_JUDGED = 300  # channels whose signal is looked at: the largest EEG caps have 256
_MANY = 32  # of more channels only a minute each is looked at
_NO_BEATS = 0.1  # a labelled channel with a lower score shows no heart, when another one does
_TOO_SHORT = 0.5  # of the time of the longest ECG lead: a lead that is there for less is passed over
_CLEARER = 0.3  # by so much another channel of the same rank must show its beats more clearly


@dataclass(frozen=True)
class Channel:
    """One channel of a file, as far as choosing needs it; `fault` says why it cannot be used."""

    label: str
    fs: float
    fault: str | None = None
    share: float = 1.0  # of the recording that it is there for: in records of segments, leads come and go


@dataclass(frozen=True)
class Choice:
    """The ECG: a channel, or the difference of two (`index` minus `minus`).

    `score` (0-1) is how much its signal looks like an ECG, None where nobody looked.
    """

    index: int
    name: str
    minus: int | None = None
    warnings: tuple[str, ...] = ()
    found_by: Literal["user", "label", "signal"] = "label"
    score: float | None = None


def choose_ecg(channels: Sequence[Channel], options: ReadOptions, path: Path, look: Look | None = None) -> Choice:
    """The ECG channel: the one named by the user, else found by label, else by its signal.

    Parameters
    ----------
    channels, options, path
        What the file holds, what the user says, and the file, which messages name.
    look
        Gives some minutes of a channel's signal; without it, only labels decide.

    Raises
    ------
    RecordingError
        No such channel, no ECG channel, or one that cannot be used; the message lists the channels.
    """
    if options.channel is not None:
        return _named(channels, options.channel, path)
    usable = {i for i, channel in enumerate(channels) if channel.fault is None}
    for wanted in options.labels:
        known = _exactly(channels, wanted, usable)
        if known is not None:
            return known
    ranks = {i: rank for i, channel in enumerate(channels) if (rank := ecg_rank(channel.label)) is not None}
    usable_ranks = {i: rank for i, rank in ranks.items() if i in usable}
    seen = _Seen(channels, look) if look is not None else None
    if not usable_ranks:
        return _by_signal(channels, ranks, path, seen)
    usable_ranks, notes = _long_enough(channels, usable_ranks)
    if seen is not None and (instead := _instead_of_weak(channels, usable_ranks, seen)) is not None:
        return instead
    choice = _electrodes(channels, usable_ranks, seen) or _by_label(channels, usable_ranks, seen)
    return replace(choice, warnings=(*notes, *choice.warnings))


def _instead_of_weak(channels: Sequence[Channel], ranks: dict[int, int], seen: _Seen) -> Choice | None:
    """A channel without an ECG label, where the labels only hint at an ECG and none of them shows beats."""
    if min(ranks.values()) <= NUMBERED_RANK or max(seen.likeness(i).score for i in ranks) >= _NO_BEATS:
        return None
    others = [i for i in _open_to(channels) if i not in ranks]
    best = max(others, key=lambda i: seen.likeness(i).score, default=None)
    if best is None or seen.likeness(best).score < TAKEN_FROM:
        return None
    note = (
        f"{_quoted([channels[i].label for i in ranks])} shows no beats: {channels[best].label!r} was taken by its "
        f"signal (likeness to an ECG {seen.likeness(best).score:.2f} of 1); another is chosen with --channel"
    )
    return Choice(best, channels[best].label, None, (note,), "signal", seen.likeness(best).score)


def _open_to(channels: Sequence[Channel]) -> list[int]:
    """Channels whose signal may be looked at for an ECG, as far as fault and label tell."""
    fit = [i for i, channel in enumerate(channels) if channel.fault is None and may_be_ecg(channel.label)]
    return fit[:_MOST_JUDGED]


def _long_enough(channels: Sequence[Channel], ranks: dict[int, int]) -> tuple[dict[int, int], list[str]]:
    """The leads that are there long enough, and a warning of better ones that are not."""
    longest = max(channels[i].share for i in ranks)
    kept = {i: rank for i, rank in ranks.items() if channels[i].share >= _TOO_SHORT * longest}
    passed = [f"{channels[i].label!r} ({channels[i].share:.1%})" for i in ranks if ranks[i] < min(kept.values())]
    if not passed:
        return kept, []
    return kept, [
        f"passed over, for another ECG lead is there for {longest:.0%} of the time with signal: {', '.join(passed)}"
    ]


class _Seen:
    """Signals and their likeness to an ECG, each looked at once."""

    def __init__(self, channels: Sequence[Channel], look: Look) -> None:
        self._channels, self._look = channels, look
        self._scores: dict[int, Likeness] = {}

    def signal(self, index: int) -> NDArray[np.float32]:
        return self._look(index)

    def likeness(self, index: int, longest_s: float = np.inf) -> Likeness:
        if index not in self._scores:
            fs = self._channels[index].fs
            values = self.signal(index)
            self._scores[index] = ecg_likeness(values[: int(min(len(values), longest_s * fs))], fs)
        return self._scores[index]


# --- by label --------------------------------------------------------------------------------------


def _by_label(channels: Sequence[Channel], ranks: dict[int, int], seen: _Seen | None) -> Choice:
    order = sorted(ranks, key=lambda i: (ranks[i], i))
    best = order[0]
    notes: list[str] = []
    if len(order) > 1:
        if seen is not None:
            best, notes = _showing_beats(channels, ranks, order, seen)
        others = _quoted([channels[i].label for i in sorted(ranks) if i != best])
        notes = [
            f"several ECG leads: took {channels[best].label!r}; also there: {others} (choose with --channel)",
            *notes,
        ]
    score = seen.likeness(best).score if seen is not None and len(order) > 1 else None
    return Choice(best, channels[best].label, None, tuple(notes), "label", score)


def _showing_beats(
    channels: Sequence[Channel], ranks: dict[int, int], order: list[int], seen: _Seen
) -> tuple[int, list[str]]:
    """The best by label that shows beats, and a warning when that is not the best by label."""
    score = {i: seen.likeness(i).score for i in order}
    equals = [i for i in order if ranks[i] == ranks[order[0]]]
    clearest = max(equals, key=lambda i: score[i])
    first = clearest if score[clearest] > score[order[0]] + _CLEARER else order[0]
    if score[first] >= _NO_BEATS:
        return first, []
    beating = next((i for i in order if score[i] >= TAKEN_FROM), first)
    if beating == first:
        return first, []
    return beating, [f"{channels[first].label!r} shows no beats in the middle of the recording"]


def _electrodes(channels: Sequence[Channel], ranks: dict[int, int], seen: _Seen | None) -> Choice | None:
    """The difference of two electrodes, when nothing better is there."""
    best = min(ranks.values())
    sides = {i: electrode_side(channels[i].label) for i in ranks}
    plus, minus = ([i for i in sorted(ranks) if sides[i] == side] for side in (1, -1))
    unnamed = [i for i in sorted(ranks) if plain(channels[i].label) in ("ecg", "ekg")]
    if not plus and unnamed and minus and plain(channels[minus[0]].label).endswith("minus"):
        plus, best = unnamed, ELECTRODE_RANK  # "Ecg" and "ECG-" are the two wires of one input
    if best == ELECTRODE_RANK and plus and minus and channels[plus[0]].fs == channels[minus[0]].fs:
        if seen is None or not _clearer_alone(plus[0], minus[0], channels[plus[0]].fs, seen):
            return _difference(channels, plus[0], minus[0], "two chest electrodes: their difference {} is the lead")
        alone = max(plus[0], minus[0], key=lambda i: seen.likeness(i).score)
        said = f"{_quoted([channels[plus[0]].label, channels[minus[0]].label])} cancel one another: took one alone"
        return Choice(alone, channels[alone].label, None, (said,), "label", seen.likeness(alone).score)
    if best == NUMBERED_RANK and seen is not None:
        return _numbered_electrodes(channels, [i for i in sorted(ranks) if ranks[i] == NUMBERED_RANK], seen)
    return None


def _clearer_alone(plus: int, minus: int, fs: float, seen: _Seen) -> bool:
    """Whether one of two channels shows beats that their difference does not: they are no electrodes."""
    a, b = seen.signal(plus), seen.signal(minus)
    n = min(len(a), len(b))
    if ecg_likeness(a[:n] - b[:n], fs).score >= _NO_BEATS:
        return False
    return max(seen.likeness(plus).score, seen.likeness(minus).score) >= TAKEN_FROM


def _numbered_electrodes(channels: Sequence[Channel], numbered: list[int], seen: _Seen) -> Choice | None:
    """The difference of two numbered channels whose signals say they are electrodes with one far reference."""
    found = []
    for a, b in combinations(numbered[:3], 2):
        if channels[a].fs == channels[b].fs:
            pair = compare_channels(seen.signal(a), seen.signal(b), channels[a].fs)
            if pair.is_electrodes:
                found.append((pair, a, b))
    if not found:
        return None
    pair, a, b = max(found, key=lambda item: item[0].gain)
    why = f"two electrodes with one reference ({100 * pair.shared:.0f} % of what is not heart is in both alike): "
    choice = _difference(channels, a, b, f"{why}their difference {{}} is the lead")
    return replace(choice, score=pair.difference_score)


def _difference(channels: Sequence[Channel], plus: int, minus: int, note: str) -> Choice:
    name = f"{channels[plus].label} - {channels[minus].label}"
    return Choice(plus, name, minus, (note.format(name),))


# --- by signal -------------------------------------------------------------------------------------


def _by_signal(channels: Sequence[Channel], labelled: Iterable[int], path: Path, seen: _Seen | None) -> Choice:
    """The channel whose signal looks most like an ECG, for a file without a usable ECG label."""
    faults = "; ".join(f"{channels[i].label!r}: {channels[i].fault}" for i in labelled)
    found = f"no ECG channel can be used ({faults})" if faults else "no ECG channel found by label"
    if seen is None or not channels:
        raise RecordingError(f"{path.name}: {found}. {_offer(channels)}")
    open_to = _open_to(channels)
    longest_s = 60.0 if len(open_to) > _MANY else np.inf
    scores = {i: seen.likeness(i, longest_s) for i in open_to}
    order = sorted(scores, key=lambda i: (-scores[i].score, i))
    if not order or scores[order[0]].score < TAKEN_FROM:
        raise RecordingError(f"{path.name}: {found}, and none by its signal. {_reasons(channels, scores)}")
    best = order[0]
    next_best = f"next {channels[order[1]].label!r} {scores[order[1]].score:.2f}" if len(order) > 1 else "no other"
    note = (
        f"{found}: {channels[best].label!r} was taken by its signal (likeness to an ECG {scores[best].score:.2f} of 1; "
        f"{next_best}); another is chosen with --channel"
    )
    return Choice(best, channels[best].label, None, (note,), "signal", scores[best].score)


def _reasons(channels: Sequence[Channel], scores: dict[int, Likeness]) -> str:
    """Every channel with what speaks against it."""

    def against(i: int) -> str | None:
        if channels[i].fault or i not in scores:
            return channels[i].fault or ("not looked at" if may_be_ecg(channels[i].label) else "no ECG by its label")
        return scores[i].against

    listed = [f"{channel.label!r} ({against(i)})" for i, channel in enumerate(channels[:_LISTED])]
    more = f" and {len(channels) - _LISTED} more" if len(channels) > _LISTED else ""
    return f"Channels: {', '.join(listed)}{more}. Choose one with --channel"


# --- by name ---------------------------------------------------------------------------------------


def _named(channels: Sequence[Channel], wanted: str, path: Path) -> Choice:
    labels = [channel.label for channel in channels]
    same = _equal(labels, wanted)
    if not same:
        pair = _exactly(channels, wanted, {i for i, channel in enumerate(channels) if channel.fault is None})
        if pair is None:
            raise RecordingError(f"{path.name}: no channel {wanted!r}. {_offer(channels)}")
        return replace(pair, found_by="user")
    index = next((i for i in same if channels[i].fault is None), same[0])
    if channels[index].fault:
        raise RecordingError(
            f"{path.name}: channel {wanted!r} cannot be used: {channels[index].fault}. {_offer(channels)}"
        )
    repeated = f"{len(same)} channels are labelled {labels[index]!r}: the first usable one was taken"
    return Choice(index, labels[index], None, (repeated,) if len(same) > 1 else (), "user")


def _exactly(channels: Sequence[Channel], wanted: str, usable: set[int]) -> Choice | None:
    """The usable channel of that label, or the difference of two for `ECG1-ECG2`; None when they are not there."""
    labels = [channel.label for channel in channels]
    same = [i for i in _equal(labels, wanted) if i in usable]
    if same:
        return Choice(same[0], labels[same[0]])
    for at in [i for i, letter in enumerate(wanted) if letter == "-"]:
        sides = ([i for i in _equal(labels, part) if i in usable] for part in (wanted[:at], wanted[at + 1 :]))
        plus, minus = sides
        if plus and minus and plus[0] != minus[0] and channels[plus[0]].fs == channels[minus[0]].fs:
            return _difference(channels, plus[0], minus[0], "two electrodes, as told: their difference {} is the lead")
    return None


def _equal(labels: Sequence[str], wanted: str) -> list[int]:
    """Channels of that very label, or else of that label in other case."""
    wanted = wanted.strip()
    same = [i for i, label in enumerate(labels) if label == wanted]
    return same or [i for i, label in enumerate(labels) if label.casefold() == wanted.casefold()]


def _offer(channels: Sequence[Channel]) -> str:
    if not channels:
        return "The file holds no signal channel"
    return f"Channels: {_quoted([channel.label for channel in channels])}. Choose one with --channel"


def _quoted(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:_LISTED])
    return f"{shown} and {len(labels) - _LISTED} more" if len(labels) > _LISTED else shown
