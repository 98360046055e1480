"""What single epochs say becomes one course of rates, with the chance that each is right."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE
from scipy import stats

from holter2sleep.autonomic.rate_track import (
    NEAR_BPM,
    RATES_BPM,
    USUAL_BPM,
    USUAL_SPREAD,
    _change,
    _posterior,
    _prior,
    track_rates,
)

RULES = RECIPE.breathing.track


def speaking_for(rate_bpm: np.ndarray, size: float) -> np.ndarray:
    """Evidence of a hill around a rate in each epoch; of NaN, nothing."""
    hill = size * np.exp(-((RATES_BPM - rate_bpm[:, None]) ** 2) / 2)
    return np.nan_to_num(hill)


def by_enumeration(log_evidence: np.ndarray, prior: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Three epochs, every path."""
    seen = np.exp(log_evidence)
    joint = np.einsum("a,ab,bc,a,b,c->abc", prior, change, change, *seen)
    rows = np.stack([joint.sum(axis=axes) for axes in ((1, 2), (0, 2), (0, 1))])
    return rows / rows.sum(axis=1, keepdims=True)


def test_the_recursion_is_the_sum_over_all_paths() -> None:
    rng = np.random.default_rng(0)
    evidence = rng.normal(0, 2, (3, len(RATES_BPM)))
    prior, change = _prior(), _change(_prior(), RULES)
    np.testing.assert_allclose(_posterior(evidence, prior, change), by_enumeration(evidence, prior, change), rtol=1e-10)


def test_where_nothing_is_said_the_usual_rates_remain_and_nobody_is_sure() -> None:
    rate_bpm, chance = track_rates(np.zeros((20, len(RATES_BPM))), RULES)
    assert ((rate_bpm > 10) & (rate_bpm < 20)).all()
    assert chance.max() < 0.5


def test_a_lone_silent_epoch_has_what_a_log_normal_spread_of_rates_has() -> None:
    density = stats.lognorm(USUAL_SPREAD, scale=USUAL_BPM).pdf(RATES_BPM)
    usual = density / density.sum()
    np.testing.assert_allclose(_prior(), usual)
    near = np.abs(RATES_BPM - RATES_BPM[usual.argmax()]) <= 2  # nine rates, the outermost two a whole 2/min away
    assert near.sum() == 9
    rate_bpm, chance = track_rates(np.zeros((1, len(RATES_BPM))), RULES)
    assert rate_bpm[0] == pytest.approx(RATES_BPM[near] @ usual[near] / usual[near].sum())
    assert chance[0] == pytest.approx(usual[near].sum())


def test_only_differences_between_the_rates_of_an_epoch_are_evidence() -> None:
    evidence = speaking_for(np.linspace(12, 20, 10), 3.0)
    shifted = evidence - 1000.0 * np.arange(10)[:, None]
    np.testing.assert_allclose(track_rates(shifted, RULES), track_rates(evidence, RULES), rtol=1e-6)


def test_strong_evidence_is_followed() -> None:
    truth = np.linspace(12, 20, 40)
    rate_bpm, chance = track_rates(speaking_for(truth, 8.0), RULES)
    np.testing.assert_allclose(rate_bpm, truth, atol=0.5)
    assert chance.min() > 0.95


def test_one_dissenting_epoch_is_outvoted() -> None:
    truth = np.full(21, 15.0)
    said = truth.copy()
    said[10] = 30.0
    rate_bpm, _ = track_rates(speaking_for(said, 3.0), RULES)
    np.testing.assert_allclose(rate_bpm, truth, atol=0.5)


def test_a_silent_stretch_is_less_sure_the_further_from_what_was_said() -> None:
    said = np.r_[np.full(10, 15.0), np.full(10, np.nan)]
    _, chance = track_rates(speaking_for(said, 8.0), RULES)
    assert (np.diff(chance[9:]) < 0).all()


def test_two_equal_voices_leave_it_open() -> None:
    both = speaking_for(np.full(10, 12.0), 8.0) + speaking_for(np.full(10, 21.0), 8.0)
    _, chance = track_rates(both, RULES)
    assert chance.max() < 0.9


def test_no_rate_holds_itself_better_than_another() -> None:
    """Else the border of the rates would win in the long run, whenever it is as likely as another."""
    stay = np.diag(_change(_prior(), RULES)) - _jump(RATES_BPM)
    np.testing.assert_allclose(stay, stay[0], rtol=1e-9)
    same = speaking_for(np.full(500, 15.0), 8.0) + speaking_for(np.full(500, 45.0), 8.0)
    rate_bpm, _ = track_rates(same, RULES)
    np.testing.assert_allclose(rate_bpm, 15.0, atol=0.5)


def _jump(rates_bpm: np.ndarray) -> np.ndarray:
    """What is left over for a start anew, at each rate itself: the tail of the exponential beyond the borders."""
    q = np.exp(-0.5 / RULES.change_bpm)
    below, above = np.arange(len(rates_bpm)) + 1, len(rates_bpm) - np.arange(len(rates_bpm))
    beyond = (q**below + q**above) / (1 + q)
    return (1 - (1 - RULES.jump_share) * (1 - beyond)) * _prior()


@pytest.mark.parametrize("size", [1e3, 1e5])
def test_overwhelming_evidence_is_no_overflow(size: float) -> None:
    rate_bpm, chance = track_rates(speaking_for(np.array([7.0, 40.0, 7.0]), size), RULES)
    assert np.isfinite(chance).all()
    np.testing.assert_allclose(rate_bpm, [7.0, 40.0, 7.0], atol=NEAR_BPM)


def test_probabilities_are_probabilities() -> None:
    assert _prior().sum() == pytest.approx(1.0)
    np.testing.assert_allclose(_change(_prior(), RULES).sum(axis=1), 1.0)
