"""Values of Python as objects of a PDF."""

from __future__ import annotations

import zlib
from typing import Any, cast

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
)

Facts = dict[str, Any]


def pdf_object(value: Any) -> PdfObject:
    """A whole number, bytes, a list or a dictionary; a text is a name, with or without its slash. PDF objects stay.

    Raises
    ------
    TypeError
        Anything else.

    Examples
    --------
    >>> pdf_object({"Type": "Font", "W": [32, [318]]})
    {'/Type': '/Font', '/W': [32, [318]]}
    """
    match value:
        case PdfObject():
            return value
        case dict():
            return DictionaryObject({_name(key): pdf_object(each) for key, each in value.items()})
        case list():
            return ArrayObject(map(pdf_object, value))
        case bytes():
            return ByteStringObject(value)
        case str():
            return _name(value)
        case int():
            return NumberObject(value)
    raise TypeError(f"no object of a PDF: {value!r}")


def deflated(content: bytes, facts: Facts | None = None) -> StreamObject:
    """A compressed stream, with more facts in its dictionary."""
    stream = StreamObject()
    stream.update(cast("DictionaryObject", pdf_object({"Filter": "FlateDecode", **(facts or {})})))
    stream.set_data(zlib.compress(content))
    return stream


def add(writer: PdfWriter, value: Any) -> IndirectObject:
    """A reference to an object that the document now holds."""
    return writer._add_object(pdf_object(value))


def _name(text: str) -> NameObject:
    return NameObject(f"/{text.removeprefix('/')}")
