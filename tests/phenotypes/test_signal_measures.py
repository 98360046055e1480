"""Quality, heights and averaged beats of a part, on epochs one can count."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, beats_of_rr, recording_of, staged_night

from holter2sleep.night import Flag, Night, Quality
from holter2sleep.phenotypes.measures.signal import averaged_beat_measures, morphology_measures, quality_measures
from holter2sleep.spans import as_spans


def ten_epochs() -> Night:
    """A beat a second for five minutes."""
    return staged_night(beats_of_rr(np.ones(298), start_s=0.5))


def test_quality_is_counted_in_epochs_and_time_in_hours() -> None:
    night = ten_epochs()
    flags = [Flag.MISSING, Flag.FLAT, Flag.SATURATED, Flag.NOISE, Flag.NO_BEATS, Flag.NOISE | Flag.FLAT, 0, 0, 0, 0]
    sqi = np.r_[np.nan, 0.0, np.full(8, 0.9)]
    quality = Quality(flags, sqi, np.ones(10, bool), as_spans([(60.0, 240.0)]))
    made = dataclasses.replace(night, quality=quality, recording=recording_of(np.zeros(2500), 10.0))
    found = quality_measures(made, made, RECIPE)
    duration_s = night.recording.duration_s
    assert found.values == pytest.approx(
        {
            "recorded_time": duration_s / 3600,
            "analysable_time": 0.05,
            "analysable_share": 100 * 180 / duration_s,
            "sqi_mean": 0.8,  # of the nine that have one
            "lead_off_share": 40.0,
            "noise_share": 20.0,
        }
    )
    assert (found.n, found.coverage_s) == (10, duration_s)


def test_beats_without_waveform_have_no_signal_quality() -> None:
    night = ten_epochs()
    assert quality_measures(night, night, RECIPE).values["sqi_mean"] is None


def test_the_height_is_the_median_of_usable_normal_beats() -> None:
    beats = beats_of_rr(np.ones(5), "NNNNVN").but(
        amplitude_mv=[1.0, 2.0, np.nan, 9.0, 7.0, 4.0], usable=[True, True, True, False, True, True]
    )
    found = morphology_measures(staged_night(beats), staged_night(beats), RECIPE)
    assert (found.values["r_amplitude"], found.n) == (2.0, 3)
    none = staged_night(beats_of_rr(np.ones(5)))  # a beat file knows no height
    assert np.isnan(morphology_measures(none, none, RECIPE).values["r_amplitude"])


def test_beats_without_waveform_have_no_averaged_beat() -> None:
    night = ten_epochs()
    found = averaged_beat_measures(night, night, RECIPE)
    assert (found.n, found.coverage_s) == (0, 0.0)
    assert set(found.values.values()) == {None}
