"""Planted ectopic beats are found, and a healthy night has next to none."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, all_of, analysed, beats_of_rr, simulated

from holter2sleep.evaluate.ec57 import compare_beats
from holter2sleep.heart.classify import classify_beats, prematurity
from holter2sleep.heart.shape import PATCH_N, Shape
from holter2sleep.night import Beats

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
    return Shape(**columns, limit=RECIPE.shape.foreign_correlation)


def typical_columns(n: int) -> dict[str, np.ndarray]:
    """A shape's columns for beats that all look like the typical one."""
    wave, patch = np.tile([1.0, 1.0, 0.0], (n, 1)), np.zeros((n, PATCH_N), np.float32)
    ones = dict.fromkeys(("correlation", "width", "height", "lean", "steepness"), 1.0)
    columns = {name: np.full(n, value) for name, value in {**ones, "twin": 0.0, "typical_width_s": 0.03}.items()}
    kin = np.full(n, -1, np.int32)
    return columns | {"p_wave": wave, "t_wave": wave, "kin": kin, "patch": patch, "typical_patch": patch}


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
    assert (~beats.usable).sum() > 30
    assert (beats.label[~beats.usable] == "N").all()


# --- the rule, worked ------------------------------------------------------------------------------


def test_how_early_a_beat_is() -> None:
    early = prematurity(one_early(0.6, 1.3), all_of(one_early(0.6, 1.3)), RECIPE.classes)
    assert early[30] == pytest.approx(0.6)
    assert early[31] == pytest.approx(1.3)
    assert early[[0, 1, 29, 59]].tolist() == [1.0] * 4


def test_an_early_beat_of_typical_shape_is_s_and_a_slightly_early_one_is_not() -> None:
    assert labels(one_early(0.80), shape_of(61)) == [(30, "S")]
    assert labels(one_early(0.88), shape_of(61)) == []


def test_a_foreign_early_wide_beat_with_a_pause_is_v_even_when_alone() -> None:
    odd = {"correlation": {30: 0.2}, "width": {30: 1.6}}
    assert labels(one_early(0.6, 1.4), shape_of(61, **odd)) == [(30, "V")]
    assert labels(one_early(0.6, 1.0), shape_of(61, **odd)) == []  # no pause: an artefact is as likely


def test_a_foreign_beat_with_twins_is_v_when_early() -> None:
    assert labels(one_early(0.6), shape_of(61, correlation={30: 0.6}, twin={30: 0.95})) == [(30, "V")]
    assert labels(one_early(1.0), shape_of(61, correlation={30: 0.6}, twin={30: 0.95})) == []  # bundle branch block


def test_a_strange_shape_with_twins_is_v_unless_it_lies_in_noise() -> None:
    shape, beats = shape_of(61, correlation={30: 0.1}, twin={30: 0.95}), one_early(1.0)
    usable = np.ones(61, bool)
    usable[30] = False
    assert labels(beats, shape) == [(30, "V")]
    assert labels(beats.but(usable=usable), shape) == []


def test_with_too_few_beats_for_a_typical_one_all_stay_as_they_are() -> None:
    few = beats_of_rr([0.6] * 10)
    assert classify_beats(few, shape_of(11), all_of(few), RECIPE.classes) is few


def test_confidence_lies_between_a_half_and_one_and_grows_away_from_the_border() -> None:
    def confidence(early: float) -> np.ndarray:
        beats = one_early(early)
        return classify_beats(beats, shape_of(61), all_of(beats), RECIPE.classes).confidence

    near, far = confidence(0.84), confidence(0.60)
    assert near.min() >= 0.5
    assert far.max() <= 1.0
    assert far[30] > near[30]
