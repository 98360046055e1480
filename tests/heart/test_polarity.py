"""A lead is turned the right way up, also where it was turned over within the night; the user may force it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from made_nights import RECIPE, analysed, detected, recording_of, simulated

from holter2sleep.analyze import Given, Polarity, analyze_night
from holter2sleep.heart.polarity import is_swapped, opposite_spans, turned_within
from holter2sleep.io import read_recording
from holter2sleep.night import Night, Recording
from holter2sleep.spans import as_spans

HOUR = {"hours": 1.0, "pvc_per_hour": 60.0}


def swapped(*cuts: tuple[float, float], sign: int = 1) -> Recording:
    """An hour that is upside down in the given shares of it."""
    recording = simulated("short", **HOUR).recording
    ecg = sign * np.array(recording.ecg)
    for first, last in cuts:
        ecg[round(first * len(ecg)) : round(last * len(ecg))] *= -1
    return recording.but(ecg=ecg)


def told(night: Night) -> list[str]:
    return [warning for warning in night.warnings if "points the other way" in warning]


@cache
def plain() -> Night:
    return analysed("short", **HOUR)


@pytest.mark.parametrize("cuts", [((0.3, 0.75),), ((0.0, 0.2),), ((0.1, 0.3), (0.6, 1.0)), ((0.2, 0.9),)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_swap_within_the_night_changes_no_beat_and_no_class(cuts: tuple[tuple[float, float], ...], sign: int) -> None:
    found = analyze_night(swapped(*cuts, sign=sign), RECIPE)
    truth = analysed("short", **HOUR) if found.recording.polarity == 1 else _upside_down()
    assert len(found.beats) == len(truth.beats)
    n_borders = sum((first > 0) + (last < 1) for first, last in cuts)
    # the beat astride a swap, or an extrasystole beside it, may be counted to the other side
    assert (np.abs(found.beats.time_s - truth.beats.time_s) > 0.005).sum() <= n_borders
    assert (found.beats.label != truth.beats.label).sum() <= n_borders
    assert (found.hypnogram.stage != truth.hypnogram.stage).sum() <= n_borders
    assert len(told(found)) == 1


@cache
def _upside_down() -> Night:
    """The same hour with the lead upside down throughout: turned upright, as the one above is."""
    return analyze_night(swapped(sign=-1), RECIPE)


def test_the_times_of_the_swap_are_those_planted() -> None:
    recording = swapped((0.3, 0.75))
    spans = opposite_spans(recording, detected(recording).time_s, RECIPE.polarity)
    np.testing.assert_allclose(spans, [[1080.0, 2700.0]], atol=1.5)
    (warning,) = told(analyze_night(recording, RECIPE))
    assert "in 1 stretches (10" in warning
    assert "turned over there" in warning


def test_a_lead_that_keeps_its_way_has_no_swap() -> None:
    for recording in (simulated("short", **HOUR).recording, swapped(sign=-1)):
        assert len(opposite_spans(recording, detected(recording).time_s, RECIPE.polarity)) == 0
    assert not told(plain())


def test_a_short_swap_alone_is_told_but_not_believed() -> None:
    recording = swapped((0.4, 0.45))  # 3 min
    spans = opposite_spans(recording, detected(recording).time_s, RECIPE.polarity)
    np.testing.assert_allclose(spans, [[1440.0, 1620.0]], atol=1.5)
    assert not is_swapped(spans, RECIPE.polarity)
    (warning,) = told(analyze_night(recording, RECIPE))
    assert "too short for a swapped electrode" in warning


@pytest.mark.parametrize("preset", ["short", "noisy"])
def test_a_lead_turned_over_gives_the_same_night(preset: str) -> None:
    """Beats, classes and usable time; `r_amplitude` is the height of the upright lead."""
    recording = simulated(preset, hours=0.5).recording
    upright, over = (analyze_night(recording.but(ecg=sign * np.array(recording.ecg)), RECIPE) for sign in (1, -1))
    np.testing.assert_array_equal(over.beats.time_s, upright.beats.time_s)
    np.testing.assert_array_equal(over.beats.label, upright.beats.label)
    np.testing.assert_array_equal(over.quality.usable_spans, upright.quality.usable_spans)


def test_another_axis_of_the_heart_is_no_swap() -> None:
    """From tall R to deep S, as lying on the other side does: the order of the waves stays, R before S."""
    fs, beat_s = 250.0, np.arange(0.5, 3600.0, 0.9)
    time_s = np.arange(round(3600 * fs)) / fs
    phase = (time_s - 0.5 + 0.45) % 0.9 - 0.45

    def waves(r_mv: float, s_mv: float) -> np.ndarray:
        r, s = np.exp(-0.5 * (phase / 0.012) ** 2), np.exp(-0.5 * ((phase - 0.04) / 0.012) ** 2)
        return r_mv * r - s_mv * s + 0.25 * np.exp(-0.5 * ((phase - 0.3) / 0.05) ** 2)

    ecg = np.where(time_s < 2000, waves(1.0, 0.4), waves(0.4, 1.0)) + np.random.default_rng(0).normal(
        0, 0.01, len(time_s)
    )
    assert len(opposite_spans(recording_of(ecg, fs), beat_s, RECIPE.polarity)) == 0


def test_only_the_samples_inside_the_spans_are_turned() -> None:
    recording = recording_of(np.arange(1000.0), 100.0)
    turned = turned_within(recording, as_spans([(1.0, 2.0), (9.5, 20.0)]))
    expected = np.arange(1000.0)
    expected[100:200] *= -1
    expected[950:] *= -1
    assert turned.ecg is not None
    np.testing.assert_array_equal(turned.ecg[:], expected)
    np.testing.assert_array_equal(turned.ecg[150:960], expected[150:960])
    assert recording.ecg is not None
    np.testing.assert_array_equal(recording.ecg[:], np.arange(1000.0))


@pytest.mark.parametrize(
    ("sign", "polarity", "reported"),
    [(1, "upright", 1), (-1, "upright", 1), (1, "inverted", -1), (-1, "inverted", -1), (-1, "auto", -1)],
)
def test_the_user_may_force_the_way_up(sign: int, polarity: Polarity, reported: int) -> None:
    recording = swapped(sign=sign)
    night = analyze_night(recording, RECIPE, Given(polarity=polarity))
    assert night.recording.polarity == reported
    points_up = bool(np.median(night.beats.amplitude_mv) > 0)
    assert points_up == (sign * reported == 1)
    assert any(f"--polarity {polarity}" in warning for warning in night.warnings) == (polarity != "auto")


def test_a_forced_lead_is_not_turned_in_parts_but_told() -> None:
    recording = swapped((0.3, 0.75))
    night = analyze_night(recording, RECIPE, Given(polarity="upright"))
    (warning,) = told(night)
    assert "left as it is" in warning
    np.testing.assert_array_equal(np.asarray(night.recording.ecg), np.asarray(recording.ecg))


def test_recordings_without_waveform_or_with_few_beats_have_no_swap() -> None:
    beats = plain().beats
    assert len(opposite_spans(recording_of(np.zeros(5000)), beats.time_s[:10], RECIPE.polarity)) == 0


def test_no_real_arrhythmia_record_is_called_swapped(shared_data) -> None:  # type: ignore[no-untyped-def]
    for record in sorted((shared_data / "mitdb").glob("2*.hea"))[::2]:
        recording = read_recording(record)
        spans = opposite_spans(recording, detected(recording).time_s, RECIPE.polarity)
        assert not is_swapped(spans, RECIPE.polarity), record.name


def test_real_records_turned_over_give_the_same_beats(shared_data) -> None:  # type: ignore[no-untyped-def]
    for name in ("207", "208", "119", "231"):
        recording = read_recording(shared_data / "mitdb" / f"{name}.hea")
        upright, over = (analyze_night(recording.but(ecg=sign * np.array(recording.ecg)), RECIPE) for sign in (1, -1))
        np.testing.assert_array_equal(over.beats.label, upright.beats.label, err_msg=name)
        np.testing.assert_array_equal(over.quality.usable_spans, upright.quality.usable_spans, err_msg=name)
