"""Measures of epochs: planted cycles are found with their length, and a gap or an empty night does no harm."""

from __future__ import annotations

import numpy as np
import pytest
from apnea_nights import rr_with_cycles
from made_nights import nn_of

from holter2sleep.autonomic import apnea_measures
from holter2sleep.autonomic.apnea_measures import NEIGHBOURS, around, dips
from holter2sleep.autonomic.apnea_series import CHANNELS, PER_EPOCH, Series, apnea_series

RNG = np.random.default_rng(0)
N = 60  # epochs
INSIDE = np.arange(10, N - 10)


def series_of(**channels: np.ndarray) -> Series:
    series = np.zeros((len(CHANNELS), N * PER_EPOCH), np.float32)
    for name, values in {"known": np.ones(N * PER_EPOCH), **channels}.items():
        series[CHANNELS.index(name)] = values
    return series


def cycles(period_s: float) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(N * PER_EPOCH) / period_s)


@pytest.mark.parametrize("period_s", [25.0, 40.0, 60.0])
def test_a_cycle_is_found_with_its_length(period_s: float) -> None:
    found = around(series_of(swing=cycles(period_s)), INSIDE)
    np.testing.assert_allclose(found["peak_hz"], 1 / period_s, atol=1 / 300)
    for length in (180, 300):
        np.testing.assert_allclose(found[f"lag_{length}"], period_s, atol=3)
        assert (found[f"likeness_{length}"] > 0.85).all()
    np.testing.assert_allclose(found["size_150"], np.log(np.sqrt(0.5)), atol=0.15)


def test_noise_is_less_like_itself_than_a_cycle_and_has_no_peak() -> None:
    regular, noise = (around(series_of(swing=each), INSIDE) for each in (cycles(40.0), RNG.normal(size=N * PER_EPOCH)))
    for name in ("likeness_180", "likeness_300", "peak_share"):
        assert noise[name].max() < regular[name].min()
    assert noise["disorder"].min() > regular["disorder"].max()


def test_surges_of_the_rate_are_counted_with_their_height_and_spacing() -> None:
    found = dips(3 * cycles(50.0), N)
    np.testing.assert_allclose(found["dips"][INSIDE], 6)
    np.testing.assert_allclose(found["dip_height"][INSIDE], np.log(6.0), atol=0.01)  # from -3 to 3
    np.testing.assert_allclose(found["gap"][INSIDE], np.log(50.0), atol=0.01)
    np.testing.assert_allclose(found["gap_sd"][INSIDE], 0.0, atol=0.02)


def test_breathing_so_slow_that_it_swings_the_rate_is_no_cycle() -> None:
    """Five breaths a minute: every second and third look like a cycle of 24 and 36 s, and each like a surge."""
    breaths = 3 * cycles(12.0)
    found = around(series_of(swing=breaths), INSIDE)
    for length in (180, 300):
        assert (found[f"likeness_{length}"] == 0).all()
    assert (dips(breaths, N)["dips"][INSIDE] == 0).all()


def test_a_steady_night_has_no_surge() -> None:
    assert (dips(np.zeros(N * PER_EPOCH), N)["dips"] == 0).all()


def test_breathing_has_its_rate_and_its_coming_and_going() -> None:
    with_apnoeas, without = (
        around(
            series_of(
                swing=cycles(40.0),
                breathing_local=np.sin(2 * np.pi * 0.25 * np.arange(N * PER_EPOCH)),
                breathing_envelope=envelope,
            ),
            INSIDE,
        )
        for envelope in (cycles(40.0), cycles(12.0))
    )
    np.testing.assert_allclose(with_apnoeas["breathing_hz"], 0.25, atol=1 / 300)
    np.testing.assert_allclose(with_apnoeas["coherence"], 1.0, atol=1e-3)
    assert with_apnoeas["envelope_share"].min() > -0.05  # all of it at the rate of apnoeas
    assert without["envelope_share"].max() < -1


def test_a_fall_is_steeper_where_the_heart_speeds_up_at_once() -> None:
    saw = np.arange(N * PER_EPOCH) % 40 / 20.0 - 1  # rises for 40 s, falls by 1.95 in one
    found = around(series_of(swing=saw), INSIDE)
    np.testing.assert_allclose(found["fall_150"], -1.95, atol=1e-5)


def test_windows_in_blocks_are_measured_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    series = apnea_series(nn_of(1000 * rr_with_cycles(2.0, 1200.0, 4800.0)), 240)
    whole = apnea_measures.apnea_measures(series)
    monkeypatch.setattr(apnea_measures, "BLOCK", 50)
    np.testing.assert_allclose(apnea_measures.apnea_measures(series), whole, atol=1e-5)


def test_an_epoch_is_shown_in_its_night() -> None:
    """Of each measure: itself, above the median, smoothed, four neighbours, the median, and the upper end above it."""
    measures = apnea_measures.apnea_measures(series_of(swing=RNG.normal(size=N * PER_EPOCH)))
    own, above, _, *neighbours, median, upper = np.split(measures, 5 + len(NEIGHBOURS), axis=1)
    np.testing.assert_allclose(own - above, median, atol=1e-5)
    np.testing.assert_allclose(np.median(own, axis=0), median[0], atol=1e-5)
    np.testing.assert_allclose(np.quantile(own, 0.9, axis=0) - median[0], upper[0], atol=1e-5)
    for shift, neighbour in zip(NEIGHBOURS, neighbours, strict=True):
        np.testing.assert_array_equal(neighbour[10:-10], own[10 + shift : N - 10 + shift])


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_night_of_nothing_is_measured_without_complaint(n: int) -> None:
    measures = apnea_measures.apnea_measures(np.zeros((len(CHANNELS), n * PER_EPOCH), np.float32))
    assert measures.shape == (n, apnea_measures.apnea_measures(series_of()).shape[1])
    assert np.isfinite(measures).all()


def test_a_gap_leaves_all_finite_and_does_not_count_for_the_night() -> None:
    series = series_of(swing=RNG.normal(size=N * PER_EPOCH))
    series[:, 20 * PER_EPOCH : 50 * PER_EPOCH] = 0
    measures = apnea_measures.apnea_measures(series)
    assert np.isfinite(measures).all()
    size = measures[:, 0]
    known = np.ones(N, bool)
    known[23:47] = False  # windows without three tenths of it known
    median = np.split(measures, 5 + len(NEIGHBOURS), axis=1)[-2][0, 0]
    assert median == pytest.approx(np.median(size[known]), abs=0.1)
    assert median > size[30] + 1
