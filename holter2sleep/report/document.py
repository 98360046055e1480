"""Pages to a PDF, and what makes it a document: bookmarks, language, title, attached files."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from matplotlib.backends.backend_pdf import PdfPages
from pypdf import PdfWriter
from pypdf.generic import BooleanObject, DictionaryObject, Fit, NameObject, StreamObject, TextStringObject
from pypdf.xmp import XmpInformation

from holter2sleep.report.ink import NONE, Ink, write_ink
from holter2sleep.report.page import HEIGHT_MM, MM_PER_POINT, Page

NOTHING: Mapping[str, bytes] = {}


@dataclass(frozen=True)
class Bookmark:
    """Where a section begins."""

    title: str
    page: int  # from 0
    top_mm: float


def document(
    pages: Iterable[Page],
    facts: Mapping[str, str],
    language: str,
    bookmarks: Sequence[Bookmark] = (),
    attached: Mapping[str, bytes] = NOTHING,
) -> bytes:
    """Pages as a PDF; the same input gives the same bytes.

    Parameters
    ----------
    pages
        Drawn when they are asked for: none is kept longer than it takes to write it.
    facts
        `Title` and `Creator`.
    language
        Of the text, as RFC 3066 writes it.
    attached
        Files by name.
    """
    writer = _written(pages)
    writer.pdf_header = "%PDF-1.4"  # of transparency, metadata and attachments; pypdf says 1.3
    writer.add_metadata({f"/{name}": value for name, value in {**facts, "Producer": facts["Creator"]}.items()})
    writer.xmp_metadata = _xmp(facts, language)
    metadata = cast("StreamObject", writer.root_object["/Metadata"])  # ISO 32000-1, 14.3.2: pypdf leaves its type out
    metadata.update({NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")})
    writer.root_object[NameObject("/Lang")] = TextStringObject(language)
    shown = DictionaryObject({NameObject("/DisplayDocTitle"): BooleanObject(True)})
    writer.root_object[NameObject("/ViewerPreferences")] = shown
    for mark in bookmarks:
        top_pt = (HEIGHT_MM - mark.top_mm) / MM_PER_POINT
        writer.add_outline_item(title=mark.title, page_number=mark.page, fit=Fit.xyz(left=0, top=top_pt))
    for name, content in attached.items():
        _attach(writer, name, content)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _written(pages: Iterable[Page]) -> PdfWriter:
    """The pages, without what makes them a document."""
    figures, inks = io.BytesIO(), []
    with PdfPages(figures, metadata={"CreationDate": None}) as pdf:  # no date: the same pages must give the same bytes
        for page in pages:
            is_plain = all(text.is_plain for text in page.texts)  # else matplotlib draws all: letters lie upon boxes
            pdf.savefig(page.figure if is_plain else page.picture())
            inks.append(Ink.of(page) if is_plain else NONE)
    writer = PdfWriter(clone_from=figures)
    write_ink(writer, inks)
    return writer


def _xmp(facts: Mapping[str, str], language: str) -> XmpInformation:
    """Title, language and maker, for readers of the Extensible Metadata Platform."""
    xmp = XmpInformation.create()
    xmp.dc_title = {"x-default": facts["Title"]}
    xmp.dc_language = [language]
    xmp.dc_format = "application/pdf"
    xmp.xmp_creator_tool = facts["Creator"]
    xmp.pdf_producer = facts["Creator"]
    return xmp


def _attach(writer: PdfWriter, name: str, content: bytes) -> None:
    """A file of the given name, deflated: what pypdf attaches is not."""
    embedded = cast("DictionaryObject", writer.add_attachment(name, b"").pdf_object["/EF"])
    file = cast("StreamObject", embedded["/F"])
    file.set_data(zlib.compress(content))
    file[NameObject("/Filter")] = NameObject("/FlateDecode")
