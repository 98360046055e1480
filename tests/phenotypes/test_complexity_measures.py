"""What non-linear measures of a part rest on, and that they are those of its own intervals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, all_of, beats_of_rr, nn_of, staged_night

from holter2sleep.autonomic.asymmetry import asymmetry_measures
from holter2sleep.autonomic.blocks import interval_of_mean
from holter2sleep.autonomic.entropy import multiscale_measures
from holter2sleep.autonomic.fluctuation import scaling_exponents
from holter2sleep.autonomic.fragmentation import fragmentation_measures
from holter2sleep.autonomic.prsa import capacities
from holter2sleep.autonomic.short_series import values_of_windows
from holter2sleep.autonomic.windows import five_minute_windows
from holter2sleep.night import NN, Episodes, Float, Night
from holter2sleep.phenotypes.measures import Formula
from holter2sleep.phenotypes.measures.complexity import (
    capacity_measures,
    complexity_measures,
    fluctuation_measures,
    fragmentation_domain_measures,
    multiscale_domain_measures,
    turbulence_domain_measures,
)
from holter2sleep.spans import as_spans

Values = dict[str, float]


def uneven(n: int) -> Float:
    """Intervals around 0.9 s, s."""
    return np.round(0.9 + 0.03 * np.sin(np.arange(n) / 4) + np.random.default_rng(1).normal(0, 0.02, n), 3)


def of_fragmentation(nn: NN) -> Values:
    return {**fragmentation_measures(nn), **asymmetry_measures(nn)}


@pytest.mark.parametrize(
    ("domain", "formula"),
    [
        (multiscale_domain_measures, multiscale_measures),
        (fluctuation_measures, scaling_exponents),
        (fragmentation_domain_measures, of_fragmentation),
        (capacity_measures, capacities),
    ],
)
def test_a_measure_of_all_intervals_rests_on_those_of_the_part(domain: Formula, formula) -> None:
    """The formula's values are worked out in `tests/autonomic`."""
    nn = nn_of(1000 * uneven(700))
    night = staged_night(beats_of_rr(uneven(700), start_s=0.0), "2" * 11 + "R" * 10)
    night = dataclasses.replace(night, nn=nn)
    part = night.within("rem")
    found = domain(part, night, RECIPE)
    assert 200 < found.n == len(part.nn) < 400
    assert found.coverage_s == pytest.approx(part.nn.nn_ms.sum() / 1000)
    assert found.values == pytest.approx(formula(part.nn), nan_ok=True)
    assert any(np.isfinite(list(found.values.values())))  # type: ignore[arg-type]
    assert found.intervals == {}


def test_entropies_are_means_over_the_windows_that_have_them() -> None:
    """Twelve windows of 5 min, the last of them constant: it has no entropy."""
    rr_s = np.r_[uneven(3650), np.full(360, 0.9)]
    night = staged_night(beats_of_rr(rr_s, start_s=0.0), "2")
    windows = five_minute_windows(night.nn, night.spans, RECIPE.hrv)
    found = complexity_measures(night, night, RECIPE)
    assert (found.n, found.coverage_s) == (len(windows), windows.covered_s)
    of_windows = values_of_windows(windows.parts, RECIPE.entropy)
    known = of_windows["sample_entropy"][np.isfinite(of_windows["sample_entropy"])]
    assert 10 <= len(known) < len(windows)
    assert found.values["sample_entropy"] == pytest.approx(known.mean())
    assert found.intervals["sample_entropy"] == interval_of_mean(known)
    assert set(found.intervals) <= set(found.values) == set(of_windows)


def test_few_windows_have_a_mean_and_no_interval() -> None:
    night = staged_night(beats_of_rr(uneven(1000), start_s=0.0), "2")
    found = complexity_measures(night, night, RECIPE)
    assert found.n == 3
    assert np.isfinite(found.values["sample_entropy"])  # type: ignore[arg-type]
    assert found.intervals == {}


# --- turbulence ------------------------------------------------------------------------------------

AROUND_VPC_S = [*[0.8] * 8, 0.56, 1.04, *(0.76, 0.76), *(0.76 + 0.008 * np.arange(5)), *[0.8] * 13]


def with_vpc(n: int, episodes: Episodes | None = None) -> Night:
    """So many premature beats, each with turbulence of -5 % and 8 ms an interval, in 23.8 s."""
    beats = beats_of_rr(np.tile(AROUND_VPC_S, n), "N" + ("N" * 8 + "V" + "N" * 21) * n, start_s=0.2)
    return staged_night(beats, episodes=episodes or Episodes.none(), usable=all_of(beats))


def test_turbulence_is_that_of_the_parts_premature_beats_with_the_intervals_beyond() -> None:
    """The third of four begins and ends its part: the intervals around it lie outside."""
    night = with_vpc(4)
    third_s = night.beats.time_s[night.beats.label == "V"][2]
    part = night.during(as_spans([(third_s - 1, third_s + 2)]))
    found = turbulence_domain_measures(part, night, RECIPE)
    assert (found.n, found.coverage_s) == (1, pytest.approx(3.0))
    assert found.values["n_vpc_turbulence"] == 1
    whole = turbulence_domain_measures(night, night, RECIPE)
    assert whole.values["n_vpc_turbulence"] == 4
    assert whole.coverage_s == pytest.approx(night.recording.duration_s)


def test_turbulence_rests_on_usable_time_outside_af() -> None:
    """AF, then flutter, over the first two premature beats; lost signal at the end."""
    length_s = float(np.sum(AROUND_VPC_S))
    starts, ends = np.array([0.0, length_s]), np.array([length_s - 1, 2 * length_s])
    af = Episodes(starts, ends, ["AFIB", "AFL"], [30] * 2, [80.0] * 2, [np.nan] * 2)
    night = with_vpc(4, af)
    usable = as_spans([(0.0, 4 * length_s - 2)])
    night = dataclasses.replace(night, quality=dataclasses.replace(night.quality, usable_spans=usable))
    found = turbulence_domain_measures(night, night, RECIPE)
    assert found.values["n_vpc_turbulence"] == found.n == 2
    assert found.coverage_s == pytest.approx(1 + 2 * length_s - 2)
