"""A long recording cut into its nights: the same samples, beats and gaps, on the night's own time."""

from __future__ import annotations

from datetime import datetime, time

import numpy as np
import pytest
from long_recordings import days_of_beats
from made_nights import RECIPE, recording_of, recording_of_beats, simulated

from holter2sleep.clock import NO_DATE
from holter2sleep.night import Recording
from holter2sleep.sleep.periods import Period
from holter2sleep.split import Part, cut_night, find_nights
from holter2sleep.waveform import Waveform

PERIOD = Period(1200.0, 2400.0, 0.9, 60.0, 80.0, 1.0)


def part(start_s: float, end_s: float) -> Part:
    return Part("made", 2, PERIOD, start_s, end_s)


@pytest.mark.parametrize("fs", [128.0, 249.9, 62.5])
def test_a_cut_changes_no_sample_and_no_time(fs: float) -> None:
    ecg = np.random.default_rng(0).normal(size=round(3600 * fs)).astype(np.float32)
    gaps = [(600.0, 700.0), (1000.0, 1100.0), (2890.0, 3000.0)]
    whole = recording_of(ecg, fs, gaps=gaps, start=datetime(2024, 3, 1, 23, 50))
    night = cut_night(whole, part(round(650 * fs) / fs, round(2900 * fs) / fs))
    first = round(650 * fs)
    np.testing.assert_array_equal(np.asarray(night.ecg), ecg[first : round(2900 * fs)])
    assert night.duration_s == pytest.approx(len(night.ecg) / fs)  # type: ignore[arg-type]
    shifted = np.array([[0.0, 50.0], [350.0, 450.0], [2240.0, 2250.0]])
    np.testing.assert_allclose(night.gaps, shifted, atol=1.5 / fs)
    assert night.start is not None
    assert abs((night.start - datetime(2024, 3, 2, 0, 0, 50)).total_seconds()) < 1 / fs
    assert night.recording_id == "made_night02"
    assert night.subject == whole.subject
    assert "night 2 of a longer recording" in night.warnings[-1]


def test_given_beats_move_with_the_night() -> None:
    beats = days_of_beats(1.0, ())
    night = cut_night(recording_of_beats(beats), part(600.0, 1800.0))
    inside = beats.time_s[(beats.time_s >= 600) & (beats.time_s <= 1800)]
    assert night.given_beats is not None
    np.testing.assert_allclose(night.given_beats.time_s + 600.0, inside)
    assert night.duration_s == 1200.0


def test_the_lights_of_a_night_are_its_period_on_its_own_time() -> None:
    lights = part(600.0, 4200.0).lights
    assert (lights.off_s, lights.on_s, lights.source) == (600.0, 1800.0, "detected")


@pytest.mark.parametrize("start", [None, datetime.combine(NO_DATE, time(23, 0))])
def test_a_night_without_clock_or_date_gets_none(start: datetime | None) -> None:
    night = cut_night(recording_of_beats(days_of_beats(3.0, ()), start=start), part(7200.0, 9000.0))
    assert night.start == (None if start is None else datetime.combine(NO_DATE, time(1, 0)))


def tiled(hours: float, asleep: tuple[float, float], fs: float = 128.0) -> Recording:
    """Two synthetic stretches laid one after another: awake at 78 a minute, asleep at 56."""
    how = {"hours": 0.5, "fs": fs}
    day = np.asarray(simulated("healthy", heart_rate_bpm=78.0, bursts_per_hour=20.0, **how).recording.ecg)
    night = np.asarray(simulated("healthy", heart_rate_bpm=56.0, awakenings_per_hour=0.0, **how).recording.ecg)

    def read(first: int, last: int) -> np.ndarray:
        sample = np.arange(first, last)
        sleeping = (sample >= asleep[0] * 3600 * fs) & (sample < asleep[1] * 3600 * fs)
        return np.where(sleeping, night[sample % len(night)], day[sample % len(day)])

    n_samples = round(hours * 3600 * fs)
    return recording_of(np.zeros(1), fs).but(ecg=Waveform(n_samples, read), duration_s=n_samples / fs)


def test_the_night_in_a_waveform_is_found_and_cut_with_its_margins() -> None:
    whole = tiled(20.0, (8.0, 15.0))
    (night,), doubts = find_nights(whole, RECIPE)
    assert doubts == ()
    assert night.period.start_s / 3600 == pytest.approx(8.0, abs=0.25)
    assert night.period.end_s / 3600 == pytest.approx(15.0, abs=0.25)
    assert night.start_s == night.period.start_s - 1800
    cut = cut_night(whole, night)
    assert cut.ecg is not None
    assert whole.ecg is not None
    np.testing.assert_array_equal(cut.ecg[1000:2000], whole.ecg[round(night.start_s * 128) + 1000 :][:1000])
