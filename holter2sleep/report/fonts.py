"""The report's font in a PDF: the letters that are used, each under its Unicode number."""

from __future__ import annotations

import io
from collections.abc import Iterable

from fontTools import subset
from fontTools.ttLib import TTFont
from pypdf import PdfWriter
from pypdf.generic import IndirectObject

from holter2sleep.report.page import Weight, font_file
from holter2sleep.report.pdf_objects import add, deflated

# for letters that stand side by side, as text_width_mm adds them up: shapes, not how letters become ligatures
KEPT_TABLES = frozenset({"cmap", "cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"})
LAST_CODE = 0xFFFF  # codes have two bytes
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


def add_font(writer: PdfWriter, weight: Weight, letters: Iterable[str]) -> IndirectObject:
    """The font with these letters, embedded in a document; the box for a letter that it lacks can be copied as text.

    References
    ----------
    ISO 32000-1:2008, sections 9.7.4 (CIDFonts), 9.9 (embedded fonts) and 9.10.3 (ToUnicode).
    """
    font, name = _with_letters(weight, letters), f"HTSLEE+DejaVuSans-{weight.capitalize()}"
    head, lines, advances = font["head"], font["hhea"], font["hmtx"]
    glyphs = {code: glyph for code, glyph in sorted(font.getBestCmap().items()) if code <= LAST_CODE}
    per_mille = 1000 / head.unitsPerEm
    widths = [each for code, glyph in glyphs.items() for each in (code, [round(advances[glyph][0] * per_mille)])]
    file = io.BytesIO()
    font.save(file, reorderTables=False)
    descriptor = {
        "Type": "FontDescriptor",
        "FontName": name,
        "Flags": NONSYMBOLIC,
        "FontBBox": [round(edge * per_mille) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)],
        "ItalicAngle": 0,
        "Ascent": round(lines.ascent * per_mille),
        "Descent": round(lines.descent * per_mille),
        "CapHeight": CAP_HEIGHT,
        "StemV": UNKNOWN_STEM,
        "FontFile2": add(writer, deflated(file.getvalue(), {"Length1": len(file.getvalue())})),
    }
    descendant = {
        "Type": "Font",
        "Subtype": "CIDFontType2",
        "BaseFont": name,
        "CIDSystemInfo": {"Registry": b"Adobe", "Ordering": b"Identity", "Supplement": 0},
        "FontDescriptor": add(writer, descriptor),
        "W": widths,
        "CIDToGIDMap": add(writer, deflated(_glyph_numbers(font, glyphs))),
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


def _with_letters(weight: Weight, letters: Iterable[str]) -> TTFont:
    """The font, cut down to these letters."""
    options = subset.Options(layout_features=[], notdef_outline=True, glyph_names=False)
    font = subset.load_font(font_file(weight), options)
    options.drop_tables = [table for table in font.keys() if table not in KEPT_TABLES]
    cut = subset.Subsetter(options)
    cut.populate(text="".join(letters))
    cut.subset(font)
    return font


def _glyph_numbers(font: TTFont, glyphs: dict[int, str]) -> bytes:
    """Number of the glyph of each code from 0 on, two bytes each; 0 is the box for what is missing."""
    numbers = bytearray(2 * (max(glyphs, default=0) + 1))
    for code, glyph in glyphs.items():
        numbers[2 * code : 2 * code + 2] = font.getGlyphID(glyph).to_bytes(2, "big")
    return bytes(numbers)
