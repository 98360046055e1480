"""That a person has edited a night: said on every page, and listed."""

from __future__ import annotations

from holter2sleep.edits import CONFIRM, NOTE, Edit, changes_in_force, told
from holter2sleep.report.grid import Column, panel, paragraph, table_blocks
from holter2sleep.report.page import TEXT_WIDTH_MM, Block, wrap
from holter2sleep.report.tables import RECOMPUTED, ReportNight

CELL_SIZE = 6.8  # of text in a table
COLUMNS = ("number", "when", "who", "what", "before", "after")
WIDTHS_MM = (8.0, 31.0, 20.0, 66.0, 17.0, TEXT_WIDTH_MM - 142.0)


def edited_words(night: ReportNight) -> str:
    """The line at the head of every page of an edited night."""
    facts, kinds = night.run["edits"], {edit.kind for edit in _holding(night)}
    done = "looked_at" if kinds and kinds <= {NOTE, CONFIRM} else "edited"
    last = facts["last"][:16].replace("T", " ")
    words = night.words
    count = words("edits.count", n=facts["n"])
    said = {"who": ", ".join(facts["who"]), "edits": count, "last": last, "mark": RECOMPUTED}
    text = words(f"edits.{done}", **said)
    return wrap(text, TEXT_WIDTH_MM, 6.2, "bold")[0]


def edit_blocks(night: ReportNight) -> list[Block]:
    """The edits that the tables were made with, notes and looks among them."""
    facts, words = night.run.get("edits"), night.words
    if facts is None:
        return [paragraph(words("edits.unedited"))]
    n_lines, holding = facts["n_lines"], _holding(night)
    later = len(night.edits) - n_lines
    if later < 0:
        return [panel(words("edits.lost", n=n_lines))]
    log = {"n_lines": n_lines, "sha256": facts["sha256"], "n": len(holding), "mark": RECOMPUTED}
    texts = [words("edits.holding", **log)]
    texts += [words("edits.later", n=later)] if later else []
    texts += [] if facts["waveform_at_hand"] else [words("edits.no_waveform")]
    table = table_blocks(_columns(night), [_row(night, edit) for edit in holding]) if holding else []
    return [*(paragraph(text) for text in texts), *table]


def _columns(night: ReportNight) -> list[Column]:
    widths = zip(COLUMNS, WIDTHS_MM, strict=True)
    return [Column(night.words(f"edits.{name}"), mm, "right" if name == "number" else "left") for name, mm in widths]


def _holding(night: ReportNight) -> tuple[Edit, ...]:
    """The edits that the tables were made with."""
    return changes_in_force(night.edits[: night.run["edits"]["n_lines"]])


def _row(night: ReportNight, edit: Edit) -> list[str]:
    words = told(edit, night.clock)
    cells = [str(edit.number), edit.when[:19].replace("T", " "), edit.who, words.what, words.before, words.after]
    return [_cut(cell, width_mm) for cell, width_mm in zip(cells, WIDTHS_MM, strict=True)]


def _cut(text: str, width_mm: float) -> str:
    """As much of a cell as its column holds; the log has the rest."""
    lines = wrap(text, width_mm - 3.5, CELL_SIZE)
    return lines[0] + ("..." if len(lines) > 1 else "") if lines else ""
