"""That a person has edited a night: said on every page, and listed."""

from __future__ import annotations

from holter2sleep.edits import CONFIRM, NOTE, Edit, changes_in_force, told
from holter2sleep.report.grid import Column, panel, paragraph, table_blocks
from holter2sleep.report.page import TEXT_WIDTH_MM, Block, wrap
from holter2sleep.report.tables import RECOMPUTED, ReportNight

CELL_SIZE = 6.8  # of text in a table
COLUMNS = (
    Column("No.", 8),
    Column("When (UTC)", 31, "left"),
    Column("Who", 20, "left"),
    Column("What", 66, "left"),
    Column("Before", 17, "left"),
    Column("After", TEXT_WIDTH_MM - 142, "left"),
)
UNEDITED = "Nobody has edited this night: every beat, episode and stage is automatic, unconfirmed."


def edited_words(night: ReportNight) -> str:
    """The line at the head of every page of an edited night."""
    facts, kinds = night.run["edits"], {edit.kind for edit in _holding(night)}
    done = "Looked at" if kinds and kinds <= {NOTE, CONFIRM} else "Edited"
    edits = "1 edit" if facts["n"] == 1 else f"{facts['n']} edits"
    last = facts["last"][:16].replace("T", " ")
    text = f"{done} by {', '.join(facts['who'])}: {edits}, the last on {last} UTC; {RECOMPUTED} recomputed"
    return wrap(text, TEXT_WIDTH_MM, 6.2, "bold")[0]


def edit_blocks(night: ReportNight) -> list[Block]:
    """The edits that the tables were made with, notes and looks among them."""
    facts = night.run.get("edits")
    if facts is None:
        return [paragraph(UNEDITED)]
    n_lines, holding = facts["n_lines"], _holding(night)
    later = len(night.edits) - n_lines
    if later < 0:
        return [panel(f"The log of {n_lines} edits that the tables were made with is not in the folder any more.")]
    undone = f"{n_lines} lines of the log, the last with SHA-256 {facts['sha256']}; {len(holding)} edits hold."
    words = [
        f"Names are as given. {undone} {RECOMPUTED} marks a number that is not the machine's: either it follows from "
        "the edits, or there is none any more. Everything that was not edited or looked at is automatic, unconfirmed."
    ]
    if later:
        words.append(f"Later lines of the log, not in these tables: {later}; `holter2sleep review` recomputes them.")
    if not facts["waveform_at_hand"]:
        words.append(
            "The recording was not at hand: averaged beats, strips and breathing keep what they were before the edits."
        )
    table = table_blocks(COLUMNS, [_row(night, edit) for edit in holding]) if holding else []
    return [*(paragraph(text) for text in words), *table]


def _holding(night: ReportNight) -> tuple[Edit, ...]:
    """The edits that the tables were made with."""
    return changes_in_force(night.edits[: night.run["edits"]["n_lines"]])


def _row(night: ReportNight, edit: Edit) -> list[str]:
    words = told(edit, night.clock)
    cells = [str(edit.number), edit.when[:19].replace("T", " "), edit.who, words.what, words.before, words.after]
    return [_cut(cell, column.width_mm) for cell, column in zip(cells, COLUMNS, strict=True)]


def _cut(text: str, width_mm: float) -> str:
    """As much of a cell as its column holds; the log has the rest."""
    lines = wrap(text, width_mm - 3.5, CELL_SIZE)
    return lines[0] + ("..." if len(lines) > 1 else "") if lines else ""
