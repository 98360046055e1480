"""The report's font in a PDF: the letters that are used, each under its Unicode number."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from pypdf import PdfWriter
from pypdf.generic import IndirectObject

from holter2sleep.report.page import Weight, font_file
from holter2sleep.report.pdf_objects import Facts, add, deflated

Glyphs = dict[int, str]  # name by code

# for letters that stand side by side, as text_width_mm adds them up: shapes, not how letters become ligatures
KEPT_TABLES = frozenset({"GlyphOrder", "cmap", "cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"})
MISSING = ".notdef"  # glyph for a letter that the font lacks
NONSYMBOLIC = 1 << 5  # ISO 32000-1, table 123
CAP_HEIGHT, UNKNOWN_STEM = 729, 0  # thousandths of the size
CODES_ARE_UNICODE = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
1 beginbfrange
<0000> <ffff> <0000>
endbfrange
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def codes(text: str) -> str:
    """A text as a string of an embedded font, in hexadecimal: the code of a letter is its Unicode number."""
    return text.encode("utf-16-be").hex()


def add_font(writer: PdfWriter, weight: Weight, letters: Collection[str]) -> IndirectObject:
    """The font with these letters, embedded in a document; the box for a letter that it lacks can be copied as text.

    References
    ----------
    ISO 32000-1:2008, sections 9.7.4 (CIDFonts), 9.9 (embedded fonts) and 9.10.3 (ToUnicode).
    """
    name = f"HTSLEE+DejaVuSans-{weight.capitalize()}"
    with _with_letters(weight, letters) as font:
        glyphs = dict(sorted(font.getBestCmap().items()))
        descendant = {
            "Type": "Font",
            "Subtype": "CIDFontType2",
            "BaseFont": name,
            "CIDSystemInfo": {"Registry": b"Adobe", "Ordering": b"Identity", "Supplement": 0},
            "FontDescriptor": add(writer, _descriptor(writer, font, name)),
            "DW": _per_mille(font, font["hmtx"][MISSING][0]),
            "W": _widths(font, glyphs),
            "CIDToGIDMap": add(writer, deflated(_glyph_numbers(font, glyphs, max(map(ord, letters))))),
        }
    whole = {
        "Type": "Font",
        "Subtype": "Type0",
        "BaseFont": name,
        "Encoding": "Identity-H",
        "DescendantFonts": [add(writer, descendant)],
        "ToUnicode": add(writer, deflated(CODES_ARE_UNICODE)),
    }
    return add(writer, whole)


def _descriptor(writer: PdfWriter, font: TTFont, name: str) -> Facts:
    """What a viewer should know of a font, and the font itself."""
    file = io.BytesIO()
    font.save(file, reorderTables=False)
    head, lines = font["head"], font["hhea"]
    return {
        "Type": "FontDescriptor",
        "FontName": name,
        "Flags": NONSYMBOLIC,
        "FontBBox": [_per_mille(font, edge) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)],
        "ItalicAngle": 0,
        "Ascent": _per_mille(font, lines.ascent),
        "Descent": _per_mille(font, lines.descent),
        "CapHeight": CAP_HEIGHT,
        "StemV": UNKNOWN_STEM,
        "FontFile2": add(writer, deflated(file.getvalue(), {"Length1": len(file.getvalue())})),
    }


def _widths(font: TTFont, glyphs: Glyphs) -> list[Any]:
    """Each code, and how far its letter moves on."""
    return [each for code, glyph in glyphs.items() for each in (code, [_per_mille(font, font["hmtx"][glyph][0])])]


def _per_mille(font: TTFont, length: float) -> int:
    """A length of the font's own unit in thousandths of its size."""
    return round(1000 * length / font["head"].unitsPerEm)


def _with_letters(weight: Weight, letters: Collection[str]) -> TTFont:
    """The font, cut down to these letters."""
    options = subset.Options(layout_features=[], notdef_outline=True, glyph_names=False)
    font = subset.load_font(font_file(weight), options)
    for table in set(font.keys()) - KEPT_TABLES:
        del font[table]
    cut = subset.Subsetter(options)
    cut.populate(unicodes=map(ord, letters))
    cut.subset(font)
    return font


def _glyph_numbers(font: TTFont, glyphs: Glyphs, last: int) -> bytes:
    """Number of the glyph of each code from 0 to the last, two bytes each; 0 is the box for what is missing."""
    numbers = bytearray(2 * (last + 1))  # of codes that it does not reach poppler shows nothing
    for code, glyph in glyphs.items():
        numbers[2 * code : 2 * code + 2] = font.getGlyphID(glyph).to_bytes(2, "big")
    return bytes(numbers)
