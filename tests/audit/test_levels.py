"""Levels of a lead: its ends, an electrode that is off, and the steps between its values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holter2sleep.audit.facts import Scale
from holter2sleep.audit.judge import scale_findings, signal_findings
from holter2sleep.audit.levels import value_step_mv
from holter2sleep.audit.looked import look
from holter2sleep.audit.measures import SignalFigures, signal_figures
from holter2sleep.io import read_recording
from tests.made_nights import RECIPE, recording_of, simulated

FS_HZ = 256.0


def lead(name: str = "clean") -> np.ndarray:
    """Half an hour of a lead; noise of 1 uV keeps even the cleanest from standing still."""
    ecg = np.array(simulated(name, hours=0.5).recording.ecg[:])
    return (ecg + np.random.default_rng(0).normal(0, 0.001, len(ecg))).astype(np.float32)


def figures(ecg: np.ndarray, range_mv: tuple[float, float] | None = None) -> SignalFigures:
    recording = recording_of(ecg, FS_HZ)
    return signal_figures(recording, look(recording, RECIPE), range_mv)


def told(signal: SignalFigures, scale: Scale) -> dict[str, str]:
    found = [*scale_findings(scale, signal), *signal_findings(signal, scale, signal.looked_s, 0.0)]
    return {one.id: one.found for one in found}


# --- an electrode that is off ----------------------------------------------------------------------


@pytest.mark.parametrize("noise_mv", [0.002, 0.004])
def test_a_lead_that_is_off_with_a_little_noise_is_told_as_off_and_not_as_noise(noise_mv: float) -> None:
    ecg = lead()
    n = len(ecg) // 3
    ecg[:n] = np.random.default_rng(1).normal(0, noise_mv, n)
    signal = figures(ecg)
    assert signal.quiet_share == pytest.approx(1 / 3, abs=0.02)
    assert signal.noise_share < 0.02
    found = told(signal, Scale())
    assert "noise" not in found
    assert found["lead_off"].startswith("33% of the time flat (of it 33% with a little noise")


def test_a_recording_of_a_loose_lead_alone_is_told_as_off() -> None:
    signal = figures(np.random.default_rng(1).normal(0, 0.003, round(900 * FS_HZ)))
    assert signal.quiet_share == pytest.approx(1.0, abs=0.05)
    assert "lead_off" in told(signal, Scale())


@pytest.mark.parametrize("noise_mv", [0.1, 0.5])
def test_loud_noise_is_no_lead_that_is_off(noise_mv: float) -> None:
    ecg = lead()
    n = len(ecg) // 3
    ecg[:n] = np.random.default_rng(1).normal(0, noise_mv, n)
    assert figures(ecg).quiet_share == 0


@pytest.mark.parametrize("name", ["clean", "healthy", "noisy"])
@pytest.mark.parametrize("factor", [1.0, 0.05, 0.001])
def test_a_lead_with_beats_is_on_however_small_its_numbers(name: str, factor: float) -> None:
    assert figures(lead(name) * np.float32(factor)).quiet_share == 0


# --- the ends of the range -------------------------------------------------------------------------


@pytest.mark.parametrize("level_mv", [0.0, 0.2, -0.9])
def test_a_lead_that_stands_still_within_its_range_is_not_saturated(level_mv: float) -> None:
    ecg = lead()
    ecg[: len(ecg) // 4] = level_mv
    signal = figures(ecg, (-5.0, 5.0))
    assert signal.saturated_share == 0
    assert signal.flat_share == pytest.approx(0.25, abs=0.01)
    assert "saturated" not in told(signal, Scale())
    assert figures(np.full(round(900 * FS_HZ), level_mv)).saturated_share == 0


def test_a_lead_that_stands_still_at_the_end_in_the_header_is_saturated() -> None:
    ecg = lead()
    ecg[: len(ecg) // 4] = -5.0
    assert figures(ecg, (-5.0, 5.0)).saturated_share == pytest.approx(0.25, abs=0.01)
    assert figures(ecg).saturated_share == 0, "without a header nothing says that this is an end"


def test_an_end_of_the_range_at_which_waves_are_cut_off_needs_no_header() -> None:
    ecg = np.clip(lead() * 3, -2.0, 2.0)
    ecg[: len(ecg) // 4] = 2.0
    assert figures(ecg).saturated_share == pytest.approx(0.25, abs=0.02)


# --- resolution ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step_uv", "expected"), [(1.0, set()), (8.0, {"scale_steps"}), (40.0, {"scale_coarse"})])
def test_steps_of_several_counts_are_told(step_uv: float, expected: set[str]) -> None:
    ecg = (np.round(lead("healthy") / (step_uv / 1000)) * (step_uv / 1000)).astype(np.float32)
    signal = figures(ecg)
    assert signal.step_uv == pytest.approx(step_uv, rel=0.01)
    found = told(signal, Scale("mV", 1.0, 1.0, None, 1.0))
    assert set(found) & {"scale_steps", "scale_coarse"} == expected
    assert "scale_steps" not in told(signal, Scale()), "without a count nothing is coarser than one"


@pytest.mark.parametrize("samples", [[], [0.0] * 50, [np.nan] * 50, np.random.default_rng(0).standard_normal(500)])
def test_without_a_grid_of_values_there_is_no_step(samples: np.ndarray) -> None:
    assert value_step_mv([np.asarray(samples, np.float32)]) is None
    assert value_step_mv([]) is None


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "step_uv"), [("mitdb/100", 5.0), ("cinc2017_validation/A00001", 1.0)])
def test_the_step_of_real_recordings_is_that_of_their_header(shared_data: Path, name: str, step_uv: float) -> None:
    ecg = read_recording(shared_data / f"{name}.hea").ecg
    assert ecg is not None
    assert value_step_mv([ecg[:]]) == pytest.approx(step_uv / 1000, rel=1e-3)
