"""The table of averaged beats: which strata have a row, and what stands in it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_beats import Made
from made_nights import RECIPE, beats_of_rr, staged_night
from numpy.typing import ArrayLike

from holter2sleep.heart.morphology import first_marks
from holter2sleep.night import EpochBeats, Night
from holter2sleep.phenotypes.averages import AVERAGE_SCHEMA, average_table

STAGES = ["W"] * 4 + ["2"] * 3 + ["R"] * 3


def with_averages(n_beats: ArrayLike, rr_s: ArrayLike = 0.9, made: Made | None = None) -> Night:
    """Ten epochs, of wake, N2 and REM, each with so many copies of one beat half a millivolt above zero."""
    beat = (made or Made(rr_s=0.9)).averaged()
    counts = np.asarray(n_beats)
    mv = np.where(counts[:, None] > 0, beat.mv + 0.5, np.nan)
    averages = EpochBeats(mv, beat.fs, beat.r_index, counts, np.broadcast_to(rr_s, 10), np.zeros(10, bool))
    night = staged_night(beats_of_rr(np.ones(298), start_s=0.5), "".join(STAGES))
    return dataclasses.replace(night, averages=averages)


def test_a_row_has_the_planted_beat_above_its_pq_segment_and_its_marks() -> None:
    made, night = Made(rr_s=0.9), with_averages([0] * 7 + [10, 20, 30])
    [row] = average_table(night, RECIPE).filter(stratum="rem").to_dicts()
    assert (row["n_beats"], row["rr_ms"]) == (60, pytest.approx(900.0))
    assert (row["fs"], row["r_index"], len(row["ecg_mv"])) == (500.0, 175, 551)
    np.testing.assert_allclose(row["ecg_mv"], made.averaged().mv, atol=1e-3)
    planted_ms = {
        "qrs_on_ms": -45.0,
        "qrs_off_ms": 55.0,
        "t_peak_ms": 1000 * made.t_centre_s,
        "t_end_ms": made.qt_ms - 45,
    }
    assert {name: row[name] for name in planted_ms} == pytest.approx(planted_ms, abs=8)
    assert night.averages is not None
    found = first_marks(night.averages, night.hypnogram.mask("rem"), RECIPE.morphology)
    assert found is not None
    assert row["t_end_ms"] == pytest.approx(1000 * (found[1].t_end_s or 0))


def test_the_interval_is_that_of_all_beats() -> None:
    """30 beats behind 0.8 s, 90 behind 1 s: 0.95 s."""
    table = average_table(with_averages([30, 90] + [0] * 8, np.repeat([0.8, 1.0], [1, 9])), RECIPE)
    assert table.filter(stratum="wake")["rr_ms"].to_list() == pytest.approx([950.0])


@pytest.mark.parametrize(
    ("n_beats", "strata"),
    [
        ([0] * 4 + [3, 3, 4] + [0] * 3, ["night", "sleep", "nrem", "n2", "light"]),
        ([0] * 4 + [3, 3, 3] + [0] * 3, []),
        ([10] + [0] * 6 + [9, 0, 0], ["night", "wake"]),
        ([0] * 10, []),
    ],
)
def test_strata_with_ten_beats_have_a_row(n_beats: list[int], strata: list[str]) -> None:
    table = average_table(with_averages(n_beats), RECIPE)
    assert table["stratum"].to_list() == strata
    assert dict(table.schema) == AVERAGE_SCHEMA


def test_a_mark_that_cannot_be_seen_is_null() -> None:
    table = average_table(with_averages([60] * 10, made=Made(rr_s=0.9, t_mv=0.03)), RECIPE)
    assert table["t_end_ms"].null_count() == len(table) > 0
    assert table["qrs_on_ms"].null_count() == 0


def test_beats_without_a_waveform_leave_no_row() -> None:
    table = average_table(dataclasses.replace(with_averages([60] * 10), averages=None), RECIPE)
    assert len(table) == 0
    assert dict(table.schema) == AVERAGE_SCHEMA


def test_strata_that_a_stager_cannot_tell_apart_have_no_row() -> None:
    night = with_averages([60] * 10)
    stage = np.array([{"2": "NREM"}.get(letter, letter) for letter in STAGES])
    coarse = dataclasses.replace(night, hypnogram=dataclasses.replace(night.hypnogram, stage=stage, scheme="CARDIO3"))
    assert average_table(coarse, RECIPE)["stratum"].to_list() == ["night", "sleep", "wake", "nrem", "rem"]
