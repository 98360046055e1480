"""Planted ectopic beats are found, and a healthy night has next to none."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, all_of, analysed, beats_of_rr, simulated

from holter2sleep.evaluate.ec57 import compare_beats
from holter2sleep.heart import class_net
from holter2sleep.heart.beat_features import beat_features, timing
from holter2sleep.heart.class_net import class_chances
from holter2sleep.heart.classify import classify_beats
from holter2sleep.heart.qrs_sizes import QrsSizes
from holter2sleep.heart.shape import PATCH_N, Shape
from holter2sleep.night import Beats
from holter2sleep.spans import as_spans

ECTOPY = {"hours": 3.0, "bursts_per_hour": 0.0}


def measures(name: str, **changes: object) -> dict[str, float | None]:
    truth, night = simulated(name, **changes), analysed(name, **changes)
    usable = night.beats.where(night.beats.usable)
    reference = truth.beats.where(truth.beats.usable)
    return compare_beats(reference, usable, duration_s=truth.plan.duration_s).measures()


def shape_of(n: int, **odd: dict[int, float]) -> Shape:
    """Typical beats but for the ones named: `correlation={5: 0.2}`."""
    columns = typical_columns(n)
    for name, values in odd.items():
        columns[name][list(values)] = list(values.values())
    sizes = QrsSizes(*(np.ones(n, np.float32),) * 5)
    return Shape(**columns, limit=RECIPE.shape.foreign_correlation, sizes=sizes)


def typical_columns(n: int) -> dict[str, np.ndarray]:
    """A shape's columns for beats that all look like the typical one."""
    wave, patch = np.tile([1.0, 1.0, 0.0], (n, 1)), np.zeros((n, PATCH_N), np.float32)
    ones = dict.fromkeys(("correlation", "width", "height", "lean", "steepness"), 1.0)
    columns = {name: np.full(n, value) for name, value in {**ones, "twin": 0.0, "typical_width_s": 0.03}.items()}
    kin = np.full(n, -1, np.int32)
    return columns | {"p_wave": wave, "t_wave": wave, "kin": kin, "apart": patch}


def labels(beats: Beats, shape: Shape | None) -> list[tuple[int, str]]:
    found = classify_beats(beats, shape, all_of(beats), RECIPE.classes).label
    return [(i, str(found[i])) for i in np.flatnonzero(found != "N")]


def one_early(early: float, after: float = 1.0, n: int = 60) -> Beats:
    """Intervals of 1 s; beat 30 comes after `early`, the next after `after`."""
    rr_s = np.ones(n)
    rr_s[[29, 30]] = early, after
    return beats_of_rr(rr_s)


# --- planted nights --------------------------------------------------------------------------------


def test_planted_ventricular_beats_are_found() -> None:
    found = measures("ectopy", **ECTOPY)  # measured over two nights: Se 98.5-99.4 %, +P 99.5-99.6 %
    assert found["veb_sensitivity"] > 0.97
    assert found["veb_positive_predictivity"] > 0.98


def test_planted_supraventricular_beats_are_found() -> None:
    found = measures("ectopy", **ECTOPY)  # measured over two nights: Se 96.3-96.8 %, +P 99.0-100 %
    assert found["sveb_sensitivity"] > 0.90  # the middle of a long run of S is early against nothing
    assert found["sveb_positive_predictivity"] > 0.97


@pytest.mark.parametrize("name", ["healthy", "clean"])
def test_fewer_than_one_beat_in_a_thousand_of_a_healthy_night_is_called_ectopic(name: str) -> None:
    beats = analysed(name, seed=3, hours=3.0).beats
    assert np.mean(beats.label[beats.usable] != "N") < 0.001


def test_a_beat_in_noise_is_never_called_ectopic() -> None:
    beats = analysed("noisy", hours=1.0).beats
    assert (~beats.usable).sum() > 10
    assert (beats.label[~beats.usable] == "N").all()


# --- single beats, made by hand --------------------------------------------------------------------


def test_an_early_beat_of_typical_shape_is_s_and_the_same_beat_in_time_is_not() -> None:
    assert labels(one_early(0.65, 1.1), shape_of(61)) == [(30, "S")]
    assert labels(one_early(1.0), shape_of(61)) == []


def test_a_beat_in_noise_stays_n_however_early_it_is() -> None:
    usable = np.ones(61, bool)
    usable[30] = False
    assert labels(one_early(0.65, 1.1).but(usable=usable), shape_of(61)) == []


def test_with_too_few_beats_for_a_typical_one_all_stay_as_they_are() -> None:
    few = beats_of_rr([0.6] * 10)
    assert classify_beats(few, shape_of(11), all_of(few), RECIPE.classes) is few


def test_confidence_is_a_chance_and_smaller_near_the_border() -> None:
    def found(early: float) -> Beats:
        beats = one_early(early, 1.1)
        return classify_beats(beats, shape_of(61), all_of(beats), RECIPE.classes)

    near, far = found(0.85), found(0.60)
    assert ((far.confidence >= 0) & (far.confidence <= 1)).all()
    assert far.chance_s[30] > near.chance_s[30]
    assert (far.chance_s + far.chance_v <= 1 + 1e-6).all()


# --- features --------------------------------------------------------------------------------------


def test_timing_tells_how_early_a_beat_is_and_how_long_the_pause() -> None:
    beats = one_early(0.6, 1.3)
    times = np.exp(timing(beats, all_of(beats)))
    assert times[30, :2] == pytest.approx([0.6, 1.3])
    assert times[31, 0] == pytest.approx(1.3)
    assert times[20, :2] == pytest.approx([1.0, 1.0])


def test_timing_across_lost_signal_is_unknown_not_early() -> None:
    beats = one_early(0.6, 1.3)
    lost = as_spans([(0.0, beats.time_s[28]), (beats.time_s[31] + 0.1, 60.0)])
    assert timing(beats, lost)[[29, 30, 31], 0].tolist() == [0.0, 0.0, 0.0]


def test_features_do_not_hang_on_the_unit_of_time_or_of_height() -> None:
    beats = one_early(0.6, 1.3)
    assert beat_features(beats, shape_of(61), all_of(beats)).shape == (61, 27)


# --- the networks ----------------------------------------------------------------------------------


def test_votes_and_chances_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(50, 27)).astype(np.float32)
    for table in class_chances(features, rng.normal(size=(50, PATCH_N)).astype(np.float32)):
        assert table.shape == (50, 4)
        assert table.sum(axis=1) == pytest.approx(np.ones(50))


def test_the_size_of_a_block_changes_no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    features, apart = (rng.normal(size=(300, n)).astype(np.float32) for n in (27, PATCH_N))
    whole = class_chances(features, apart)[1]
    monkeypatch.setattr(class_net, "BLOCK", 37)
    assert class_chances(features, apart)[1] == pytest.approx(whole, abs=1e-5)
