"""The cardiosomnography network, its input and its stager; its weights are never part of the project."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from staging_nights import asking_for, evidence_of, steady_beats

from holter2sleep.errors import UsageError, WeightsError
from holter2sleep.night import Lights, Recording, Source, Subject
from holter2sleep.simulate import preset, simulate_night
from holter2sleep.sleep.staging import Evidence, cardiosomnography, get_stager, stage_sleep
from holter2sleep.sleep.staging.cardiosomnography import (
    CAUSAL,
    VARIANTS,
    Cardiosomnography,
    Variant,
    additional_inputs,
    shown_epochs,
    signed_clock,
)
from holter2sleep.sleep.staging.cardiosomnography_net import CardiosomnographyNet, load_network
from holter2sleep.sleep.staging.cardiosomnography_signal import (
    BLOCK_EPOCHS,
    Level,
    _deviations,
    night_level,
    scaled_blocks,
)
from holter2sleep.sleep.staging.cards import read_card
from holter2sleep.sleep.staging.encoder_weights import shapes_of
from holter2sleep.sleep.staging.install import install
from holter2sleep.sleep.staging.installable import Installable, get_installable, list_installable
from holter2sleep.sleep.staging.threads import inference

ONLY_ECG = Variant("cardiosomnography-only-ecg", time=False, person=False)
PRIMARY = VARIANTS[0]
STAGERS = ("cardiosomnography", "cardiosomnography-causal")


def logits(network: CardiosomnographyNet, ecg_et: np.ndarray, additional_ef: np.ndarray) -> np.ndarray:
    with inference():
        code = network.ecg_code(torch.from_numpy(ecg_et))
        return network(code, torch.from_numpy(additional_ef)).numpy()


def random_night(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.3, (n, 7680)).astype(np.float32), rng.normal(0, 1, (n, 4)).astype(np.float32)


@cache
def network_of(real_time: bool) -> CardiosomnographyNet:
    """A network with the weights it is born with; in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CardiosomnographyNet(real_time).eval()


@cache
def sleeper() -> Recording:
    """An hour of a synthetic night with a waveform."""
    plan = replace(preset("healthy"), hours=1.0)
    return simulate_night(plan, np.random.default_rng(0)).recording


def evidence(recording: Recording, unusable: slice = slice(0, 0), **known: object) -> Evidence:
    plain = evidence_of(steady_beats(recording.duration_s), recording.duration_s, unusable_epochs=unusable)
    facts = {"start": plain.recording.start, "subject": plain.recording.subject, **known}
    return replace(plain, recording=recording.but(**facts))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Deterministic networks in place of the installed ones; the list says which are there."""
    there = [variant.name for variant in VARIANTS + CAUSAL]
    monkeypatch.setattr(cardiosomnography, "is_installed", lambda weights: weights.name in there)
    monkeypatch.setattr(cardiosomnography, "verified", lambda weights: Path(weights.file))
    monkeypatch.setattr(cardiosomnography, "installed_sha256", lambda weights: "0" * 64)
    monkeypatch.setattr(cardiosomnography, "load_network", lambda path, real_time: network_of(real_time))
    return there


# --- the network -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("real_time", "n_parameters"), [(False, 45_675), (True, 38_175)])
def test_size_is_the_published_one(real_time: bool, n_parameters: int) -> None:
    network = CardiosomnographyNet(real_time)
    assert len(network.state_dict()) == 194
    assert sum(parameter.numel() for parameter in network.parameters()) == n_parameters


def test_convolutions_leave_91_steps_of_an_epoch() -> None:
    ecg_et = torch.zeros(1, 7680)
    lengths = [layer.shape[-1] for layer in outputs_of_convolutions(network_of(False), ecg_et)]
    assert lengths == [3825, 1898, 934, 452, 211, 91]


def outputs_of_convolutions(network: CardiosomnographyNet, ecg_et: torch.Tensor) -> list[torch.Tensor]:
    out, h = [], ecg_et.unsqueeze(1)
    for layer in network.ecg_cnns.network:
        h = layer(h)
        if isinstance(layer, torch.nn.Conv1d):
            out.append(h)
    return out


@pytest.mark.parametrize("real_time", [False, True])
def test_only_the_causal_network_ignores_the_future(real_time: bool) -> None:
    ecg_et, additional_ef = random_night(30)
    changed = ecg_et.copy()
    changed[20:] *= -5
    one, two = (logits(network_of(real_time), ecg, additional_ef) for ecg in (ecg_et, changed))
    assert np.allclose(one[:20], two[:20], atol=1e-5) == real_time
    assert not np.allclose(one[20:], two[20:], atol=1e-3)


def test_waveforms_in_blocks_give_what_one_batch_gives() -> None:
    ecg_et = torch.from_numpy(random_night(9)[0])
    with inference():
        whole = network_of(False).ecg_code(ecg_et)
        parts = torch.cat([network_of(False).ecg_code(ecg_et[i : i + 4]) for i in range(0, 9, 4)])
    np.testing.assert_allclose(whole, parts, atol=1e-5)


def test_a_checkpoint_of_another_network_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "primary.pt"
    torch.save({"model_state_dict": network_of(True).state_dict()}, path)
    with pytest.raises(WeightsError, match=r"tcn.network.0.network.2.weight \(25, 25, 2\) instead of \(25, 25, 3\)"):
        load_network(path, real_time=False)


# --- its input -------------------------------------------------------------------------------------


def test_epochs_are_within_one_and_most_tall_waves_within_a_half() -> None:
    onset_s = np.arange(0, 3600, 30.0)
    level = night_level(sleeper(), onset_s, np.ones(120, bool))
    ecg_et = np.concatenate(list(scaled_blocks(sleeper(), onset_s, level)))
    assert ecg_et.shape == (120, 7680)
    assert ecg_et.dtype == np.float32
    assert np.abs(ecg_et).max() <= 1
    tallest = _deviations(ecg_et)[1].ravel()
    assert 0.7 < (tallest <= 0.5).mean() < 0.9


def test_scale_offset_and_sign_of_the_lead_do_not_matter_but_for_the_sign() -> None:
    onset_s = np.arange(0, 600, 30.0)
    ecg = np.asarray(sleeper().ecg)
    other = sleeper().but(ecg=-3 * ecg + 1)
    usable = np.ones(20, bool)
    one, two = (
        np.concatenate(list(scaled_blocks(rec, onset_s, night_level(rec, onset_s, usable))))
        for rec in (sleeper(), other)
    )
    np.testing.assert_allclose(one, -two, atol=1e-3)


def test_a_burst_is_damped_and_leaves_the_rest_as_it_was() -> None:
    onset_s = np.arange(0, 1800, 30.0)
    usable = np.ones(60, bool)
    ecg = np.array(sleeper().ecg)
    fs = int(sleeper().fs or 0)
    burst = slice(900 * fs, 904 * fs)
    ecg[burst] += np.random.default_rng(1).normal(0, 20, 4 * fs)
    clean, noisy = sleeper(), sleeper().but(ecg=ecg)
    one, two = (
        np.concatenate(list(scaled_blocks(rec, onset_s, night_level(rec, onset_s, usable)))) for rec in (clean, noisy)
    )
    np.testing.assert_allclose(one[:28], two[:28], atol=0.02)
    usual, burst_now = np.median(np.abs(one[:28])), np.median(np.abs(two[30, 256:768]))
    assert burst_now < 3.5 * usual  # published: three times


def test_gains_of_a_night_are_those_worked_out_by_hand() -> None:
    mad, peak = np.full((4, 15), 1.0), np.full((4, 15), 2.0)
    mad[1, 3], peak[1, 3] = 6.0, 12.0  # brought down to 3 MAD: half, then to twice the usual peak: 4 of 6
    peak[2, 5] = 8.0  # brought down to 4
    level = Level.of(np.array([True, True, True, False]), mad, peak)
    assert level.gain[0] == pytest.approx(0.25)
    assert level.gain[1, 3] == pytest.approx(0.25 * 0.5 * 4 / 6)
    assert level.gain[2, 5] == pytest.approx(0.125)
    assert not level.gain[3].any()


def test_a_night_without_signal_has_no_level() -> None:
    level = Level.of(np.ones(3, bool), np.zeros((3, 15)), np.zeros((3, 15)))
    assert not level.whole.any()
    assert not level.gain.any()


def test_the_night_is_read_in_blocks_that_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    onset_s = np.arange(0, 1200, 30.0)
    usable = np.ones(40, bool)

    def scaled() -> np.ndarray:
        return np.concatenate(list(scaled_blocks(sleeper(), onset_s, night_level(sleeper(), onset_s, usable))))

    assert BLOCK_EPOCHS > 40
    whole = scaled()
    monkeypatch.setattr("holter2sleep.sleep.staging.cardiosomnography_signal.BLOCK_EPOCHS", 7)
    np.testing.assert_allclose(scaled(), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("clock", "share"), [("00:00", 0.0), ("22:48", -0.05), ("06:00", 0.25), ("12:00", -0.5), ("11:59", 719 / 1440)]
)
def test_the_clock_is_a_signed_share_of_a_day(clock: str, share: float) -> None:
    time = datetime.strptime(clock, "%H:%M")
    assert signed_clock(time.hour * 3600 + time.minute * 60) == pytest.approx(share)


def test_what_is_known_goes_in_as_described_and_noise_stands_for_the_rest() -> None:
    start = datetime(2024, 3, 9, 22, 48)
    night = evidence(sleeper(), start=start, subject=Subject(60.0, "M"))
    epochs = np.arange(120)
    told = additional_inputs(night, epochs, PRIMARY)
    assert told[:, 0].tolist() == [1.0] * 120
    np.testing.assert_allclose(told[:, 1], 0.6)
    np.testing.assert_allclose(told[[0, -1], 2], [-1, 1])
    np.testing.assert_allclose(told[:, 3], -0.05 + np.arange(120) * 30 / 86_400, atol=1e-6)
    noise = additional_inputs(night, epochs, ONLY_ECG)
    assert noise.tobytes() == additional_inputs(night, epochs, ONLY_ECG).tobytes()
    assert np.abs(noise.mean(axis=0)).max() < 0.4
    assert 0.7 < noise.std() < 1.3


def test_of_a_long_recording_the_network_sees_lights_off_to_lights_on() -> None:
    day_s = 24 * 3600.0
    day = replace(evidence_of(steady_beats(day_s), day_s), lights=Lights(36_000.0, 64_800.0, "detected"))
    night = shown_epochs(day)
    assert night[0] * 30 == pytest.approx(36_000, abs=30)
    assert night[-1] * 30 == pytest.approx(64_800, abs=30)


# --- the stager ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STAGERS)
def test_a_night_is_answered_from_end_to_end_and_always_alike(name: str, installed: list[str]) -> None:
    proba, notes = get_stager(name).stage(evidence(sleeper()))
    assert proba.shape == (120, 5)
    assert proba.dtype == np.float32
    assert (proba >= 0).all()
    assert proba.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert get_stager(name).stage(evidence(sleeper()))[0].tobytes() == proba.tobytes()
    assert "SHA-256 " + "0" * 64 in notes[0]


@pytest.mark.parametrize("name", STAGERS)
def test_unusable_epochs_and_a_cut_last_one_are_unscored(name: str, installed: list[str]) -> None:
    recording = sleeper().but(duration_s=1795.0)
    hypnogram, _ = stage_sleep(evidence(recording, slice(20, 40)), asking_for(name))
    assert (hypnogram.stage == "U").nonzero()[0].tolist() == [*range(20, 40), 59]


def test_what_unusable_epochs_hold_changes_nothing(installed: list[str]) -> None:
    ecg = np.array(sleeper().ecg)
    fs = int(sleeper().fs or 0)
    ecg[700 * fs : 800 * fs] = 50 * np.random.default_rng(0).standard_normal(100 * fs)
    stager, bad = get_stager("cardiosomnography"), slice(21, 29)  # 630 to 870 s
    one, _ = stager.stage(evidence(sleeper(), bad))
    two, _ = stager.stage(evidence(sleeper().but(ecg=ecg), bad))
    assert np.isnan(one[bad]).all()
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_a_gap_is_unscored_and_the_rest_answered(installed: list[str]) -> None:
    ecg = np.array(sleeper().ecg)
    fs = int(sleeper().fs or 0)
    ecg[100 * fs : 130 * fs] = np.nan
    proba, _ = get_stager("cardiosomnography").stage(evidence(sleeper().but(ecg=ecg, gaps=[(100.0, 130.0)])))
    assert np.isnan(proba).any(axis=1).nonzero()[0].tolist() == [3, 4]


@pytest.mark.parametrize("content", ["flat", "missing"])
def test_a_lead_without_signal_is_a_night_without_stages(content: str, installed: list[str]) -> None:
    fs = 128.0
    ecg = np.full(round(600 * fs), 0.0 if content == "flat" else np.nan, np.float32)
    recording = Recording("night", Source("night.edf", "EDF", "0" * 64), 600.0, fs, ecg=ecg)
    proba, _ = get_stager("cardiosomnography").stage(evidence(recording))
    assert np.isnan(proba).all()


def test_a_recording_shorter_than_an_epoch_is_unscored(installed: list[str]) -> None:
    recording = Recording("night", Source("night.edf", "EDF", "0" * 64), 20.0, 128.0, ecg=np.zeros(2560, np.float32))
    proba, _ = get_stager("cardiosomnography").stage(evidence(recording))
    assert np.isnan(proba).all()


@pytest.mark.parametrize(
    ("start", "subject", "expected"),
    [
        (True, Subject(60.0, "M"), "primary"),
        (False, Subject(60.0, "F"), "no-time"),
        (True, Subject(None, "F"), "only-ecg"),  # of the two that can run, the better by published kappa
        (False, Subject(), "only-ecg"),
    ],
)
def test_the_variant_follows_what_is_known(start: bool, subject: Subject, expected: str, installed: list[str]) -> None:
    known = {"start": datetime(2024, 3, 9, 23) if start else None, "subject": subject}
    _, notes = get_stager("cardiosomnography").stage(evidence(sleeper(), **known))
    assert len(notes) == 1
    assert f"by cardiosomnography-{expected}," in notes[0]


def test_a_variant_that_is_there_is_better_than_none(installed: list[str]) -> None:
    installed[:] = ["cardiosomnography-only-ecg"]
    _, notes = get_stager("cardiosomnography").stage(evidence(sleeper()))
    assert "by cardiosomnography-only-ecg" in notes[0]


def test_variants_that_cannot_be_told_what_they_want_say_so(installed: list[str]) -> None:
    installed[:] = ["cardiosomnography-primary"]
    with pytest.raises(WeightsError, match="--age"):
        get_stager("cardiosomnography").stage(evidence(sleeper(), subject=Subject()))


def test_the_causal_variant_says_what_it_was_not_told(installed: list[str]) -> None:
    _, notes = get_stager("cardiosomnography-causal").stage(evidence(sleeper(), start=None))
    assert "by cardiosomnography-real-time" in notes[0]
    assert "noise stands for what is not known" in notes[1]


@pytest.mark.parametrize("name", STAGERS)
def test_without_installed_weights_it_says_how_to_get_them(name: str) -> None:
    with pytest.raises(WeightsError, match=r"holter2sleep models install cardiosomnography-"):
        get_stager(name)


@pytest.mark.parametrize("name", STAGERS)
def test_auto_never_takes_it(name: str, installed: list[str]) -> None:
    assert read_card(name).on_request
    hypnogram, _ = stage_sleep(evidence(sleeper()), asking_for("auto"))
    assert hypnogram.scorer == "fusion"


def test_beats_without_a_waveform_are_a_wrong_use(installed: list[str]) -> None:
    with pytest.raises(UsageError, match="needs a waveform"):
        stage_sleep(evidence_of(steady_beats(900), 900), asking_for("cardiosomnography"))


@pytest.mark.parametrize("name", STAGERS)
def test_the_card_names_the_weights_and_their_licence(name: str) -> None:
    card = read_card(name)
    assert "AGPL-3.0" in card.licence
    assert {get_installable(weights).licence.name for weights in card.installable} == {"AGPL-3.0"}
    assert card.external_kappa is None
    assert any("unverified" in limit for limit in card.limits)


# --- the published checkpoints ---------------------------------------------------------------------

PUBLISHED = [weights for weights in list_installable() if weights.network.startswith("cardiosomnography")]


@pytest.mark.realdata
@pytest.mark.parametrize("weights", PUBLISHED, ids=lambda weights: weights.name)
def test_golden_log_probabilities(weights: Installable, shared_data: Path) -> None:
    variant = weights.name.removeprefix("cardiosomnography-")
    network = load_network(shared_data / "weights" / "cardiosomnography" / weights.file, variant == "real-time")
    assert sum(parameter.numel() for parameter in network.parameters()) == weights.n_parameters
    with np.load(shared_data / "golden" / "cardiosomnography_golden.npz") as golden:
        found = torch.from_numpy(logits(network, golden["ecg_ET"], golden["additional_EF"])).double()
        wanted = golden[f"p_{variant.replace('-', '_')}_EC"].astype(np.float64)
    np.testing.assert_allclose(found.softmax(1).numpy(), wanted, rtol=0, atol=1e-7)
    told = wanted > 1e-20
    # a logarithm near -40, of a chance of 1e-17, differs by more than 1e-5 where a processor adds in another order
    np.testing.assert_allclose(found.log_softmax(1).numpy()[told], np.log(wanted[told]), rtol=3e-5, atol=1e-5)


@pytest.mark.realdata
@pytest.mark.parametrize("weights", PUBLISHED, ids=lambda weights: weights.name)
def test_names_and_shapes_are_the_published_ones_in_order(weights: Installable, shared_data: Path) -> None:
    listed = json.loads((shared_data / "golden" / "cardiosomnography_state_dict_shapes.json").read_text("utf-8"))
    network = CardiosomnographyNet(real_time=weights.name.endswith("real-time"))
    wanted = listed[weights.name.removeprefix("cardiosomnography-")]
    assert [(name, list(shape)) for name, shape in shapes_of(network.state_dict()).items()] == list(wanted.items())


@pytest.mark.realdata
def test_installed_checkpoints_stage_a_night(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLTER2SLEEP_WEIGHTS", str(tmp_path))
    for weights in PUBLISHED:
        install(weights, lambda _: True, lambda *_: None, shared_data / "weights" / "cardiosomnography")
    for name in STAGERS:
        stager = get_stager(name)
        assert isinstance(stager, Cardiosomnography)
        proba, _ = stager.stage(evidence(sleeper()))
        assert proba.sum(axis=1) == pytest.approx(1, abs=1e-5)
