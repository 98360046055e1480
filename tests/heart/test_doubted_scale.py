"""An R wave that no heart makes is told, with the factor that would make it one; nothing is rescaled."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import RECIPE, analysed, recording_of, simulated

from holter2sleep.analyze import analyze_night
from holter2sleep.errors import NotEnoughSignal
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.scale import doubt_scale, typical_r_mv
from holter2sleep.night import Beats, Flag, Night


@pytest.mark.parametrize("r_mv", [0.2, 0.5, 1.0, 5.0])
def test_the_r_waves_of_a_heart_are_not_doubted(r_mv: float) -> None:
    assert doubt_scale(r_mv, "mV", 1.0) is None


def test_nothing_known_is_not_doubted() -> None:
    assert doubt_scale(None) is None
    assert typical_r_mv(Beats.at([1.0, 2.0])) is None


@pytest.mark.parametrize(
    ("r_mv", "factor"),
    [(0.001, 1e3), (0.005, 1e3), (0.02, 100.0), (0.05, 10.0), (200.0, 1e-3), (1000.0, 1e-3), (112.0, 1e-3),
     (30.0, 0.1), (1e6, 1e-6), (1e-6, 1e6), (1e-9, 1e9)],
)  # fmt: skip
def test_the_factor_is_a_confusion_of_units_else_the_nearest_power_of_ten(r_mv: float, factor: float) -> None:
    doubt = doubt_scale(r_mv, "mV", 1.0)
    assert doubt is not None
    assert doubt.factor == pytest.approx(factor)
    assert 0.1 <= r_mv * factor <= 10
    assert "not rescaled" in doubt.text


def test_the_warning_names_both_values_and_the_option() -> None:
    doubt = doubt_scale(1100.0, "mV", 1.0)
    assert doubt is not None
    assert doubt.text == (
        "R waves of 1,100 mV (expected 0.2 to 5 mV): the unit in the file is 'mV' and may be wrong by a factor of "
        "0.001, which would give 1.1 mV; not rescaled (--unit uV applies it)"
    )
    assert "--unit" not in doubt_scale(0.02, "mV", 1.0).text  # type: ignore[union-attr]
    assert "the file gives no unit" in doubt_scale(0.002, " ", None).text  # type: ignore[union-attr]


@pytest.mark.parametrize(("r_mv", "size"), [(0.12, "low"), (7.0, "high")])
def test_a_height_that_may_be_true_is_told_without_a_factor(r_mv: float, size: str) -> None:
    doubt = doubt_scale(r_mv, "mV", 1.0)
    assert doubt is not None
    assert doubt.factor is None
    assert f"{size} amplitude, or wrong unit" in doubt.text


def test_unusable_beats_do_not_count() -> None:
    beats = Beats.at([1.0, 2.0, 3.0]).but(
        amplitude_mv=np.array([1.0, 90.0, 90.0], np.float32), usable=np.array([True, False, False])
    )
    assert typical_r_mv(beats) == 1.0
    assert typical_r_mv(beats.but(usable=np.zeros(3, bool))) == 90.0


# --- whole nights in a wrong unit ------------------------------------------------------------------

PLAN = {"pvc_per_hour": 60.0, "lead_off": ((0.4, 60.0),)}


def scaled(factor: float) -> Night:
    recording = simulated("short", **PLAN).recording
    assert recording.ecg is not None
    return analyze_night(recording.but(ecg=np.float32(factor) * np.asarray(recording.ecg)), RECIPE)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_a_night_in_a_wrong_unit_has_the_beats_and_stages_of_the_right_one(factor: float) -> None:
    right, wrong = analysed("short", **PLAN), scaled(factor)
    np.testing.assert_allclose(wrong.beats.time_s, right.beats.time_s, atol=1e-6)
    assert wrong.beats.label.tolist() == right.beats.label.tolist()
    assert wrong.beats.usable.tolist() == right.beats.usable.tolist()
    assert wrong.hypnogram.stage.tolist() == right.hypnogram.stage.tolist()
    assert wrong.quality.flags.tolist() == right.quality.flags.tolist()
    assert (wrong.quality.flags & Flag.FLAT).any()  # the lead that was off is flat in any unit
    np.testing.assert_allclose(wrong.beats.amplitude_mv, factor * right.beats.amplitude_mv, rtol=1e-4)
    scale = wrong.recording.source.scale_to_mv
    assert wrong.recording.source.proposed_scale_to_mv == pytest.approx(scale / factor)  # type: ignore[operator]
    assert sum("R waves of" in warning for warning in wrong.warnings) == 1
    assert right.recording.source.proposed_scale_to_mv is None
    assert not any("R waves of" in warning for warning in right.warnings)


@pytest.mark.parametrize("noise_mv", [1e-4, 1e-3])
def test_a_lead_that_is_not_connected_stays_flat_whatever_its_noise(noise_mv: float) -> None:
    noise = np.random.default_rng(0).normal(0, noise_mv, 250 * 900)
    recording = recording_of(noise)
    assert (find_faults(recording, RECIPE.faults).flags == Flag.FLAT).all()
    with pytest.raises(NotEnoughSignal):
        analyze_night(recording, RECIPE)


def test_a_lead_that_is_off_most_of_the_night_is_flat_while_off() -> None:
    recording = simulated("short").recording
    ecg = np.array(recording.ecg)
    off = slice(0, len(ecg) * 3 // 4)
    ecg[off] = np.random.default_rng(0).normal(0, 1e-3, off.stop)
    faults = find_faults(recording.but(ecg=ecg), RECIPE.faults)
    n_off = int(off.stop / simulated("short").plan.fs)
    assert (faults.flags[:n_off] == Flag.FLAT).all()
    assert not (faults.flags[n_off + 1 :] & Flag.FLAT).any()


def test_the_threshold_is_that_of_the_recipe_for_a_lead_in_the_right_unit() -> None:
    recording = simulated("short", **PLAN).recording
    loose = dataclasses.replace(RECIPE.faults, flat_share=1.0)
    np.testing.assert_array_equal(find_faults(recording, loose).flags, find_faults(recording, RECIPE.faults).flags)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_the_small_noise_of_a_lead_that_is_off_is_flat_in_any_unit(factor: float) -> None:
    recording = simulated("short").recording
    ecg = np.array(recording.ecg)
    fs = round(simulated("short").plan.fs)
    ecg[100 * fs : 160 * fs] = np.random.default_rng(0).normal(0, 1e-3, 60 * fs)
    flags = find_faults(recording.but(ecg=factor * ecg), RECIPE.faults).flags
    assert np.flatnonzero(flags & Flag.FLAT).tolist() == list(range(100, 160))
