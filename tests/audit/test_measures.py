"""Figures of the signal against what was planted in it."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.audit.facts import Scale
from holter2sleep.audit.judge import scale_findings
from holter2sleep.audit.looked import N_STRETCHES, STRETCH_S, estimated, look, looked_s, spread, usable_s
from holter2sleep.audit.measures import beat_figures, directions, signal_figures, turns
from holter2sleep.night import Recording
from holter2sleep.spans import as_spans, duration
from tests.made_nights import RECIPE, recording_of, simulated

FS_HZ = 256.0


def night() -> tuple[np.ndarray, np.ndarray]:
    """Half an hour of a clean lead, and its beats."""
    made = simulated("clean", hours=0.5)
    return np.array(made.recording.ecg[:]), made.beats.time_s


def figures(ecg: np.ndarray, fs: float = FS_HZ):
    recording = recording_of(ecg, fs)
    stretches = look(recording, RECIPE)
    return signal_figures(recording, stretches), beat_figures(stretches, fs)


def test_a_clean_night_is_usable_upright_and_at_its_own_rate() -> None:
    ecg, beat_s = night()
    signal, beats = figures(ecg)
    assert signal.usable_share == pytest.approx(1.0, abs=0.01)
    assert signal.flat_share == signal.saturated_share == signal.missing_share == 0
    assert (signal.repeated_blocks, signal.held_packets, signal.jumps) == (0, 0, 0)
    assert (signal.clip_low_mv, signal.clip_high_mv) == (None, None)
    assert beats.rate_median_bpm == pytest.approx(60 / np.median(np.diff(beat_s)), rel=0.02)
    assert beats.pacing_share == pytest.approx(0.0, abs=0.05)


def test_flat_missing_and_clipped_time_come_with_their_shares() -> None:
    ecg, _ = night()
    n = len(ecg)
    ecg[: n // 4] = 0.0
    ecg[n // 4 : n // 2] = np.nan
    signal, _ = figures(ecg)
    assert signal.flat_share == pytest.approx(0.25, abs=0.01)
    assert signal.missing_share == pytest.approx(0.25, abs=0.01)
    assert signal.usable_share == pytest.approx(0.5, abs=0.02)
    assert signal.longest_usable_s == pytest.approx(900, rel=0.05)
    clipped, _ = figures(np.clip(night()[0] * 30, -2.0, 2.0))
    assert (clipped.clip_low_mv, clipped.clip_high_mv) == (-2.0, 2.0)


def test_a_lead_that_turns_over_is_seen_where_it_does() -> None:
    ecg, _ = night()
    at = len(ecg) * 2 // 3  # 1200 s
    ecg[at:] *= -1
    stretches = look(recording_of(ecg, FS_HZ), RECIPE)
    assert turns(directions(stretches, RECIPE.polarity)) == [pytest.approx(1200.0, abs=300.0)]
    upright = look(recording_of(night()[0], FS_HZ), RECIPE)
    assert {way for _, way in directions(upright, RECIPE.polarity)} == {1}


@pytest.mark.parametrize("fs", [250.0, 500.0, 1000.0, 2000.0])
@pytest.mark.parametrize("width_s", [0.002, 0.004])
def test_pacing_spikes_before_the_beats_are_suspected_at_every_rate_and_random_ones_are_not(
    fs: float, width_s: float
) -> None:
    made = simulated("clean", hours=0.1, fs=fs)
    ecg, beat_s = np.array(made.recording.ecg[:]), made.beats.time_s
    beat_s = beat_s[(beat_s > 1) & (beat_s < made.recording.duration_s - 1)]
    spike = np.arange(max(1, round(width_s * fs)))

    def spiked(before_s: float | np.ndarray) -> float | None:
        bent = ecg.copy()
        bent[np.round((beat_s - before_s) * fs).astype(int)[:, None] + spike] += 2.0
        return figures(bent, fs)[1].pacing_share

    assert spiked(0.15) == pytest.approx(1.0, abs=0.1)
    assert spiked(np.random.default_rng(0).uniform(0.05, 0.28, len(beat_s))) < 0.3  # type: ignore[operator]
    assert figures(ecg, fs)[1].pacing_share == pytest.approx(0.0, abs=0.05)


def test_noise_alone_is_unusable_and_its_detectors_disagree() -> None:
    noise = 0.3 * np.random.default_rng(1).standard_normal(round(900 * FS_HZ))
    signal, beats = figures(noise)
    assert signal.usable_share < 0.3
    assert beats.bsqi is not None
    assert beats.bsqi < 0.7


def test_cut_off_r_waves_are_told_though_no_second_is_lost() -> None:
    ecg, _ = night()
    recording = recording_of(np.minimum(ecg, 0.6 * ecg.max()), FS_HZ)
    stretches = look(recording, RECIPE)
    signal = signal_figures(recording, stretches)
    assert signal.saturated_share == 0
    assert signal.clip_high_mv == pytest.approx(0.6 * ecg.max())
    found = {finding.id for finding in scale_findings(Scale("mV", 1.0, 0.6, None, None), signal)}
    assert "clipped" in found


# --- what is looked at -----------------------------------------------------------------------------


def test_a_long_recording_is_looked_at_from_its_first_to_its_last_second() -> None:
    spans = spread(14 * 86400.0)
    assert len(spans) == N_STRETCHES
    assert (spans[0, 0], spans[-1, 1]) == (0.0, 14 * 86400.0)
    np.testing.assert_allclose(np.diff(spans[:, 0]), (14 * 86400.0 - STRETCH_S) / (N_STRETCHES - 1))
    assert duration(spread(7200.0)) == 7200.0


def test_of_a_recording_with_a_long_gap_only_what_was_recorded_is_looked_at_and_counted() -> None:
    ecg, _ = night()
    made = recording_of(np.r_[ecg, np.full(round(12 * 3600 * FS_HZ), np.nan), ecg], FS_HZ)
    gap = (len(ecg) / FS_HZ, made.duration_s - len(ecg) / FS_HZ)
    made = made.but(gaps=as_spans([gap]))
    stretches = look(made, RECIPE)
    signal = signal_figures(made, stretches)
    assert all(not gap[0] <= stretch.start_s < gap[1] for stretch in stretches)
    assert signal.missing_share == pytest.approx(np.ptp(gap) / made.duration_s, abs=0.001)
    assert signal.usable_share == pytest.approx(1 - signal.missing_share, rel=0.02)


def long_recording(hours: float, signal_s: float) -> Recording:
    """Silence with beats for some seconds only, where no stretch looks."""
    ecg = np.zeros(round(hours * 3600 * 100), np.float32)
    first = round((STRETCH_S + 60) * 100)
    beats = np.arange(first, first + round(signal_s * 100), 80)
    for k, height in enumerate((0.3, 1.0, 0.3, -0.2)):
        ecg[beats + k] = height
    return recording_of(ecg + np.random.default_rng(0).normal(0, 0.004, len(ecg)).astype(np.float32), 100.0)


def test_where_the_verdict_is_near_everything_is_looked_at() -> None:
    stretches = look(long_recording(4.0, 400.0), RECIPE)
    assert looked_s(stretches) == pytest.approx(4 * 3600.0)
    assert usable_s(stretches) == pytest.approx(400.0, abs=30.0)


def test_a_little_signal_where_a_stretch_looks_is_not_multiplied() -> None:
    hundred_s = np.asarray(simulated("clean", hours=100 / 3600).recording.ecg)
    flat = np.zeros(round(24 * 3600 * FS_HZ), np.float32)
    flat[: len(hundred_s)] = hundred_s
    recording = recording_of(flat, FS_HZ)
    stretches = look(recording, RECIPE)
    assert estimated(usable_s(stretches), stretches, recording) == pytest.approx(100.0, abs=10.0)
