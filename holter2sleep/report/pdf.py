"""The PDF of a night: sections flow over pages, pages go into one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from matplotlib import style

from holter2sleep.assets import asset
from holter2sleep.errors import RecordingError
from holter2sleep.export.edf import edf_files
from holter2sleep.export.finished import read_finished
from holter2sleep.export.write import file_name
from holter2sleep.phenotypes.files import read_history, read_night, read_run
from holter2sleep.report.document import Bookmark, document
from holter2sleep.report.edited import edited_words
from holter2sleep.report.grid import heading, paragraph
from holter2sleep.report.layout import Layout, Section, read_layout
from holter2sleep.report.methods import with_facts
from holter2sleep.report.narrative import narrative_json
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.page import ALARM, BOTTOM_MM, MARGIN_MM, SOFT, TOP_MM, Block, Page, draw_frame
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import ReportNight, report_night
from holter2sleep.report.words import Words, load_words
from holter2sleep.waveform import Waveform
from holter2sleep.whole_files import write_bytes

GAP_MM = 2.4  # between sections
KEPT_TOGETHER = 4  # a title and its first three blocks: no title alone at the foot of a page
KEPT_WHOLE_MM = 60.0  # a section that is no longer is not cut
LEAST_SHRUNK = 0.85  # a figure takes a little less height before it leaves the page
KEPT_LAST_MM = 8.0  # a caption that is no longer stays with the block above it
ATTACHED_H = 49.0  # two days and an hour: annotations of more make a file that no mail takes

Sheet = list[tuple[float, Block]]  # top edge in mm, block
HeadAndFoot = Callable[[Page, int, int], None]  # are told the number of their page, and how many there are


def write_report(night_dir: Path, layout: Path | None = None, language: str | None = None) -> Path:
    """`report.pdf` and `narrative.json` of a finished night, from its tables; the same tables give the same bytes.

    Parameters
    ----------
    night_dir
        Folder that `analyze` made.
    layout
        Layout file; None is `reports/patient.toml`.
    language
        A shipped language or a catalogue file; None is the layout's.

    Raises
    ------
    RecordingError
        The folder is no finished night.
    RecipeError
        The layout, the rules of the narrative or the language cannot be used.
    NarrativeError
        A sentence says another number than the tables; nothing is written.
    """
    night, read = ready(night_dir, read_layout(layout, SECTIONS, TRACKS), language)
    narrative = narrative_json(night, read)
    with drawing_style():
        content = render(night, read, attached_files(night_dir, night))
    path = write_bytes(night_dir / "report.pdf", content)
    write_bytes(night_dir / "narrative.json", narrative.encode())
    return path


def write_plain_page(night_dir: Path, language: str | None = None) -> Path:
    """`person.pdf`: a page for the recorded person, in plain words.

    Raises
    ------
    RecordingError, RecipeError, NarrativeError
        As `write_report`.
    """
    night, read = ready(night_dir, read_layout(None, SECTIONS, TRACKS, shipped="person.toml"), language)
    with drawing_style():
        content = render(night, read, {})
    return write_bytes(night_dir / "person.pdf", content)


def write_full_disclosure(night_dir: Path, waveform: Waveform, language: str | None = None) -> Path:
    """`full_disclosure.pdf`: the whole waveform, one minute a line.

    Parameters
    ----------
    waveform
        Of the night, upright, on its own time.

    Raises
    ------
    RecordingError, RecipeError
        As `write_report`.
    """
    night, read = ready(night_dir, read_layout(None, SECTIONS, TRACKS, shipped="full_disclosure.toml"), language)
    with drawing_style():
        content = render(replace(night, waveform=waveform), read, {})
    return write_bytes(night_dir / "full_disclosure.pdf", content)


def write_nights_report(folder: Path, nights_dir: Path, language: str | None = None) -> Path:
    """`report.pdf` over the nights of one person; where no night was analysed there is nothing to show.

    Parameters
    ----------
    folder
        What `analyze` made over the nights.
    nights_dir
        Where the folders of the nights lie.

    Raises
    ------
    RecordingError, UsageError
        `folder` sums up no night; a night is not there, or not finished.
    RecipeError
        The language cannot be used.
    """
    run, layout = read_run(folder) or {}, read_layout(None, SECTIONS, TRACKS, shipped="nights.toml")
    names = [night["recording_id"] for night in run.get("nights", ()) if night["status"] == "ok"]
    if not names:
        raise RecordingError(f"{folder}: sums up no night that was analysed, so there is no report over them")
    nights = tuple(ready(nights_dir / name, layout, language)[0] for name in names)
    facts = {name: run[name] for name in ("recording_id", "input", "start", "duration_s", "warnings")}
    whole = replace(nights[0], run=nights[0].run | facts | {"edits": None}, edits=(), nights=nights)
    with drawing_style():
        content = render(whole, layout, {})
    return write_bytes(folder / "report.pdf", content)


def ready(night_dir: Path, layout: Layout, language: str | None) -> tuple[ReportNight, Layout]:
    """A night with the words of a language, or of the layout's, beside its layout."""
    words = load_words(language or layout.language)
    return report_night(read_night(night_dir), words, read_history(night_dir)), layout


def drawing_style() -> AbstractContextManager[object]:
    """Within it everything is drawn as `reports/holter2sleep.mplstyle` says."""
    return style.context(["default", asset("reports", "holter2sleep.mplstyle")])


def attached_files(night_dir: Path, night: ReportNight) -> dict[str, bytes]:
    """Beats, episodes and stages as EDF+ annotations, for a viewer of the waveform; none of a long recording."""
    if night.beats.is_empty() or night.duration_h > ATTACHED_H:
        return {}
    return edf_files(read_finished(night_dir), file_name(night.run["recording_id"]))


def render(night: ReportNight, layout: Layout, attached: Mapping[str, bytes]) -> bytes:
    """The PDF's bytes."""
    parts = [section_blocks(night, layout, section) for section in layout.section]
    sheets = flow(parts, layout.section)
    facts = {"Title": document_title(night, layout), "Creator": f"holter2sleep {night.run['version']}"}
    pages = drawn_pages(sheets, partial(write_head_and_foot, night=night, layout=layout))
    marks = bookmarks(night.words, sheets, parts, layout.section)
    return document(pages, facts, night.words.language, marks, attached)


def document_title(night: ReportNight, layout: Layout) -> str:
    """What it is, and whose."""
    return f"{night.words.layout(layout.title)}: {night.run['recording_id']}"


def bookmarks(
    words: Words, sheets: Sequence[Sheet], parts: Sequence[list[Block]], sections: Sequence[Section]
) -> list[Bookmark]:
    """The sections that have a title, each where its first block lies."""
    title = {
        id(blocks[0]): words.layout(section.title)
        for blocks, section in zip(parts, sections, strict=True)
        if section.title
    }
    placed = [(number, top_mm, block) for number, sheet in enumerate(sheets) for top_mm, block in sheet]
    return [Bookmark(title[id(block)], number, top_mm) for number, top_mm, block in placed if id(block) in title]


def drawn_pages(sheets: Sequence[Sheet], head_and_foot: HeadAndFoot) -> Iterator[Page]:
    """The sheets one after another, each drawn when its turn comes."""
    return (drawn_page(sheets, number, head_and_foot) for number in range(1, len(sheets) + 1))


def drawn_page(sheets: Sequence[Sheet], number: int, head_and_foot: HeadAndFoot) -> Page:
    """One of the sheets, the first of which is number 1, with its head and foot."""
    page = Page()
    head_and_foot(page, number, len(sheets))
    for top_mm, block in sheets[number - 1]:
        block.draw(page, top_mm)
    return page


def section_blocks(night: ReportNight, layout: Layout, section: Section) -> list[Block]:
    """A section's blocks under its title, caption last."""
    blocks, words = SECTIONS[section.draw](night, layout, section), night.words
    if section.title:
        letter, title = layout.table_letter(section), words.layout(section.title)
        blocks = [heading(f"{letter}  {title}" if letter else title), *blocks]
    of_days = section.days_caption if layout.shows_days(night.duration_h) else ""
    caption = of_days or section.caption
    if caption:
        blocks = [*blocks, paragraph(with_facts(words.layout(caption), night), size=5.8, colour=SOFT)]
    return blocks


def flow(parts: Sequence[list[Block]], sections: Sequence[Section]) -> list[Sheet]:
    """Blocks placed on sheets from the top; a title stays with its first blocks."""
    sheets: list[Sheet] = [[]]
    y_mm = TOP_MM
    for blocks, section in zip(parts, sections, strict=True):
        if section.new_page and sheets[-1]:
            sheets.append([])
            y_mm = TOP_MM
        for i, block in enumerate(blocks):
            below = blocks[i + 1 : i + _kept_together(blocks, i, section)]
            room_mm = BOTTOM_MM - y_mm - sum(each.height_mm for each in below)
            if block.height_mm > room_mm and sheets[-1]:
                if block.shrunk and room_mm >= LEAST_SHRUNK * block.height_mm:
                    block = block.shrunk(room_mm)
                else:
                    sheets.append([])
                    y_mm = TOP_MM
            sheets[-1].append((y_mm, block))
            y_mm += block.height_mm
        y_mm += GAP_MM
    return sheets


def _kept_together(blocks: Sequence[Block], i: int, section: Section) -> int:
    """How many blocks from one on stand on the same page."""
    if i == 0 and sum(block.height_mm for block in blocks) <= KEPT_WHOLE_MM:
        return len(blocks)
    if i == 0 and section.title:
        return KEPT_TOGETHER
    before_last = i == len(blocks) - 2 and blocks[-1].height_mm <= KEPT_LAST_MM
    return 2 if before_last or blocks[i].is_title else 1


def made_by(night: ReportNight) -> str:
    """Which software and which recipe."""
    recipe = f"{night.run['recipe']['name']} {night.run['recipe']['sha256'][:8]}"
    return night.words("page.made", version=night.run["version"], recipe=recipe)


def write_head_and_foot(page: Page, number: int, total: int, *, night: ReportNight, layout: Layout) -> None:
    """What every page says: whose, which software and recipe, which page, and what it is not for."""
    words = night.words
    foot = (made_by(night), words("page.foot"), words("page.number", number=number, total=total))
    head = (words.layout(layout.title), night.run["recording_id"])
    draw_frame(page, head, foot, title_size=12 if number == 1 else 8)
    if night.is_edited:
        page.text(MARGIN_MM, 18.0, edited_words(night), size=6.2, weight="bold", colour=ALARM)
