"""One file over HTTP: resumed where it was cut, tried again where the server is busy."""

from __future__ import annotations

import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from io import BufferedWriter
from pathlib import Path
from urllib.parse import urlsplit

from holter2sleep.errors import OutputError, UsageError, WeightsError

log = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]  # bytes there, bytes in all or None

TIMEOUT_S = 30.0  # without a byte
ATTEMPTS = 5  # in a row that bring nothing
LONGEST_WAIT_S = 60.0  # that a busy server may ask for
CHUNK_BYTES = 1 << 18
BUSY = (408, 425, 429, 500, 502, 503, 504)  # RFC 9110, 6585, 8470: worth asking again
_NO_SUCH_RANGE = 416
_PARTIAL = 206


class NotThere(WeightsError):
    """The server has no such file."""


def download(url: str, part: Path, progress: Progress, wait: Callable[[float], None] = time.sleep) -> None:
    """Fetch `url` into `part`; what `part` holds already is not fetched again where the server can resume.

    Raises
    ------
    NotThere
        The server says 404 or 410.
    WeightsError
        It refuses, cannot be reached, or the connection breaks again and again without bringing anything.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{url}: an address starts with https:// or http://")
    idle = 0
    while True:
        before = _size(part)
        try:
            _fetch(url, part, progress)
            return
        except urllib.error.HTTPError as error:
            if error.code == _NO_SUCH_RANGE and before:
                if _total(error.headers) == before:
                    return
                part.unlink()  # longer than the file: of another one
            pause_s = _pause_s(url, error, idle)
            reason = f"HTTP {error.code}"
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "filename", None):  # of our disk, not of the net
                raise
            pause_s, reason = 2.0**idle, str(error) or type(error).__name__
        idle = 1 if _size(part) > before else idle + 1
        if idle >= ATTEMPTS:
            raise WeightsError(
                f"{url}: {reason}, {ATTEMPTS} times; what has come so far is kept: run the same command again"
            )
        log.info("%s: %s; next attempt in %.0f s", url, reason, pause_s)
        wait(pause_s)


def _fetch(url: str, part: Path, progress: Progress) -> None:
    """One attempt: from the end of `part` where the server agrees, else from the start."""
    there = _size(part)
    headers = {"User-Agent": "holter2sleep", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        if response.status != _PARTIAL or _first_byte(response.headers) != there:
            there = 0  # it does not resume: what comes is the whole file
        length = response.headers.get("Content-Length")
        total = there + int(length) if length else None
        with part.open("ab" if there else "wb") as file:
            _copy(response, file, there, total, progress)
    if total is not None and _size(part) != total:
        raise http.client.IncompleteRead(b"", total - _size(part))


def _copy(
    response: http.client.HTTPResponse, file: BufferedWriter, there: int, total: int | None, progress: Progress
) -> None:
    while block := response.read1(CHUNK_BYTES):
        _append(file, block)
        there += len(block)
        progress(there, total)


def _append(file: BufferedWriter, block: bytes) -> None:
    try:
        file.write(block)
        file.flush()
    except OSError as error:  # which must not be taken for one of the net
        raise OutputError(f"{file.name}: {error.strerror}") from None


def _first_byte(headers: Message) -> int | None:
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(headers: Message) -> int | None:
    """Bytes in all, as a server says that refuses a range behind them."""
    found = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _pause_s(url: str, error: urllib.error.HTTPError, idle: int) -> float:
    """Seconds until another attempt is worth it.

    Raises
    ------
    WeightsError
        It never is.
    """
    if error.code in (404, 410):
        raise NotThere(f"{url}: there is no such file (HTTP {error.code})") from None
    if error.code not in (*BUSY, _NO_SUCH_RANGE):
        raise WeightsError(f"{url}: HTTP {error.code} {error.reason}") from None
    asked = error.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isdecimal() else 2.0**idle


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
