"""Bytes and text of an input file: hash, decoding, refusal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from holter2sleep.errors import RecordingError, UsageError

READABLE = (
    "an EDF, EDF+, BDF, ISHNE or WFDB (.hea) recording, "
    "or a beat file (.atr .qrs .ecg .ari .csv .tsv .parquet .txt .ibi)"
)
MAX_ELAPSED_S = 31 * 86400.0  # patches record 14 days; a time beyond a month is a broken time
_BLOCK_BYTES = 1 << 20
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1a")  # control characters that no text file holds


def refusal(path: Path, found: str, works: str = READABLE) -> RecordingError:
    """The one form of a refused file: its name, what was found, what would work."""
    return RecordingError(f"{path.name}: {found}. What would work: {works}")


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


def read_text(path: Path, works: str = READABLE) -> str:
    """Content of a text file as UTF-8, UTF-16 with a mark, or latin-1.

    Raises
    ------
    RecordingError
        Binary content.
    """
    content = read_bytes(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise refusal(path, "starts like UTF-16 text but is not", works) from None
    if _CONTROL & set(content):
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
