"""The planted breathing rate is found, by whichever series holds it; where none does, nobody is sure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from made_nights import RECIPE, analysed, recording_of, simulated
from numpy.typing import NDArray

from holter2sleep.autonomic.breathing_rate import confident, find_breathing
from holter2sleep.heart.qrs_sizes import QrsSizes
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.night import NN, Beats, EpochGrid, Recording, Respiration

Float = NDArray[np.float64]
RULES = RECIPE.breathing
FS = 250.0
NO_NN = NN(np.empty(0), np.empty(0), np.empty(0, bool))


def beat_times(duration_s: float, heart_bpm: float = 66.0, seed: int = 0) -> Float:
    """Beats whose intervals wander by a tenth, without breathing in them."""
    rng, n = np.random.default_rng(seed), int(duration_s * heart_bpm / 60) + 60
    slow = np.cumsum(rng.normal(0, 0.004, n))
    rr_s = 60 / heart_bpm * (1 + slow - slow.mean() + rng.normal(0, 0.01, n))
    time_s = np.cumsum(rr_s)
    return time_s[time_s < duration_s - 0.5]


def breath(at_s: Float, rate_bpm: float | Float) -> Float:
    """A sine of the given rate, which may change in time."""
    rate = np.broadcast_to(rate_bpm, at_s.shape)
    return np.sin(2 * np.pi * np.cumsum(rate / 60 * np.diff(at_s, prepend=0.0)))


def lead(beat_s: Float, gain: Float, duration_s: float, noise_mv: float = 0.01) -> Recording:
    """An ECG of QRS complexes of the given gain."""
    at_s = np.arange(int(duration_s * FS)) / FS
    ecg = np.random.default_rng(1).normal(0, noise_mv, len(at_s))
    for time_s, height in zip(beat_s, gain, strict=True):
        near = slice(max(0, int((time_s - 0.2) * FS)), int((time_s + 0.2) * FS))
        apart_s = at_s[near] - time_s
        ecg[near] += height * (
            np.exp(-((apart_s / 0.015) ** 2) / 2) - 0.3 * np.exp(-(((apart_s - 0.035) / 0.012) ** 2) / 2)
        )
    return recording_of(ecg, FS)


def sizes_of(height: Float, seed: int = 2) -> QrsSizes:
    """Sizes proportional to the height, each with noise of its own."""
    rng = np.random.default_rng(seed)
    columns = (scale * height + 0.02 * scale * rng.standard_normal(len(height)) for scale in (1.0, 0.04, 50.0, 60.0))
    return QrsSizes(*(column.astype(np.float32) for column in columns), rng.normal(0, 0.02, len(height)).astype("f4"))


def nn_of_beats(beats: Beats) -> NN:
    return NN(beats.time_s[1:], 1000 * np.diff(beats.time_s), np.arange(len(beats) - 1) > 0)


def grid_of(beats: Beats) -> EpochGrid:
    """Whole epochs only."""
    end_s = float(beats.time_s[-1]) + 1.0
    return EpochGrid(int(end_s // 30), end_s)


def found(beats: Beats, nn: NN = NO_NN, sizes: QrsSizes | None = None) -> Respiration:
    return find_breathing(beats, nn, sizes, grid_of(beats), RULES)


def with_sizes(modulation: Callable[[Float], Float], duration_s: float = 1800.0, **facts: float) -> Respiration:
    """Beats without RSA whose sizes swing."""
    beats = Beats.at(beat_times(duration_s, **facts))
    return found(beats, sizes=sizes_of(1 + modulation(beats.time_s)))


def sure_share(respiration: Respiration) -> float:
    return float(confident(respiration, RULES).mean())


# --- planted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_bpm", [8.0, 12.0, 15.0, 20.0, 27.0])
def test_a_swing_of_the_r_wave_of_a_drawn_ecg_is_the_breathing_rate(rate_bpm: float) -> None:
    beat_s = beat_times(600.0, 75.0)
    recording = lead(beat_s, 1 + 0.08 * breath(beat_s, rate_bpm), 600.0)
    shape = beat_shapes(recording, beat_s, RECIPE.shape)
    assert shape is not None
    respiration = found(Beats.at(beat_s), sizes=shape.sizes)
    assert respiration.rate_bpm == pytest.approx(rate_bpm, abs=0.5)
    assert sure_share(respiration) > 0.9


@pytest.mark.parametrize("rate_bpm", [10.0, 15.0, 22.0])
def test_intervals_alone_tell_the_rate(rate_bpm: float) -> None:
    rng, time_s = np.random.default_rng(3), [0.0]
    while time_s[-1] < 1800:
        time_s.append(time_s[-1] + 0.9 + 0.04 * np.sin(2 * np.pi * rate_bpm / 60 * time_s[-1]) + rng.normal(0, 0.008))
    beats = Beats.at(time_s)
    respiration = found(beats, nn_of_beats(beats))
    assert np.median(np.abs(respiration.rate_bpm - rate_bpm)) < 0.3
    assert sure_share(respiration) > 0.9
    assert np.median(respiration.hf_ms2) == pytest.approx(40**2 / 2, rel=0.15)


def test_the_rate_is_followed_as_it_changes() -> None:
    def course(at_s: Float) -> Float:
        return np.interp(at_s, [0, 600, 1200, 1800], [12.0, 12.0, 20.0, 20.0])

    respiration = with_sizes(lambda at_s: 0.08 * breath(at_s, course(at_s)))
    middle_s = 30 * np.arange(len(respiration.rate_bpm)) + 15.0
    error = np.abs(respiration.rate_bpm - course(middle_s))
    assert np.median(error) < 0.4
    assert error.max() < 2.0
    assert sure_share(respiration) > 0.9


def test_a_sudden_change_is_followed_within_a_minute() -> None:
    respiration = with_sizes(lambda at_s: 0.08 * breath(at_s, np.where(at_s < 900, 12.0, 22.0)))
    assert respiration.rate_bpm[:28] == pytest.approx(12.0, abs=0.5)
    assert respiration.rate_bpm[32:] == pytest.approx(22.0, abs=0.5)


def test_intervals_of_fibrillation_do_not_hide_the_swing_of_the_complexes() -> None:
    rng = np.random.default_rng(4)
    beats = Beats.at(np.cumsum(rng.gamma(20, 0.7 / 20, 2500)))
    respiration = found(beats, NO_NN, sizes_of(1 + 0.06 * breath(beats.time_s, 17.0)))
    assert np.median(np.abs(respiration.rate_bpm - 17.0)) < 0.3
    assert sure_share(respiration) > 0.9
    assert np.isnan(respiration.hf_ms2).all()


def test_every_other_beat_ectopic_halves_what_is_seen_and_invents_nothing() -> None:
    """Sinus beats every 1.6 s still show 13 breaths a minute; their image of 24.5 is less usual."""
    beats = Beats.at(beat_times(1800.0, 75.0))
    ectopic = np.arange(len(beats)) % 2 == 1
    height = np.where(ectopic, 3.0, 1 + 0.08 * breath(beats.time_s, 13.0))
    respiration = found(beats.but(label=np.where(ectopic, "V", "N")), sizes=sizes_of(height))
    sure = confident(respiration, RULES)
    assert (np.abs(respiration.rate_bpm[sure] - 13.0) < 2.0).all()


def test_ectopy_now_and_then_changes_no_rate() -> None:
    beats = Beats.at(beat_times(1800.0))
    height = 1 + 0.08 * breath(beats.time_s, 15.0)
    ectopic = np.random.default_rng(5).random(len(beats)) < 0.05
    clean = found(beats, sizes=sizes_of(height))
    spoiled = found(beats.but(label=np.where(ectopic, "V", "N")), sizes=sizes_of(np.where(ectopic, 4.0, height)))
    assert np.abs(spoiled.rate_bpm - clean.rate_bpm).max() < 1.0


def test_a_gap_has_no_rate_and_leaves_the_others_theirs() -> None:
    time_s = beat_times(1800.0)
    time_s = time_s[(time_s < 600) | (time_s > 900)]
    beats = Beats.at(time_s)
    respiration = found(beats, sizes=sizes_of(1 + 0.08 * breath(time_s, 15.0)))
    assert np.isnan(respiration.rate_bpm[21:29]).all()
    assert np.isnan(respiration.confidence[21:29]).all()
    assert respiration.rate_bpm[np.r_[0:18, 32:59]] == pytest.approx(15.0, abs=0.5)


@pytest.mark.parametrize("name", ["healthy", "sample", "af", "ectopy", "noisy", "gaps"])
def test_a_simulated_night_is_right_where_it_is_sure(name: str) -> None:
    hours = {} if name == "gaps" else {"hours": 2.0}
    truth, night = simulated(name, **hours), analysed(name, **hours)
    sure = confident(night.respiration, RULES)
    error = np.abs(night.respiration.rate_bpm - truth.respiration_rate_bpm)[sure]
    assert sure.mean() > 0.7
    assert np.mean(error <= 2.0) > 0.95
    assert np.median(error) < 0.3


# --- nothing to find -------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [0.0, 0.9])
@pytest.mark.parametrize("heart_bpm", [50.0, 66.0, 90.0])
def test_of_noise_hardly_any_epoch_is_confident(heart_bpm: float, shared: float) -> None:
    """Noise of each size, or of the complex."""
    rng = np.random.default_rng(6)
    beats = Beats.at(beat_times(3 * 3600.0, heart_bpm))
    own, common = rng.standard_normal((5, len(beats))), rng.standard_normal(len(beats))
    columns = (1 + 0.05 * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own)).astype(np.float32)
    respiration = found(beats, nn_of_beats(beats), QrsSizes(*columns))
    assert sure_share(respiration) < 0.05


def test_a_heart_like_clockwork_of_one_height_shows_no_breathing() -> None:
    beat_s = np.arange(0.5, 1199.5, 0.857)
    recording = lead(beat_s, np.ones(len(beat_s)), 1200.0, noise_mv=0.0)
    shape = beat_shapes(recording, beat_s, RECIPE.shape)
    assert shape is not None
    beats = Beats.at(beat_s)
    assert not confident(found(beats, nn_of_beats(beats), shape.sizes), RULES).any()
    constant = QrsSizes(*(np.ones(len(beats), np.float32),) * 5)
    assert np.isnan(found(beats, nn_of_beats(beats), constant).rate_bpm).all()


@pytest.mark.parametrize("n", [0, 1, 2, 20])
def test_few_beats_are_no_error(n: int) -> None:
    beats = Beats.at(0.9 * np.arange(n) + 0.5)
    sizes = QrsSizes(*(np.ones(n, np.float32),) * 5)
    respiration = find_breathing(beats, nn_of_beats(beats) if n else NO_NN, sizes, EpochGrid(4, 120.0), RULES)
    assert respiration.rate_bpm.shape == (4,)
    assert not confident(respiration, RULES).any()


def test_a_rate_above_half_the_heart_rate_is_not_taken_for_its_image_with_confidence() -> None:
    """At 44 beats a minute 25 breaths look as 19 do: who is sure would be wrong."""
    beats = Beats.at(0.5 + 60 / 44 * np.arange(1320))
    respiration = found(beats, sizes=sizes_of(1 + 0.08 * breath(beats.time_s, 25.0)))
    assert respiration.rate_bpm == pytest.approx(19.0, abs=0.5)
    assert not confident(respiration, RULES).any()


def test_a_usual_rate_at_a_usual_heart_rate_is_not_doubted_for_its_image() -> None:
    """15 at 60 beats a minute look as 45 do, which nobody breathes."""
    beats = Beats.at(0.5 + np.arange(1800.0))
    respiration = found(beats, sizes=sizes_of(1 + 0.08 * breath(beats.time_s, 15.0)))
    assert respiration.rate_bpm == pytest.approx(15.0, abs=0.5)
    assert sure_share(respiration) > 0.9


# --- properties ------------------------------------------------------------------------------------


def test_scale_and_sign_of_the_lead_change_no_rate() -> None:
    beat_s = beat_times(600.0)
    recording = lead(beat_s, 1 + 0.05 * breath(beat_s, 14.0), 600.0)
    rates = []
    for gain in (1.0, -1.0, 250.0):
        turned = recording_of(gain * np.asarray(recording.ecg), FS)
        shape = beat_shapes(turned, beat_s, RECIPE.shape)
        assert shape is not None
        rates.append(found(Beats.at(beat_s), sizes=shape.sizes).rate_bpm)
    np.testing.assert_allclose(rates[1], rates[0], atol=0.02)
    np.testing.assert_allclose(rates[2], rates[0], atol=0.02)


def test_a_later_start_moves_the_rates() -> None:
    beats = Beats.at(beat_times(1800.0))
    sizes = sizes_of(1 + 0.05 * breath(beats.time_s, 16.0))
    first = found(beats, sizes=sizes)
    later = found(beats.but(time_s=beats.time_s + 3000.0), sizes=sizes)
    assert np.isnan(later.rate_bpm[:98]).all()
    np.testing.assert_allclose(later.rate_bpm[102:158], first.rate_bpm[2:58], atol=0.05)


def test_the_cut_of_windows_into_batches_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    beats = Beats.at(beat_times(1800.0))
    sizes = sizes_of(1 + 0.05 * breath(beats.time_s, 16.0))
    expected = found(beats, nn_of_beats(beats), sizes)
    monkeypatch.setattr("holter2sleep.autonomic.breathing_rate.BATCH", 7)
    again = found(beats, nn_of_beats(beats), sizes)
    for field in dataclasses.fields(Respiration):
        np.testing.assert_allclose(getattr(again, field.name), getattr(expected, field.name), rtol=1e-6)


def test_a_fortnight_is_analysed_as_a_night_is() -> None:
    n = 14 * 86400
    rr_s = 1.0 + 0.03 * np.sin(2 * np.pi * 16 / 60 * np.arange(n)) + np.random.default_rng(7).normal(0, 0.01, n)
    beats = Beats.at(np.cumsum(rr_s))
    respiration = found(beats, nn_of_beats(beats))
    assert sure_share(respiration) > 0.9
    assert respiration.rate_bpm[2:-2] == pytest.approx(16.0, abs=0.5)
