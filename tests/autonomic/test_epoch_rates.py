"""The heart rate of each epoch from intervals written down by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import all_of, beats_of_rr

from holter2sleep.autonomic.epoch_rates import epoch_rates, mean_rates
from holter2sleep.night import Beats, EpochGrid
from holter2sleep.spans import as_spans

# Intervals of 1 and 0.5 s end in the first epoch, of 0.5 and 1.5 s in the second, none in the third
BEATS = Beats.at([28.0, 29.0, 29.5, 30.0, 31.5])
GRID = EpochGrid.covering(90.0)
SPANS = as_spans([(0, 90)])


def test_the_mean_rate_is_that_of_the_mean_interval_and_an_interval_is_of_the_epoch_of_its_second_beat() -> None:
    assert mean_rates(BEATS, SPANS, GRID) == pytest.approx([60 / 0.75, 60 / 1.0, np.nan], nan_ok=True)
    found = epoch_rates(BEATS, SPANS, GRID)
    np.testing.assert_array_equal(found.mean_bpm, mean_rates(BEATS, SPANS, GRID))


def test_median_and_percentiles_are_those_of_the_rates_from_beat_to_beat() -> None:
    """A slow beat is a long interval: the 5th percentile of rates belongs to the 95th of intervals."""
    found = epoch_rates(BEATS, SPANS, GRID)
    assert found.median_bpm == pytest.approx([60 / 0.75, 60 / 1.0, np.nan], nan_ok=True)
    assert found.p05_bpm == pytest.approx([60 / 0.975, 60 / 1.45, np.nan], nan_ok=True)
    assert found.p95_bpm == pytest.approx([60 / 0.525, 60 / 0.55, np.nan], nan_ok=True)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_mean_and_percentiles_are_numpys(n: int) -> None:
    rr_s = np.random.default_rng(n).uniform(0.5, 0.7, n)
    beats = beats_of_rr(rr_s, start_s=0.5)
    found = epoch_rates(beats, all_of(beats), EpochGrid.covering(30.0))
    expected = 60 / np.quantile(rr_s, [0.5, 0.95, 0.05])
    assert found.mean_bpm[0] == pytest.approx(60 / rr_s.mean())
    assert [found.median_bpm[0], found.p05_bpm[0], found.p95_bpm[0]] == pytest.approx(expected)


def test_an_epoch_without_trusted_intervals_has_no_rate() -> None:
    beats = beats_of_rr(np.ones(119), start_s=0.5)
    found = epoch_rates(beats, as_spans([(0, 30), (60, 121)]), EpochGrid.covering(120.0))
    for each in (found.mean_bpm, found.median_bpm, found.p05_bpm, found.p95_bpm):
        assert np.isfinite(each).tolist() == [True, False, True, True]
    assert np.isnan(mean_rates(Beats.at([]), as_spans([(0, 120)]), EpochGrid.covering(120.0))).all()
