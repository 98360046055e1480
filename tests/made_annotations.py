"""WFDB annotation files by hand: the bytes of annot(5), not those of a library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

CODES = {"N": 1, "V": 5, "F": 6, "A": 8, "Q": 13, "~": 14, "+": 28, "[": 32, "]": 33}
UNREADABLE = -1  # every bit set: no signal can be read
Mark = tuple[float, str] | tuple[float, str, int] | tuple[float, str, str]  # s, code, subtype or note


def write_annotations(path: Path, marks: Iterable[Mark], fs: int = 100, n_samples: int = 90_000) -> Path:
    """An annotation file with a header beside it; the path."""
    path.with_suffix(".hea").write_text(f"{path.stem} 0 {fs} {n_samples}\n")
    content, sample = b"", 0
    for time_s, code, *more in marks:
        step, sample = round(time_s * fs) - sample, round(time_s * fs)
        content += _word(59, 0) + (step >> 16).to_bytes(2, "little") + (step & 0xFFFF).to_bytes(2, "little")
        content += _word(CODES[code], 0)
        for extra in more:
            content += _note(extra) if isinstance(extra, str) else _word(61, extra & 0x3FF)
    path.write_bytes(content + b"\0\0")
    return path


def _word(code: int, value: int) -> bytes:
    return (code << 10 | value).to_bytes(2, "little")


def _note(text: str) -> bytes:
    raw = text.encode()
    return _word(63, len(raw)) + raw + b"\0" * (len(raw) % 2)
