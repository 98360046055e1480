"""Sample, fuzzy and multiscale entropy: closed forms, published values, other programs."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from made_nights import RECIPE, nn_of
from made_series import backwards, joined, sinus, with_breaks
from scipy.special import erf

from holter2sleep.autonomic import entropy
from holter2sleep.autonomic.entropy import (
    entropy_within,
    fuzzy_entropy,
    multiscale_entropy,
    multiscale_measures,
    sample_entropy,
)
from holter2sleep.autonomic.pieces import neighbour_runs
from holter2sleep.night import NN, Float

RULES = RECIPE.entropy


def white(n: int, seed: int = 0) -> NN:
    return nn_of(np.round(np.random.default_rng(seed).normal(1000, 50, n), 3))


# --- sample entropy --------------------------------------------------------------------------------


def test_white_noise_has_the_entropy_of_its_chance_to_be_alike() -> None:
    """Two normal values lie within 0.2 SD of one another with a chance of erf(0.2 / 2) = 0.1125: -ln is 2.185."""
    assert sample_entropy(white(8000), RULES) == pytest.approx(-math.log(erf(0.1)), abs=0.02)


def test_a_series_that_repeats_has_no_entropy() -> None:
    assert sample_entropy(nn_of([800.0, 900.0] * 50), RULES) == pytest.approx(0.0, abs=1e-12)


def test_a_worked_example() -> None:
    """Levels 0 0 1 0 0 1 0 0 0 with m = 2: seven templates of three, 001 010 100 001 010 100 000.

    Alike in two places: 00x three times is 3 pairs, 01x one, 10x one: B = 5. In all three: A = 3.
    """
    levels = np.array([0, 0, 1, 0, 0, 1, 0, 0, 0])
    assert entropy_within(levels, np.arange(9) > 0, 0.5, 2) == pytest.approx(-math.log(3 / 5))


@pytest.mark.parametrize("values", [[900.0] * 400, [900.1] * 400, [], [900.0], [900.0, 800.0]])
def test_a_constant_series_or_hardly_any_has_none(values: list[float]) -> None:
    nn = nn_of(values)
    assert math.isnan(sample_entropy(nn, RULES))
    assert math.isnan(fuzzy_entropy(nn, RULES))
    assert math.isnan(multiscale_measures(nn)["complexity_index"])


def test_where_no_templates_are_alike_there_is_none() -> None:
    assert math.isnan(sample_entropy(nn_of(800.0 + np.arange(8) ** 2), RULES))


def test_no_template_lies_across_a_break() -> None:
    """Breaks after every second interval leave no three in a row."""
    values = sinus(300)
    assert math.isnan(sample_entropy(with_breaks(values, np.arange(0, 300, 2)), RULES))
    broken = with_breaks(values, np.arange(0, 300, 30))
    rows = np.concatenate([np.lib.stride_tricks.sliding_window_view(part, 3) for part in values.reshape(10, 30)])
    near = np.abs(rows[:, None] - rows[None]) <= 0.2 * values.std(ddof=1)
    upper = np.triu_indices(len(rows), 1)
    counts = [near[..., :size].all(axis=2)[upper].sum() for size in (2, 3)]
    assert sample_entropy(broken, RULES) == pytest.approx(-np.log(counts[1] / counts[0]))


@pytest.mark.parametrize("measure", [sample_entropy, fuzzy_entropy])
def test_shift_scale_and_direction_do_not_matter(measure) -> None:
    nn = with_breaks(sinus(400), [0, 150])
    expected = measure(nn, RULES)
    assert measure(with_breaks(2 * nn.nn_ms + 100, [0, 150]), RULES) == pytest.approx(expected, rel=1e-6)
    # from the end, other templates lack a third interval: nearly the same pairs
    assert measure(backwards(nn), RULES) == pytest.approx(expected, rel=0.03)


def test_a_long_series_is_compared_in_even_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    nn = white(6000)
    whole = sample_entropy(nn, RULES)
    monkeypatch.setattr(entropy, "LONGEST_STRETCH", 1000)
    assert sample_entropy(nn, RULES) == pytest.approx(whole, rel=0.02)
    assert sample_entropy(nn, RULES) != whole


@pytest.mark.realdata
@pytest.mark.parametrize("m", range(1, 6))
@pytest.mark.parametrize(("file", "tolerance"), [("r02", 0.2), ("r2", 1.99)])
def test_the_values_of_the_physionet_program(shared_data: Path, m: int, file: str, tolerance: float) -> None:
    """10,000 whole numbers; that program takes pairs nearer than r, ours up to r: it matters for r = 2."""
    folder = shared_data / "hrv_reference" / "physiozoo_mhrv" / "test" / "resources" / "sampen"
    expected = float((folder / f"sampen_expected_m5_{file}.txt").read_text().splitlines()[m].rpartition("=")[2])
    values = np.loadtxt(folder / "test.10000").astype(np.int64)
    found = entropy_within(values, np.arange(len(values)) > 0, max(tolerance, 1e-9), m)
    assert found == pytest.approx(expected, abs=1e-6)


def test_neurokit2_agrees() -> None:
    nn = nn_of(sinus(330))
    width = nn.nn_ms.std(ddof=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neurokit2 = pytest.importorskip("neurokit2")
        theirs = neurokit2.entropy_sample(nn.nn_ms, dimension=2, tolerance=0.2 * width)[0]
    assert sample_entropy(nn, RULES) == pytest.approx(theirs, rel=1e-9)


# --- fuzzy entropy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [sinus(60), sinus(4), 900 + sinus(60) / 128])
def test_fuzzy_entropy_is_chens_formula(values: Float) -> None:
    """Two templates are enough, and an SD below a millisecond."""
    z = values / values.std(ddof=1)
    phi = []
    for m in (2, 3):
        rows = [z[i : i + m] - z[i : i + m].mean() for i in range(len(z) - 2)]
        likeness = [np.exp(-(np.abs(a - b).max() ** 2) / 0.2) for i, a in enumerate(rows) for b in rows[:i]]
        phi.append(np.mean(likeness))
    assert fuzzy_entropy(nn_of(values), RULES) == pytest.approx(np.log(phi[0] / phi[1]), rel=1e-3, abs=1e-6)


def test_neurokit2_agrees_once_the_power_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes exp(-d / r), the formula's n = 1."""
    monkeypatch.setattr(entropy, "FUZZY_POWER", 1)
    values = sinus(330)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neurokit2 = pytest.importorskip("neurokit2")
        theirs = neurokit2.entropy_fuzzy(values / values.std(ddof=1), dimension=2, tolerance=0.2)[0]
    assert fuzzy_entropy(nn_of(values), RULES) == pytest.approx(theirs, rel=1e-5)


# --- multiscale ------------------------------------------------------------------------------------


def test_means_of_white_noise_are_ever_less_complex() -> None:
    """Of s values they have 1 / sqrt(s) of the SD, while r stays: the chance to be alike is erf(0.075 sqrt(s))."""
    found = multiscale_entropy(white(40_000))
    scale = np.arange(1, 21)
    np.testing.assert_allclose(found, -np.log(erf(0.075 * np.sqrt(scale))), rtol=0.05)
    assert all(b < a + 0.03 for a, b in pairwise(found))


def test_complexity_index_is_the_sum_and_the_slope_that_of_the_first_five() -> None:
    nn = nn_of(sinus(5000))
    curve = multiscale_entropy(nn)
    found = multiscale_measures(nn)
    assert found["complexity_index"] == pytest.approx(curve.sum())
    assert found["mse_slope_short"] == pytest.approx(np.polyfit(np.arange(1, 6), curve[:5], 1)[0])


def test_one_over_f_noise_keeps_its_complexity_where_white_noise_loses_it() -> None:
    """Costa 2002: white noise is above 1/f noise at scale 1, and below it from about scale 5."""
    rng = np.random.default_rng(3)
    spectrum = np.fft.rfft(rng.normal(0, 1, 20_000))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    values = np.fft.irfft(spectrum)
    pink = multiscale_entropy(nn_of(np.round(900 + 50 * values / values.std(), 3)))
    noise = multiscale_entropy(white(20_000))
    assert noise[0] > pink[0]
    assert (noise[5:] < pink[5:]).all()
    assert np.ptp(pink) < 0.3


def test_no_mean_is_taken_across_a_break() -> None:
    """Runs of seven: means of four of each run are of its first four; those of eight are none."""
    values = sinus(700)
    nn = with_breaks(values, np.arange(0, 700, 7))
    runs = neighbour_runs(nn.adjacent)
    sums, adjacent = entropy._sums(np.round(1000 * values).astype(np.int64), nn.adjacent, runs, 4)
    np.testing.assert_allclose(sums / 4000, values.reshape(100, 7)[:, :4].mean(axis=1))
    assert not adjacent.any()
    assert len(entropy._sums(np.zeros(700, np.int64), nn.adjacent, runs, 8)[0]) == 0
    assert math.isnan(multiscale_measures(nn)["complexity_index"])


def test_a_gap_between_two_halves_hardly_changes_the_curve() -> None:
    first, second = nn_of(sinus(3000, 1)), nn_of(sinus(3000, 2))
    whole = nn_of(np.r_[first.nn_ms, second.nn_ms])
    np.testing.assert_allclose(multiscale_entropy(joined(first, second)), multiscale_entropy(whole), atol=0.1)
