"""Deceleration and acceleration capacity by Bauer 2006."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from made_nights import RECIPE, nn_of
from made_series import backwards, joined, sinus, with_breaks

from holter2sleep.autonomic.nn import nn_intervals
from holter2sleep.autonomic.prsa import averaged_signal, capacities, capacity
from holter2sleep.io import read_recording
from holter2sleep.night import Episodes
from holter2sleep.spans import as_spans


def both(values) -> tuple[float, float]:
    found = capacities(nn_of(values))
    return found["deceleration_capacity"], found["acceleration_capacity"]


def test_a_period_of_four_has_its_closed_form() -> None:
    """800 800 840 840: one anchor a period, (840 + 840 - 800 - 800) / 4 = 20; backwards -20."""
    assert both(np.tile([800.0, 800, 840, 840], 30)) == pytest.approx((20, -20))


def test_an_alternation_has_no_capacity() -> None:
    """800 820 800 820: X(0) - X(-1) and X(1) - X(-2) cancel."""
    assert both(np.tile([800.0, 820], 30)) == pytest.approx((0, 0))


def test_a_slow_ramp_has_the_capacity_of_its_slope() -> None:
    """A rise of d an interval: (0 + d + d + 2d) / 4 = d. Nothing quickens."""
    slowing, quickening = both(800 + 2.0 * np.arange(50))
    assert slowing == pytest.approx(2.0)
    assert math.isnan(quickening)


@pytest.mark.parametrize(("step_ms", "known"), [(40.0, True), (41.0, False)])
def test_a_change_above_five_percent_is_no_anchor(step_ms: float, known: bool) -> None:
    slowing, _ = both([800.0, 800, 800 + step_ms, 800 + step_ms, 800 + step_ms])
    assert math.isfinite(slowing) is known


def test_the_step_at_the_anchor_is_that_of_the_four_intervals_in_the_middle() -> None:
    for averaged_ms in ([790.0, 800, 820, 830], [0.0, 790, 800, 820, 830, 5000]):
        assert capacity(np.array(averaged_ms)) == 15.0


def test_without_an_anchor_the_averaged_signal_is_unknown_throughout() -> None:
    found = averaged_signal(nn_of([800.0] * 20), 1, 0.05, half=3)
    assert found.shape == (6,)
    assert np.isnan(found).all()


def test_all_four_intervals_are_neighbours() -> None:
    values = [800.0, 800, 840, 840]
    for first in (1, 2, 3):
        assert math.isnan(capacities(with_breaks(values, [0, first]))["deceleration_capacity"])


def test_backwards_the_two_change_places() -> None:
    """The step of an anchor, seen from its other side; no change comes near 5 %, where the two sides could differ."""
    nn = with_breaks(900 + (sinus(4000) - 900) / 5, [0, 500, 2500])
    there, back = capacities(nn), capacities(backwards(nn))
    assert there["deceleration_capacity"] == pytest.approx(-back["acceleration_capacity"])
    assert there["acceleration_capacity"] == pytest.approx(-back["deceleration_capacity"])


def test_upside_down_they_change_places_and_scale_goes_through() -> None:
    values = 900 + (sinus(4000) - 900) / 5
    there, mirrored = capacities(nn_of(values)), capacities(nn_of(1800 - values))
    assert there["deceleration_capacity"] == pytest.approx(-mirrored["acceleration_capacity"])
    assert capacities(nn_of(1.5 * values))["deceleration_capacity"] == pytest.approx(
        1.5 * there["deceleration_capacity"]
    )


def test_two_series_have_the_capacity_of_all_their_anchors() -> None:
    first, second = nn_of(sinus(800, 1)), nn_of(sinus(400, 2))
    whole = averaged_signal(joined(first, second), 1, 0.05, 2)
    parts = [averaged_signal(part, 1, 0.05, 2) for part in (first, second)]
    n_anchors = []
    for part in (first, second):
        change = part.nn_ms[2:-1] / part.nn_ms[1:-2] - 1
        n_anchors.append(((change > 0) & (change <= 0.05)).sum())
    np.testing.assert_allclose(whole, np.average(parts, axis=0, weights=n_anchors))


@pytest.mark.parametrize("values", [[], [800.0], [800.0] * 3, [800.0] * 100])
def test_without_an_anchor_there_is_none(values: list[float]) -> None:
    assert all(math.isnan(value) for value in both(values))


@pytest.mark.realdata
@pytest.mark.parametrize("record", ["nsr001", "nsr004"])
def test_the_cardiovascular_signal_toolbox_agrees_with_its_settings(shared_data: Path, record: str) -> None:
    """231 windows of 5 min: changes up to 20 %, 30 intervals on either side, s = 2.

    Its output was made with 125 Hz for records of 128 Hz, with time zero at the first beat, and it joins intervals
    across removed beats, as is done here for the comparison. It cleans its intervals in another way, and takes anchors
    with 30 intervals after them, not 29 and the anchor.
    """
    folder = shared_data / "hrv_reference" / "cliffordlab_PCST"
    beats = read_recording(folder / "TestData" / f"{record}.ecg").given_beats
    assert beats is not None
    beats = beats.but(time_s=(beats.time_s - beats.time_s[0]) * 128 / 125)
    nn = nn_intervals(beats, Episodes.none(), as_spans([(0.0, beats.time_s[-1] + 1)]), RECIPE.nn)
    table = (folder / "ReferenceOutput" / "NSR_HRV_allwindows_allpatients.csv").read_text()
    ratio: dict[str, list[float]] = {"dc": [], "ac": []}
    for row in (row for row in csv.DictReader(table.splitlines()) if row["patID"] == record):
        here = (nn.end_s >= float(row["t_start"])) & (nn.end_s < float(row["t_end"]))
        for column, sign in (("dc", 1), ("ac", -1)):
            found = capacity(averaged_signal(nn_of(nn.nn_ms[here]), sign, 0.2, 30))
            ratio[column].append(found / float(row[column]))
    for column, found in ratio.items():
        assert len(found) == 231
        assert np.median(np.abs(np.array(found) - 1)) < 0.02, column
        assert np.quantile(np.abs(np.array(found) - 1), 0.9) < 0.1, column
