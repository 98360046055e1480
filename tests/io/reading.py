"""Reading in tests: a file made of text or bytes, and a refusal as a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.night import Recording


def read_made(tmp_path: Path, content: str | bytes, name: str, **options: Any) -> Recording:
    """The recording in a file of the given content."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_recording(path, **options)


def read_or_refusal(path: Path, **options: Any) -> Recording | str:
    """The recording, or the message of its refusal."""
    try:
        return read_recording(path, **options)
    except RecordingError as error:
        return str(error)
