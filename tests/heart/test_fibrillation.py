"""Atrial fibrillation is irregularity without a pattern: ectopy, breathing and gaps are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_nights import RECIPE, all_of, analysed, beats_of_rr, simulated
from scipy.io import loadmat

from holter2sleep.evaluate.ec57 import EpisodeAgreement, compare_episodes, gross_episodes
from holter2sleep.heart.fibrillation import af_spans, alike_share, irregularity, periodicity
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.heart.rhythm import find_episodes
from holter2sleep.io import read_recording
from holter2sleep.night import Beats
from holter2sleep.spans import Spans, as_spans, complement, duration, intersection

AF_NIGHT = {"hours": 3.0, "af": ((0.2, 1200.0), (0.6, 2400.0)), "bursts_per_hour": 0.0}


def af_of(beats: Beats, usable: Spans | None = None) -> Spans:
    trusted = trusted_rr(beats, all_of(beats) if usable is None else usable)
    return af_spans(beats, trusted, RECIPE.rhythm.af)


def fibrillating(n: int, seed: int = 0) -> np.ndarray:
    """Intervals drawn independently of one another, at 80/min."""
    return np.random.default_rng(seed).gamma(14.0, 0.75 / 14.0, n)


def steady(n: int, seed: int = 0) -> np.ndarray:
    """Sinus intervals with breathing and a little noise."""
    beat = np.arange(n)
    return 0.9 + 0.05 * np.sin(beat / 0.7) + np.random.default_rng(seed).normal(0, 0.01, n)


# --- made-up rhythms -------------------------------------------------------------------------------


def test_independent_intervals_are_fibrillation_from_first_to_last() -> None:
    beats = beats_of_rr(fibrillating(1000))
    spans = af_of(beats)
    assert len(spans) == 1
    assert duration(spans) > 0.97 * (beats.time_s[-1] - beats.time_s[0])


@pytest.mark.parametrize("seed", range(5))
def test_an_episode_of_ten_minutes_is_found_with_its_borders_to_a_minute(seed: int) -> None:
    rr_s = np.r_[steady(1500, seed), fibrillating(800, seed), steady(1500, seed + 9)]
    beats = beats_of_rr(rr_s)
    spans = af_of(beats)
    assert len(spans) == 1
    np.testing.assert_allclose(spans[0], [beats.time_s[1500], beats.time_s[2300]], atol=60.0)


@pytest.mark.parametrize("seed", range(3))
def test_steady_rhythm_is_never_fibrillation(seed: int) -> None:
    assert len(af_of(beats_of_rr(steady(20_000, seed)))) == 0


def test_deep_breathing_is_not_fibrillation() -> None:
    beat = np.arange(4000)
    rr_s = 0.95 + 0.12 * np.sin(beat / 0.75) + np.random.default_rng(0).normal(0, 0.01, 4000)
    assert len(af_of(beats_of_rr(rr_s))) == 0


@pytest.mark.parametrize(("label", "most"), [("V", 0.0), ("S", 0.03)])
def test_frequent_premature_beats_are_hardly_ever_fibrillation(label: str, most: float) -> None:
    """One beat in eight is premature, at irregular places; for S, 1.5 % of the time was measured."""
    rng = np.random.default_rng(1)
    rr_s, labels = steady(6000), np.full(6001, "N")
    places = np.unique(rng.integers(2, 5990, 750))
    places = places[np.diff(places, prepend=-9) > 2]
    rr_s[places - 1] *= rng.uniform(0.55, 0.75, len(places))
    rr_s[places] *= 1.35 if label == "V" else 1.05
    labels[places] = label
    assert duration(af_of(beats_of_rr(rr_s, "".join(labels)))) <= most * rr_s.sum()


def test_bigeminy_is_not_fibrillation() -> None:
    rr_s = np.where(np.arange(2000) % 2 == 0, 0.55, 1.15) + np.random.default_rng(0).normal(0, 0.01, 2000)
    assert len(af_of(beats_of_rr(rr_s, "N" + "VN" * 1000))) == 0
    assert len(af_of(beats_of_rr(rr_s))) == 0  # unlabelled as well


def test_short_fibrillation_is_not_called() -> None:
    assert len(af_of(beats_of_rr(np.r_[steady(500), fibrillating(25), steady(500)]))) == 0


def test_nothing_is_said_of_time_that_is_lost() -> None:
    beats = beats_of_rr(fibrillating(2000))
    lost = np.array([[600.0, 900.0]])
    spans = af_of(beats, complement(lost, 0, 2000))
    assert duration(intersection(spans, lost)) == 0.0
    assert duration(spans) > 0.97 * (beats.time_s[-1] - 300.0)


def test_too_few_beats_say_nothing() -> None:
    assert len(af_of(beats_of_rr(fibrillating(60)))) == 0
    assert len(af_of(Beats.at([1.0]))) == 0
    assert len(af_of(Beats.at([]), np.array([[0.0, 10.0]]))) == 0


def test_what_the_two_measures_say_of_equal_intervals() -> None:
    rr_s = np.full(200, 0.8)
    np.testing.assert_array_equal(irregularity(rr_s), 0.0)
    np.testing.assert_array_equal(alike_share(rr_s, RECIPE.rhythm.af), 1.0)


def test_irregularity_of_uniform_intervals_has_a_closed_form() -> None:
    """Two draws from 0.6 s differ by less than 0.03 s with 1 - 0.95 ** 2; the rest of the pairs is unlike."""
    rr_s = np.random.default_rng(0).uniform(0.5, 1.1, 20_000)
    assert irregularity(rr_s)[1000:-1000].mean() == pytest.approx(0.95**2 / 0.8, rel=0.02)


def test_irregularity_does_not_depend_on_how_many_windows_are_looked_at_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rr_s = np.random.default_rng(4).uniform(0.4, 1.2, 500)
    whole = irregularity(rr_s)
    monkeypatch.setattr("holter2sleep.heart.fibrillation.BATCH", 7)
    np.testing.assert_array_equal(irregularity(rr_s), whole)


def test_an_episode_begins_and_ends_with_a_beat() -> None:
    beats = beats_of_rr(fibrillating(300))
    assert np.isin(af_of(beats), beats.time_s).all()


# --- a planted night -------------------------------------------------------------------------------


def test_planted_fibrillation_is_found_in_a_whole_night() -> None:
    truth, night = simulated("af", **AF_NIGHT), analysed("af", **AF_NIGHT)
    whole = as_spans([(0, truth.plan.duration_s)])
    found = compare_episodes(truth.episodes.of("AFIB").spans, night.episodes.of("AFIB").spans, whole).measures()
    assert found["duration_sensitivity"] > 0.97
    assert found["duration_positive_predictivity"] > 0.97
    assert (found["episode_sensitivity"], found["episode_positive_predictivity"]) == (1.0, 1.0)


def test_no_variability_is_taken_from_fibrillation() -> None:
    truth, night = simulated("af", **AF_NIGHT), analysed("af", **AF_NIGHT)
    af = truth.episodes.of("AFIB").spans
    inside = sum(((night.nn.end_s > start + 60) & (night.nn.end_s < end - 60)).sum() for start, end in af)
    assert inside == 0


# --- real rhythms ----------------------------------------------------------------------------------


@pytest.mark.realdata
def test_healthy_days_hold_no_fibrillation(shared_data: Path) -> None:
    """Measured: 0.8 % of 317 h called AF, nearly all of it in one of 13 people."""
    af_s, all_s, clear = 0.0, 0.0, 0
    for path in sorted((shared_data / "nsrdb").glob("*.atr")):
        recording = read_recording(path)
        assert recording.given_beats is not None
        usable = as_spans([(0.0, recording.duration_s)])
        found = duration(find_episodes(recording.given_beats, usable, RECIPE.rhythm).of("AFIB").spans)
        af_s, all_s, clear = af_s + found, all_s + recording.duration_s, clear + (found == 0)
    assert af_s / all_s < 0.01
    assert clear >= 11


@pytest.mark.realdata
def test_annotated_fibrillation_is_found(shared_data: Path) -> None:
    agreements: list[EpisodeAgreement] = []
    for path in sorted((shared_data / "afdb_rr").glob("*.mat")):
        facts = loadmat(path, squeeze_me=True)
        time_s = facts["qrs"] / float(facts["Fs"])
        in_af = np.asarray(facts["targetsRR"]).astype(bool)
        reference = as_spans(np.column_stack([time_s[:-1], time_s[1:]])[in_af])
        whole = as_spans([(0.0, time_s[-1])])
        found = af_of(Beats.at(time_s[np.diff(time_s, prepend=-1) > 0]))
        agreements.append(compare_episodes(reference, found, whole))
    total = gross_episodes(agreements)
    all_s = sum(float(loadmat(p, squeeze_me=True)["qrs"][-1]) / 250 for p in (shared_data / "afdb_rr").glob("*.mat"))
    specificity = 1 - (total.test_s - total.overlap_s) / (all_s - total.reference_s)
    assert total.reference_s / 3600 > 2.0
    assert total.measures()["duration_sensitivity"] > 0.93
    assert specificity > 0.97


def breathing(n: int, seed: int = 0) -> np.ndarray:
    """Intervals of a young sleeper: 150 ms of breathing at about three beats a breath, and 30 ms of anything else."""
    rng = np.random.default_rng(seed)
    phase = np.cumsum(2 * np.pi / rng.uniform(2.6, 3.4, n))
    return 0.8 + 0.15 * np.sin(phase) + rng.normal(0, 0.03, n)


def test_breathing_has_a_period_and_fibrillation_has_none() -> None:
    places = np.arange(64, 936, 8)
    assert np.median(periodicity(breathing(1000), places)) > 0.5
    assert np.median(periodicity(fibrillating(1000), places)) < 0.3


def test_deep_sinus_arrhythmia_is_not_fibrillation_though_as_irregular() -> None:
    rr_s = breathing(600)
    assert (irregularity(rr_s) > RECIPE.rhythm.af.threshold).mean() > 0.5  # what the rule has to overcome
    assert len(af_of(beats_of_rr(rr_s))) == 0
