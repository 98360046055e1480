"""What an encoder is shown of a recording, and the embeddings of its epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from deterministic import with_deterministic_weights
from scipy import signal

from holter2sleep.io import read_recording
from holter2sleep.night import EpochGrid, Quality, Recording, Source
from holter2sleep.sleep.staging.embeddings import embed, epoch_embeddings, pooled
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.profiles import PROFILES, Profile, encoder_windows, filtered, z_scored
from holter2sleep.spans import complement
from holter2sleep.waveform import Waveform

CLEF, FOUNDER = PROFILES["clef"], PROFILES["ecgfounder"]
FORMS = (CLEF, FOUNDER, CLEF.each_window_alone())


def recording_of(ecg: np.ndarray, fs: float, gaps: object = ()) -> Recording:
    return Recording("night", Source("night.edf", "EDF", "0" * 64), len(ecg) / fs, fs, ecg=ecg, gaps=np.array(gaps))


def noisy(duration_s: float, fs: float, gaps: tuple[tuple[float, float], ...] = (), seed: int = 0) -> Recording:
    """Noise with NaN in the gaps."""
    ecg = np.random.default_rng(seed).standard_normal(round(duration_s * fs)).astype(np.float32)
    for start_s, end_s in gaps:
        ecg[round(start_s * fs) : round(end_s * fs)] = np.nan
    return recording_of(ecg, fs, gaps)


def quality_of(recording: Recording, usable: np.ndarray | None = None) -> Quality:
    grid = EpochGrid.covering(recording.duration_s)
    good = np.ones(grid.n, bool) if usable is None else usable
    spans = complement(recording.gaps, 0, recording.duration_s)
    return Quality(np.zeros(grid.n), np.ones(grid.n), good, spans)


def tones(time_s: np.ndarray) -> np.ndarray:
    """Two tones in the middle of the band, a whole number of periods in 10 s."""
    return np.sin(2 * np.pi * 5 * time_s) + 0.5 * np.cos(2 * np.pi * 12 * time_s)


@pytest.fixture(scope="module")
def small() -> Net1D:
    return with_deterministic_weights(Net1D(CONFIGS["clef-small"]))


# --- windows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fs", [125.0, 128.0, 249.9, 250.0, 256.0, 360.0, 500.0, 1000.0])
def test_tones_in_the_band_come_through_at_500_hz_with_sd_1(fs: float) -> None:
    recording = recording_of(tones(np.arange(round(90 * fs)) / fs), fs)
    windows, usable = encoder_windows(recording, np.array([30.0, 40.0]), CLEF)
    assert usable.all()
    expected = tones(np.arange(5000) / 500) / np.sqrt(0.5 + 0.125)
    np.testing.assert_allclose(windows, np.tile(expected, (2, 1)), atol=0.02)
    assert windows.mean(axis=1) == pytest.approx(0, abs=1e-6)
    assert windows.std(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("profile", FORMS)
def test_scale_and_offset_of_the_lead_do_not_matter(profile: Profile) -> None:
    recording = noisy(60, 250)
    scaled = recording_of(4 * np.asarray(recording.ecg) + 3, 250)
    start_s = np.array([10.0, 33.5])
    one, two = (encoder_windows(each, start_s, profile)[0] for each in (recording, scaled))
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_wander_and_muscle_noise_are_filtered_out() -> None:
    time_s = np.arange(60 * 500) / 500
    disturbed = tones(time_s) + 5 * np.sin(2 * np.pi * 0.1 * time_s) + np.sin(2 * np.pi * 120 * time_s)
    clean, dirty = (
        encoder_windows(recording_of(ecg, 500), np.array([20.0]), CLEF)[0] for ecg in (tones(time_s), disturbed)
    )
    np.testing.assert_allclose(clean, dirty, atol=0.02)


def test_the_founder_profile_takes_out_mains_and_what_is_slower_than_its_median() -> None:
    time_s = np.arange(5000) / 500
    for hz, kept in ((50.0, 0.01), (10.0, 0.9), (1.0, 0.5)):
        out = filtered(np.sin(2 * np.pi * hz * time_s), 500, FOUNDER)[1000:4000].std() / np.sqrt(0.5)
        assert out < kept if hz in (1.0, 50.0) else out > kept


def test_each_window_alone_is_the_filter_of_that_window() -> None:
    recording = noisy(60, 500)
    window, _ = encoder_windows(recording, np.array([20.0]), CLEF.each_window_alone())
    sos = signal.butter(5, (0.67, 40.0), "bandpass", fs=500, output="sos")
    alone = signal.sosfiltfilt(sos, np.asarray(recording.ecg, np.float64)[10_000:15_000])
    np.testing.assert_allclose(window[0], z_scored(alone), atol=1e-4)


def test_the_default_is_the_filter_of_the_whole_record() -> None:
    recording = noisy(120, 500)
    window, _ = encoder_windows(recording, np.array([60.0]), CLEF)
    sos = signal.butter(5, (0.67, 40.0), "bandpass", fs=500, output="sos")
    whole = signal.sosfiltfilt(sos, np.asarray(recording.ecg, np.float64))[30_000:35_000]
    np.testing.assert_allclose(window[0], z_scored(whole), atol=1e-5)


@pytest.mark.parametrize("profile", FORMS)
@pytest.mark.parametrize("fs", [256.0, 500.0])
def test_what_lies_beyond_a_gap_changes_nothing(profile: Profile, fs: float) -> None:
    gaps = ((30.0, 45.0),)
    start_s = np.array([0.0, 20.0, 45.0, 50.0])
    one = noisy(90, fs, gaps)
    ecg = np.array(one.ecg)
    ecg[round(45 * fs) :] *= -7
    other = recording_of(ecg, fs, gaps)
    windows, usable = encoder_windows(one, start_s, profile)
    assert usable.all()
    np.testing.assert_allclose(encoder_windows(other, start_s, profile)[0][:2], windows[:2], atol=1e-6)


@pytest.mark.parametrize("profile", FORMS)
def test_windows_that_touch_a_gap_or_leave_the_record_are_zeros(profile: Profile) -> None:
    recording = noisy(65, 250, ((30.0, 33.0),))
    start_s = np.array([-1.0, 15.0, 21.0, 31.0, 32.9, 33.0, 55.5])
    windows, usable = encoder_windows(recording, start_s, profile)
    assert usable.tolist() == [False, True, False, False, False, True, False]
    assert not windows[~usable].any()


@pytest.mark.parametrize("profile", FORMS)
def test_a_flat_window_is_unusable(profile: Profile) -> None:
    ecg = np.array(noisy(60, 250).ecg)
    ecg[20 * 250 : 31 * 250] = 0.25
    windows, usable = encoder_windows(recording_of(ecg, 250), np.array([0.0, 20.0, 40.0]), profile)
    assert usable.tolist() == [True, False, True]
    assert not windows[1].any()


def test_missing_samples_are_bridged_by_a_line() -> None:
    ecg = tones(np.arange(60 * 500) / 500)
    lost = ecg.copy()
    lost[11_000:11_003] = np.nan
    (one,), (usable,) = encoder_windows(recording_of(lost, 500), np.array([20.0]), CLEF)
    (two,), _ = encoder_windows(recording_of(ecg, 500), np.array([20.0]), CLEF)
    assert usable
    np.testing.assert_allclose(one, two, atol=0.05)


def test_nothing_but_missing_samples_is_unusable() -> None:
    windows, usable = encoder_windows(recording_of(np.full(15_000, np.nan), 500), np.array([10.0]), CLEF)
    assert not usable.any()
    assert not windows.any()


def test_beats_without_a_waveform_are_a_wrong_use() -> None:
    from staging_nights import evidence_of, steady_beats

    with pytest.raises(ValueError, match="no waveform"):
        encoder_windows(evidence_of(steady_beats(60), 60).recording, np.array([0.0]), CLEF)


def test_windows_of_a_day_are_read_a_little_at_a_time() -> None:
    asked: list[int] = []

    def read(first: int, last: int) -> np.ndarray:
        asked.append(last - first)
        return np.random.default_rng(first).standard_normal(last - first).astype(np.float32)

    ecg = Waveform(86_400 * 250, read, block_samples=2500, kept_samples=2500)
    recording = Recording("day", Source("day.edf", "EDF", "0" * 64), 86_400.0, 250.0, ecg=ecg)
    encoder_windows(recording, np.array([40_000.0, 40_010.0]), CLEF)
    assert sum(asked) < 90 * 250


@pytest.mark.realdata
def test_the_two_forms_differ_on_a_real_lead_as_the_specification_says(shared_data: Path) -> None:
    recording = read_recording(shared_data / "mitdb" / "100.hea")
    start_s = np.arange(10.0, 600.0, 10.0)
    whole, _ = encoder_windows(recording, start_s, CLEF)
    alone, _ = encoder_windows(recording, start_s, CLEF.each_window_alone())
    correlation = (whole * alone).mean(axis=1)
    assert 0.8 < correlation.min() < 0.95
    assert np.median(correlation) > 0.98


# --- embeddings of epochs --------------------------------------------------------------------------


@pytest.mark.parametrize("profile", FORMS)
def test_the_size_of_a_block_does_not_matter(profile: Profile, small: Net1D) -> None:
    recording = noisy(390, 128, ((95.0, 97.0), (200.0, 221.0)))
    one, two, all_at_once = (
        epoch_embeddings(recording, quality_of(recording), small, profile, n) for n in (1, 5, 1000)
    )
    np.testing.assert_allclose(one, all_at_once, atol=1e-5)
    np.testing.assert_allclose(two, all_at_once, atol=1e-5)


def test_an_epoch_is_the_mean_and_sd_of_its_three_windows(small: Net1D) -> None:
    recording = noisy(90, 250)
    z_ed = epoch_embeddings(recording, quality_of(recording), small, CLEF)
    windows, _ = encoder_windows(recording, np.array([30.0, 40.0, 50.0]), CLEF)
    z_bd = embed(small, windows)
    assert z_ed.shape == (3, 512)
    np.testing.assert_allclose(z_ed[1], np.r_[z_bd.mean(axis=0), z_bd.std(axis=0)], atol=1e-5)


def test_pooling_leaves_out_what_is_missing() -> None:
    z = np.array([[[1.0], [3.0], [8.0]], [[1.0], [np.nan], [3.0]], [[np.nan]] * 3, [[np.nan], [5.0], [np.nan]]])
    expected = [[4.0, np.sqrt(26 / 3)], [2.0, 1.0], [np.nan, np.nan], [5.0, 0.0]]
    np.testing.assert_allclose(pooled(z.astype(np.float32)), expected, rtol=1e-6)


def test_epochs_without_a_usable_window_are_nan(small: Net1D) -> None:
    recording = noisy(155, 128, ((58.0, 92.0),))
    usable = np.array([True, True, True, True, False, True])
    z_ed = epoch_embeddings(recording, quality_of(recording, usable), small, CLEF)
    assert np.isnan(z_ed).any(axis=1).tolist() == [False, False, True, False, True, True]
    assert (np.isnan(z_ed).any(axis=1) == np.isnan(z_ed).all(axis=1)).all()


def test_a_quality_of_another_recording_is_a_wrong_use(small: Net1D) -> None:
    with pytest.raises(ValueError, match="quality of 3 epochs for a recording of 2"):
        epoch_embeddings(noisy(60, 128), quality_of(noisy(90, 128)), small, CLEF)


def test_threads_of_torch_are_as_before(small: Net1D) -> None:
    torch.set_num_threads(2)
    embed(small, np.zeros((1, 500), np.float32))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
