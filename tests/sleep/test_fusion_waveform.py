"""The fusion head shown the waveform too: on request, by the shipped encoder; by beats alone where there is none."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from made_nights import analysed
from staging_nights import asking_for

from holter2sleep.errors import WeightsError
from holter2sleep.night import Night
from holter2sleep.provenance import models_sha256
from holter2sleep.sleep.staging import Evidence, Stager, get_stager, shipped, stage_sleep, threads
from holter2sleep.sleep.staging.cards import read_card, read_weights
from holter2sleep.sleep.staging.encoder_weights import find_encoder_file
from holter2sleep.sleep.staging.fusion import Fusion, both_views, calibrated, inputs, read_networks
from holter2sleep.sleep.staging.head_encoder import seen_of
from holter2sleep.sleep.staging.second_opinion import SecondOpinion, agreed
from holter2sleep.sleep.staging.shipped import list_shipped
from holter2sleep.training.staging import WEIGHTS
from holter2sleep.training.staging_nights import HeardNight, evidence_of, training_night
from holter2sleep.training.staging_waves import embedded, seen_again

WITH_WAVEFORM = "fusion-waveform"
(ENCODER,) = list_shipped()


@pytest.fixture(scope="module")
def night() -> Night:
    return analysed("healthy", hours=0.5, fs=100.0)


@pytest.fixture(scope="module")
def evidence(night: Night) -> Evidence:
    return evidence_of(night)


@pytest.fixture(scope="module")
def stager() -> Stager:
    return get_stager(WITH_WAVEFORM)


@pytest.fixture(scope="module")
def from_both(stager: Stager, evidence: Evidence) -> np.ndarray:
    return stager.stage(evidence)[0]


def beats_of(evidence: Evidence) -> Evidence:
    """The same night as a beat file."""
    recording = evidence.recording.but(ecg=None, given_beats=evidence.beats)
    return dataclasses.replace(evidence, recording=recording)


def test_both_stagers_are_the_same_networks_and_the_encoder_is_the_one_they_were_taught_with() -> None:
    beats, both = read_card("fusion"), read_card(WITH_WAVEFORM)
    assert beats.weights == both.weights
    assert beats.encoder is None
    assert both.encoder is not None
    assert (both.encoder.installable, both.encoder.sha256) == (ENCODER.name, ENCODER.sha256)
    assert (both.encoder.network, both.encoder.profile) == (ENCODER.network, ENCODER.profile)
    assert json.loads((WEIGHTS / "fusion_split.json").read_text())["encoder"] == ENCODER.name
    for network in read_networks(read_weights(both)).arrays:
        assert len(network["wave.weight"]) == 2 * ENCODER.n_features


def test_the_waveform_is_looked_at_on_request_only(evidence: Evidence, from_both: np.ndarray) -> None:
    assert read_card(WITH_WAVEFORM).on_request
    hypnogram, _ = stage_sleep(evidence, asking_for("auto"))
    assert hypnogram.scorer == "fusion"
    by_default, _ = get_stager("fusion").stage(evidence)
    of_beats, _ = get_stager("fusion").stage(beats_of(evidence))
    np.testing.assert_array_equal(by_default, of_beats)
    assert np.nanmax(np.abs(by_default - from_both)) > 0.01


def test_without_a_waveform_it_is_the_default_and_says_so(stager: Stager, evidence: Evidence) -> None:
    alone, notes = stager.stage(beats_of(evidence))
    np.testing.assert_array_equal(alone, get_stager("fusion").stage(beats_of(evidence))[0])
    assert notes[0] == "stages: from the beats alone, for the recording holds no waveform for the encoder clef-small"


def test_the_same_night_gives_the_same_bytes(evidence: Evidence, from_both: np.ndarray) -> None:
    again, notes = get_stager(WITH_WAVEFORM).stage(evidence)
    assert again.tobytes() == from_both.tobytes()
    assert not any("waveform" in note for note in notes)


def test_windows_that_cannot_be_trusted_leave_the_beats(stager: Stager, evidence: Evidence) -> None:
    usable = evidence.quality.usable.copy()
    usable[20:30] = False
    quality = dataclasses.replace(evidence.quality, usable=usable)
    proba, _ = stager.stage(dataclasses.replace(evidence, quality=quality))
    heard = np.isfinite(get_stager("fusion").stage(dataclasses.replace(evidence, quality=quality))[0]).all(axis=1)
    np.testing.assert_array_equal(np.isfinite(proba).all(axis=1), heard)
    assert heard[20:30].any()


def test_a_waveform_without_a_window_to_trust_is_as_none(stager: Stager, evidence: Evidence) -> None:
    quality = dataclasses.replace(evidence.quality, usable=np.zeros_like(evidence.quality.usable))
    blind = dataclasses.replace(evidence, quality=quality)
    np.testing.assert_array_equal(stager.stage(blind)[0], get_stager("fusion").stage(blind)[0])


def test_what_training_is_shown_is_what_staging_is_shown_and_computed_once(evidence: Evidence, tmp_path: Path) -> None:
    _, encoder, profile = find_encoder_file(ENCODER.name)
    heard = HeardNight("n", "n", evidence, np.zeros(evidence.grid.n, np.int64))
    (once,) = embedded([heard], encoder, profile, tmp_path / "waves.npz")
    shown, _ = seen_of(evidence, read_card(WITH_WAVEFORM))
    assert shown is not None
    np.testing.assert_array_equal(once.embedding, shown.astype(np.float16))
    (again,) = embedded(
        [dataclasses.replace(heard, evidence=beats_of(evidence))], encoder, profile, tmp_path / "waves.npz"
    )
    np.testing.assert_array_equal(again.embedding, once.embedding)


@pytest.mark.parametrize("with_encoder", [True, False])
def test_a_taught_night_is_shown_in_its_waveform_with_what_teachers_say_and_computed_once(
    evidence: Evidence, tmp_path: Path, *, with_encoder: bool
) -> None:
    encoder = find_encoder_file(ENCODER.name)[1:] if with_encoder else None
    heard = HeardNight("n", "n", evidence, np.zeros(evidence.grid.n, np.int64))
    plain = training_night(heard)
    taught = dataclasses.replace(plain, features=plain.features + 1, taught=np.full_like(plain.taught, 0.5))
    (once,) = seen_again([taught], iter([heard]), encoder, tmp_path / "waves.npz")
    np.testing.assert_array_equal(once.features, plain.features)
    np.testing.assert_array_equal(once.taught, taught.taught)
    shown, _ = seen_of(evidence, read_card(WITH_WAVEFORM))
    assert shown is not None
    expected = shown.astype(np.float16) if with_encoder else None
    np.testing.assert_array_equal(once.embedding, expected)
    (again,) = seen_again([taught], iter([]), encoder, tmp_path / "waves.npz")
    np.testing.assert_array_equal(again.features, once.features)
    np.testing.assert_array_equal(again.embedding, expected)


def test_half_of_the_answer_is_that_of_the_beats(evidence: Evidence, from_both: np.ndarray) -> None:
    card = read_card(WITH_WAVEFORM)
    networks, (embedding, _) = read_networks(read_weights(card)), seen_of(evidence, card)
    own = both_views(networks.arrays, networks.shown(inputs(evidence)), embedding)
    expected = calibrated(agreed(own, SecondOpinion().of(evidence)), networks.temperature)
    staged = np.isfinite(from_both).all(axis=1)
    np.testing.assert_allclose(from_both[staged], expected[staged], atol=1e-5)


def test_an_encoder_runs_with_memory_kept_from_layer_to_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    monkeypatch.setattr(threads, "keep_freed_memory", lambda: kept.append("kept"))
    with threads.inference():
        assert kept == ["kept"]


def test_the_waveform_alone_is_no_answer(stager: Stager, evidence: Evidence) -> None:
    silent = evidence.beats.where(evidence.beats.time_s > 1200.0)
    proba, _ = stager.stage(dataclasses.replace(evidence, beats=silent))
    assert np.isnan(proba[:30]).all()  # beats begin at epoch 40
    assert not np.isnan(proba[42:55]).any()


def test_another_encoder_is_refused(evidence: Evidence) -> None:
    card = read_card(WITH_WAVEFORM)
    assert card.encoder is not None
    other = dataclasses.replace(card, encoder=dataclasses.replace(card.encoder, sha256="0" * 64))
    with pytest.raises(WeightsError, match=r"taught with was 0000.*use the version of holter2sleep"):
        Fusion(other, read_weights(card)).stage(evidence)


def test_what_a_run_is_known_by_tells_the_two_apart_and_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    from holter2sleep import provenance

    known = models_sha256(WITH_WAVEFORM)
    assert known != models_sha256("fusion")
    card = read_card(WITH_WAVEFORM)
    assert card.encoder is not None
    other = dataclasses.replace(card, encoder=dataclasses.replace(card.encoder, sha256="0" * 64))
    monkeypatch.setattr(provenance, "list_cards", lambda: (other,))
    assert models_sha256(WITH_WAVEFORM) != known


def test_another_second_opinion_makes_another_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    from holter2sleep import provenance

    known = models_sha256("fusion")
    second = read_card("sleepecg-mesa")
    assert second.weights is not None
    other = dataclasses.replace(second, weights=dataclasses.replace(second.weights, sha256="0" * 64))
    monkeypatch.setattr(provenance, "read_card", {"sleepecg-mesa": other}.__getitem__)
    assert models_sha256("fusion") != known


def test_the_encoder_stands_among_the_models_of_a_run(night: Night, evidence: Evidence) -> None:
    from holter2sleep import provenance
    from holter2sleep.recipe import load_recipe

    hypnogram, _ = stage_sleep(evidence, asking_for(WITH_WAVEFORM))
    staged = dataclasses.replace(night, hypnogram=hypnogram)
    recipe = load_recipe("overnight", (f"staging.stager={WITH_WAVEFORM}",))
    used = {model["role"]: model for model in provenance._models(staged, recipe)}
    assert used["stager"]["name"] == WITH_WAVEFORM
    assert used["encoder"] == {"role": "encoder", "name": "clef-small", "sha256": ENCODER.sha256}
    assert used["second opinion"]["name"] == "sleepecg-mesa"


def test_the_card_states_the_figures_that_the_training_wrote() -> None:
    card, figures = read_card(WITH_WAVEFORM), json.loads((WEIGHTS / "fusion_figures.json").read_text())
    assert card.internal_kappa == figures["waveform"]["3_classes"]["kappa"]
    said = " ".join(card.figures)
    for n_classes in (2, 3, 4, 5):
        found, more = (figures[name][f"{n_classes}_classes"] for name in ("waveform", "waveform_more"))
        low, high = found["kappa_interval"]
        assert f"{n_classes} classes: kappa {found['kappa']:.3f} ({low:.3f} to {high:.3f})" in said
        assert f"calibration error {found['calibration_error']:.3f}" in said
        low, high = more["interval"]
        assert f"{n_classes} classes {more['ours_more']:+.3f} ({low:+.3f} to {high:+.3f})" in said
        assert found["calibration_error"] <= 0.06


def test_the_encoder_of_the_card_is_looked_for_in_the_package(
    monkeypatch: pytest.MonkeyPatch, evidence: Evidence
) -> None:
    def gone(_encoder: object) -> None:
        raise WeightsError("reinstall holter2sleep")

    monkeypatch.setattr(shipped, "checked", gone)
    with pytest.raises(WeightsError, match="needs the encoder h2s-encoder-small: reinstall holter2sleep"):
        get_stager(WITH_WAVEFORM).stage(evidence)
