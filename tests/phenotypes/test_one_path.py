"""The one path, from a recording to a night: what it refuses, what it warns of, what the user may bring."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from made_nights import RECIPE, analysed, beats_of_rr, recording_of, recording_of_beats, simulated

from holter2sleep.analyze import Given, analyze_night
from holter2sleep.errors import NotEnoughSignal
from holter2sleep.night import Beats, Lights, Recording


def cut(seconds: float) -> Recording:
    """The first seconds of a clean recording."""
    ecg = simulated("clean", hours=0.2).recording.ecg
    assert ecg is not None
    return recording_of(ecg[: round(256 * seconds)], 256.0)


@pytest.mark.parametrize("seconds", [1.0, 60.0, 118.0])
def test_under_two_analysable_minutes_there_is_no_night(seconds: float) -> None:
    with pytest.raises(NotEnoughSignal, match=r"'made\.edf': \d+ s analysable .* at least 120 s .*--channel"):
        analyze_night(cut(seconds), RECIPE)


def test_between_two_and_five_minutes_there_is_a_night_with_a_warning() -> None:
    assert any("only 180 s analysable" in warning for warning in analyze_night(cut(180), RECIPE).warnings)
    assert not any("analysable" in warning for warning in analyze_night(cut(400), RECIPE).warnings)


@pytest.mark.parametrize("ecg", [np.zeros(250 * 600), np.full(250 * 600, np.nan)])
def test_a_lead_that_was_never_on_is_refused(ecg: np.ndarray) -> None:
    with pytest.raises(NotEnoughSignal, match=r"0 s analysable of 600 s \(0 beats\)"):
        analyze_night(recording_of(ecg), RECIPE)


def test_a_beat_file_with_a_handful_of_beats_is_refused() -> None:
    with pytest.raises(NotEnoughSignal):
        analyze_night(recording_of_beats(beats_of_rr(np.full(60, 0.9))), RECIPE)


def test_given_beats_replace_the_detected_ones_and_keep_their_classes() -> None:
    truth = simulated("ectopy", hours=0.5)
    seen = truth.beats.where(truth.beats.usable)
    night = analyze_night(truth.recording.but(given_beats=seen), RECIPE)
    np.testing.assert_array_equal(night.beats.time_s, seen.time_s)
    np.testing.assert_array_equal(night.beats.label, seen.label)


def test_given_beats_without_classes_are_classified_by_the_waveform() -> None:
    truth = simulated("ectopy", hours=0.5)
    seen = truth.beats.where(truth.beats.usable)
    bare = truth.recording.but(given_beats=Beats.at(seen.time_s), beats_classified=False)
    found = analyze_night(bare, RECIPE).beats
    assert (found.label == "V").sum() == pytest.approx((seen.label == "V").sum(), rel=0.05)


def test_lights_are_those_of_the_user_else_the_whole_recording() -> None:
    recording = simulated("short").recording
    assert analysed("short").lights == Lights(0.0, 1200.0, "recording")
    told = Lights(60.0, 1100.0, "option")
    assert analyze_night(recording, RECIPE, Given(lights=told)).lights == told


def test_each_step_is_announced_once_and_in_order() -> None:
    steps: list[str] = []

    def announce(name: str) -> nullcontext[None]:
        steps.append(name)
        return nullcontext()

    analyze_night(simulated("short").recording, RECIPE, step=announce)
    assert steps == ["beats", "quality", "rhythm", "averaged beats", "variability", "breathing", "sleep stages"]


def test_the_same_recording_gives_the_same_night() -> None:
    one, again = analysed("short"), analyze_night(simulated("short").recording, RECIPE)
    for name in ("time_s", "label", "confidence", "usable", "amplitude_mv"):
        np.testing.assert_array_equal(getattr(one.beats, name), getattr(again.beats, name))
    np.testing.assert_array_equal(one.hypnogram.stage, again.hypnogram.stage)


def test_the_recording_handed_in_is_not_changed() -> None:
    recording = simulated("short", polarity=-1).recording
    assert recording.ecg is not None
    before = np.array(recording.ecg)
    night = analyze_night(recording, RECIPE)
    assert night.recording.polarity == -1
    assert recording.polarity == 1
    np.testing.assert_array_equal(recording.ecg, before)
