"""Bytes and text of an input file: hash, decoding, refusal."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from holter2sleep.errors import RecordingError, UsageError

READABLE = (
    "a recording (EDF, EDF+, BDF, GDF, ISHNE, WFDB .hea, HDF5, BrainVision, EEGLAB, FIF, Neuroscan, Nihon Kohden, "
    "Persyst), "
    "a table of samples (CSV, TSV, Parquet) with a time column or --fs, "
    "or a beat file (.atr .qrs .ecg .ari .ann .csv .tsv .parquet .txt .ibi .hrm)"
)
MAX_ELAPSED_S = 31 * 86400.0  # patches record 14 days; a time beyond a month is a broken time
_BLOCK_BYTES = 1 << 20
_TELLS_NOTHING = re.compile(r"[\d .,:+/eE-]*")  # what numbers, dates and times are written with
_MAX_TEXT_BYTES = 1 << 28  # a month of beats as text is 50 MB; samples are not read as such a text
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1a")  # control characters that no text file holds


def refusal(path: Path, found: str, works: str = READABLE) -> RecordingError:
    """The one form of a refused file: its name, what was found, what would work."""
    return RecordingError(f"{path.name}: {found}. What would work: {works}")


def quoted(text: str) -> str:
    """A field of a file as a message may quote it: numbers, dates and times; of other text, maybe a name, the length.

    Examples
    --------
    >>> quoted("22:61:00"), quoted(""), quoted("J Smith")
    ("'22:61:00'", "''", '(7 characters of text)')
    """
    return repr(text) if _TELLS_NOTHING.fullmatch(text) else f"({len(text)} characters of text)"


def read_bytes(path: Path) -> bytes:
    """Content of a file that the user named.

    Raises
    ------
    UsageError
        There is no such file.
    RecordingError
        It cannot be read, or is empty.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise refusal(path, f"cannot be read ({error.strerror})") from None
    if not content:
        raise refusal(path, "the file is empty (0 bytes)")
    return content


def is_binary(content: bytes) -> bool:
    """Whether there are bytes that no text in an 8-bit encoding or UTF-8 has."""
    return bool(_CONTROL & set(content))


def read_text(path: Path, works: str = READABLE) -> str:
    """Content of a text file as UTF-8, UTF-16 with a mark, or latin-1.

    Raises
    ------
    RecordingError
        Binary content, or far more than a month of beats.
    """
    if path.is_file() and path.stat().st_size > _MAX_TEXT_BYTES:
        raise refusal(path, f"{path.stat().st_size >> 20} MB of text, too much for beats or stages", works)
    content = read_bytes(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise refusal(path, "starts like UTF-16 text but is not", works) from None
    if is_binary(content):
        raise refusal(path, "binary content where text was expected", works)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def sha256_of(paths: Iterable[Path]) -> str:
    """Hash of the contents, one after the other; read in blocks."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()
