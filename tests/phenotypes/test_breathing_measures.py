"""Values of breathing, on epochs written down by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, analysed, beats_of_rr, simulated, staged_night, values
from numpy.typing import ArrayLike

from holter2sleep.night import Beats, Episodes, Night, Quality, Respiration
from holter2sleep.phenotypes.measures.breathing import (
    cvhr_measures,
    event_index,
    respiration_measures,
    respiratory_measures,
)
from holter2sleep.phenotypes.table import phenotype_table
from holter2sleep.sleep.sampling import N_SAMPLES
from holter2sleep.spans import as_spans

N = 20
TOLD = ("respiration_rate", "respiration_rate_iqr", "hf_respiratory", "pulse_respiration_quotient")


def breathing_night(rate_bpm: ArrayLike, confidence: ArrayLike, hf_ms2: ArrayLike = 100.0, stage: str = "2") -> Night:
    """Ten minutes at 60 beats a minute, with the given breathing."""
    night = staged_night(beats_of_rr(np.ones(599), start_s=0.0), stage)
    assert night.grid.n == N
    rates, sure, power = (np.broadcast_to(np.asarray(x, float), N) for x in (rate_bpm, confidence, hf_ms2))
    return dataclasses.replace(
        night, respiration=Respiration.unknown(N).but(rate_bpm=rates, confidence=sure, hf_ms2=power)
    )


def status(night: Night, name: str, stratum: str = "night") -> str:
    table = phenotype_table(night, RECIPE).filter(pl.col("phenotype") == name, pl.col("stratum") == stratum)
    return table["status"].item()


def test_the_values_are_those_of_the_confident_epochs() -> None:
    """Ten epochs at 12, ten at 15, and one unsure in four: 5 of 12 and 10 of 15 remain."""
    rates = np.r_[np.full(10, 12.0), np.full(10, 15.0)]
    sure = np.r_[np.tile([0.95, 0.5], 5), np.full(10, 0.99)]
    found = values("respiration", breathing_night(rates, sure, np.r_[np.full(10, 50.0), np.full(10, 80.0)]))
    assert found["respiration_rate"] == 15.0
    assert found["respiration_rate_iqr"] == pytest.approx(15.0 - np.percentile([12.0] * 5 + [15.0] * 10, 25))
    assert found["respiration_share"] == pytest.approx(75.0)
    assert found["hf_respiratory"] == pytest.approx((5 * 50 + 10 * 80) / 15)
    assert found["pulse_respiration_quotient"] == pytest.approx((5 * 60 / 12 + 10 * 60 / 15) / 15, rel=1e-3)


def test_sixty_beats_to_fifteen_breaths_are_four() -> None:
    assert values("respiration", breathing_night(15.0, 1.0))["pulse_respiration_quotient"] == pytest.approx(
        4.0, rel=1e-3
    )


def test_a_stage_takes_its_own_epochs() -> None:
    rates = np.r_[np.full(10, 12.0), np.full(10, 18.0)]
    night = breathing_night(rates, 0.95, stage="2" * 10 + "R" * 10)
    assert values("respiration", night, "nrem")["respiration_rate"] == 12.0
    assert values("respiration", night, "rem")["respiration_rate"] == 18.0
    assert values("respiration", night, "night")["respiration_rate_iqr"] == pytest.approx(6.0)


def test_where_few_epochs_are_sure_the_table_has_a_share_and_no_rate() -> None:
    night = breathing_night(15.0, np.where(np.arange(N) < 4, 0.99, 0.3))
    table = phenotype_table(night, RECIPE).filter(stratum="night")
    status = dict(table.select("phenotype", "status").iter_rows())
    assert {status[name] for name in TOLD} == {"insufficient_data"}
    assert status["respiration_share"] == "ok"


def test_in_fibrillation_there_is_a_rate_and_no_power_of_intervals() -> None:
    night = breathing_night(15.0, 0.99, np.nan)
    assert status(night, "respiration_rate") == "ok"
    assert status(night, "hf_respiratory") == "insufficient_data"


def test_five_minutes_are_needed() -> None:
    sure = np.where(np.arange(N) < 10, 0.99, 0.3)
    assert status(breathing_night(15.0, sure), "respiration_rate") == "ok"
    sure[9] = 0.3
    assert status(breathing_night(15.0, sure), "respiration_rate") == "insufficient_data"


def test_a_simulated_night_has_the_values_planted() -> None:
    truth, night = simulated("healthy", hours=2.0), analysed("healthy", hours=2.0)
    found = values("respiration", night)
    assert found["respiration_rate"] == pytest.approx(np.median(truth.respiration_rate_bpm), abs=0.3)
    assert found["respiration_rate_iqr"] == pytest.approx(
        np.subtract(*np.percentile(truth.respiration_rate_bpm, [75, 25])), abs=0.4
    )


# --- events, counted -------------------------------------------------------------------------------


def of_kinds(*episodes: tuple[float, float, str]) -> Episodes:
    start_s, end_s, kind = zip(*sorted(episodes), strict=True)
    n = len(kind)
    return Episodes(start_s, end_s, kind, [9] * n, [np.nan] * n, [np.nan] * n)


EVENTS = of_kinds(
    (10.0, 130.0, "AFIB"),
    *((at_s, at_s + 5, "CVHR") for at_s in (140.0, 299.0, 301.0, 450.0, 590.0)),
    (470.0, 475.0, "SURGE"),
)
USABLE = as_spans([(0.0, 400.0), (440.0, 600.0)])


def eventful() -> Night:
    """Ten minutes, five of wake and five of sleep; two minutes of AF awake, 40 s without signal asleep."""
    night = staged_night(beats_of_rr(np.ones(599), start_s=0.0), "W" * 10 + "2" * 10, EVENTS, USABLE)
    assert night.recording.duration_s == 600.0
    return night


def test_events_begin_in_the_part_and_are_counted_per_usable_hour_outside_af() -> None:
    """600 - 40 - 120 s in all; in sleep 300 - 40 s."""
    night = eventful()
    for stratum, n, seconds in (("night", 5, 440.0), ("wake", 2, 180.0), ("sleep", 3, 260.0)):
        found = cvhr_measures(night.within(stratum), night, RECIPE)
        assert (found.n, found.coverage_s) == (n, seconds)
        assert found.values == {"cvhr_index": pytest.approx(3600 * n / seconds)}
        assert found.intervals == {}
    assert event_index("surges", "SURGE", night, night).values == {"surges": pytest.approx(3600 / 440)}
    asleep = respiratory_measures(night.within("wake"), night, RECIPE)
    assert (asleep.n, asleep.values) == (3, {"respiratory_index": pytest.approx(3600 * 3 / 260)})


def test_the_interval_of_an_index_reaches_over_what_may_be_of_the_stage() -> None:
    """Half of the draws hold the first ten epochs, 2 events in 180 s, half the last ten, 3 in 260 s."""
    night = eventful()
    first = np.arange(20) < 10
    sampled = np.where(np.arange(N_SAMPLES)[:, None] % 2 == 0, first, ~first)
    found = event_index("index", "CVHR", dataclasses.replace(night.within("sleep"), sampled=sampled), night)
    assert found.intervals == {"index": pytest.approx((3600 * 2 / 180, 3600 * 3 / 260))}


def test_where_af_fills_the_part_there_is_no_index() -> None:
    night = dataclasses.replace(eventful(), episodes=of_kinds((0.0, 600.0, "AFL")))
    found = event_index("index", "CVHR", night, night)
    assert (found.n, found.coverage_s) == (0, 0.0)
    assert np.isnan([found.values["index"]]).all()  # type: ignore[list-item]


def test_breathing_rests_on_sure_epochs_that_are_usable() -> None:
    """Two of 20 epochs are unusable, one of them sure; eight more are sure: eight of 18."""
    night = breathing_night(15.0, np.where(np.arange(N) < 9, 0.9, 0.89))
    usable = ~np.isin(np.arange(N), [0, 19])
    quality = Quality(np.zeros(N), np.ones(N), usable, night.quality.usable_spans)
    found = respiration_measures(dataclasses.replace(night, quality=quality), night, RECIPE)
    assert (found.n, found.coverage_s) == (8, 240.0)
    assert found.values["respiration_share"] == pytest.approx(100 * 8 / 18)


def test_median_and_quartiles_are_those_of_the_sure_rates() -> None:
    """Of 10, 12, 14, 18 and 20/min."""
    rates = np.r_[[18.0, 10, 20, 12, 14], np.full(15, 30.0)]
    found = values("respiration", breathing_night(rates, np.where(np.arange(N) < 5, 0.95, 0.5)))
    assert (found["respiration_rate"], found["respiration_rate_iqr"]) == (14.0, 6.0)


@pytest.mark.parametrize(("n_sure", "told"), [(5, True), (4, False), (0, False)])
def test_a_quarter_of_the_epochs_must_be_sure(n_sure: int, told: bool) -> None:
    found = values("respiration", breathing_night(15.0, np.where(np.arange(N) < n_sure, 0.95, 0.5)))
    assert {name: np.isfinite(found.pop(name)) for name in TOLD} == dict.fromkeys(TOLD, told)  # type: ignore[arg-type]
    assert found == {"respiration_share": 5.0 * n_sure}


def test_rates_of_the_heart_are_those_of_each_epoch() -> None:
    """60/min for the first five minutes, 80/min from then on but for an epoch without beats; one breath in four s."""
    beat_s = np.r_[np.arange(0.5, 300), np.arange(300.375, 600, 0.75)]
    night = breathing_night(15.0, 1.0)
    lost = as_spans([(0.0, 540.0), (570.0, 600.0)])
    quality = Quality(np.zeros(N), np.ones(N), np.ones(N, bool), lost)
    made = dataclasses.replace(night, beats=Beats.at(beat_s), quality=quality)
    found = values("respiration", made)
    # the interval that ends at 300.375 s is of 0.875 s
    of_eleventh = 60 * 40 / (39 * 0.75 + 0.875)
    assert found["pulse_respiration_quotient"] == pytest.approx((10 * 60 + of_eleventh + 8 * 80) / 19 / 15)
