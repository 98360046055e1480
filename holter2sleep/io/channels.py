"""Which channel is the ECG.

Order of preference, by label (case, blanks and punctuation ignored; text after a comma is a description):

1. modified limb lead II, then lead II: `MLII`, `ECG MLII`, `II`, `ECG II`
2. an unnamed ECG: `ECG`, `EKG`; bipolar pairs such as `ECG1-ECG2`
3. the difference of two electrodes: `ECG L` and `ECG R`
4. numbered leads: `ECG1`, `ECG 2`
5. lead I, then other leads by name: `I`, `MLI`, `V5`, `V2`, `V1`, `III`, `aVF`, ...
6. any other label that begins with ECG or EKG and does not name a derived signal (`ECG_HR`, `ECG quality`)

Within a rank the first in the file is taken. Heart rate, pulse and plethysmogram are never taken, nor is
a bare `Chest`: in sleep recordings that is the effort belt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holter2sleep.errors import RecordingError

MIN_FS_HZ = 50.0  # slower signals cannot hold a QRS complex (main power 5-15 Hz, Nyquist with margin)

_LISTED = 40  # channels named in a message
_FIRST_RANKS = (
    re.compile(r"(ecg|ekg)*(lead)?(mlii|ml2)"),
    re.compile(r"(ecg|ekg)*(lead)?ii"),
    re.compile(r"(ecg|ekg)+|(ecg|ekg)(\d|l|la|i)(ecg|ekg)(\d|r|ra|i+)"),
    re.compile(r"(ecg|ekg)+(l|r|left|right|la|ra)"),
    re.compile(r"(ecg|ekg)+\d+"),
)
_ELECTRODE_RANK = 3
_OTHER_LEADS = ("i", "mli", "cm5", "v5", "mv5", "v4", "v6", "v2", "mv2", "v3", "v1", "mv1", "mcl1", "iii", "mliii")
_LAST_LEADS = ("avf", "avl", "avr", "es", "as", "ai", "x", "y", "z")
_DERIVED = re.compile(r"hr|rate|rr|bpm|puls|pleth|qual|sqi|imp|event|stat|edr|resp|beat|trig|marker|qt|emg|eeg|eog")


@dataclass(frozen=True)
class Channel:
    """One channel of a file, as far as choosing needs it; `fault` says why it cannot be used."""

    label: str
    fs: float
    fault: str | None = None


@dataclass(frozen=True)
class Choice:
    """The ECG: a channel, or the difference of two (`index` minus `minus`)."""

    index: int
    name: str
    minus: int | None = None
    warnings: tuple[str, ...] = ()


def choose_ecg(channels: Sequence[Channel], wanted: str | None, path: Path) -> Choice:
    """The ECG channel: the one named by the user, else found by label.

    Raises
    ------
    RecordingError
        No such channel, no ECG channel, or one that cannot be used; the message lists the channels.
    """
    if wanted is not None:
        return _named(channels, wanted, path)
    ranks = {i: rank for i, channel in enumerate(channels) if (rank := ecg_rank(channel.label)) is not None}
    if ranks and all(channels[i].fault for i in ranks):
        faults = "; ".join(f"{channels[i].label!r}: {channels[i].fault}" for i in ranks)
        raise RecordingError(f"{path.name}: no ECG channel can be used ({faults}). {_offer(channels)}")
    ranks = {i: rank for i, rank in ranks.items() if channels[i].fault is None}
    if not ranks:
        raise RecordingError(f"{path.name}: no ECG channel found by label. {_offer(channels)}")
    pair = _electrodes(channels, ranks)
    if pair is not None:
        return pair
    best = min(ranks, key=lambda i: (ranks[i], i))
    others = [channels[i].label for i in ranks if i != best]
    several = f"several ECG leads: took {channels[best].label!r}; also there: {_quoted(others)} (choose with --channel)"
    return Choice(best, channels[best].label, None, (several,) if others else ())


def ecg_rank(label: str) -> int | None:
    """Rank of a label, 0 best; None when it names no ECG.

    Examples
    --------
    >>> [ecg_rank(label) for label in ("MLII", "EKG", "ECG L", "ECG 2", "V5", "ECG Wrist")]
    [0, 2, 3, 4, 8, 40]
    >>> [ecg_rank(label) for label in ("HR", "ECG_HR", "Pleth", "EEG C3", "EMG Chin")]
    [None, None, None, None, None]
    """
    plain = _plain(label)
    for rank, pattern in enumerate(_FIRST_RANKS):
        if pattern.fullmatch(plain):
            return rank
    named = re.sub(r"^(ecg|ekg)+", "", plain)
    says_ecg = named != plain
    lead = named.removeprefix("lead")
    if lead in _OTHER_LEADS:
        return 5 + _OTHER_LEADS.index(lead)
    if lead in _LAST_LEADS and (says_ecg or lead.startswith("av")):
        return 30 + _LAST_LEADS.index(lead)
    return 40 if says_ecg and not _DERIVED.search(lead) else None


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.split(",")[0].casefold())


def _electrodes(channels: Sequence[Channel], ranks: dict[int, int]) -> Choice | None:
    """Left minus right electrode, when nothing better is there and both have the same rate."""
    if min(ranks.values()) != _ELECTRODE_RANK:
        return None
    electrodes = [i for i in ranks if ranks[i] == _ELECTRODE_RANK]
    left = [i for i in electrodes if "l" in _plain(channels[i].label)[3:4]]
    right = [i for i in electrodes if "r" in _plain(channels[i].label)[3:4]]
    if not (left and right) or channels[left[0]].fs != channels[right[0]].fs:
        return None
    name = f"{channels[left[0]].label} - {channels[right[0]].label}"
    return Choice(left[0], name, right[0], (f"two chest electrodes: their difference {name} is the lead",))


def _named(channels: Sequence[Channel], wanted: str, path: Path) -> Choice:
    labels = [channel.label for channel in channels]
    same = [i for i, label in enumerate(labels) if label == wanted.strip()]
    same = same or [i for i, label in enumerate(labels) if label.casefold() == wanted.strip().casefold()]
    if not same:
        raise RecordingError(f"{path.name}: no channel {wanted!r}. {_offer(channels)}")
    index = next((i for i in same if channels[i].fault is None), same[0])
    if channels[index].fault:
        raise RecordingError(
            f"{path.name}: channel {wanted!r} cannot be used: {channels[index].fault}. {_offer(channels)}"
        )
    repeated = f"{len(same)} channels are labelled {labels[index]!r}: the first usable one was taken"
    return Choice(index, labels[index], None, (repeated,) if len(same) > 1 else ())


def _offer(channels: Sequence[Channel]) -> str:
    if not channels:
        return "The file holds no signal channel"
    return f"Channels: {_quoted([channel.label for channel in channels])}. Choose one with --channel"


def _quoted(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:_LISTED])
    return f"{shown} and {len(labels) - _LISTED} more" if len(labels) > _LISTED else shown
