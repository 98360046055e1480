"""Whether the tags of a FIF file follow one another to its end.

Mne 1.13 follows a tag that points back for ever, gathering memory all the while: the chain is walked first.

References
----------
Elekta Neuromag, Functional Image File Format, section 2: kind, type, size and next position of each tag, big-endian.
"""

from __future__ import annotations

import struct
from pathlib import Path

from holter2sleep.io.files import refusal

_TAG = struct.Struct(">iIii")
_FILE_ID = 100  # kind of the first tag
_FOLLOWS, _LAST = 0, -1  # values of `next` that are no position


def check_fif(path: Path, works: str) -> None:
    """Walk the tags of a file.

    Raises
    ------
    RecordingError
        A tag that reaches beyond the file, or points back.
    """
    n_bytes = path.stat().st_size
    at = 0
    with path.open("rb") as file:
        while at < n_bytes:
            file.seek(at)
            tag = file.read(_TAG.size)
            kind, _, size, following = _TAG.unpack(tag) if len(tag) == _TAG.size else (0, 0, -1, 0)
            behind = at + _TAG.size + size
            goes_on = following in (_FOLLOWS, _LAST) or following >= behind
            if size < 0 or behind > n_bytes or not goes_on or (at == 0 and kind != _FILE_ID):
                raise refusal(path, f"a damaged FIF file (at byte {at} of {n_bytes})", works)
            if following == _LAST:
                return
            at = behind if following == _FOLLOWS else following
