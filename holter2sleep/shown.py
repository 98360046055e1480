"""What a usual run shows of the words in a file: all that names a channel or a unit, nothing that may name a person.

Labels and units are text that anybody can write, and a name, a birth date or an id stands there sometimes. Words of the
vocabulary, short words and small numbers are kept; of any other word only that there is one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath

from holter2sleep.io.labels import ecg_rank
from holter2sleep.io.vocabulary import is_known_label, is_known_unit
from holter2sleep.night import Recording
from holter2sleep.privacy import DATE, LARGEST_RANK, QUOTED, TELLS_NOTHING, UNIT, known_channel

OTHER = "..."  # in place of a word
_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # ECGWaveform, LeadII
_SHORT = 2  # letters: initials name nobody
_LONG_NUMBER = re.compile(r"\d{4}")  # ids, years, birth dates; no lead or channel has such a number


def shown_recording(recording: Recording) -> Recording:
    """The recording as a usual run may show it; that its lead has another label is one more warning."""
    channel = recording.channel and shown_label(recording.channel)
    source = replace(recording.source, unit=recording.source.unit and shown_unit(recording.source.unit))
    own = {recording.source.file, PurePath(recording.source.file).stem, recording.recording_id}
    names = {recording.channel: channel} if recording.channel and channel and channel != recording.channel else {}
    told = [shown_warning(without_channel(warning, names), own) for warning in recording.warnings]
    if names:
        told.append(
            f"the label of the lead has words that are in no list of channel names: shown as {channel!r} (audit lists "
            "the labels as they are)"
        )
    return recording.but(channel=channel, source=source, warnings=tuple(told))


def shown_label(label: str) -> str:
    """The label with `...` for words that may name a person, and for long numbers.

    Examples
    --------
    >>> shown_label("ECG II"), shown_label("EKG Channel 3"), shown_label("ECG Smith 19520304")
    ('ECG II', 'EKG Channel 3', 'ECG ... ...')
    """
    if known_channel(label) == label:
        return label
    return _WORD.sub(lambda found: found[0] if _tells_nothing(found[0]) else OTHER, DATE.sub(OTHER, label))


def shown_unit(unit: str) -> str:
    """The unit where it is a known one, else as a label.

    Examples
    --------
    >>> shown_unit("uV"), shown_unit("2500 nV"), shown_unit("Smith")
    ('uV', '2500 nV', '...')
    """
    return unit if UNIT.fullmatch(unit.strip()) or is_known_unit(unit) else shown_label(unit)


def shown_warning(text: str, own: set[str]) -> str:
    """A reader's warning, in which what it quotes is a label, a unit or a number; `own` are names that are kept."""

    def kept(found: re.Match[str]) -> str:
        mark, inside = found[0][0], found[0][1:-1]
        if inside in own or TELLS_NOTHING.fullmatch(inside):
            return found[0]
        return f"{mark}{shown_unit(inside)}{mark}"

    return QUOTED.sub(kept, text)


def without_channel(text: str, names: dict[str, str]) -> str:
    """A warning that names the lead by its label without quotes, as the difference of two electrodes is."""
    for label, shown in names.items():
        text = text.replace(label, shown)
    return text


def shown_file(name: str, recording: Recording) -> str:
    """The name of a file beside the recording where it is called as that is; else what kind of file it is.

    A name that the user has chosen for the results stays; that of a scored file is often a person's.
    """
    stems = (recording.recording_id, PurePath(recording.source.file).stem)
    return name if name.startswith(stems) else f"a scored file ({PurePath(name).suffix or 'no suffix'})"


def _tells_nothing(word: str) -> bool:
    if _LONG_NUMBER.search(word):
        return False
    rank = ecg_rank(word)
    return (rank is not None and rank <= LARGEST_RANK) or all(map(_is_known, _LETTERS.findall(word)))


def _is_known(letters: str) -> bool:
    """Whether letters are few, a word of the vocabulary, or several such words written as one."""
    if len(letters) <= _SHORT or is_known_label(letters):
        return True
    parts = _CAMEL.findall(letters)
    return "".join(parts) == letters and len(parts) > 1 and all(map(is_known_label, parts))
