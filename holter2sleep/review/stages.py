"""The machine's stages and a person's to one hypnogram."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from holter2sleep.edits import STAGE, Edit, changes_in_force
from holter2sleep.night import MERGED, SCHEMES, UNSCORED, EpochGrid, Float, Hypnogram
from holter2sleep.phenotypes.epochs import PROBABILITY_COLUMN
from holter2sleep.phenotypes.files import NightTables
from holter2sleep.review.apply import edit_stages, scored_by_hand


def numbers(column: pl.Series) -> Float:
    """A column as numbers, NaN where there is none."""
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def hypnogram_of(machine: NightTables, edits: tuple[Edit, ...], grid: EpochGrid) -> Hypnogram:
    """The machine's stages with a person's, about which there is no doubt.

    A person's letter is said in the scheme of the stager; where every stage is a person's, in that of the AASM.
    """
    stage = edit_stages(machine.epochs, edits)["stage"].to_numpy().astype("<U4")
    by_hand = scored_by_hand(grid.n, edits)
    scheme, all_by_hand = machine.run["hypnogram"]["scheme"], bool(by_hand[stage != UNSCORED].all()) and by_hand.any()
    if all_by_hand:
        return Hypnogram(grid, stage, "AASM5", _names(edits))
    merged = np.array([MERGED[scheme].get(letter, letter) for letter in stage.tolist()])
    proba = _probabilities(machine.epochs, scheme)
    if proba is not None:
        proba[by_hand] = merged[by_hand, None] == np.array(SCHEMES[scheme])
    scorer = machine.run["hypnogram"]["scorer"]
    return Hypnogram(grid, merged, scheme, f"{scorer}, edited by {_names(edits)}" if by_hand.any() else scorer, proba)


def _names(edits: tuple[Edit, ...]) -> str:
    """Who scored stages that hold."""
    return ", ".join(dict.fromkeys(edit.who for edit in changes_in_force(edits) if edit.kind == STAGE))


def _probabilities(epochs: pl.DataFrame, scheme: str) -> NDArray[np.float32] | None:
    columns = [PROBABILITY_COLUMN[letter] for letter in SCHEMES[scheme]]
    proba = np.column_stack([numbers(epochs[column]) for column in columns]).astype(np.float32)
    return proba if np.isfinite(proba).any() else None


def with_stages(strips: pl.DataFrame, hypnogram: Hypnogram) -> pl.DataFrame:
    """Strips that are kept, with the stages as they are now."""
    if strips.is_empty():
        return strips
    middle_s = strips["start_s"] + strips["ecg_mv"].list.len() / strips["fs"] / 2
    stage = hypnogram.stage[hypnogram.grid.epoch_of(middle_s.to_numpy())].tolist()
    return strips.with_columns(pl.Series("stage", stage, dtype=pl.String))
