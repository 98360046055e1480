"""The scripts that fit the small networks: what they hear, and that what they fit is what the package computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_nights import simulated

from holter2sleep.errors import UsageError
from holter2sleep.heart.class_net import CLASSES, calibrated
from holter2sleep.heart.sequence_net import chances, logits
from holter2sleep.heart.weights import joined, read_weights, write_weights
from holter2sleep.night import Beats
from holter2sleep.spans import EMPTY
from holter2sleep.training import classes, qrs
from holter2sleep.training.mitdb import DS1, DS2, Annotated, read_set
from holter2sleep.training.sequence import UNKNOWN, Course, Sequence, fit

RNG = np.random.default_rng(0)


def record() -> Annotated:
    """Twelve minutes of a synthetic lead with ectopic beats, and the same lead upside down."""
    truth = simulated("ectopy", hours=0.2, bursts_per_hour=0.0)
    ecg = np.asarray(truth.recording.ecg)
    return Annotated("made", truth.recording.fs, np.stack([ecg, -ecg]), truth.beats, EMPTY)


def noises() -> dict[str, np.ndarray]:
    return {kind: RNG.normal(size=90_000).astype(np.float32) for kind in qrs.NOISES}


def test_training_and_test_records_do_not_overlap() -> None:
    assert not set(DS1) & set(DS2)


def test_a_folder_without_the_records_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="MIT-BIH"):
        read_set(tmp_path, DS1)


def test_every_beat_of_a_heard_record_is_a_candidate_that_is_marked() -> None:
    made = qrs.examples("made", record().leads[0], record().fs, record().beats.time_s, EMPTY)
    marked = sum(int((example.is_beat == 1).sum()) for example in made)
    inside = record().beats.time_s < qrs.STRETCH_S  # what is left is too short for a stretch
    assert marked == pytest.approx(inside.sum(), abs=2)


def test_nothing_in_noise_alone_is_marked() -> None:
    assert all((example.is_beat == 0).all() for example in qrs.silence(noises(), RNG))


def test_nothing_is_said_of_ventricular_flutter() -> None:
    whole = np.array([[0.0, 1e6]])
    made = qrs.examples("made", record().leads[0], record().fs, record().beats.time_s, whole)
    assert all((example.is_beat == UNKNOWN).all() for example in made)


def test_a_variant_keeps_its_beats_and_their_classes() -> None:
    for _ in range(3):
        sequence = classes.heard(record(), noises(), RNG)
        assert len(sequence.target) == pytest.approx(len(record().beats), abs=3)
        assert (sequence.target == CLASSES.index("V")).sum() == (record().beats.label == "V").sum()


def test_q_teaches_nothing() -> None:
    beats: Beats = record().beats
    label = np.where(np.arange(len(beats)) == 5, "Q", beats.label)
    sequence = classes.sequence_of("made", record().leads[0], record().fs, beats.time_s, label)
    assert (sequence.target == UNKNOWN).sum() == 1


def test_what_is_fitted_is_what_the_package_computes(tmp_path: Path) -> None:
    features = RNG.normal(size=(2000, 3)).astype(np.float32)
    target = (features[:, 0] > 0).astype(np.int64)
    sequence = Sequence("made", features, np.zeros((2000, 4), np.float32), target)
    write_weights(tmp_path / "w.npz", joined(one=fit([sequence], Course(2, 60, 0))))
    found = chances(logits(read_weights(tmp_path / "w.npz")["one"], features, sequence.patches)).argmax(axis=1)
    assert (found == target).mean() > 0.97


def test_the_same_seed_gives_the_same_weights() -> None:
    sequence = Sequence(
        "made", RNG.normal(size=(400, 3)).astype("f4"), np.zeros((400, 2), "f4"), np.ones(400, np.int64)
    )
    once, again = (fit([sequence], Course(2, 3, 1)) for _ in range(2))
    assert all((once[name] == again[name]).all() for name in once)


def test_calibration_takes_back_overconfidence() -> None:
    truth = RNG.integers(0, 4, 4000)
    raw = np.where(np.arange(4) == np.where(RNG.random(4000) < 0.7, truth, 3 - truth)[:, None], 6.0, 0.0)
    chance = calibrated(raw.astype("f4"), classes.fit_calibration(raw, truth))
    assert chance.max(axis=1).mean() == pytest.approx(0.7, abs=0.03)
