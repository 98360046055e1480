"""The clock-only floor and the table it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from staging_nights import evidence_of

from holter2sleep.night import Lights
from holter2sleep.sleep.staging import Evidence, get_stager
from holter2sleep.sleep.staging.cards import read_card, read_weights
from holter2sleep.sleep.staging.clock import StageTable, read_table
from holter2sleep.training import clock as training


def test_counts_are_smoothed_over_neighbours_with_one_epoch_added() -> None:
    table = StageTable.from_counts(np.array([[60, 0, 0], [20, 40, 0]]), 1800.0)
    # first bin: (60 + 2 * 60 + 20) / 4 + 1 = 51, (0 + 0 + 40) / 4 + 1 = 11, 1; of 63
    assert table.share[0] == pytest.approx([51 / 63, 11 / 63, 1 / 63])


def test_shares_are_interpolated_between_middles_and_constant_outside() -> None:
    table = StageTable(100.0, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    shares = table.at(np.array([-500.0, 50.0, 75.0, 150.0, 9000.0]))
    assert shares[:, 0] == pytest.approx([1, 1, 0.75, 0, 0])


def test_time_runs_from_lights_off() -> None:
    night = evidence_of(np.empty(0), 8 * 3600.0)
    late = Evidence(
        night.recording, night.grid, night.beats, night.quality, night.nn, Lights(3600.0, 8 * 3600.0, "option")
    )
    stager = get_stager("clock")
    assert stager.stage(late)[0][120:] == pytest.approx(stager.stage(night)[0][:-120])


def test_nights_begin_awake_and_rem_comes_in_their_second_half() -> None:
    wake, _, rem = get_stager("clock").stage(evidence_of(np.empty(0), 7 * 3600.0))[0].T
    assert wake[0] > 0.6
    assert rem[420:].mean() > 2 * rem[:420].mean()


def test_a_table_of_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="classes are"):
        read_table(json.dumps({"classes": ["W", "L"], "counts": [], "bin_s": 1800}).encode())


def test_the_card_states_the_figures_stored_with_the_table() -> None:
    card = read_card("clock")
    stored = json.loads(read_weights(card))
    assert (card.n_subjects, card.internal_kappa) == (stored["n_subjects"], stored["left_out_kappa"])


def test_a_short_last_bin_of_few_nights_is_left_out() -> None:
    nights = [np.zeros(60, np.int64)] * 5 + [np.ones(61, np.int64)]
    assert training.count_stages(nights).tolist() == [[300, 60, 0]]


def test_unscored_epochs_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "ucddb001_stage.txt"
    path.write_bytes(b"0\r\n8\r\n1\r\n5\r\n")
    assert training.read_night(path).tolist() == [0, -1, 2, 1]


def test_a_folder_without_hypnograms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no ucddb"):
        training.fit(tmp_path)


@pytest.mark.realdata
def test_fitting_again_gives_the_shipped_table(shared_data: Path) -> None:
    assert training.fit(shared_data / "ucddb_hypnograms").encode() == read_weights(read_card("clock"))
