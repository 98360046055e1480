"""Stable pseudonyms, and recordings that no longer say whose they are.

A pseudonym is a keyed hash of an identity: the same key gives the same pseudonym in every run, and without the key
neither can the identity be found from it nor a guess be tried.

References
----------
RFC 2104 (HMAC). 45 CFR 164.514(b)(2), the safe harbour of HIPAA: no names, no dates but the year, ages over 89 as one
group, no device or record numbers, no other free text that tells of a person.
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePath

from holter2sleep.clock import NO_DATE
from holter2sleep.errors import UsageError
from holter2sleep.io.labels import ecg_rank
from holter2sleep.night import Recording, Subject

log = logging.getLogger(__name__)

OLDEST_YEARS = 89  # 45 CFR 164.514(b)(2)(i)(C): all ages above are one group
_TOP_AGE_YEARS = 90.0
_KEY_BYTES = 32
_LARGEST_KEY_BYTES = 4096  # of its file; it has 65
_LETTERS = 16  # 80 bits: the odds that two of a million recordings share a pseudonym are 4 in 10 million millions
_PSEUDONYM = re.compile(rf"h2s-[a-z2-7]{{{_LETTERS}}}")
_SUFFIXES = frozenset(
    ".edf .bdf .rec .gdf .hea .dat .ecg .ann .atr .qrs .ari .csv .tsv .txt .ibi .hrm .parquet .h5 .hdf5 .hdf .mat "
    ".vhdr .set .fif .cnt .eeg .lay .json .xml .st .apn .npz".split()
)
LARGEST_RANK = 59  # of labels that name a lead; those above begin with ECG and go on with any word
UNIT = re.compile(r"([\d.]+ ?)?[nuµμm]?V", re.IGNORECASE)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
DATE = re.compile(
    r"\b\d{4}-\d{1,2}-\d{1,2}(?=T|\b)|\b\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\b|\b\d{1,2}-[A-Za-z]{3}-\d{4}\b"
)
TELLS_NOTHING = re.compile(r"(?!.*\d{5})[\d:., +-]*")  # within quotes: numbers and times of day, but no long ids
_LONG_NUMBER = re.compile(r"\d{3}")  # no lead has such a number; birth dates and ids have


def pseudonym(key: bytes, identity: str) -> str:
    """Name in place of an identity: `h2s-` and 16 letters, the same for the same key and identity.

    It is the start of HMAC-SHA-256, 80 bits of it: of n identities two share a pseudonym with odds of n^2 / 2^81.
    Blanks around the identity and the way its accents are coded do not count.

    Examples
    --------
    >>> pseudonym(bytes(32), "subject 7") == pseudonym(bytes(32), " subject 7 ")
    True
    >>> len(pseudonym(bytes(32), "subject 7"))
    20
    """
    text = unicodedata.normalize("NFC", identity).strip()
    digest = hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256")
    return f"h2s-{base64.b32encode(digest).decode('ascii').lower()[:_LETTERS]}"


def is_pseudonym(name: str) -> bool:
    """Whether a name is a pseudonym already."""
    return _PSEUDONYM.fullmatch(name) is not None


def private_file_name(key: bytes, name: str) -> str:
    """Name in place of a file's: the pseudonym of its stem, with the suffix where it is one of a recording."""
    suffix = PurePath(name).suffix.lower()
    return pseudonym(key, PurePath(name).stem) + (suffix if suffix in _SUFFIXES else "")


def read_or_make_key(path: Path) -> bytes:
    """The key in a file, 64 hexadecimal digits; a new one is made, readable by its owner alone, where there is no file.

    Whoever has the key can tell which pseudonym belongs to a known identity; without it the pseudonyms cannot be made
    again. That a key was made is said in the log as a warning.

    Raises
    ------
    UsageError
        A file that holds no such key, or that cannot be read or made.
    """
    try:
        if not path.exists() and not path.is_symlink():
            return _made(path)
        if not path.is_file() or path.stat().st_size > _LARGEST_KEY_BYTES:
            found = "a large file" if path.is_file() else "no file, but a folder, a pipe or a device"
            raise UsageError(f"{path.name}: the key cannot be read ({found}); name another file, or a free name")
        text = path.read_bytes().strip()
        open_to_others = os.name == "posix" and path.stat().st_mode & 0o077
    except OSError as error:
        raise UsageError(f"{path.name}: the key cannot be read ({error.strerror})") from None
    if not re.fullmatch(rb"[0-9a-fA-F]{%d}" % (2 * _KEY_BYTES), text):
        found = f"{len(text)} characters that are no key" if text else "no key, the file is empty"
        raise UsageError(
            f"{path.name}: {found}. What would work: a file of {2 * _KEY_BYTES} hexadecimal digits, or a name that is "
            "free, where a new key is made"
        )
    if open_to_others:
        log.warning("%s: others can read this key; chmod 600 closes it", path.name)
    return bytes.fromhex(text.decode("ascii"))


def _made(path: Path) -> bytes:
    """A new key in a file that appears whole; the key of whoever was faster, if another process made it meanwhile."""
    key = os.urandom(_KEY_BYTES)
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key.")  # for the owner alone from the beginning
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(key.hex().encode("ascii") + b"\n")
        path.hardlink_to(part)  # fails where there is a file already, and so replaces none
    except FileExistsError:
        return read_or_make_key(path)
    except OSError as error:
        raise UsageError(f"{path.name}: the key cannot be written ({error.strerror})") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    log.warning("%s: a new key was made. Keep it safe and apart from the results: it links pseudonyms", path.name)
    return key


def deidentified(recording: Recording, key: bytes) -> Recording:
    """The recording without what could tell whose it is; samples, beats and elapsed time stay.

    Recording id and file name become pseudonyms (an id that is one already stays), the date goes and the clock stays,
    the time zone goes, ages over 89 become 90, a channel or unit that is no known one becomes `ECG` or None, and the
    warnings lose dates, names of files, and what they quote from the file.
    """
    own_id, source, beats = recording.recording_id, recording.source, recording.beats_source
    new_id = own_id if is_pseudonym(own_id) else pseudonym(key, own_id)
    file = private_file_name(key, source.file)
    channel = recording.channel and known_channel(recording.channel)
    names = {source.file: file, PurePath(source.file).stem: PurePath(file).stem, own_id: new_id}
    if recording.channel and channel != recording.channel:
        names[recording.channel] = "ECG"
    unit = source.unit if source.unit and UNIT.fullmatch(source.unit.strip()) else None
    return recording.but(
        recording_id=new_id,
        source=replace(source, file=file, unit=unit),
        start=None if recording.start is None else without_date(recording.start),
        zone=None,
        subject=top_coded(recording.subject),
        channel=channel,
        beats_source=beats and replace(beats, file=private_file_name(key, beats.file)),
        warnings=tuple(without_names(warning, names) for warning in recording.warnings),
    )


def without_date(moment: datetime) -> datetime:
    """The time of day on the day that stands for no date."""
    return datetime.combine(NO_DATE, moment.time())


def top_coded(subject: Subject) -> Subject:
    """The subject with an age over 89 as 90.

    Examples
    --------
    >>> top_coded(Subject(97.0, "F")), top_coded(Subject(89.0, "F")).age_years
    (Subject(age_years=90.0, sex='F'), 89.0)
    """
    if subject.age_years is None or subject.age_years <= OLDEST_YEARS:
        return subject
    return replace(subject, age_years=_TOP_AGE_YEARS)


def known_channel(label: str) -> str:
    """The label where it is one of an ECG lead and nothing else, else `ECG`.

    Examples
    --------
    >>> known_channel("ECG L - ECG R"), known_channel("ECG Smith"), known_channel("ECG 19520304")
    ('ECG L - ECG R', 'ECG', 'ECG')
    """
    rank = ecg_rank(label)
    known = rank is not None and rank <= LARGEST_RANK and label.isascii() and "," not in label
    return label if known and not _LONG_NUMBER.search(label) else "ECG"


def without_names(text: str, names: dict[str, str]) -> str:
    """A message without the given names, dates, and what it quotes, numbers and leads of an ECG aside.

    Examples
    --------
    >>> without_names("smith.edf: start unknown: date 'J Smith', time '22:30'", {"smith.edf": "h2s-x.edf"})
    "h2s-x.edf: start unknown: date '...', time '22:30'"
    """
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _, new=names[name]: new, text)  # type: ignore[misc]
    return DATE.sub("(date)", QUOTED.sub(_kept_quote, text))


class Veil(logging.Filter):
    """Takes names out of what is logged; what libraries log, such as the paths that they open, is dropped."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self._names = names

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be shown; its message without names from then on."""
        record.msg, record.args = without_names(record.getMessage(), self._names), ()
        return record.name.split(".")[0] == "holter2sleep"


@contextmanager
def veiled_logs(names: dict[str, str]) -> Iterator[None]:
    """No handler of the program shows one of the names while it lasts."""
    handlers, veil = logging.getLogger().handlers[:], Veil(names)
    for handler in handlers:
        handler.addFilter(veil)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(veil)


def _kept_quote(found: re.Match[str]) -> str:
    mark, inside = found[0][0], found[0][1:-1]
    is_lead = known_channel(inside) == inside
    return found[0] if is_lead or TELLS_NOTHING.fullmatch(inside) else f"{mark}...{mark}"
