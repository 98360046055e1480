"""Whether the elements of a MATLAB file of version 5 fit into one another.

Scipy 1.17 believes types and lengths within such a file and ends the process by a segmentation fault where they are
damaged: they are looked at first.

References
----------
MathWorks, MAT-File Format, level 5.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from holter2sleep.io.files import read_bytes, refusal

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED, _INT32, _UINT32 = 14, 15, 5, 6
_TYPES = frozenset({*range(1, 8), 9, 12, 13, 14, 16, 17, 18})
_NUMBERS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}  # bytes of one
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _LAST_CLASS = 1, 2, 3, 4, 5, 15
_MAX_BYTES = 1 << 30  # of a file, and of what it unpacks to: a night of 32 channels; MATLAB lets a variable have 2 GB
_MAX_DEPTH = 20
_MAX_DIMENSIONS = 8

Element = tuple[int, memoryview]  # type and content


class _Damaged(Exception):
    """An element that does not fit."""


def check_matlab5(path: Path, works: str) -> None:
    """Look through all elements of a file.

    Raises
    ------
    RecordingError
        One of them is damaged.
    """
    content = memoryview(read_bytes(path, works, _MAX_BYTES))
    if bytes(content[512:520]) == b"\x89HDF\r\n\x1a\n":
        raise refusal(path, "a MATLAB file of version 7.3", "the same, saved with -v7")
    try:
        order = {b"IM": "<", b"MI": ">"}[bytes(content[126:128])]
        for kind, inside in _elements(content[_HEADER_BYTES:], order):
            if kind == _COMPRESSED:
                kind, inside = _only(_elements(memoryview(_inflated(inside)), order))
            if kind != _MATRIX:
                raise _Damaged
            _check_matrix(inside, order, 0)
    except (_Damaged, KeyError, struct.error, zlib.error):
        raise refusal(path, "a damaged MATLAB file", works) from None


def _inflated(packed: memoryview) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, _MAX_BYTES)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise _Damaged
    return content


def _elements(content: memoryview, order: str) -> list[Element]:
    """The elements that follow one another; padded to 8 bytes, but for compressed ones."""
    found: list[Element] = []
    at = 0
    while at < len(content):
        (tag,) = struct.unpack_from(order + "I", content, at)
        if tag >> 16:  # a small element: length and type in one word, content in the next
            kind, n_bytes, start, step = tag & 0xFFFF, tag >> 16, at + 4, 8
        else:
            kind, n_bytes = struct.unpack_from(order + "II", content, at)
            start, step = at + 8, 8 + n_bytes + (-n_bytes % 8 if kind != _COMPRESSED else 0)
        if (kind not in _TYPES and kind != _COMPRESSED) or start + n_bytes > len(content) or n_bytes > step:
            raise _Damaged
        found.append((kind, content[start : start + n_bytes]))
        at += step
    return found


def _only(elements: list[Element]) -> Element:
    if len(elements) != 1:
        raise _Damaged
    return elements[0]


def _check_matrix(content: memoryview, order: str, depth: int) -> None:
    """Flags, dimensions and name of an array, and as many values, cells or fields as the dimensions say."""
    if len(content) == 0:
        return  # an empty array may have no content at all
    parts = _elements(content, order)
    if len(parts) < 3 or depth > _MAX_DEPTH or parts[0][0] != _UINT32 or len(parts[0][1]) != 8 or parts[1][0] != _INT32:
        raise _Damaged
    kind, is_complex = parts[0][1][0 if order == "<" else 3], bool(parts[0][1][1 if order == "<" else 2] & 8)
    n_values = _product(parts[1][1], order)
    if parts[2][0] not in (1, 2, 16) or not 1 <= kind <= _LAST_CLASS:
        raise _Damaged
    if kind in (_CELL, _STRUCT, _OBJECT):
        n_fields = _n_fields(parts[3 + (kind == _OBJECT) :], order) if kind != _CELL else 1
        inner = parts[3 + (kind == _OBJECT) + (0 if kind == _CELL else 2) :]
        if len(inner) != n_values * n_fields or any(part[0] != _MATRIX for part in inner):
            raise _Damaged
        for _, inside in inner:
            _check_matrix(inside, order, depth + 1)
    elif kind == _SPARSE:
        raise _Damaged  # no recording is sparse
    else:
        _check_values(parts[3:], n_values, is_complex, is_text=kind == _CHAR)


def _product(dimensions: memoryview, order: str) -> int:
    sizes = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    product = 1
    for size in sizes:
        product *= size
    if not 2 <= len(sizes) <= _MAX_DIMENSIONS or min(sizes) < 0 or product > _MAX_BYTES:
        raise _Damaged
    return product


def _n_fields(parts: list[Element], order: str) -> int:
    """Fields of a structure: the length of a name, and the names one after the other."""
    if len(parts) < 2 or parts[0][0] != _INT32 or len(parts[0][1]) != 4 or parts[1][0] != 1:
        raise _Damaged
    (n_name,) = struct.unpack(order + "i", parts[0][1])
    if n_name <= 0 or len(parts[1][1]) % n_name:
        raise _Damaged
    return len(parts[1][1]) // n_name


def _check_values(parts: list[Element], n_values: int, is_complex: bool, is_text: bool) -> None:
    if len(parts) != 1 + is_complex or any(kind not in _NUMBERS for kind, _ in parts):
        raise _Damaged
    for kind, values in parts:
        # characters of UTF-8 have one byte or more
        fits = len(values) >= n_values if is_text and kind == 16 else len(values) == n_values * _NUMBERS[kind]
        if not fits:
            raise _Damaged
