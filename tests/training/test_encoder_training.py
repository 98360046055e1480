"""Pre-training of an encoder: what it is shown, that it can be stopped and resumed, and what it refuses."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from made_nights import simulated

from holter2sleep.cli import main
from holter2sleep.errors import UsageError
from holter2sleep.night import Beats
from holter2sleep.recipe import load_recipe
from holter2sleep.simulate.files import write_night
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.encoder_weights import load_encoder
from holter2sleep.spans import EMPTY, as_spans
from holter2sleep.training import encoder, encoder_run, patients, physiology, views, window_measures
from holter2sleep.training.encoder import EncoderCourse, Lecture, Lessons, Scale, correlation, told_loss
from holter2sleep.training.mitdb import DS2
from holter2sleep.training.subject_split import FIT, TEST, SubjectSplit, read_split, split_by_chance

NOISES = {kind: np.random.default_rng(0).normal(size=20_000).astype(np.float32) for kind in views.NOISES}
RNG = np.random.default_rng(1)
SHORT = EncoderCourse(epochs=2, steps=2, patients=2, seed=0)


@pytest.fixture(scope="module")
def some_patients() -> list[patients.Patient]:
    return list(patients.simulated_patients(4, 0))


@pytest.fixture
def lessons(some_patients: list[patients.Patient]) -> Lessons:
    return Lessons(some_patients[:2], some_patients[2:], NOISES)


# --- physiology ------------------------------------------------------------------------------------


def spiked(beat_s: np.ndarray, width_ms: float = 30.0) -> np.ndarray:
    """Ten seconds of Gaussian waves of an SD at the beats."""
    at_s = np.arange(5000) / 500
    return np.exp(-0.5 * ((at_s[:, None] - beat_s) / (width_ms / 1000)) ** 2).sum(axis=1).astype(np.float32)


def told(beats: Beats, window: np.ndarray, af: np.ndarray = EMPTY, duration_s: float = 100.0) -> dict[str, float]:
    rows = physiology.window_physiology(window[None], np.zeros(1), beats, af, duration_s)
    return dict(zip(physiology.NAMES, rows[0].tolist(), strict=True))


def test_a_steady_heart_has_its_rate_and_no_irregularity() -> None:
    beat_s = np.arange(0.5, 10, 0.75)
    found = told(Beats.at(beat_s), spiked(beat_s))
    assert math.exp(found["heart_rate"]) == pytest.approx(80)
    assert math.exp(found["irregularity"]) == pytest.approx(physiology.STEADY)


def test_irregularity_is_the_median_change_over_the_median_interval() -> None:
    beat_s = 0.5 + np.cumsum([0, 0.7, 0.9, 0.7, 0.9, 0.7, 0.9])  # median interval 0.8 s, each change 0.2 s
    assert math.exp(told(Beats.at(beat_s), spiked(beat_s))["irregularity"]) == pytest.approx(0.25 + physiology.STEADY)


def test_shares_of_ectopic_beats_are_counted() -> None:
    beats = Beats.at(np.arange(0.5, 10, 1.0), list("NNSNVVVNNN"))
    found = told(beats, spiked(beats.time_s))
    assert (found["share_s"], found["share_v"]) == pytest.approx((0.1, 0.3))


def test_the_width_of_a_wave_is_that_of_its_slopes() -> None:
    # the squared slope of a Gaussian wave, t^2 exp(-t^2 / s^2), has a spread of s sqrt(3 / 2)
    beat_s = np.arange(0.5, 10, 1.0)
    width_ms = math.exp(told(Beats.at(beat_s), spiked(beat_s, 15))["qrs_width"])
    assert width_ms == pytest.approx(2 * 15 * math.sqrt(1.5), rel=0.02)


def test_af_is_told_of_whole_windows_only_and_not_of_short_recordings() -> None:
    beats = Beats.at(np.arange(0.5, 10, 1.0))
    window = spiked(beats.time_s)
    assert told(beats, window, as_spans([(0, 50)]))["af"] == 1
    assert told(beats, window, as_spans([(20, 50)]))["af"] == 0
    assert math.isnan(told(beats, window, as_spans([(5, 50)]))["af"])
    assert math.isnan(told(beats, window, EMPTY, duration_s=30.0)["af"])


@pytest.mark.parametrize("n_beats", [0, 1, 3])
def test_of_hardly_any_beats_nothing_is_told(n_beats: int) -> None:
    found = told(Beats.at(1.0 + np.arange(n_beats)), np.zeros(5000, np.float32))
    known_anyway = ("af", *window_measures.SPECTRUM_NAMES)
    assert all(math.isnan(value) for name, value in found.items() if name not in known_anyway)


def test_bigeminy_repeats_after_two_intervals_and_trigeminy_after_three() -> None:
    for period, rr_s in ((2, [0.6, 1.2]), (3, [0.6, 1.2, 0.9])):
        beats = Beats.at(0.3 + np.cumsum(np.resize(rr_s, 10)))
        found = told(beats, spiked(beats.time_s))
        repeats = [found[f"repeat_{lag}"] for lag in (1, 2, 3)]
        assert int(np.argmax(repeats)) + 1 == period
        assert max(repeats) > 0.9


def test_a_beat_unlike_the_others_is_seen_in_the_least_likeness_and_the_widest_qrs() -> None:
    beat_s = np.arange(0.5, 10, 1.0)
    same = told(Beats.at(beat_s), spiked(beat_s, 15))
    odd = spiked(np.delete(beat_s, 4), 15) - spiked(beat_s[4:5], 40)
    found = told(Beats.at(beat_s, list("NNNNVNNNNN")), odd)
    assert same["least_likeness"] > 0.99
    assert found["least_likeness"] < 0
    assert math.exp(found["widest_qrs"]) > 1.5 * math.exp(same["widest_qrs"])
    assert (found["any_v"], found["any_s"]) == (1, 0)


@pytest.mark.parametrize(("rr_s", "skewness"), [([0.8, 0.8, 0.8, 1.6], 2 / math.sqrt(3)), ([0.8] * 5, 0.0)])
def test_the_skewness_of_intervals_is_that_of_one_long_in_four(rr_s: list[float], skewness: float) -> None:
    """A share p is long: (1 - 2 p) / sqrt(p (1 - p)); intervals that do not vary have none."""
    found = dict(zip(window_measures.RR_NAMES, window_measures.rr_statistics(np.cumsum([0.5, *rr_s])), strict=True))
    assert found["rr_skew"] == pytest.approx(skewness)


def test_correlations_are_those_of_numpy_and_nan_of_a_line_at_rest() -> None:
    rows, other = RNG.normal(size=(3, 40)), RNG.normal(size=40)
    rows[2] = 1.5
    found = window_measures.correlations(rows, other)
    np.testing.assert_allclose(found[:2], [np.corrcoef(row, other)[0, 1] for row in rows[:2]])
    assert math.isnan(found[2])


# --- patients and views ----------------------------------------------------------------------------


def test_a_synthetic_patient_tells_what_was_planted() -> None:
    night = simulated("healthy", hours=0.2)
    patient = patients.of_synthetic("x", night)
    rate = np.exp(np.nanmedian(patient.targets[:, 0, patients.TARGETS.index("heart_rate")]))
    assert rate == pytest.approx(60 / np.median(np.diff(night.beats.time_s)), rel=0.05)
    breath = np.exp(patient.targets[:, 0, patients.TARGETS.index("breathing_rate")])
    assert breath.min() >= night.respiration_rate_bpm.min() - 1e-6
    assert np.isnan(patient.header).all()


def test_the_same_seed_makes_the_same_patients(some_patients: list[patients.Patient]) -> None:
    again = next(patients.simulated_patients(1, 0))
    assert (again.windows == some_patients[0].windows).all()


def test_a_batch_is_of_different_patients_with_first_views_before_second_ones(
    some_patients: list[patients.Patient],
) -> None:
    batch = views.draw_batch(some_patients, 4, NOISES, np.random.default_rng(0))
    assert batch.windows.shape == (8, 5000)
    assert batch.attributes.shape == (4, 2 + len(physiology.CORE))
    np.testing.assert_array_equal(batch.targets[:4, :-1], batch.targets[4:, :-1])  # of one lead: the same seconds
    assert len(np.unique(batch.targets[:4, 0])) == 4
    np.testing.assert_allclose(batch.windows.mean(axis=1), 0, atol=1e-3)
    np.testing.assert_allclose(batch.windows.std(axis=1), 1, atol=1e-3)


def test_recordings_are_drawn_no_more_rarely_than_their_share(some_patients: list[patients.Patient]) -> None:
    one, *others = some_patients
    chance = views.chances([dataclasses.replace(one, real=True), *others * 10])
    assert chance.sum() == pytest.approx(1)
    assert chance[0] == pytest.approx(views.SHARE_REAL)
    np.testing.assert_allclose(views.chances(some_patients), 0.25, atol=0.02)  # nothing but made-up ones: as they come


def test_a_slower_recording_has_a_slower_rate_and_wider_waves() -> None:
    night = simulated("clean", hours=0.05)
    whole = patients.Heard([night.recording], night.beats, as_spans([(20.0, 60.0)]))
    slow = patients.at_speed(whole, 200 / 256)
    assert night.recording.fs == 256
    assert slow.leads[0].duration_s == pytest.approx(1.28 * night.recording.duration_s)
    np.testing.assert_allclose(slow.af, [[25.6, 76.8]])
    before, after = (np.median(patients._shown(each, RNG)[1][5:-5, 0], axis=0) for each in (whole, slow))
    for name, factor in (("heart_rate", 1 / 1.28), ("qrs_width", 1.28), ("rr_mean", 1.28)):
        at = patients.TARGETS.index(name)
        change = after[at] / before[at] if name == "rr_mean" else math.exp(after[at] - before[at])
        assert change == pytest.approx(factor, rel=0.05), name


def test_the_added_noise_is_told() -> None:
    quiet = np.sin(np.arange(5000) / 7)
    found = [views.disturbed(quiet, NOISES, np.random.default_rng(i)) for i in range(40)]
    assert {noise_sd == 0 for _, noise_sd in found} == {True, False}
    for window, noise_sd in found:
        if np.unique(window, return_counts=True)[1].max() < 100:  # without a hole, correlation falls as noise says
            likeness = np.corrcoef(window, quiet)[0, 1]
            assert likeness == pytest.approx(1 / math.hypot(1, noise_sd / quiet.std()), abs=0.05)


# --- split -----------------------------------------------------------------------------------------


def test_a_split_survives_its_file(tmp_path: Path) -> None:
    split = split_by_chance([f"r{i}" for i in range(50)], 0.3, 0)
    (tmp_path / "split.csv").write_text(split.text)
    assert read_split(tmp_path / "split.csv") == split
    assert 5 <= len(split.names(TEST)) <= 25


def test_one_more_recording_moves_no_other() -> None:
    few, more = split_by_chance(["a", "b", "c"], 0.5, 1), split_by_chance(["a", "b", "c", "d"], 0.5, 1)
    assert all(more.part[name] == part for name, part in few.part.items())


def test_a_subject_in_both_parts_is_refused() -> None:
    with pytest.raises(UsageError, match="'201' is in two parts"):
        SubjectSplit({"201": "201", "202": "201"}, {"201": FIT, "202": TEST})


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "recording_id,subject,part\nx,x,train\n", "\udcff"])
def test_a_file_that_is_no_split_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "split.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=r"split\.csv"):
        read_split(tmp_path / "split.csv")


def test_the_committed_split_keeps_ds2_and_its_twin_for_testing() -> None:
    split = read_split(Path(encoder_run.__file__).with_name("encoder_split.csv"))
    assert not {*DS2, "201"} & set(split.names(FIT))


# --- learning --------------------------------------------------------------------------------------


def weights(lecture: Lecture) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in lecture.pupil.state_dict().items()}


def test_a_resumed_course_ends_where_an_unbroken_one_does(lessons: Lessons, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(epoch: int, figures: dict[str, float]) -> None:
        raise Stop

    unbroken, broken, resumed = (Lecture(lessons, SHORT) for _ in range(3))
    unbroken.run(tmp_path / "a.pt", lambda *_: None)
    with pytest.raises(Stop):
        broken.run(tmp_path / "b.pt", stop)
    resumed.resume(tmp_path / "b.pt")
    assert resumed.epoch == 1
    resumed.run(tmp_path / "b.pt", lambda *_: None)
    assert resumed.history == unbroken.history
    assert all(torch.equal(tensor, weights(resumed)[name]) for name, tensor in weights(unbroken).items())


def test_a_course_may_be_made_longer_when_it_goes_on(lessons: Lessons, tmp_path: Path) -> None:
    Lecture(lessons, SHORT).run(tmp_path / "c.pt", lambda *_: None)
    longer = Lecture(lessons, dataclasses.replace(SHORT, epochs=3))
    longer.resume(tmp_path / "c.pt")
    longer.run(tmp_path / "c.pt", lambda *_: None)
    assert (longer.epoch, len(longer.history)) == (3, 3)


def test_learning_lowers_what_is_learned(lessons: Lessons, tmp_path: Path) -> None:
    lecture = Lecture(lessons, EncoderCourse(epochs=6, steps=4, patients=2, seed=0))
    lecture.run(tmp_path / "c.pt", lambda *_: None)
    assert lecture.history[-1]["physiology"] < lecture.history[0]["physiology"]


def test_a_checkpoint_of_another_course_or_of_other_patients_is_refused(lessons: Lessons, tmp_path: Path) -> None:
    Lecture(lessons, SHORT)._save(tmp_path / "c.pt")
    with pytest.raises(UsageError, match="seed 0"):
        Lecture(lessons, EncoderCourse(2, 2, 2, seed=1)).resume(tmp_path / "c.pt")
    with pytest.raises(UsageError, match="other recordings"):
        Lecture(Lessons(lessons.test, lessons.fit, NOISES), SHORT).resume(tmp_path / "c.pt")
    (tmp_path / "c.pt").write_bytes(b"no checkpoint")
    with pytest.raises(UsageError, match="cannot be read"):
        Lecture(lessons, SHORT).resume(tmp_path / "c.pt")


def test_a_batch_larger_than_the_patients_is_refused(lessons: Lessons) -> None:
    with pytest.raises(UsageError, match="2 patients to learn from"):
        Lecture(lessons, EncoderCourse(1, 1, 3, 0))


def test_the_rate_rises_then_falls_to_nothing() -> None:
    course = EncoderCourse(10, 10, 2, 0)
    rates = [course.rate(step) for step in range(100)]
    assert rates.index(max(rates)) in (9, 10)
    assert max(rates) == pytest.approx(encoder.RATE)
    assert rates[-1] < 0.01 * encoder.RATE


def test_what_is_not_known_teaches_nothing() -> None:
    target, weights = torch.tensor([[1.0, math.nan]]), torch.ones(2)
    assert told_loss(torch.tensor([[1.0, 5.0]]), target, weights) == 0
    assert told_loss(torch.tensor([[3.0, 5.0]]), target, weights) == pytest.approx(1.5)  # smooth L1 of 2
    assert told_loss(torch.tensor([[3.0]]), torch.tensor([[math.nan]]), weights[:1]) == 0


def test_what_weighs_more_is_told_better() -> None:
    # smooth L1 of 2 is 1.5 and of 3 is 2.5: (3 x 1.5 + 2.5) / 4
    loss = told_loss(torch.tensor([[2.0, 3.0]]), torch.zeros(1, 2), torch.tensor([3.0, 1.0]))
    assert loss == pytest.approx(1.75)
    assert encoder.HEAD_WEIGHTS.sum() == len(encoder.HEAD_TARGETS) + 2 * len(encoder.HEAVY)


def test_a_scale_leaves_out_what_is_missing_and_what_nobody_knows() -> None:
    scale = Scale.of(np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]]))
    assert (scale.mean.tolist(), scale.sd.tolist()) == ([2.0, 0.0], [1.0, 1.0])


def test_a_correlation_needs_something_that_varies() -> None:
    assert math.isnan(correlation(np.arange(4.0), np.full(4, np.nan)))
    assert math.isnan(correlation(np.arange(4.0), np.ones(4)))
    assert correlation(np.arange(4.0), np.array([0, 2, np.nan, 6])) == pytest.approx(1)


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    for i in range(3):
        write_night(folder / f"n{i}.edf", simulated("healthy", hours=0.03, seed=i), i)
    return folder


def command(nights: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> tuple[int, str]:
    monkeypatch.setattr(encoder_run, "read_noises", lambda _: NOISES)
    asked = ["train", "encoder", *(str(nights / f"n{i}.edf") for i in range(3)), "--noise", str(nights)]
    small = ["--simulated", "2", "--epochs", "1", "--steps", "2", "--patients", "2"]
    done = CliRunner().invoke(main, [*asked, "--out", str(out), *small, *more])
    return done.exit_code, done.output


def test_one_command_leaves_an_encoder_that_loads_with_its_card(
    nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "split.csv").write_text("recording_id,subject,part\nn0,a,fit\nn1,b,test\nn2,c,test\n")
    code, said = command(nights, tmp_path / "out", monkeypatch, "--split", str(tmp_path / "split.csv"))
    assert code == 0, said
    assert load_encoder(tmp_path / "out" / "encoder.safetensors").config == CONFIGS["clef-small"]
    card = tomllib.loads((tmp_path / "out" / "card.toml").read_text())
    assert (card["n_recordings_fit"], card["n_synthetic_fit"], card["n_recordings_test"]) == (1, 2, 2)
    assert 0 < card["test"]["physiology"] < 10
    assert (tmp_path / "out" / "encoder.safetensors").stat().st_size < 2e6
    code, said = command(nights, tmp_path / "out", monkeypatch)
    assert code == 2
    assert "--resume" in said


def test_a_split_that_leaves_a_recording_out_is_refused(
    nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "split.csv").write_text("recording_id,subject,part\nn0,a,fit\n")
    code, said = command(nights, tmp_path / "out", monkeypatch, "--split", str(tmp_path / "split.csv"))
    assert code == 2
    assert "n1, n2" in said
    assert not (tmp_path / "out").exists()


def test_a_course_can_begin_with_an_encoder_and_refuses_what_is_none(
    nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(5)
    begun = Net1D(CONFIGS["clef-small"])
    encoder_run.write_encoder(tmp_path / "begin.safetensors", begun)
    still = ("--rate", "1e-9", "--from", str(tmp_path / "begin.safetensors"))
    code, said = command(nights, tmp_path / "out", monkeypatch, *still, "--seed", "3")
    assert code == 0, said
    after = load_encoder(tmp_path / "out" / "encoder.safetensors").state_dict()
    for name, tensor in begun.state_dict().items():
        torch.testing.assert_close(after[name], tensor, atol=1e-3, rtol=1e-3)
    (tmp_path / "none.safetensors").write_bytes(b"none")
    code, _ = command(nights, tmp_path / "other", monkeypatch, "--from", str(tmp_path / "none.safetensors"))
    assert code == 6


@pytest.mark.parametrize("device", ["nowhere", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(
    nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    code, said = command(nights, tmp_path / "out", monkeypatch, "--device", device)
    assert code == 2
    assert device in said


def test_a_folder_without_the_noises_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Noise Stress"):
        views.read_noises(tmp_path)


def test_two_recordings_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="same name"):
        encoder_run._by_name([Path("a/100.edf"), Path("b/100.edf")])


def test_beats_without_a_waveform_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "beats.csv").write_text("time_s\n" + "\n".join(f"{0.8 * i:.3f}" for i in range(300)) + "\n")
    assert patients.hear(tmp_path / "beats.csv", load_recipe()) is None


def test_a_lead_that_shows_nothing_is_left_out(tmp_path: Path) -> None:
    night = simulated("healthy", hours=0.03)
    flat = night.recording.but(ecg=np.zeros(len(night.recording.ecg), np.float32))
    write_night(tmp_path / "flat.edf", dataclasses.replace(night, recording=flat), 0)
    heard = patients.hear(tmp_path / "flat.edf", load_recipe())
    assert heard is not None
    assert patients.patient_of(heard) is None


@pytest.mark.realdata
def test_a_record_of_two_leads_gives_both_with_age_and_sex(shared_data: Path) -> None:
    heard = patients.hear(shared_data / "mitdb" / "208.hea", load_recipe())
    assert heard is not None
    patient = patients.patient_of(heard)
    assert patient is not None
    assert patient.windows.shape[1:] == (2 + patients.MIXTURES, 5000)
    assert patient.header.tolist() == [23.0, 0.0]
    shares = patient.targets[:, 0, patients.TARGETS.index("share_v")]
    assert 0.3 < np.nanmean(shares) < 0.45  # 992 V and 373 F of 2,955 beats by the reference


@pytest.mark.realdata
def test_the_noises_are_those_of_the_second_channel_in_the_band(shared_data: Path) -> None:
    noises = views.read_noises(shared_data / "nstdb")
    for noise in noises.values():
        assert len(noise) / 500 == pytest.approx(650_000 / 360, rel=1e-3)
        assert noise.std() == pytest.approx(1, abs=1e-3)
        power = np.abs(np.fft.rfft(noise)) ** 2
        hz = np.fft.rfftfreq(len(noise), 1 / 500)
        assert power[(hz > 0.5) & (hz < 45)].sum() > 0.99 * power.sum()
