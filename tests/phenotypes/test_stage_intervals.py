"""What the draws of hypnogram and blocks make of a stage's measures, on draws one can count."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, all_of, beats_of_rr, nn_of, staged_night

from holter2sleep.autonomic.blocks import estimates
from holter2sleep.autonomic.epoch_spectra import epoch_welch_rows
from holter2sleep.autonomic.nn import rr_intervals
from holter2sleep.autonomic.spectrum import welch_rows, welch_values
from holter2sleep.autonomic.windows import five_minute_windows
from holter2sleep.heart.class_net import count_spread
from holter2sleep.night import Bool, Episodes, Float, Lights, Night
from holter2sleep.phenotypes.measures import Formula
from holter2sleep.phenotypes.measures.ectopic import ectopic_measures
from holter2sleep.phenotypes.measures.rhythm import rate_measures, rhythm_measures
from holter2sleep.phenotypes.measures.sleep import sleep_domain_measures
from holter2sleep.phenotypes.measures.staged import around, count_draws, ratio_interval, set_against, stage_intervals
from holter2sleep.phenotypes.measures.variability import hrv_frequency_measures, hrv_time_measures
from holter2sleep.sleep.sampling import N_SAMPLES
from holter2sleep.spans import Spans, as_spans

NO_SPANS = as_spans([])
W, N2 = 0, 2  # columns of AASM5


def asleep(n_epochs: int, n_awake: int = 0) -> Night:
    """A beat a second; so many epochs of wake, then N2."""
    beats = beats_of_rr(np.ones(30 * n_epochs - 2), start_s=0.5)
    return staged_night(beats, "W" * n_awake + "2" * (n_epochs - n_awake))


def drawn(night: Night, sampled: Bool) -> Night:
    """The sleep of a night, with the draws of which epochs are of it."""
    return dataclasses.replace(night.within("sleep"), sampled=np.broadcast_to(sampled, (N_SAMPLES, night.grid.n)))


def own(night: Night) -> Night:
    """The sleep of a night whose stages nobody doubts."""
    return drawn(night, night.hypnogram.mask("sleep"))


def counted(totals: Float) -> dict[str, Float]:
    return {"n": totals[..., 0]}


# --- measures --------------------------------------------------------------------------------------


def test_where_blocks_are_alike_and_stages_sure_nothing_is_in_doubt() -> None:
    """However the twelve blocks of ten epochs are drawn, there are 120."""
    night = asleep(120)
    assert stage_intervals(own(night), {"n": 120.0}, np.ones((120, 1)), counted) == {"n": (120.0, 120.0)}


def test_the_interval_reaches_over_the_draws_and_holds_the_value() -> None:
    """A stage that half of the draws have, and half have not."""
    night = asleep(120)
    part = drawn(night, np.arange(N_SAMPLES)[:, None] % 2 == 0)
    assert stage_intervals(part, {"n": 150.0}, np.ones((120, 1)), counted) == {"n": (0.0, 150.0)}


@pytest.mark.parametrize(("n_epochs", "some"), [(91, True), (90, False)])
def test_a_stage_that_begins_in_ten_blocks_has_an_interval(n_epochs: int, some: bool) -> None:
    night = asleep(n_epochs)
    found = stage_intervals(own(night), {"n": float(n_epochs)}, np.ones((n_epochs, 1)), counted)
    assert set(found) == ({"n"} if some else set())


def test_a_measure_that_some_draw_lacks_has_no_interval() -> None:
    found = around({"a": 1.0, "b": 2.0}, {"a": np.array([1.0, np.nan]), "b": np.array([2.0, 2.0])})
    assert found == {"b": (2.0, 2.0)}


def test_a_share_has_the_interval_of_its_draws() -> None:
    """30 of 60 s in each epoch of the first half, 60 of 60 s in the second; the draws have one or the other."""
    night = asleep(20)
    first = np.arange(20) < 10
    part = drawn(night, np.where(np.arange(N_SAMPLES)[:, None] % 2 == 0, first, ~first))
    per_epoch = np.column_stack([np.where(first, 30.0, 60.0), np.full(20, 60.0)])
    assert ratio_interval("share", 100.0, part, 75.0, per_epoch) == {"share": (50.0, 100.0)}
    assert ratio_interval("share", 100.0, part, None, per_epoch) == {}
    assert ratio_interval("share", 100.0, night, 75.0, per_epoch) == {}


def test_rows_around_epochs_are_scaled_to_the_mean_of_the_stage_s_own_windows() -> None:
    """Means of the stage's two epochs 3 and 8, of its own windows 6 and 2: twice and a quarter."""
    night = asleep(4, 2)
    rows = np.array([[1, 7, 1, 5.0], [1, 9, 3, 5], [1, 2, 6, 0], [1, 4, 10, 0]])
    found = set_against(rows, own(night), np.array([5, 30, 10, 0.0]))
    np.testing.assert_allclose(found, rows * [1, 2, 0.25, 1])


@pytest.fixture(scope="module")
def two_halves() -> Night:
    """200 min of sleep, at 60/min in AF, then at 75/min; half of the draws have the one half, half the other."""
    beats = beats_of_rr(np.r_[np.ones(6000), np.full(7500, 0.8)], start_s=0.0)
    af = Episodes([0.0], [6000.0], ["AFIB"], [6001], [60.0], [np.nan])
    night = staged_night(beats, "2", af)
    first = night.grid.onset_s < 6000
    part = drawn(night, np.where(np.arange(N_SAMPLES)[:, None] % 2 == 0, first, ~first))
    return dataclasses.replace(part, nn=rr_intervals(beats, Episodes.none(), all_of(beats)))


@pytest.mark.parametrize(
    ("domain", "name", "interval"),
    [
        (rate_measures, "heart_rate_mean", (60.0, 75.0)),
        (hrv_time_measures, "nn_mean", (800.0, 1000.0)),
        (rhythm_measures, "af_burden", (0.0, 100.0)),
    ],
)
def test_a_stage_s_interval_reaches_over_what_may_be_of_it(
    domain: Formula, name: str, interval: tuple[float, float], two_halves: Night
) -> None:
    whole = dataclasses.replace(two_halves, sampled=None)
    found = domain(two_halves, whole, RECIPE)
    assert found.intervals[name] == pytest.approx(interval, rel=1e-4)
    value = found.values[name]
    assert value is not None
    assert interval[0] < value < interval[1]
    if domain is hrv_time_measures:
        assert (found.n, found.coverage_s) == (13_500, 12_000.0)
    scored = domain(whole, whole, RECIPE).intervals
    if name == "af_burden":
        assert name not in scored
    else:
        assert interval[0] < scored[name][0] < scored[name][1] < interval[1]


def test_spectra_have_the_interval_of_the_rows_around_their_epochs_in_a_stage_and_of_their_windows_elsewhere() -> None:
    night = asleep(140, 20)
    nn = nn_of(np.random.default_rng(0).normal(1000, 50, 4190))
    night = dataclasses.replace(night, nn=nn)
    part = own(night)
    found = hrv_frequency_measures(part, night, RECIPE)
    rows = welch_rows(five_minute_windows(part.nn, part.spans, RECIPE.hrv), RECIPE.hrv)
    per_epoch = set_against(epoch_welch_rows(nn, night.grid, RECIPE.hrv), part, rows.sum(axis=0))
    values = {name: value for name, value in found.values.items() if value is not None}
    expected = stage_intervals(part, {**dict.fromkeys(found.values, np.nan), **values}, per_epoch, welch_values)
    assert {"lf", "hf", "lf_hf"} <= set(expected)
    assert found.intervals == expected
    scored = dataclasses.replace(part, sampled=None)
    assert hrv_frequency_measures(scored, night, RECIPE).intervals == estimates(rows, welch_values).intervals


# --- counts ----------------------------------------------------------------------------------------


def test_beats_that_are_sure_are_counted_in_the_epochs_drawn() -> None:
    sampled = np.where(np.arange(N_SAMPLES)[:, None] % 2 == 0, [0, 0, 1, 1], [1, 0, 0, 0]).astype(bool)
    n = count_draws(sampled, np.array([[1.0, 0], [0, 0], [1, 0], [1, 0]]), 16.0)
    assert (n[::2].tolist(), n[1::2].tolist()) == ([2.0] * 100, [1.0] * 100)


def test_beats_in_doubt_scatter_as_people_do_and_never_below_none() -> None:
    sampled, per_epoch = np.ones((N_SAMPLES, 4), bool), np.array([[20.0, 4.0]] * 4)
    n = count_draws(sampled, per_epoch, 1.96)
    assert n.mean() == pytest.approx(80, abs=3 * 4 / np.sqrt(N_SAMPLES))
    assert n.std() == pytest.approx(4, rel=0.2)  # SD sqrt(4 x 4)
    assert count_draws(sampled, per_epoch, 19.6).std() == pytest.approx(40, rel=0.2)
    assert count_draws(sampled, per_epoch / [20, 1], 19.6).min() == 0.0


def test_each_kind_of_beat_has_the_interval_of_its_own_chances() -> None:
    """A hundred V with a chance of 0.9 each, a hundred S of which nobody doubts one."""
    night = asleep(120)
    kind = np.full(len(night.beats), "N")
    kind[1000:1100], kind[2000:2100] = "V", "S"
    beats = night.beats.but(label=kind, chance_v=np.where(kind == "V", 0.9, 0.0), chance_s=(kind == "S").astype("f4"))
    night = dataclasses.replace(night, beats=beats)
    found = {label: ectopic_measures(label, night, night, NO_SPANS).intervals for label in "VS"}
    assert found["V"]["n_veb"] == pytest.approx((100 - 3 * count_spread("V"), 100 + 3 * count_spread("V")))
    assert found["S"]["n_sveb"] == (100.0, 100.0)


def test_rate_and_share_of_a_night_are_over_its_usable_time_and_beats() -> None:
    night = asleep(120)
    beats = night.beats.but(label=np.where(np.arange(len(night.beats)) % 100 == 0, "V", "N"))
    found = ectopic_measures("V", dataclasses.replace(night, beats=beats), night, NO_SPANS)
    assert (found.n, found.coverage_s) == (3599, 3599.5)  # from the start to a second after the last beat
    expected = {"n_veb": 36, "veb_per_hour": 36 * 3600 / 3599.5, "veb_share": 100 * 36 / 3599}
    assert {name: found.values[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(("n_awake", "left_out_s"), [(0, 360), (20, 300)])
@pytest.mark.parametrize("left_out", [NO_SPANS, as_spans([(0.0, 60.0), (1200.0, 1500.0)])])
def test_sure_beats_in_sure_stages_have_counts_without_doubt(left_out: Spans, n_awake: int, left_out_s: int) -> None:
    night = asleep(120, n_awake)
    is_s = np.arange(len(night.beats)) % 7 == 0
    beats = night.beats.but(label=np.where(is_s, "S", "N"), chance_s=is_s.astype(np.float32))
    night = dataclasses.replace(night, beats=beats)
    found = ectopic_measures("S", own(night), night, left_out)
    names = ("n_sveb", "sveb_per_hour", "sveb_share")
    assert set(found.intervals) == set(names)
    for name in names:
        assert found.intervals[name] == pytest.approx((found.values[name],) * 2)
    seconds = 3599.5 - 30 * n_awake - (left_out_s if len(left_out) else 0)
    assert found.coverage_s == seconds
    assert found.values["sveb_per_hour"] == pytest.approx(3600 * found.values["n_sveb"] / seconds)


# --- sleep -----------------------------------------------------------------------------------------


def test_sleep_measures_have_the_interval_of_the_hypnograms_drawn() -> None:
    """All draws sleep through the last half; of the first half, all N2 or all wake."""
    night = asleep(40)
    samples = np.full((N_SAMPLES, 40), N2, np.int8)
    samples[::2, :20] = W
    found = sleep_domain_measures(night, dataclasses.replace(night, stage_samples=samples), RECIPE)
    assert found.intervals["tst"] == (10.0, 20.0)
    assert found.intervals["n2_pct"] == (100.0, 100.0)
    assert "sol" not in found.intervals
    assert sleep_domain_measures(night, night, RECIPE).intervals == {}


def test_sleep_rests_on_the_scored_epochs_in_bed_and_says_what_it_does_not_know() -> None:
    """Forty epochs of N2, the last ones unscored; in bed from the fourth to the 38th."""
    night = dataclasses.replace(asleep(40), lights=Lights(90.0, 1140.0, "option"))
    for n_unscored, known in ((6, True), (10, False)):  # of the 35 in bed four are unscored (11 %), or eight (23 %)
        stage = np.array(["N2"] * (40 - n_unscored) + ["U"] * n_unscored)
        hypnogram = dataclasses.replace(night.hypnogram, stage=stage)
        samples = np.full((N_SAMPLES, 40), N2, np.int8)
        made = dataclasses.replace(night, hypnogram=hypnogram, stage_samples=samples)
        found = sleep_domain_measures(made, made, RECIPE)
        n = 37 - n_unscored
        assert (found.n, found.coverage_s) == (n, 30.0 * n)
        rem_latency = found.values["rem_latency"]
        if known:
            assert (found.values["tst"], rem_latency) == (n / 2, None)
            assert found.intervals["tst"] == (n / 2, 17.5)
        else:
            assert rem_latency is not None
            assert np.isnan([rem_latency, found.values["tst"]]).all()
            assert found.intervals == {}


def test_a_draw_without_sleep_leaves_no_interval_of_the_shares() -> None:
    night = asleep(40)
    samples = np.full((N_SAMPLES, 40), N2, np.int8)
    samples[0] = W
    found = sleep_domain_measures(night, dataclasses.replace(night, stage_samples=samples), RECIPE)
    assert "tst" in found.intervals
    assert "n2_pct" not in found.intervals
