"""The SleepECG classifier against the package itself, and against hand-made numbers."""

from __future__ import annotations

import warnings
from datetime import datetime, time
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import periodogram
from staging_nights import (
    MAN_OF_60,
    START,
    evidence_of,
    faulty_beats,
    irregular_beats,
    slpdb_beats,
    steady_beats,
)

from holter2sleep.night import Beats, Subject
from holter2sleep.sleep.staging import Evidence, get_stager
from holter2sleep.sleep.staging.cards import read_card, read_weights
from holter2sleep.sleep.staging.sleepecg_features import (
    Context,
    _density,
    beat_features,
    has_interval,
    in_context,
    sleepecg_features,
)
from holter2sleep.sleep.staging.sleepecg_mesa import Network, load_network, predict

GOLDEN = Path(__file__).parent / "golden" / "sleepecg_mesa.npz"
UNKNOWN = Context(None, None, None)
COLUMN = {"mean": 0, "sdnn": 4, "rmssd": 5, "sdsd": 6, "nn50": 7, "nn20": 8, "median": 11, "start": 33, "age": 34}


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(read_weights(read_card("sleepecg-mesa")))


def features_by_the_package(beat_s: np.ndarray, context: Context) -> np.ndarray:
    """Feature matrix of the installed sleepecg, non-finite values as -1."""
    import sleepecg
    from sleepecg.io.sleep_readers import Gender, SubjectData

    record = sleepecg.SleepRecord(
        sleep_stage_duration=30,
        recording_start_time=context.start,
        heartbeat_times=beat_s,
        subject_data=SubjectData(
            age=context.age_years, gender={"M": Gender.MALE, "F": Gender.FEMALE, None: None}[context.sex]
        ),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of short windows and of divisions by zero
        features, _, _ = sleepecg.extract_features(
            [record],
            lookback=120,
            lookforward=150,
            feature_selection=["hrv-time", "hrv-frequency", "recording_start_time", "age", "gender"],
            min_rri=0.3,
            max_rri=2,
            max_nans=0.5,
        )
    return np.where(np.isfinite(features[0]), features[0], -1)


@pytest.mark.parametrize(
    ("beat_s", "context"),
    [
        (faulty_beats(4 * 3600.0), Context(time(22, 41, 30), 60.0, "M")),
        (steady_beats(3600.0) + 700.0, UNKNOWN),
        (steady_beats(1817.0), Context(time(0, 0), None, "F")),
        (irregular_beats(3600.0), Context(None, 88.0, None)),
    ],
    ids=["holes and outliers", "beats start late", "tail under 30 s", "irregular"],
)
def test_features_are_those_of_the_package(beat_s: np.ndarray, context: Context) -> None:
    found, expected = sleepecg_features(beat_s, context), features_by_the_package(beat_s, context)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["slp01a", "slp03", "slp41"])
def test_features_of_real_nights_are_those_of_the_package(shared_data: Path, name: str) -> None:
    beat_s = slpdb_beats(shared_data, name)
    context = Context(time(23, 7), 44.0, "M")
    expected = features_by_the_package(beat_s, context)
    np.testing.assert_allclose(sleepecg_features(beat_s, context), expected, rtol=1e-6, atol=1e-9)


def test_features_of_alternating_intervals_are_the_hand_made_ones() -> None:
    beat_s = np.concatenate([[0.0], np.cumsum(np.tile([0.9, 1.1], 300))])
    row = sleepecg_features(beat_s, Context(time(1, 2, 3), 40.0, "F"))[10]  # full window, 135 intervals of each kind
    assert row[COLUMN["mean"]] == pytest.approx(1.0)
    assert row[COLUMN["sdnn"]] == pytest.approx(0.1 * np.sqrt(270 / 269))
    assert row[COLUMN["rmssd"]] == pytest.approx(0.2)
    assert row[COLUMN["nn50"]] == row[COLUMN["nn20"]] == 269
    assert row[COLUMN["start"]] == 3723
    assert row[COLUMN["age"]] == 40


def test_the_spectrum_of_what_is_there_is_that_of_scipy_down_to_half_a_window() -> None:
    rr_s = np.random.default_rng(0).normal(0.9, 0.05, (5, 1080))
    for row, n_missing in zip(rr_s, (0, 1, 200, 540, 541), strict=True):
        row[np.random.default_rng(n_missing).permutation(1080)[:n_missing]] = np.nan
    frequency_hz, density = _density(rr_s)
    np.testing.assert_allclose(density[0], periodogram(rr_s[0], 4.0)[1], rtol=1e-9, atol=1e-15)
    for row, found in zip(rr_s[1:4], density[1:4], strict=True):
        hz, expected = periodogram(row[np.isfinite(row)], 4.0, window="hann", nfft=1080)
        np.testing.assert_array_equal(frequency_hz, hz)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
    assert np.isnan(density[4]).all()  # more than half of it is missing


def test_epochs_end_with_the_last_beat() -> None:
    assert len(sleepecg_features(np.arange(0.0, 89.5), UNKNOWN)) == 2
    assert len(sleepecg_features(np.arange(0.0, 91.5), UNKNOWN)) == 3
    assert len(sleepecg_features(np.array([3.0]), UNKNOWN)) == 0


def test_an_interval_that_is_not_believed_is_one_that_is_missing() -> None:
    beat_s = steady_beats(1800.0)
    believed = np.ones(len(beat_s) - 1, bool)
    np.testing.assert_array_equal(sleepecg_features(beat_s, UNKNOWN, believed), sleepecg_features(beat_s, UNKNOWN))
    false = np.searchsorted(beat_s, 900.0)
    extra_s = np.insert(beat_s, false, beat_s[false - 1] + 0.35)
    cut = np.isin(np.arange(len(beat_s)), [false - 1, false])
    columns = [COLUMN[name] for name in ("mean", "sdnn", "rmssd", "median")]
    kept, raw = (sleepecg_features(extra_s, UNKNOWN, mask)[30, columns] for mask in (~cut, None))
    expected = sleepecg_features(beat_s, UNKNOWN)[30, columns]
    assert kept == pytest.approx(expected, rel=0.02)
    assert raw[2] > 1.5 * expected[2]
    assert not has_interval(beat_s, 50, ~believed).any()


@pytest.mark.parametrize(
    ("night", "beat_s", "start", "subject"),
    [
        ("known", faulty_beats(4.5 * 3600), START, MAN_OF_60),
        ("unknown", steady_beats(2 * 3600 + 17), None, Subject()),
    ],
)
def test_probabilities_are_those_of_the_package(
    night: str, beat_s: np.ndarray, start: datetime | None, subject: Subject
) -> None:
    package = np.load(GOLDEN)[night]  # undefined, NREM, REM, wake; made by golden/make_golden.py
    expected = package[:, [3, 1, 2]] / package[:, 1:].sum(axis=1, keepdims=True)
    evidence = evidence_of(beat_s, float(np.ceil(beat_s[-1])), start=start, subject=subject)
    found = get_stager("sleepecg-mesa").stage(evidence)[0][: len(expected)]
    answered = ~np.isnan(found).any(axis=1)
    assert answered.mean() > 0.75  # an hour of the first night has no beats
    np.testing.assert_allclose(found[answered], expected[answered], atol=1e-5)


def test_a_wholly_missing_row_keeps_the_state_and_changes_no_other_row(network: Network) -> None:
    features = sleepecg_features(steady_beats(1800.0), UNKNOWN)
    with_hole = np.insert(features, 20, np.full((7, 36), -1.0), axis=0)
    (found,) = predict(network, with_hole[None])
    np.testing.assert_allclose(np.delete(found, slice(20, 27), axis=0), predict(network, features[None])[0], atol=1e-6)
    assert np.ptp(found[20:27], axis=0).max() == 0  # zeros in, the bias of the last layer out


def test_contexts_answered_together_are_answered_as_alone(network: Network) -> None:
    night = beat_features(faulty_beats(3600.0))
    asked = [in_context(night, Context(time(22, 30), 60.0, sex)) for sex in ("F", "M")]
    together, alone = predict(network, np.stack(asked)), [predict(network, each[None])[0] for each in asked]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 1e-3


def test_a_night_of_missing_rows_only_is_answered(network: Network) -> None:
    assert predict(network, np.full((1, 4, 36), -1.0)).sum(axis=2) == pytest.approx(1)


def test_unusable_beats_change_nothing() -> None:
    clean = evidence_of(steady_beats(1800.0), 1800.0)
    extra_s = np.union1d(clean.beats.time_s, [100.01, 900.01])
    usable = np.isin(extra_s, clean.beats.time_s)
    noisy_beats = Beats(extra_s, np.full(len(extra_s), "N"), np.full(len(extra_s), np.nan), usable)
    noisy = Evidence(clean.recording, clean.grid, noisy_beats, clean.quality, clean.nn, clean.lights)
    stager = get_stager("sleepecg-mesa")
    assert stager.stage(noisy)[0].tobytes() == stager.stage(clean)[0].tobytes()


def test_epochs_whose_minutes_hold_no_beat_have_no_answer() -> None:
    proba, _ = get_stager("sleepecg-mesa").stage(evidence_of(faulty_beats(4 * 3600.0), 4 * 3600.0))
    # beats are missing from 5000 to 8700 s; windows reach 120 s back and 150 s ahead
    onset_s = 30.0 * np.arange(len(proba))
    empty = (onset_s - 120 >= 5000) & (onset_s + 150 <= 8700)
    assert np.isnan(proba[empty]).all()
    assert not np.isnan(proba[~empty][:-1]).any()
