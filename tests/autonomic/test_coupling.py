"""Coupling of heart rate and breathing is found in the band it was planted in."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, analysed, beats_of_rr

from holter2sleep.autonomic.coupling import coupling_spectra, find_coupling
from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.night import NN, Beats, Coupling, Episodes, EpochGrid
from holter2sleep.spans import as_spans

RULES = RECIPE.coupling
HOUR_S = 3600.0


def coupled(hz: float, seed: int = 0, duration_s: float = HOUR_S, noise: float = 0.003) -> tuple[NN, Beats]:
    """Intervals and heights of R waves that swing together at one frequency."""
    rng, time_s, rr = np.random.default_rng(seed), 0.3, []
    while time_s < duration_s:
        rr.append(0.9 + 0.04 * np.sin(2 * np.pi * hz * time_s) + rng.normal(0, noise))
        time_s += rr[-1]
    beats = beats_of_rr(rr)
    height = 1.0 + 0.1 * np.sin(2 * np.pi * hz * beats.time_s + 1.0) + rng.normal(0, noise, len(beats))
    beats = beats.but(amplitude_mv=height)
    return nn_intervals(beats, Episodes.none(), as_spans([(0, duration_s + 1)]), RECIPE.nn), beats


def states(nn: NN, beats: Beats, duration_s: float = HOUR_S) -> Coupling:
    return find_coupling(nn, beats, EpochGrid.covering(duration_s), RULES)


@pytest.mark.parametrize(("hz", "state"), [(0.25, "HFC"), (0.15, "HFC"), (0.02, "LFC"), (0.05, "LFC"), (0.006, "VLFC")])
def test_a_common_swing_is_coupling_in_its_band(hz: float, state: str) -> None:
    found = states(*coupled(hz))
    assert (found.state == state).all()


def test_one_frequency_for_an_hour_is_elevated_and_narrow() -> None:
    found = states(*coupled(0.02))
    assert found.elevated.all()
    assert found.narrow.all()
    breathing = states(*coupled(0.25))
    assert not breathing.elevated.any()
    assert not breathing.narrow.any()


def test_a_pure_common_tone_has_all_its_coupling_at_its_frequency() -> None:
    at_s = np.arange(1024) / 2
    hz, product = coupling_spectra(np.sin(2 * np.pi * 0.125 * at_s)[None], np.cos(2 * np.pi * 0.125 * at_s)[None])
    near = np.abs(hz - 0.125) < 0.005  # a Hann window spreads it to the bins beside
    assert product[0, near].sum() > 0.999 * product[0].sum()


def test_series_that_swing_apart_couple_less_than_together() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 8, 1024))
    assert coupling_spectra(one, other)[1].mean() < 0.5 * coupling_spectra(one, one)[1].mean()


def test_scales_of_either_series_do_not_matter() -> None:
    nn, beats = coupled(0.05, noise=0.02)
    louder = beats.but(amplitude_mv=3 * beats.amplitude_mv)
    np.testing.assert_array_equal(states(nn, beats).state, states(nn, louder).state)


def test_windows_with_a_hole_say_nothing() -> None:
    nn, beats = coupled(0.25)
    kept = (nn.end_s < 1500) | (nn.end_s > 1560)
    found = states(NN(nn.end_s[kept], nn.nn_ms[kept], nn.adjacent[kept]), beats)
    assert found.state[[0, 51, -1]].tolist() == ["HFC", "", "HFC"]
    assert not found.elevated[found.state == ""].any()


@pytest.mark.parametrize("n", [2, 20, 500])
def test_too_little_says_nothing(n: int) -> None:
    beats = beats_of_rr(np.full(n, 0.8)).but(amplitude_mv=np.ones(n + 1))
    nn = nn_intervals(beats, Episodes.none(), as_spans([(0, n)]), RECIPE.nn)
    found = states(nn, beats, 0.8 * n + 1)
    assert (found.state == "").all()


def test_beats_without_height_say_nothing() -> None:
    nn, beats = coupled(0.25)
    assert (states(nn, beats.but(amplitude_mv=np.full(len(beats), np.nan))).state == "").all()


def test_a_made_night_breathes_in_the_high_band() -> None:
    night = analysed("healthy", hours=1.0)
    assert night.coupling is not None
    assert (night.coupling.state == "HFC").mean() > 0.3
