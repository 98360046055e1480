"""A night and its edits to new tables and a new report; the machine's own stay beside them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from holter2sleep.clock import Clock
from holter2sleep.edits import LOG, MACHINE, Edit, changes_in_force
from holter2sleep.errors import RecordingError
from holter2sleep.night import Night
from holter2sleep.phenotypes.cross import cross_table
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.files import (
    NightTables,
    fill_folder,
    machine_folder,
    read_night,
    read_run,
    sweep_leftovers,
    tables_of,
    write_run,
    write_tables,
)
from holter2sleep.recipe import Recipe, recipe_of
from holter2sleep.report.pdf import write_report
from holter2sleep.review.apply import scored_by_hand
from holter2sleep.review.derive import derived_night
from holter2sleep.review.log import alone, verified
from holter2sleep.review.recording import find_waveform
from holter2sleep.review.stages import with_stages
from holter2sleep.waveform import Waveform

log = logging.getLogger(__name__)

NEEDED = ("usable", "turned", "part", "identity", "beats", "lights")  # of run.json, beyond what a report needs
STAGING_ROLES = ("stager", "second opinion")  # of models; none was used where a person has scored every stage
KEPT_DOMAINS = ("respiration", "respiratory", "respiratory_share", "ahi", "coupling")
NO_WAVEFORM = (
    "the recording was not at hand when the night was recomputed: averaged beats, strips, breathing and the height of "
    "added beats keep what they were before the edits"
)


@dataclass(frozen=True)
class Source:
    """What a night is recomputed from: the machine's tables, its recipe, its waveform where that is at hand."""

    machine: NightTables
    recipe: Recipe
    ecg: Waveform | None

    @property
    def lacks_waveform(self) -> bool:
        """Whether there was a waveform that is not at hand."""
        return self.machine.run["channel"] is not None and self.ecg is None


def read_source(folder: Path, recording: Path | None = None) -> Source:
    """What a finished night can be recomputed from; `recording` where it is not found by itself.

    Raises
    ------
    UsageError
        No such folder.
    RecordingError
        No finished night, one of an earlier version, or another recording.
    RecipeError
        A night of an earlier version.
    """
    sweep_leftovers(folder.resolve().parent)  # a recompute that was killed while it replaced the folder is put right
    read_night(folder)  # a folder that is none is told by its own name
    machine = read_night(machine_folder(folder))
    lacking = [fact for fact in NEEDED if fact not in machine.run]
    if lacking:
        raise RecordingError(
            f"{folder}: made by an earlier version, whose run.json lacks {lacking[0]!r}; run analyze on the recording "
            f"again (--overwrite)"
        )
    recipe = recipe_of(machine.run["recipe"]["resolved"])
    return Source(machine, recipe, find_waveform(folder, machine.run, recording))


def recompute(folder: Path, source: Source, show: Callable[[str], None] = lambda _step: None) -> None:
    """Make the tables, `run.json` and the report of a night anew from what the machine made and the log of edits.

    The folder is replaced as a whole. With no edit in force its tables are the machine's, byte by byte; without a log
    nothing is done.

    Raises
    ------
    RecordingError
        The log is broken.
    OutputError
        The results cannot be written; then nothing is changed.
    """
    edits = verified(folder)
    if not edits:
        return
    if changes_in_force(edits):
        show("what follows from the edits")
        tables, run = edited_tables(source, edits)
    else:
        tables, run = None, run_of_edits(source.machine.run, edits)

    def write(new: Path) -> None:
        _copy_machine(folder, new)
        if tables is None:
            for path in (new / MACHINE).iterdir():
                shutil.copyfile(path, new / path.name)
        else:
            show("tables")
            write_tables(new, tables)
        write_run(new, run)
        shutil.copyfile(folder / LOG, new / LOG)
        show("report")
        write_report(new)

    with alone(folder):  # nobody adds to the log while the folder is replaced
        if verified(folder) != edits:
            raise RecordingError(f"{folder}: edited while it was recomputed; recompute it again")
        fill_folder(folder, write)


def _copy_machine(folder: Path, new: Path) -> None:
    """What the machine made, and logs of earlier nights in this folder."""
    shutil.copytree(machine_folder(folder), new / MACHINE, ignore=shutil.ignore_patterns("edits*", MACHINE))
    for path in folder.glob("edits_before_*.jsonl"):
        shutil.copyfile(path, new / path.name)


def edited_tables(source: Source, edits: tuple[Edit, ...]) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """All tables of the night by name, and its `run.json`, after the edits."""
    night = derived_night(source.machine, edits, source.ecg, source.recipe)
    tables = tables_of(night, source.recipe)
    if source.lacks_waveform:
        log.warning("%s; --recording FILE says where it is", NO_WAVEFORM)
        tables = with_kept(tables, source.machine, night)
    return tables, run_of_edits(source.machine.run, edits, night, source.lacks_waveform)


def with_kept(tables: dict[str, pl.DataFrame], machine: NightTables, night: Night) -> dict[str, pl.DataFrame]:
    """The tables, with the machine's values of what needs the waveform."""
    names = [
        entry.name
        for entry in load_dictionary().values()
        if "waveform" in entry.needs or "millivolt" in entry.needs or entry.domain in KEPT_DOMAINS
    ]
    new, key = tables["phenotypes"], ["phenotype", "stratum"]
    kept = machine.phenotypes.filter(pl.col("phenotype").is_in(names)).join(new.select(key), on=key, how="semi")
    order = new.select(key).with_row_index("row")
    both = pl.concat([new.join(kept, on=key, how="anti"), kept])
    phenotypes = both.join(order, on=key, how="left").sort("row").drop("row")
    return {
        **tables,
        "phenotypes": phenotypes,
        "cardio_sleep": cross_table(phenotypes),
        "strips": with_stages(machine.strips, night.hypnogram),
        "averages": machine.averages,
    }


def run_of_edits(
    run: dict[str, Any], edits: tuple[Edit, ...], night: Night | None = None, lacks_waveform: bool = False
) -> dict[str, Any]:
    """`run.json` of the machine with what a person did since."""
    holding = changes_in_force(edits)
    facts = {
        "n": len(holding),
        "who": list(dict.fromkeys(edit.who for edit in holding)),
        "last": edits[-1].when if edits else None,
        "n_lines": len(edits),
        "sha256": edits[-1].sha256 if edits else None,
        "waveform_at_hand": not lacks_waveform,
    }
    if night is None:
        return {**run, "edits": facts}
    hypnogram = {"scheme": night.hypnogram.scheme, "scorer": night.hypnogram.scorer}
    notes = [NO_WAVEFORM] if lacks_waveform else []
    by_hand = scored_by_hand(night.grid.n, edits)
    facts["stages_by_hand"] = int(by_hand.sum())
    staged = not by_hand.any() or night.hypnogram.proba is not None
    models = [model for model in run["models"] if staged or model["role"] not in STAGING_ROLES]
    warnings = [*run["warnings"], *notes]
    return {**run, "hypnogram": hypnogram, "models": models, "warnings": warnings, "edits": facts}


def clock_of(run: dict[str, Any]) -> Clock | None:
    """The wall clock of a night; None where its start is unknown."""
    return Clock.of_iso(run["start"], run["time_zone"]) if run["start"] else None


def is_behind(folder: Path, edits: tuple[Edit, ...]) -> bool:
    """Whether the tables of a night are older than its log."""
    made = ((read_run(folder) or {}).get("edits") or {}).get("n_lines", 0)
    return made != len(edits)
