"""Choosing a stager, its weights, and the hypnogram it leaves."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from staging_nights import asking_for, evidence_of, steady_beats

from holter2sleep.analyze import analyze_night
from holter2sleep.cards import Weights, card_in
from holter2sleep.errors import UsageError, WeightsError
from holter2sleep.evaluate.stages import compare_stages, kappa, pooled
from holter2sleep.io import read_recording
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import SCHEMES, Subject
from holter2sleep.recipe import load_recipe
from holter2sleep.sleep.staging import (
    Card,
    Evidence,
    get_stager,
    list_cards,
    registry,
    stage,
    stage_sleep,
)
from holter2sleep.sleep.staging.cards import CARDS, read_card, read_weights
from holter2sleep.sleep.staging.profiles import PROFILES

AUTO = asking_for("auto")


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return evidence_of(steady_beats(3600.0), 3600.0)


class ScriptedStager:
    """Answers with the rows it was given."""

    def __init__(self, rows: Sequence[Sequence[float]], card: Card) -> None:
        self.card = card
        self._proba = np.array(rows, np.float32)

    def stage(self, evidence: Evidence) -> tuple[np.ndarray, tuple[str, ...]]:
        return self._proba, ("a remark",)


def test_auto_takes_the_first_choice_and_says_how_good_it_is(evidence: Evidence) -> None:
    hypnogram, notes = stage_sleep(evidence, AUTO)
    assert hypnogram.scorer == "fusion"
    assert hypnogram.scheme == "AASM5"
    assert "no external validation; internal kappa 0." in notes[0]


def test_cards_come_best_external_figure_first_but_for_a_first_choice_with_its_reason() -> None:
    cards = list_cards()
    ranked = [card.first_choice is not None or card.external_kappa is not None for card in cards]
    assert ranked == sorted(ranked, reverse=True)  # those without a figure come last
    assert [cards[0].name] == [card.name for card in cards if card.first_choice is not None] == ["fusion"]
    figures = [card.external_kappa for card in cards[1:] if card.external_kappa is not None]
    assert len(figures) >= 3
    assert figures == sorted(figures, reverse=True)


def test_each_epoch_gets_its_most_probable_stage(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    three_epochs = evidence_of(steady_beats(90.0), 90.0)
    rows = [(0.2, 0.7, 0.1), (np.nan, np.nan, np.nan), (0.3, 0.3, 0.4)]
    scripted = ScriptedStager(rows, read_card("heuristic"))
    monkeypatch.setattr(stage, "get_stager", lambda name: scripted)
    hypnogram, notes = stage_sleep(three_epochs, asking_for("scripted"))
    assert hypnogram.stage.tolist() == ["NREM", "U", "R"]
    assert "a remark" in notes


def test_auto_passes_over_missing_weights_and_says_so(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_sleepecg(name: str) -> object:
        if name in ("fusion", "sleepecg-mesa"):
            raise WeightsError("sleepecg is not installed")
        return get_stager(name)

    monkeypatch.setattr(stage, "get_stager", no_sleepecg)
    hypnogram, notes = stage_sleep(evidence, AUTO)
    assert hypnogram.scorer == "heuristic"
    assert any("sleepecg-mesa passed over: sleepecg is not installed" in note for note in notes)


def test_a_named_stager_without_its_package_is_an_error_that_says_what_to_install() -> None:
    card = dataclasses.replace(read_card("sleepecg-mesa"), weights=Weights("x.zip", "0" * 64, "no_such_package"))
    with pytest.raises(WeightsError, match="pip install no_such_package"):
        read_weights(card)


def test_a_package_without_the_file_is_an_error() -> None:
    card = dataclasses.replace(read_card("sleepecg-mesa"), weights=Weights("gone.zip", "0" * 64, "sleepecg"))
    with pytest.raises(WeightsError, match=r"has no 'gone\.zip'"):
        read_weights(card)


def test_weights_with_another_hash_are_refused() -> None:
    card = read_card("sleepecg-mesa")
    assert card.weights is not None
    other = dataclasses.replace(card, weights=dataclasses.replace(card.weights, sha256="0" * 64))
    with pytest.raises(WeightsError, match="SHA-256 5622a858"):
        read_weights(other)


def test_a_misspelt_stager_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'sleepecg-mesa'"):
        get_stager("sleepecg_mesa")


def test_a_stager_that_needs_a_waveform_refuses_beats(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    card = dataclasses.replace(read_card("heuristic"), name="waves", needs_waveform=True)
    monkeypatch.setattr(stage, "get_stager", lambda name: ScriptedStager([], card))
    with pytest.raises(UsageError, match=r"'waves' needs a waveform and 'night\.txt' holds beats only"):
        stage_sleep(evidence, asking_for("waves"))


def test_auto_passes_over_a_stager_that_needs_a_waveform(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    waves = dataclasses.replace(read_card("heuristic"), name="waves", needs_waveform=True)
    monkeypatch.setattr(stage, "list_cards", lambda: (waves, read_card("heuristic")))
    hypnogram, notes = stage_sleep(evidence, AUTO)
    assert hypnogram.scorer == "heuristic"
    assert "stager waves passed over: it needs a waveform" in notes


def test_missing_facts_are_named_in_the_notes() -> None:
    evidence = evidence_of(steady_beats(600.0), 600.0, start=None, subject=Subject(age_years=50.0))
    _, notes = stage_sleep(evidence, asking_for("sleepecg-mesa"))
    assert any("without start, sex" in note for note in notes)


def test_the_share_without_a_stage_is_logged_and_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for lost in (25, 15):
            evidence = evidence_of(steady_beats(3000.0), 3000.0, unusable_epochs=slice(0, lost))
            stage_sleep(evidence, asking_for("clock"))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "night: stages by clock, 25 of 100 epochs (25 %) unscored" in caplog.text


def test_asking_for_cards_loads_neither_torch_nor_sleepecg() -> None:
    code = (
        "import sys; from holter2sleep.sleep.staging import list_cards; list_cards();"
        "sys.exit(' '.join({'torch', 'sleepecg', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"


def test_every_registered_stager_has_a_card_and_every_card_a_stager() -> None:
    from holter2sleep.sleep.staging.cards import CARDS

    assert {path.stem for path in CARDS.glob("*.toml")} == set(registry.STAGERS)


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "expected"), [("sleepecg-mesa", 0.14), ("heuristic", 0.10), ("clock", 0.04)])
def test_pooled_kappa_on_slpdb_is_the_one_the_card_states(shared_data: Path, name: str, expected: float) -> None:
    recipe = load_recipe("overnight", (f"staging.stager={name}",))
    records = (shared_data / "slpdb" / "RECORDS").read_text().split()
    compared = []
    for record in records:
        recording = read_recording(shared_data / "slpdb" / f"{record}.ecg")
        night = analyze_night(recording, recipe)
        scored, _ = read_hypnogram(shared_data / "slpdb" / f"{record}.st", night.grid, recording.wall_clock)
        compared.append(compare_stages(scored, night.hypnogram))
    counts = pooled(compared).counts
    assert counts.sum() > 6850  # of 6,916 scored epochs
    assert kappa(counts) == pytest.approx(expected, abs=0.005)
    card = read_card(name)
    assert f"{expected:.2f}" in f"{card.external_kappa:.2f} {' '.join(card.limits)}"


@pytest.mark.parametrize("name", ["auto", "sleepecg-mesa", "heuristic", "clock"])
def test_beats_of_a_metronome_have_no_stages(name: str) -> None:
    beat_s = np.arange(0.0, 3600.0, 1.0)
    hypnogram, notes = stage_sleep(evidence_of(beat_s, 3600.0), asking_for(name))
    assert (hypnogram.stage == "U").all()
    assert hypnogram.proba is not None
    assert np.isnan(hypnogram.proba).all()
    assert "no stages: the NN intervals hardly vary (SD 0.00 ms), as those of a pacemaker or a test signal" in notes


def test_the_weak_breathing_of_a_denervated_heart_is_enough_for_stages() -> None:
    beat_s = np.cumsum(0.7 + 0.003 * np.sin(np.arange(5000) / 0.8))  # SD 2.1 ms
    hypnogram, _ = stage_sleep(evidence_of(beat_s, 3500.0), AUTO)
    assert (hypnogram.stage[1:-1] != "U").all()
    hypnogram, _ = stage_sleep(evidence_of(beat_s, 3500.0), dataclasses.replace(AUTO, minimum_sd_ms=2.2))
    assert (hypnogram.stage == "U").all()


def test_weights_that_are_not_beside_their_card_are_missing_there() -> None:
    card = dataclasses.replace(read_card("clock"), weights=Weights("nothing.json", "0" * 64))
    with pytest.raises(
        WeightsError, match=r"its card's folder has no 'nothing\.json'; put it there, or name its package"
    ):
        read_weights(card)


def test_a_card_says_a_scheme_that_there_is() -> None:
    content = (CARDS / "clock.toml").read_text(encoding="utf-8")
    assert {name for name in SCHEMES if _card_of(content.replace("CARDIO3", name)).scheme == name} == set(SCHEMES)
    with pytest.raises(WeightsError, match=r"^card drawn: scheme: 'CARDIO2' is none of AASM5, CARDIO4, CARDIO3"):
        _card_of(content.replace("CARDIO3", "CARDIO2"))


def test_a_card_says_windows_that_there_are() -> None:
    content = (CARDS / "fusion-waveform.toml").read_text(encoding="utf-8")
    for name in PROFILES:
        encoder = _card_of(content.replace('profile = "clef"', f'profile = "{name}"')).encoder
        assert encoder is not None
        assert encoder.profile == name
    with pytest.raises(WeightsError, match=r"^card drawn: encoder: profile: 'clf' is none of clef, ecgfounder"):
        _card_of(content.replace('profile = "clef"', 'profile = "clf"'))


def _card_of(content: str) -> Card:
    return card_in(Card, content.encode(), "card drawn", {"name": "drawn"})
