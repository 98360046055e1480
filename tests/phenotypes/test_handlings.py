"""Before and after ectopy handling: every measure of a marked domain is told of three series of intervals."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from made_nights import RECIPE, analysed, beats_of_rr, nn_of, recording_of_beats, simulated, staged_night

from holter2sleep.analyze import analyze_night
from holter2sleep.io import read_recording
from holter2sleep.night import AF_KINDS, CORRECTIONS, HANDLINGS, Beats, Night
from holter2sleep.phenotypes.dictionary import entries_of, handled_name, handlings_of, load_dictionary
from holter2sleep.phenotypes.measures import FORMULAS, _in_all_handlings
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.phenotypes.table import phenotype_table, strata_of
from holter2sleep.recipe import Recipe
from holter2sleep.spans import as_spans, contains
from holter2sleep.start import keep_freed_memory

HANDLED = [domain for domain in FORMULAS if handlings_of(domain)]


def night_of_beats(beats: Beats) -> Night:
    return analyze_night(recording_of_beats(beats), RECIPE)


def sinus(n: int = 4000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        0.9 + 0.05 * np.sin(np.arange(n) / 50) + 0.03 * np.sin(2 * np.pi * np.arange(n) / 4.3) + rng.normal(0, 0.002, n)
    )


def with_early_v(every: int) -> Beats:
    """A sinus rhythm with a ventricular premature beat and its pause now and then."""
    beats = beats_of_rr(sinus())
    time_s, label = beats.time_s.copy(), np.full(len(beats), "N")
    time_s[every:-1:every] -= 0.3
    label[every:-1:every] = "V"
    return Beats.at(time_s, label)


def values(night: Night, domain: str, stratum: str = "night") -> dict[str, float | None]:
    return FORMULAS[domain](night.within(stratum), night, RECIPE).values


@pytest.fixture(scope="module")
def ectopic() -> Night:
    return night_of_beats(with_early_v(40))


# --- dictionary ------------------------------------------------------------------------------------


def test_all_of_variability_is_told_before_and_after_ectopy_handling() -> None:
    hrv = {"hrv_time", "hrv_geometric", "hrv_segments", "hrv_frequency", "hrv_lomb"}
    assert set(HANDLED) == hrv | {"complexity", "multiscale", "fluctuation", "fragmentation", "capacity"}
    domains = {entry.domain for entry in load_dictionary().values()}
    assert {handled_name(domain, how) for domain in HANDLED for how in HANDLINGS} <= domains


@pytest.mark.parametrize("handling", HANDLINGS)
def test_a_handled_entry_says_how_and_is_otherwise_the_same(handling: str) -> None:
    for name, entry in entries_of("hrv_time").items():
        other = load_dictionary()[f"{name}_{handling}"]
        assert other.domain == f"hrv_time_{handling}"
        assert other.label.startswith(f"{entry.label}, ")
        assert other.definition.startswith(f"{entry.definition} ")
        assert other.definition != entry.definition
        assert (other.unit, other.plausible, other.strata) == (entry.unit, entry.plausible, entry.strata)


def test_domains_that_do_not_ask_have_one_handling() -> None:
    assert handlings_of("rate") == ()
    assert "heart_rate_mean_raw" not in load_dictionary()


def of_first_intervals(part: Night, night: Night, recipe: Recipe) -> Measured:
    """The first interval of the part and of the night."""
    assert recipe is RECIPE
    firsts_ms = (float(each.nn.nn_ms[0]) for each in (part, night))
    return Measured(dict(zip(("nn_mean", "sdnn"), firsts_ms, strict=True)), 1, 2.0, {"nn_mean": (3.0, 4.0)})


def test_a_formula_is_asked_again_with_each_series_in_the_place_of_nn() -> None:
    night = staged_night(beats_of_rr(np.ones(58), start_s=0.0), "W2")
    series = {
        name: nn_of([ms] * 40 + [ms + 1] * 20) for name, ms in (("nn", 800.0), ("rr", 900.0), ("corrected", 700.0))
    }
    night = dataclasses.replace(night, **series)
    formulas = _in_all_handlings("hrv_time", of_first_intervals)
    assert list(formulas) == ["hrv_time", "hrv_time_raw", "hrv_time_corrected"]
    for name, ms in (("raw", 900.0), ("corrected", 700.0)):
        values = {f"nn_mean_{name}": ms, f"sdnn_{name}": ms}
        expected = Measured(values, 1, 2.0, {f"nn_mean_{name}": (3.0, 4.0)})
        assert formulas[f"hrv_time_{name}"](night, night, RECIPE) == expected
    assert formulas["hrv_time"] is of_first_intervals
    asleep = formulas["hrv_time_raw"](night.during(as_spans([(37.0, 60.0)])), night, RECIPE)
    assert asleep.values == {"nn_mean_raw": 901.0, "sdnn_raw": 900.0}
    assert list(_in_all_handlings("rate", of_first_intervals)) == ["rate"]


# --- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", HANDLED)
def test_each_handling_is_the_same_formula_of_another_series(ectopic: Night, domain: str) -> None:
    for handling in HANDLINGS:
        series = {"raw": ectopic.rr, "corrected": ectopic.corrected}[handling]
        by_hand = values(dataclasses.replace(ectopic, nn=series), domain)
        assert values(ectopic, f"{domain}_{handling}") == {f"{name}_{handling}": one for name, one in by_hand.items()}


def test_without_ectopy_all_three_are_the_same() -> None:
    night = night_of_beats(beats_of_rr(sinus()))
    for domain in HANDLED:
        plain = values(night, domain)
        for handling in HANDLINGS:
            assert list(values(night, f"{domain}_{handling}").values()) == list(plain.values())


def test_ectopic_beats_swell_what_is_raw_and_neither_of_the_others(ectopic: Night) -> None:
    truth = values(night_of_beats(beats_of_rr(sinus())), "hrv_time")["rmssd"]
    plain, raw, corrected = (values(ectopic, f"hrv_time{end}")[f"rmssd{end}"] for end in ("", "_raw", "_corrected"))
    assert truth is not None
    assert (raw or 0) > 2 * truth
    assert plain == pytest.approx(truth, rel=0.03)
    assert corrected == pytest.approx(truth, rel=0.06)


def test_raw_is_all_intervals_and_corrected_as_many(ectopic: Night) -> None:
    n = len(ectopic.beats) - 1
    assert (len(ectopic.rr), len(ectopic.corrected)) == (n, n)
    assert len(ectopic.nn) == n - 2 * (ectopic.beats.label == "V").sum()
    assert ectopic.rr.adjacent[1:].all()


def test_what_was_corrected_is_counted_by_kind_and_part(ectopic: Night) -> None:
    found = values(ectopic, "nn")
    n_v = (ectopic.beats.label == "V").sum()
    assert found["n_corrected_ectopic"] == pytest.approx(n_v, abs=3)
    counted = [found[f"n_corrected_{kind}"] for kind in CORRECTIONS]
    assert sum(counted) == len(ectopic.corrections)  # type: ignore[arg-type]
    assert found["nn_corrected_share"] == pytest.approx(100 * len(ectopic.corrections) / len(ectopic.rr))
    hours = [values(ectopic, "nn", stratum) for stratum in strata_of(ectopic) if stratum.startswith("hour")]
    assert sum(hour["n_corrected_ectopic"] or 0 for hour in hours) == found["n_corrected_ectopic"]


def test_a_part_of_the_night_has_that_part_of_each_series() -> None:
    night = analysed("ectopy", hours=2.0)
    part = night.within("hour_02")
    for series, whole in ((part.rr, night.rr), (part.corrected, night.corrected)):
        assert 0 < len(series) < len(whole)
        assert series.end_s.min() >= 3600
        assert not series.adjacent[0]
    assert (part.corrections.time_s >= 3600).all()


def test_no_series_reaches_into_af() -> None:
    night = analysed("ectopy", hours=2.5, af=((0.75, 900.0),))
    af = night.episodes.of(*AF_KINDS).spans
    assert len(af)
    for series in (night.rr, night.nn, night.corrected):
        assert not contains(af, series.end_s - series.nn_ms / 2000).any()


def test_a_band_without_a_peak_has_none_and_a_night_without_a_window_does_not_know() -> None:
    peaks = ("vlf_peak", "lf_peak", "hf_peak")
    steady = night_of_beats(beats_of_rr(np.full(1000, 0.8)))
    found = values(steady, "hrv_frequency")
    assert [found[name] for name in peaks] == [None] * 3
    short = values(steady.during(np.array([[0.0, 100.0]])), "hrv_frequency")
    assert all(np.isnan(short[name] or 0.0) for name in peaks)


@pytest.mark.realdata
@pytest.mark.parametrize("record", ["slp01a", "slp03", "slp14", "slp16"])
def test_removed_and_corrected_tell_nearly_the_same_of_a_sleeping_heart(shared_data: Path, record: str) -> None:
    """Four nights of the MIT-BIH Polysomnographic Database, less than 1 % ectopic."""
    night = analyze_night(read_recording(shared_data / "slpdb" / f"{record}.ecg"), RECIPE)
    plain, raw, corrected = (values(night, f"hrv_time{end}")[f"rmssd{end}"] for end in ("", "_raw", "_corrected"))
    assert corrected == pytest.approx(plain, rel=0.1)
    assert (raw or 0) > (plain or 0)


# --- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beats",
    [
        beats_of_rr(np.full(160, 0.8)),
        beats_of_rr(np.full(3000, 0.8)),
        beats_of_rr(np.tile([0.55, 1.15], 1500), "NV" * 1500 + "N"),
        beats_of_rr(np.random.default_rng(0).uniform(0.3, 1.6, 2000)),
        beats_of_rr(np.where(np.arange(2000) % 7, 0.9, 20.0)),
        beats_of_rr(np.full(2000, 0.3)),
        beats_of_rr(np.full(300, 2.5)),
    ],
    ids=["two minutes", "constant", "bigeminy", "irregular as AF", "gaps everywhere", "200/min", "24/min"],
)
def test_whatever_the_beats_the_table_holds_numbers_or_reasons(beats: Beats) -> None:
    table = phenotype_table(night_of_beats(beats), RECIPE)
    known = table["value"].drop_nulls()
    assert known.is_finite().all()
    ok = table.filter(table["status"].is_in(["ok", "implausible"]))
    assert ok["value"].null_count() == 0
    ends = ok.drop_nulls("ci_low")
    assert (ends["ci_low"] <= ends["ci_high"]).all()


def test_a_part_of_twenty_beats_has_no_number_and_no_warning(ectopic: Night) -> None:
    part = ectopic.during(np.array([[100.0, 118.0]]))
    for domain in FORMULAS:
        if domain.startswith("hrv_"):
            found = FORMULAS[domain](part, ectopic, RECIPE)
            assert found.n < 25
            assert found.intervals == {}


# --- speed -----------------------------------------------------------------------------------------


def test_all_strata_and_handlings_of_a_night_cost_less_than_four_seconds() -> None:
    """Measured: 0.8 s (`python -m benchmarks.hrv`), 2.1 s on a slow and busy machine."""
    keep_freed_memory()  # as the program does
    truth = simulated("healthy", hours=8.0)
    night = dataclasses.replace(night_of_beats(truth.beats.where(truth.beats.usable)), hypnogram=truth.hypnogram)
    start = time.process_time()
    for stratum in strata_of(night):
        part = night.within(stratum)
        for domain in FORMULAS:
            if domain.startswith("hrv_"):
                FORMULAS[domain](part, night, RECIPE)
    assert time.process_time() - start < 4.0
