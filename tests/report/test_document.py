"""The PDF as a document: bookmarks, language, title, what is attached."""

from __future__ import annotations

import io
from pathlib import Path

import edfio
import pytest
from night_tables import NightPlan, write_night
from pypdf import PdfReader

from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.pdf import write_report
from holter2sleep.report.sections import SECTIONS


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    return PdfReader(write_report(write_night(tmp_path_factory.mktemp("night"), NightPlan(hours=2.0))))


def test_every_titled_section_has_a_bookmark_to_the_page_it_stands_on(pdf: PdfReader) -> None:
    titles = [section.title for section in read_layout(None, SECTIONS, TRACKS).section if section.title]
    assert [mark.title for mark in pdf.outline] == titles
    for mark in pdf.outline:
        page = pdf.get_destination_page_number(mark)
        assert page is not None
        assert mark.title in pdf.pages[page].extract_text().replace("\n", " ")


def test_a_reader_is_told_title_and_language(pdf: PdfReader) -> None:
    assert pdf.root_object["/Lang"] == "en"
    assert pdf.root_object["/ViewerPreferences"]["/DisplayDocTitle"]
    xmp = pdf.xmp_metadata
    assert xmp is not None
    assert xmp.dc_title == {"x-default": "Overnight ECG report: n01"}
    assert xmp.dc_language == ["en"]
    stream = pdf.root_object["/Metadata"]
    assert (stream["/Type"], stream["/Subtype"]) == ("/Metadata", "/XML")  # ISO 32000-1, table 315
    assert pdf.pdf_header >= "%PDF-1.4"


def test_the_annotations_in_the_pdf_are_those_of_the_night(pdf: PdfReader, tmp_path: Path) -> None:
    ((content,),) = (content for name, content in pdf.attachments.items() if name == "n01_annotations.edf")
    annotations = edfio.read_edf(io.BytesIO(content)).annotations
    texts = [annotation.text for annotation in annotations]
    assert sum("V" in text for text in texts) > 0
    assert len(texts) > 7000  # two hours of beats, about one a second


def test_a_long_recording_and_one_without_beats_attach_nothing(tmp_path: Path) -> None:
    for name, plan in (("long", NightPlan(hours=50.0)), ("empty", NightPlan(hours=1.0, unusable_share=1.0))):
        assert not PdfReader(write_report(write_night(tmp_path / name, plan))).attachments


def test_every_font_is_embedded(pdf: PdfReader) -> None:
    fonts = [font.get_object() for page in pdf.pages for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        descendant = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        assert "/FontFile2" in descendant["/FontDescriptor"]
