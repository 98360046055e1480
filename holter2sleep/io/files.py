"""Bytes and text of an input file: hash, decoding, refusal."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
MAX_WHOLE_BYTES = 1 << 28  # of a file read whole: a month of beats is 50 MB as text; samples are read in blocks
MAX_ROWS = 8_000_000  # beats of a month at 180 a minute
_LONGEST_MESSAGE, _LONGEST_QUOTE = 1000, 60  # characters; one line of a file may have many millions
_LINE_ENDS = (b"\n", b"\r", b"\v", b"\f", b"\x85")  # of bytes that Python splits lines at
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1a")  # control characters that no text file holds


def refusal(path: Path, found: str, works: str = READABLE) -> RecordingError:
    """The one form of a refused file: its name, what was found, what would work."""
    return RecordingError(f"{path.name}: {shortened(found)}. What would work: {works}")


def shortened(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    """A text with its middle left out where it is too long to be read.

    Examples
    --------
    >>> shortened("22:30"), shortened("abcdefghij" * 1000, 21)
    ('22:30', 'abcdefgh ... cdefghij')
    """
    side = (longest - 5) // 2
    return text if len(text) <= longest else f"{text[:side]} ... {text[-side:]}"


def quoted(text: str) -> str:
    """A field of a file as a message may quote it: numbers, dates and times; of other text, maybe a name, the length.

    Examples
    --------
    >>> quoted("22:61:00"), quoted(""), quoted("J Smith")
    ("'22:61:00'", "''", '(7 characters of text)')
    """
    if len(text) <= 2 or (len(text) <= _LONGEST_QUOTE and _TELLS_NOTHING.fullmatch(text)):
        return repr(text)
    return f"({len(text)} characters of text)"


@contextmanager
def within_memory(path: Path) -> Iterator[None]:
    """A file that needs more memory than there is, by its size or by a size it claims, is refused."""
    try:
        yield
    except MemoryError:
        raise refusal(path, "more than this computer can hold in memory", "a complete file of one recording") from None


def read_head(path: Path, n_bytes: int = 256, works: str = READABLE) -> bytes:
    """First bytes of a file that the user named.

    Raises
    ------
    UsageError
        There is no such file.
    RecordingError
        It is no file, cannot be read, or is empty.
    """
    if not exists(path):
        raise UsageError(f"{path}: no such file")
    if not path.is_file():
        raise refusal(path, "a pipe, a device or a folder, not a file", works)
    try:
        with path.open("rb") as file:
            head = file.read(n_bytes)
    except OSError as error:
        raise refusal(path, f"cannot be read ({error.strerror})", works) from None
    if not head:
        raise refusal(path, "the file is empty (0 bytes)", works)
    return head


def exists(path: Path) -> bool:
    """Whether there is such a file or folder.

    Raises
    ------
    UsageError
        Nobody may know: its folder must not be searched, or the name is longer than any.
    """
    try:
        return path.exists()
    except OSError as error:
        raise UsageError(
            f"{shortened(str(path))}: cannot be looked at ({error.strerror}); choose another path"
        ) from None


def is_file(path: Path) -> bool:
    """Whether there is such a file, as far as anyone may know."""
    return os.path.isfile(path)  # noqa: PTH113  Path.is_file raises in a folder that must not be searched


def is_folder(path: Path) -> bool:
    """Whether there is such a folder, as far as anyone may know."""
    return os.path.isdir(path)  # noqa: PTH112  Path.is_dir raises in a folder that must not be searched


def check_folder(path: Path, works: str) -> None:
    """Refuse what is no folder.

    Parameters
    ----------
    works
        What would work, the end of the message.

    Raises
    ------
    UsageError
        There is a file, or nothing.
    """
    if not is_folder(path):
        raise UsageError(f"{path}: {'a file, not a folder' if exists(path) else 'no such folder'}; {works}")


def read_bytes(path: Path, works: str = READABLE, max_bytes: int = MAX_WHOLE_BYTES) -> bytes:
    """Content of a file that the user named.

    Raises
    ------
    UsageError
        There is no such file.
    RecordingError
        It cannot be read, is empty, or is larger than any file of its kind.
    """
    read_head(path, 1, works)
    if path.stat().st_size > max_bytes:
        found = f"{path.stat().st_size >> 20} MB, where no more than {max_bytes >> 20} MB are expected"
        raise refusal(path, found, works)
    with within_memory(path):
        return path.read_bytes()


def is_binary(content: bytes) -> bool:
    """Whether there are bytes that no text in an 8-bit encoding or UTF-8 has."""
    return bool(_CONTROL & set(content))


def read_text(path: Path, works: str = READABLE, max_bytes: int = MAX_WHOLE_BYTES) -> str:
    """Content of a text file as UTF-8, UTF-16 with a mark, or latin-1.

    Raises
    ------
    RecordingError
        Binary content, or far more than a month of beats.
    """
    content = read_bytes(path, works, max_bytes)
    if max(map(content.count, _LINE_ENDS)) > MAX_ROWS:
        raise refusal(path, f"more than {MAX_ROWS:,} lines, too much for a month of beats", works)
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
