"""EC57: beat-by-beat and episode scoring, clause by clause."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.evaluate.ec57 import (
    CLASSES,
    BeatMatrix,
    EpisodeAgreement,
    average,
    compare_beats,
    compare_episodes,
    gross,
    gross_episodes,
    match_beats,
)
from holter2sleep.night import Beats
from holter2sleep.spans import EMPTY, as_spans

HOUR_S = 3600.0


def compare(reference: Beats, test: Beats, **options: object) -> BeatMatrix:
    return compare_beats(reference, test, duration_s=HOUR_S, **options)  # type: ignore[arg-type]


# --- pairs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset_s", "n_pairs"), [(0.149, 1), (0.150, 1), (0.151, 0), (-0.150, 1), (-0.151, 0)])
def test_beat_within_150_ms_counts_as_match(offset_s: float, n_pairs: int) -> None:
    assert len(match_beats(np.array([1000.0]), np.array([1000.0 + offset_s]))) == n_pairs


def test_border_of_the_window_does_not_depend_on_the_time_of_night() -> None:
    sample = np.arange(360 * 301, 360 * 30000, 360)
    assert len(match_beats(sample / 360, (sample + 54) / 360)) == len(sample)  # 54 samples at 360 Hz = 150 ms
    assert len(match_beats(sample / 360, (sample + 55) / 360)) == 0


def test_nearer_of_two_competing_test_beats_wins() -> None:
    assert match_beats(np.array([10.0]), np.array([9.90, 10.05])).tolist() == [[0, 1]]
    assert match_beats(np.array([10.0]), np.array([9.95, 10.10])).tolist() == [[0, 0]]


def test_nearer_of_two_competing_reference_beats_wins() -> None:
    assert match_beats(np.array([9.90, 10.05]), np.array([10.0])).tolist() == [[1, 0]]


def test_tie_goes_to_the_earlier_beat() -> None:
    assert match_beats(np.array([10.0]), np.array([9.9, 10.1])).tolist() == [[0, 0]]
    assert match_beats(np.array([9.9, 10.1]), np.array([10.0])).tolist() == [[0, 0]]


times = st.lists(st.integers(0, 20_000), unique=True, max_size=60).map(lambda ms: np.sort(np.array(ms, float)) / 1000)


@given(times, times)
def test_pairs_are_one_to_one_in_order_and_within_the_window(reference_s: np.ndarray, test_s: np.ndarray) -> None:
    pairs = match_beats(reference_s, test_s)
    assert (np.diff(pairs, axis=0) > 0).all()
    assert (np.abs(reference_s[pairs[:, 0]] - test_s[pairs[:, 1]]) <= 0.150 + 1e-9).all()


@given(times, times)
def test_swapping_the_lists_swaps_the_pairs(reference_s: np.ndarray, test_s: np.ndarray) -> None:
    assert match_beats(reference_s, test_s).tolist() == match_beats(test_s, reference_s)[:, ::-1].tolist()


@given(times, times, st.integers(0, 10**6))
def test_shifting_both_lists_changes_nothing(reference_s: np.ndarray, test_s: np.ndarray, shift_ms: int) -> None:
    shift_s = shift_ms / 1000
    assert match_beats(reference_s, test_s).tolist() == match_beats(reference_s + shift_s, test_s + shift_s).tolist()


@given(times, times)
def test_no_beat_is_left_single_beside_a_free_one(reference_s: np.ndarray, test_s: np.ndarray) -> None:
    """Every unmatched beat is out of the window of every other, or lost to a nearer competitor."""
    pairs = match_beats(reference_s, test_s)
    if len(reference_s) and len(test_s) and len(pairs) == 0:
        assert np.abs(reference_s[:, None] - test_s).min() > 0.150 - 1e-9


# --- the matrix ------------------------------------------------------------------------------------


def worked_example() -> BeatMatrix:
    reference = Beats.at(400.0 + np.arange(12), list("NNNNNVVVSSFQ"))
    #  reference: N    N    N    N    N      V    V    V      S    S    F    Q    and one extra, called V
    #  test:      N    N    V    S    missed V    V    N      S    N    V    V
    test_s = 400.0 + np.array([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 11.5])
    return compare(reference, Beats.at(test_s, list("NNVSVVNSNVVV")))


def test_worked_matrix_by_hand() -> None:
    matrix = worked_example()
    expected = np.zeros((7, 7), int)
    for cell in ("NN", "NN", "NV", "NS", "NO", "VV", "VV", "VN", "SS", "SN", "FV", "QV", "OV"):
        expected[CLASSES.index(cell[0]), CLASSES.index(cell[1])] += 1
    assert matrix.counts.tolist() == expected.tolist()
    assert matrix.scored_s == 3300.0


def test_worked_measures_by_hand() -> None:
    assert worked_example().measures() == pytest.approx(
        {
            "qrs_sensitivity": 11 / 12,
            "qrs_positive_predictivity": 11 / 12,
            "veb_sensitivity": 2 / 3,
            "veb_positive_predictivity": 2 / 4,  # false: one N, one extra; F and Q called V do not count
            "sveb_sensitivity": 1 / 2,
            "sveb_positive_predictivity": 1 / 2,  # false: one N
        }
    )


def test_fusion_beat_called_s_is_a_false_positive_and_an_unknown_beat_is_not() -> None:
    reference = Beats.at([400.0, 401.0, 402.0], list("SFQ"))
    assert compare(reference, Beats.at([400.0, 401.0, 402.0], "S")).measures()["sveb_positive_predictivity"] == 1 / 2


def test_identical_lists_agree_fully() -> None:
    beats = Beats.at(400.0 + np.arange(50), list("NNSVF" * 10))
    assert set(compare(beats, beats).measures().values()) == {1.0}


def test_swapping_reference_and_test_swaps_sensitivity_and_positive_predictivity() -> None:
    rng = np.random.default_rng(3)
    one = Beats.at(np.sort(rng.uniform(200, 3600, 3000)), "N")
    other = Beats.at(np.sort(rng.uniform(200, 3600, 2500)), "N")
    there, back = compare(one, other), compare(other, one)
    assert there.counts.T.tolist() == back.counts.tolist()
    assert there.measures()["qrs_sensitivity"] == back.measures()["qrs_positive_predictivity"]


def test_measure_without_denominator_is_none() -> None:
    beats = Beats.at([400.0, 401.0])
    assert compare(beats, beats).measures()["veb_sensitivity"] is None
    assert set(compare(Beats.at([]), Beats.at([])).measures().values()) == {None}


def test_class_outside_n_s_v_f_q_is_refused() -> None:
    with pytest.raises(ValueError, match="classes L are not"):
        compare(Beats.at([400.0], "L"), Beats.at([400.0]))


# --- what is scored --------------------------------------------------------------------------------


def test_first_five_minutes_are_not_scored() -> None:
    matrix = compare(Beats.at([100.0, 299.0, 300.0, 301.0]), Beats.at([100.0, 200.0, 301.0]))
    assert (matrix.count("N", "N"), matrix.count("N", "O"), matrix.count("O", "N")) == (1, 1, 0)


@pytest.mark.parametrize(("reference_s", "test_s"), [(300.05, 299.95), (299.95, 300.05)])
def test_beat_just_after_five_minutes_may_match_across_the_border(reference_s: float, test_s: float) -> None:
    matrix = compare(Beats.at([reference_s]), Beats.at([test_s]))
    assert matrix.count("N", "N") == matrix.counts.sum() == 1


def test_record_shorter_than_the_learning_period_scores_nothing() -> None:
    matrix = compare_beats(Beats.at([10.0, 299.0]), Beats.at([10.0]), duration_s=299.5)
    assert (matrix.counts.sum(), matrix.scored_s) == (0, 0.0)


def test_ventricular_fibrillation_is_left_out_for_both_lists() -> None:
    reference = Beats.at([400.0, 401.0, 450.0, 500.0])
    test = Beats.at([400.0, 401.0, 430.0, 440.0, 500.0])
    matrix = compare(reference, test, excluded=as_spans([(420.0, 460.0)]))
    assert matrix.count("N", "N") == matrix.counts.sum() == 3
    assert matrix.scored_s == 3260.0


def test_beat_missed_in_a_shutdown_goes_to_column_x() -> None:
    reference, test = Beats.at([400.0, 410.0, 420.0]), Beats.at([400.0])
    matrix = compare(reference, test, shutdown=as_spans([(405.0, 415.0)]))
    assert (matrix.count("N", "X"), matrix.count("N", "O"), matrix.shutdown_s) == (1, 1, 10.0)
    assert matrix.measures()["qrs_sensitivity"] == 1 / 3


# --- records together ------------------------------------------------------------------------------


def test_gross_weighs_beats_and_average_weighs_records() -> None:
    long = compare(Beats.at(400.0 + np.arange(90)), Beats.at(400.0 + np.arange(90)))
    short = compare(Beats.at(400.0 + np.arange(10)), Beats.at(400.0 + np.arange(5)))
    assert gross([long, short]).measures()["qrs_sensitivity"] == 95 / 100
    mean = average([long.measures(), short.measures()])
    assert mean["qrs_sensitivity"] == 0.75
    assert mean["veb_sensitivity"] is None


def test_average_leaves_out_records_that_do_not_define_the_value() -> None:
    assert average([{"veb": None}, {"veb": 0.5}]) == {"veb": 0.5}


def test_hundred_thousand_beats_take_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    reference_s = 300 + np.cumsum(rng.uniform(0.5, 1.1, 100_000))
    reference, test = Beats.at(reference_s), Beats.at(reference_s + rng.normal(0, 0.02, 100_000))
    begin = time.perf_counter()
    matrix = compare_beats(reference, test, duration_s=90_000.0)
    assert time.perf_counter() - begin < 1.0
    assert matrix.count("N", "N") > 99_000


# --- episodes --------------------------------------------------------------------------------------


def test_worked_episodes_by_hand() -> None:
    reference = as_spans([(100, 400), (1000, 1100), (2000, 2100)])
    test = as_spans([(350, 380), (390, 450), (1050, 1150), (3000, 3100)])
    agreement = compare_episodes(reference, test, as_spans([(300, 3600)]))
    assert agreement == EpisodeAgreement(3, 2, 4, 3, 300.0, 290.0, 90.0)
    assert agreement.measures() == {
        "episode_sensitivity": 2 / 3,
        "episode_positive_predictivity": 3 / 4,
        "duration_sensitivity": 90 / 300,
        "duration_positive_predictivity": 90 / 290,
    }


def test_touching_episodes_are_one_and_a_shared_border_is_no_overlap() -> None:
    agreement = compare_episodes(as_spans([(0, 10), (10, 20)]), as_spans([(20, 30)]), as_spans([(0, 100)]))
    assert (agreement.n_reference, agreement.n_reference_met, agreement.n_test_met) == (1, 0, 0)


def test_episodes_without_reference_have_no_sensitivity() -> None:
    measures = compare_episodes(EMPTY, as_spans([(400, 500)]), as_spans([(300, 3600)])).measures()
    assert measures["episode_sensitivity"] is None
    assert measures["episode_positive_predictivity"] == 0.0


def test_pooled_episodes_add_up() -> None:
    one = EpisodeAgreement(3, 2, 4, 3, 300.0, 290.0, 90.0)
    assert gross_episodes([one, one]) == EpisodeAgreement(6, 4, 8, 6, 600.0, 580.0, 180.0)
