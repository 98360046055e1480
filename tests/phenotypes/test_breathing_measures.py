"""Values of breathing, on epochs written down by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from made_nights import RECIPE, analysed, beats_of_rr, simulated, staged_night, values
from numpy.typing import ArrayLike

from holter2sleep.night import Night, Respiration
from holter2sleep.phenotypes.table import phenotype_table

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


@pytest.mark.parametrize("n_sure", [0, 4])
def test_where_few_epochs_are_sure_no_rate_is_told_and_the_share_is(n_sure: int) -> None:
    night = breathing_night(15.0, np.where(np.arange(N) < n_sure, 0.99, 0.3))
    found = values("respiration", night)
    assert found["respiration_share"] == pytest.approx(100 * n_sure / N)
    assert all(np.isnan(found[name]) for name in TOLD)  # type: ignore[arg-type]
    assert {status(night, name) for name in TOLD} == {"insufficient_data"}
    assert status(night, "respiration_share") == "ok"


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
