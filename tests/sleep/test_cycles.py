"""NREM-REM cycles from hypnograms drawn by hand; a letter is five minutes."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.night import EpochGrid, Hypnogram, Lights
from holter2sleep.sleep.cycles import find_cycles

EPOCHS = 10  # five minutes
LETTERS = {"W": "W", "N": "NREM", "R": "R", "U": "U"}


def hypnogram_of(drawn: str) -> Hypnogram:
    stages = np.repeat([LETTERS[letter] for letter in drawn], EPOCHS)
    return Hypnogram(EpochGrid.covering(30.0 * len(stages)), stages, "CARDIO3", "by hand")


def cycles(drawn: str, off_min: float = 0.0) -> list[list[float]]:
    """Starts and ends of the cycles, in letters."""
    hypnogram = hypnogram_of(drawn)
    lights = Lights(60 * off_min, hypnogram.grid.duration_s, "by hand")
    return (find_cycles(hypnogram, lights) / 300).tolist()


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("WNNNRRW", [[1, 6]]),
        ("NNNRNNNNRR", [[0, 4], [4, 10]]),
        ("NNNRNNRNNNR", [[0, 7], [7, 11]]),  # 10 min of NREM do not part two REM periods
        ("NNNRNNNRNNR", [[0, 4], [4, 11]]),  # in the second cycle neither
        ("NNNRWWWWRNNNR", [[0, 9], [9, 13]]),  # nor does wake of any length
        ("NNNRWNNNR", [[0, 4], [5, 9]]),  # wake between two cycles belongs to none
        ("RRNNNR", [[2, 6]]),  # REM at sleep onset closes nothing
        ("NNNNNN", []),
        ("WWWW", []),
        ("RRRR", []),
        ("NNUNR", [[0, 5]]),  # an unscored stretch breaks nothing, and is no NREM
        ("NNUR", []),
        ("NNNNRNNN", [[0, 5]]),  # what follows the last REM is no complete cycle
    ],
)
def test_a_cycle_is_fifteen_minutes_of_nrem_closed_by_rem(drawn: str, expected: list[list[float]]) -> None:
    assert cycles(drawn) == expected


def test_a_rem_period_under_five_minutes_closes_a_cycle_only_as_the_first_of_the_night() -> None:
    stages = hypnogram_of("NNNRNNNRNNNR").stage.copy()
    stages[30:39] = "NREM"  # one epoch of REM is left of the first period
    stages[70:79] = "NREM"  # and of the second
    grid = EpochGrid.covering(30.0 * len(stages))
    found = find_cycles(Hypnogram(grid, stages, "CARDIO3", "by hand"), Lights(0.0, grid.duration_s, "by hand"))
    assert (found / 300).tolist() == [[0, 4], [4, 12]]


@pytest.mark.parametrize(("n_nrem", "n_rem", "n"), [(30, 10, 2), (29, 10, 0), (30, 9, 1)])
def test_a_cycle_needs_fifteen_minutes_of_nrem_and_its_rem_five_but_for_the_first(
    n_nrem: int, n_rem: int, n: int
) -> None:
    """Epochs of half a minute, twice the same."""
    stages = np.array((["NREM"] * n_nrem + ["R"] * n_rem) * 2)
    grid = EpochGrid.covering(30.0 * len(stages))
    found = find_cycles(Hypnogram(grid, stages, "CARDIO3", "by hand"), Lights(0.0, grid.duration_s, "by hand"))
    assert len(found) == n


def test_epochs_outside_lights_belong_to_no_cycle() -> None:
    assert cycles("NNNNNR", off_min=10.0) == [[2, 6]]
    assert cycles("NNNNR", off_min=10.0) == []
