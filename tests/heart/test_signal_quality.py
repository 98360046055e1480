"""What cannot be trusted is flagged for the right reason, and the rest stays usable."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_nights import RECIPE, analysed, beats_of_rr, detected, recording_of, recording_of_beats, simulated
from scipy.io import loadmat

from holter2sleep.analyze import analyze_night
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.quality import agreement, assess_quality, nearest, usable_beats
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.night import Beats, EpochGrid, Flag, Quality, Recording
from holter2sleep.spans import as_spans, complement, contains, duration, intersection

NOISY = {"hours": 1.0, "lead_off": ((0.6, 300.0),), "gaps": ((0.2, 90.0),)}


def quality_of(recording: Recording) -> Quality:
    faults, found = find_faults(recording, RECIPE.faults), detected(recording)
    beat_s = found.time_s if recording.given_beats is None else recording.given_beats.time_s
    shape = beat_shapes(recording, beat_s, RECIPE.shape)
    grid = EpochGrid.covering(recording.duration_s)
    return assess_quality(recording, grid, faults, beat_s, found, shape, RECIPE.quality)


# --- agreement of two detectors --------------------------------------------------------------------


def test_detectors_that_agree_in_all_some_or_no_beats() -> None:
    first = np.array([1.0, 2, 3, 11, 12, 21, 22])
    second = np.array([1.05, 1.95, 3.0, 11, 12.5, 25])
    found = agreement(first, second, 50.0, RECIPE.quality)
    np.testing.assert_allclose(found, [1.0, 1 / 3, 0.0, np.nan, np.nan])


def test_two_detections_further_apart_than_the_tolerance_are_not_the_same_beat() -> None:
    just, beyond = (
        agreement(*np.array([[5.0], [5.099]]), 10.0, RECIPE.quality),
        agreement(*np.array([[5.0], [5.101]]), 10.0, RECIPE.quality),
    )
    assert (just[0], beyond[0]) == (1.0, 0.0)


def test_one_beat_cannot_be_the_partner_of_two() -> None:
    assert agreement(np.array([5.0, 5.08]), np.array([5.04]), 10.0, RECIPE.quality)[0] == 0.5


def test_a_pair_astride_the_border_of_two_windows_counts_once() -> None:
    found = agreement(np.array([5.0, 9.98]), np.array([5.0, 10.02, 15.0]), 20.0, RECIPE.quality)
    assert found.tolist() == [1.0, 0.0]


@given(st.lists(st.floats(0, 99), max_size=40), st.lists(st.floats(0, 99), max_size=40))
def test_agreement_lies_between_0_and_1_whatever_was_detected(first: list[float], second: list[float]) -> None:
    found = agreement(np.unique(first), np.unique(second), 100.0, RECIPE.quality)
    known = found[np.isfinite(found)]
    assert ((known >= 0) & (known <= 1)).all()
    assert np.isnan(found).sum() == 10 - len(known)


def test_the_nearest_of_a_sorted_list() -> None:
    assert nearest(np.array([-1.0, 1.4, 1.6, 9.0]), np.array([0.0, 1.0, 2.0])).tolist() == [0, 1, 2, 2]


# --- planted noise ---------------------------------------------------------------------------------


def test_planted_faults_and_noise_are_unusable_and_quiet_time_is_not() -> None:
    truth, night = simulated("noisy", **NOISY), analysed("noisy", **NOISY)
    usable = night.quality.usable_spans
    movement, off, gap = (truth.episodes.of(kind).spans for kind in ("NOISE", "LEADOFF", "GAP"))
    quiet = complement(as_spans(np.concatenate([movement, off, gap])), 0, truth.plan.duration_s)
    assert duration(intersection(off, usable)) < 2.0
    assert duration(intersection(gap, usable)) == 0.0
    assert duration(intersection(movement, usable)) < 0.5 * duration(movement)  # some movement leaves the QRS whole
    assert duration(intersection(quiet, usable)) > 0.98 * duration(quiet)


def test_each_planted_fault_raises_its_own_flag() -> None:
    truth, night = simulated("noisy", **NOISY), analysed("noisy", **NOISY)
    inside = {
        kind: contains(truth.episodes.of(kind).spans, night.grid.onset_s)
        & contains(truth.episodes.of(kind).spans, night.grid.onset_s + 29.9)
        for kind in ("LEADOFF", "GAP")
    }
    flags = night.quality.flags
    assert (flags[inside["LEADOFF"]] & Flag.FLAT > 0).all()
    assert (flags[inside["GAP"]] & Flag.MISSING > 0).all()
    assert not night.quality.usable[inside["LEADOFF"] | inside["GAP"]].any()
    assert (flags & Flag.NOISE > 0).sum() > 5


def test_the_index_lies_between_0_and_1_and_is_unknown_without_signal() -> None:
    for name, changes in (("noisy", NOISY), ("short", {})):
        sqi = analysed(name, **changes).quality.sqi
        known = np.isfinite(sqi)
        assert sqi[known].min() >= 0
        assert sqi[known].max() <= 1
    assert analysed("short").quality.sqi.min() > 0.9


def test_a_saturated_stretch_is_called_saturated() -> None:
    ecg = np.array(simulated("clean", hours=0.1).recording.ecg)
    ecg[256 * 100 : 256 * 140] = 5.0
    flags = quality_of(recording_of(ecg, 256.0)).flags
    assert (flags[[3, 4]] & Flag.SATURATED > 0).all()
    assert not flags[[0, 1, 2, 5, 6]].any()


# --- beat files ------------------------------------------------------------------------------------


def test_a_hole_in_a_beat_file_is_unusable_and_a_pause_is_not() -> None:
    rr_s = np.full(300, 0.8)
    rr_s[100], rr_s[200] = 4.0, 60.0
    beats = beats_of_rr(rr_s)
    quality = quality_of(recording_of_beats(beats))
    assert quality.usable_spans.tolist() == [
        [0.0, pytest.approx(beats.time_s[200])],
        [pytest.approx(beats.time_s[201]), pytest.approx(beats.time_s[-1] + 1.0)],
    ]
    assert np.isnan(quality.sqi).all()
    assert set(quality.flags.tolist()) == {0, int(Flag.NO_BEATS)}


@pytest.mark.parametrize(("hole_s", "usable"), [(14.0, True), (15.0, True), (16.0, False)])
def test_an_epoch_is_usable_when_half_of_it_is(hole_s: float, usable: bool) -> None:
    time_s = np.r_[np.arange(1.0, 36), np.arange(35.0 + hole_s, 121)]
    quality = quality_of(recording_of_beats(Beats.at(time_s)))
    assert quality.usable.tolist()[:4] == [True, usable, True, True]
    assert quality.flags.tolist()[:4] == [0, Flag.NO_BEATS, 0, 0]


def test_beats_in_unusable_time_are_unusable() -> None:
    ecg = np.array(simulated("clean", hours=0.1).recording.ecg)
    ecg[256 * 100 : 256 * 140] += np.random.default_rng(0).normal(0, 2.0, 256 * 40)
    recording = recording_of(ecg, 256.0)
    beat_s = detected(recording).time_s
    usable = usable_beats(beat_s, quality_of(recording))
    inside = (beat_s >= 100) & (beat_s < 140)
    assert not usable[inside].any()
    assert usable[~inside].all()


# --- real strips -----------------------------------------------------------------------------------


@pytest.mark.realdata
def test_strips_called_normal_are_usable_and_strips_called_noisy_mostly_not(shared_data: Path) -> None:
    folder = shared_data / "cinc2017_validation"
    classes = dict(csv.reader((folder / "REFERENCE.csv").read_text().splitlines()))
    share: dict[str, list[float]] = {"N": [], "~": []}
    for name, kind in sorted(classes.items()):
        if kind in share and len(share[kind]) < 18:
            ecg = loadmat(folder / f"{name}.mat")["val"][0] / 1000  # 1000/mV
            recording = recording_of(ecg, 300.0)
            share[kind].append(duration(quality_of(recording).usable_spans) / recording.duration_s)
    # measured: 94 % of the time of 18 normal strips (96 % of all 107), 17 % of the time of 18 noisy ones
    assert len(share["~"]) == len(share["N"]) == 18
    assert np.mean(share["N"]) > 0.93
    assert np.mean(share["~"]) < 0.25


# --- pauses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("swing_mv", "n_pauses"), [(0.0, 1), (4.0, 0)])
def test_a_pause_in_which_the_lead_is_moved_is_not_told(swing_mv: float, n_pauses: int) -> None:
    truth = simulated("clean", hours=0.3, pauses=((0.15, 3.0),))
    pause = truth.episodes.of("PAUSE")
    ecg, fs = np.array(truth.recording.ecg), truth.recording.fs
    first, last = round((pause.start_s[0] + 0.6) * fs), round((pause.end_s[0] - 0.3) * fs)
    ecg[first:last] += swing_mv * np.hanning(last - first).astype(np.float32)
    night = analyze_night(truth.recording.but(ecg=ecg), RECIPE)
    assert len(night.episodes.of("PAUSE")) == n_pauses
