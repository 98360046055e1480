"""QRS, QT and T of averaged beats against planted lengths."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_beats import Made, beat_times, labelled, recorded
from made_nights import RECIPE, beats_of_rr, staged_night

from holter2sleep.errors import RecipeError
from holter2sleep.heart.morphology import (
    METHODS,
    NAMES,
    BeatMeasures,
    averaged_beat,
    first_marks,
    level_of,
    measure_beats,
    qtc_bazett,
    qtc_framingham,
    qtc_fridericia,
)
from holter2sleep.heart.morphology_average import AVERAGE_HZ, BEFORE_S, average_by_epoch
from holter2sleep.heart.morphology_marks import AveragedBeat, marks_by_area, marks_by_slope
from holter2sleep.night import Beats, Episodes, EpochBeats, EpochGrid, Recording
from holter2sleep.phenotypes.measures.signal import averaged_beat_measures
from holter2sleep.spans import Spans, as_spans

RULES = RECIPE.morphology
OWN = (marks_by_slope, marks_by_area)
DURATION_S = 180.0


def averages_of(recording: Recording, beats: Beats, af: Spans | None = None, usable: Spans | None = None) -> EpochBeats:
    spans = as_spans([(0.0, recording.duration_s)]) if usable is None else usable
    found = average_by_epoch(
        recording, EpochGrid.covering(recording.duration_s), beats, af_episodes(af), spans, RECIPE.averages
    )
    assert found is not None
    return found


def af_episodes(spans: Spans | None) -> Episodes:
    if spans is None:
        return Episodes.none()
    n = len(spans)
    return Episodes(spans[:, 0], spans[:, 1], np.full(n, "AFIB"), np.full(n, 9), np.full(n, 90.0), np.ones(n))


def measured(averages: EpochBeats) -> BeatMeasures:
    return measure_beats(averages, np.ones(len(averages.n_beats), bool), RULES)


def of_lead(made: Made, fs: float, noise_mv: float = 0.0, wander_mv: float = 0.0) -> BeatMeasures:
    beat_s = beat_times(DURATION_S, made.rr_s)
    return measured(averages_of(recorded(made, beat_s, DURATION_S, fs, noise_mv, wander_mv), labelled(beat_s)))


def number(found: BeatMeasures, name: str) -> float:
    value = found.values[name]
    assert value is not None
    assert np.isfinite(value), name
    return value


# --- formulas --------------------------------------------------------------------------------------


def test_every_correction_leaves_qt_as_it_is_at_sixty_beats_a_minute() -> None:
    for formula in (qtc_fridericia, qtc_bazett, qtc_framingham):
        assert formula(412.0, 1.0) == pytest.approx(412.0)


def test_corrections_are_those_worked_by_hand_at_an_rr_of_0_64_s() -> None:
    assert qtc_bazett(360.0, 0.64) == pytest.approx(450.0)  # / 0.8
    assert qtc_fridericia(360.0, 0.512) == pytest.approx(450.0)  # / 0.8
    assert qtc_framingham(360.0, 0.64) == pytest.approx(360 + 154 * 0.36)


def test_corrected_qt_is_that_of_the_mean_rr_of_the_beats_averaged() -> None:
    found = of_lead(Made(rr_s=0.8), 250.0)
    assert found.beat is not None
    assert found.beat.rr_s == pytest.approx(0.8, abs=0.001)
    assert number(found, "qtc_bazett") == pytest.approx(number(found, "qt") / np.sqrt(found.beat.rr_s))


# --- one averaged beat -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("polarity", [1, -1])
@pytest.mark.parametrize("wide", [0.8, 1.0, 1.3, 1.6])
@pytest.mark.parametrize("rr_s", [0.5, 0.6, 0.8, 1.0, 1.4])
def test_both_methods_find_the_planted_qrs_within_12_ms_and_qt_within_15(
    method, polarity: int, wide: float, rr_s: float
) -> None:
    made = Made(rr_s=rr_s, wide=wide, polarity=polarity)
    marks = method(made.averaged(), RULES.least_t_share)
    assert marks.qrs_ms == pytest.approx(made.qrs_ms, abs=12)
    assert marks.qt_ms == pytest.approx(made.qt_ms, abs=15)
    assert marks.t_mv == pytest.approx(polarity * 0.3, abs=0.02)


@pytest.mark.parametrize("rr_s", [0.5, 0.6, 0.8, 1.0, 1.4])
def test_tangent_meets_the_closed_form_of_a_raised_cosine(rr_s: float) -> None:
    made = Made(rr_s=rr_s)
    marks = marks_by_slope(made.averaged(), RULES.least_t_share)
    assert marks.t_end_s == pytest.approx(made.t_centre_s + made.t_half_s * (0.5 + 1 / np.pi), abs=0.003)


def test_tangent_of_a_gaussian_t_wave_ends_two_sigma_behind_its_summit() -> None:
    made = Made(t_mv=0.0)
    beat = made.averaged()
    time_s = (np.arange(len(beat.mv)) - beat.r_index) / beat.fs
    beat = dataclasses.replace(beat, mv=beat.mv + 0.4 * np.exp(-0.5 * ((time_s - 0.3) / 0.05) ** 2))
    assert marks_by_slope(beat, 0.05).t_end_s == pytest.approx(0.4, abs=0.003)


@pytest.mark.parametrize("method", OWN)
def test_long_qt_is_found_as_long(method) -> None:
    made = Made(qt_stretch=1.4)
    assert method(made.averaged(), 0.05).qt_ms == pytest.approx(made.qt_ms, abs=15)


@pytest.mark.parametrize("method", OWN)
def test_inverted_t_wave_has_a_negative_height_and_the_same_end(method) -> None:
    up, down = (method(Made(t_mv=height).averaged(), 0.05) for height in (0.3, -0.3))
    assert down.t_mv == pytest.approx(-up.t_mv, abs=0.01)
    assert down.t_end_s == pytest.approx(up.t_end_s, abs=0.01)


@pytest.mark.parametrize("method", OWN)
def test_flat_t_wave_has_no_end(method) -> None:
    marks = method(Made(t_mv=0.03).averaged(), 0.05)
    assert marks.qrs_ms is not None
    assert marks.qt_ms is None
    assert marks.t_mv is None


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("scale", [0.2, 5.0])
def test_scale_of_the_lead_moves_no_mark(method, scale: float) -> None:
    beat = Made().averaged()
    one, other = (method(b, 0.05) for b in (beat, dataclasses.replace(beat, mv=scale * beat.mv)))
    assert other.qrs_ms == one.qrs_ms
    assert other.qt_ms == pytest.approx(one.qt_ms, abs=0.1)
    assert other.t_mv == pytest.approx(scale * one.t_mv)


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("mv", [np.zeros(551), np.ones(551), np.linspace(0, 1, 551), np.r_[np.zeros(550), 1.0]])
def test_what_is_no_beat_has_no_qt_and_breaks_nothing(method, mv: np.ndarray) -> None:
    assert method(AveragedBeat(mv, 500.0, 175, 20, 1.0, False), 0.05).qt_ms is None


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("rr_s", [0.2, 0.3, 5.0])
def test_rates_of_no_sleeper_break_nothing(method, rr_s: float) -> None:
    method(Made(rr_s=rr_s).averaged(), 0.05)


def test_neurokit2_agrees_on_what_is_planted() -> None:
    pytest.importorskip("neurokit2")
    for made in (Made(), Made(polarity=-1), Made(rr_s=0.7), Made(wide=1.4)):
        marks = METHODS["neurokit2"](made.averaged(), 0.05)
        assert marks.qrs_ms == pytest.approx(made.qrs_ms, abs=20)
        assert marks.qt_ms == pytest.approx(made.qt_ms, abs=25)


def test_neurokit2_sees_nothing_in_a_flat_line() -> None:
    pytest.importorskip("neurokit2")
    marks = METHODS["neurokit2"](AveragedBeat(np.zeros(551), 500.0, 175, 20, 1.0, False), 0.05)
    assert marks.qt_ms is None


# --- from the lead ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fs", [100.0, 128.0, 250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("rr_s", [0.6, 1.0])
def test_intervals_are_those_planted_at_any_rate_of_sampling(fs: float, rr_s: float) -> None:
    made = Made(rr_s=rr_s)
    found = of_lead(made, fs, noise_mv=0.02, wander_mv=0.2)
    slack_ms = 2000 / fs  # two samples
    assert number(found, "qrs_duration") == pytest.approx(made.qrs_ms, abs=12 + slack_ms / 2)
    assert number(found, "qt") == pytest.approx(made.qt_ms, abs=10 + slack_ms)
    assert number(found, "t_amplitude") == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("noise_mv", [0.01, 0.05, 0.1])
def test_noise_is_averaged_out(noise_mv: float) -> None:
    made = Made()
    found = of_lead(made, 256.0, noise_mv=noise_mv, wander_mv=0.3)
    assert number(found, "qrs_duration") == pytest.approx(made.qrs_ms, abs=15)
    assert number(found, "qt") == pytest.approx(made.qt_ms, abs=15)


@pytest.mark.parametrize("made", [Made(polarity=-1), Made(t_mv=-0.25), Made(wide=1.6), Made(rr_s=1.3)])
def test_either_polarity_wide_complexes_and_slow_hearts_are_measured_from_a_noisy_lead(made: Made) -> None:
    found = of_lead(made, 256.0, noise_mv=0.03, wander_mv=0.2)
    assert number(found, "qrs_duration") == pytest.approx(made.qrs_ms, abs=15)
    assert number(found, "qt") == pytest.approx(made.qt_ms, abs=15)
    assert number(found, "t_amplitude") == pytest.approx(made.polarity * made.t_mv, abs=0.03)


def test_interval_holds_the_value_and_what_the_methods_say() -> None:
    found = of_lead(Made(), 256.0, noise_mv=0.03)
    for name in NAMES:
        low, high = found.intervals[name]
        assert low <= number(found, name) <= high
    for marks in found.marks.values():
        assert marks.qt_ms is not None
        assert found.intervals["qt"][0] <= marks.qt_ms <= found.intervals["qt"][1]


def test_methods_that_differ_by_more_than_the_recipe_allows_give_no_value() -> None:
    beat_s = beat_times(DURATION_S, 1.0)
    averages = averages_of(recorded(Made(), beat_s, DURATION_S, 256.0), labelled(beat_s))
    strict = dataclasses.replace(RULES, largest_qt_spread_ms=0.01)
    found = measure_beats(averages, np.ones(len(averages.n_beats), bool), strict)
    for name in ("qt", "qtc_fridericia", "qtc_bazett", "qtc_framingham"):
        assert np.isnan(found.values[name])
        assert name not in found.intervals
    assert number(found, "qrs_duration") > 0


def test_beats_given_a_little_off_are_aligned() -> None:
    made, beat_s = Made(), beat_times(DURATION_S, 1.0)
    recording = recorded(made, beat_s, DURATION_S, 250.0, noise_mv=0.02)
    off = beat_s + np.random.default_rng(3).uniform(-0.015, 0.015, len(beat_s))
    found = measured(averages_of(recording, labelled(off)))
    assert number(found, "qrs_duration") == pytest.approx(made.qrs_ms, abs=15)


def test_only_usable_beats_labelled_n_between_two_such_are_averaged() -> None:
    beat_s = beat_times(60.0, 1.0)
    label = np.full(len(beat_s), "N")
    label[20] = "V"
    usable = np.ones(len(beat_s), bool)
    usable[40] = False
    averages = averages_of(recorded(Made(), beat_s, 60.0, 250.0), labelled(beat_s, label).but(usable=usable))
    assert averages.n_beats.sum() == len(beat_s) - 1 - 3 - 2  # first beat; V and its neighbours; unusable and the next


def test_beats_of_another_shape_labelled_n_do_not_enter() -> None:
    beat_s = beat_times(DURATION_S, 1.0)
    plain, strange = (recorded(made, beat_s, DURATION_S, 250.0) for made in (Made(), Made(wide=1.6, polarity=-1)))
    assert plain.ecg is not None
    assert strange.ecg is not None
    ecg = np.array(plain.ecg)
    for at_s in beat_s[::7]:
        part = slice(int((at_s - 0.35) * 250), int((at_s + 0.6) * 250))
        ecg[part] = strange.ecg[part]
    averages = averages_of(plain.but(ecg=ecg), labelled(beat_s))
    assert averages.n_beats.sum() == pytest.approx(len(beat_s) * 6 / 7, abs=2)
    assert number(measured(averages), "qrs_duration") == pytest.approx(100, abs=12)


def test_one_spoilt_epoch_in_six_changes_little() -> None:
    beat_s = beat_times(DURATION_S, 1.0)
    recording = recorded(Made(), beat_s, DURATION_S, 250.0)
    assert recording.ecg is not None
    ecg = np.array(recording.ecg)
    t_waves = np.concatenate([np.arange(int((s + 0.2) * 250), int((s + 0.5) * 250)) for s in beat_s if 60 < s < 89])
    ecg[t_waves] += 0.5
    found = measured(averages_of(recording.but(ecg=ecg), labelled(beat_s)))
    assert found.beat is not None
    level = level_of(found.beat, found.marks["slope"])
    assert level[found.beat.r_index + 135] == pytest.approx(0.3, abs=0.02)


def test_beats_in_af_give_qt_but_no_corrected_qt() -> None:
    beat_s = beat_times(DURATION_S, 0.8)
    recording = recorded(Made(rr_s=0.8), beat_s, DURATION_S, 250.0)
    found = measured(averages_of(recording, labelled(beat_s), af=as_spans([(0.0, DURATION_S)])))
    assert number(found, "qt") > 0
    for name in ("qtc_fridericia", "qtc_bazett", "qtc_framingham"):
        assert found.values[name] is None
        assert name not in found.intervals


def test_beats_outside_af_are_taken_where_there_are_such() -> None:
    beat_s = beat_times(DURATION_S, 0.8)
    recording = recorded(Made(rr_s=0.8), beat_s, DURATION_S, 250.0)
    averages = averages_of(recording, labelled(beat_s), af=as_spans([(70.0, 160.0)]))
    assert averages.in_af.tolist() == [False, False, False, True, True, False]
    found = measured(averages)
    assert found.n_beats == averages.n_beats[[0, 1, 2, 5]].sum()
    assert number(found, "qtc_fridericia") > 0


def test_averaged_beat_is_the_planted_one() -> None:
    made, beat_s = Made(), beat_times(DURATION_S, 1.0)
    averages = averages_of(recorded(made, beat_s, DURATION_S, 500.0), labelled(beat_s))
    beat = averaged_beat(averages, np.arange(len(averages.n_beats)))
    truth = made.draw(np.arange(len(beat.mv)) / AVERAGE_HZ - BEFORE_S)
    inner = slice(50, 450)
    shift = np.median(beat.mv[inner] - truth[inner])
    assert np.abs(beat.mv[inner] - shift - truth[inner]).max() < 0.02


def test_holes_gaps_and_the_ends_of_the_lead_cost_beats_only() -> None:
    beat_s = beat_times(DURATION_S, 1.0)
    recording = recorded(Made(), beat_s, DURATION_S, 250.0)
    assert recording.ecg is not None
    ecg = np.array(recording.ecg)
    ecg[250 * 60 : 250 * 95] = np.nan
    averages = averages_of(recording.but(ecg=ecg), labelled(beat_s))
    assert averages.n_beats[2] == 0
    assert np.isnan(averages.mv[2]).all()
    assert number(measured(averages), "qt") == pytest.approx(Made().qt_ms, abs=12)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_beat_breaks_nothing(n: int) -> None:
    beat_s = beat_times(60.0, 1.0)[:n]
    averages = averages_of(recorded(Made(), beat_s, 60.0, 250.0), labelled(beat_s))
    assert averages.n_beats.sum() == max(0, n - 1)
    found = measured(averages)
    assert found.n_beats == max(0, n - 1)
    assert (first_marks(averages, np.ones(2, bool), RULES) is None) == (n < 2)


def test_lead_without_variation_breaks_nothing() -> None:
    beat_s = beat_times(60.0, 1.0)
    recording = recorded(Made(), beat_s, 60.0, 250.0)
    averages = averages_of(recording.but(ecg=np.zeros(15000)), labelled(beat_s))
    assert np.isnan(measured(averages).values["qt"])


def test_unknown_method_is_refused_with_the_nearest() -> None:
    beat_s = beat_times(60.0, 1.0)
    averages = averages_of(recorded(Made(), beat_s, 60.0, 250.0), labelled(beat_s))
    for ask in (measure_beats, first_marks):
        with pytest.raises(RecipeError, match=r"unknown method 'neurokit'; did you mean 'neurokit2'"):
            ask(averages, np.ones(2, bool), dataclasses.replace(RULES, methods=("neurokit",)))


def test_recording_of_beats_has_no_averaged_beat() -> None:
    beats = labelled(beat_times(60.0, 1.0))
    recording = Recording("made", recorded(Made(), beats.time_s, 60.0, 250.0).source, 60.0, None, given_beats=beats)
    spans = as_spans([(0.0, 60.0)])
    grid = EpochGrid.covering(60.0)
    assert average_by_epoch(recording, grid, beats, Episodes.none(), spans, RECIPE.averages) is None


def test_an_averaged_beat_rests_on_its_beats_and_the_time_between_them() -> None:
    night = staged_night(beats_of_rr(np.ones(298), start_s=0.5))  # ten epochs
    beat = Made(rr_s=0.9).averaged()
    n_beats = np.r_[0, np.full(9, 30)]
    mv = np.where(n_beats[:, None] > 0, beat.mv, np.nan)
    averages = EpochBeats(mv, beat.fs, beat.r_index, n_beats, np.where(n_beats > 0, 0.9, np.nan), np.zeros(10, bool))
    made = dataclasses.replace(night, averages=averages)
    found = averaged_beat_measures(made, made, RECIPE)
    assert (found.n, found.coverage_s) == (270, pytest.approx(270 * 0.9))
    assert found.values["qt"] == pytest.approx(Made(rr_s=0.9).qt_ms, abs=5)
    assert found.values["st_level"] is None
    nothing = dataclasses.replace(averages, n_beats=np.zeros(10, int))
    made = dataclasses.replace(night, averages=nothing)
    found = averaged_beat_measures(made, made, RECIPE)
    assert (found.n, found.coverage_s) == (0, 0.0)
