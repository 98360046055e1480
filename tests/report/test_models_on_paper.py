"""The models of a run on its last pages: what their cards say, and only of the weights that the run used."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from drawn_nights import Drawn
from night_tables import NightPlan, write_night

from holter2sleep.cards import ModelCard
from holter2sleep.models import FILES, list_model_cards
from holter2sleep.report.html import write_html
from holter2sleep.report.pdf import write_report
from holter2sleep.report.words import load_words
from holter2sleep.sleep.staging import list_cards
from holter2sleep.sleep.staging.shipped import list_shipped

FOREIGN = "0f" * 32
OURS = [{"role": "detector", "name": FILES[card.name].name, "sha256": card.sha256} for card in list_model_cards()]
STAGERS = {card.name: card for card in list_cards()}
(ENCODER,) = list_shipped()


def night_of(folder: Path, models: list[dict[str, Any]]) -> Path:
    """A night whose run names these models."""
    night = write_night(folder, NightPlan(hours=1.0))
    run = json.loads((night / "run.json").read_text()) | {"models": models}
    (night / "run.json").write_text(json.dumps(run))
    return night


def words_of(folder: Path, models: list[dict[str, Any]], language: str = "en") -> str:
    """All that a report of these models says, joined."""
    return joined(Drawn(write_report(night_of(folder, models), language=language)).text)


def joined(text: str) -> str:
    """Without white space: a line may break within a hyphenated word."""
    return "".join(text.split())


def texts_of(card: ModelCard) -> list[str]:
    return [joined(text) for text in (card.title, card.trained_on, card.headline, *card.limits)]


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_model_stands_with_its_card(tmp_path: Path, language: str) -> None:
    found, words = words_of(tmp_path, OURS, language), load_words(language)
    for card in list_model_cards():
        assert card.sha256 is not None
        assert card.sha256 in found
        assert [text for text in texts_of(card) if text not in found] == []
        assert joined(f"{words('methods.trained_on')}: {card.trained_on}") in found
        assert joined(f"{words('methods.agreement')}: {card.headline}") in found
    assert joined(words("methods.other_weights")) not in found


def test_the_report_for_a_screen_has_the_cards_too(tmp_path: Path) -> None:
    found = joined(unescape(write_html(night_of(tmp_path, OURS)).read_text(encoding="utf-8")))
    assert [text for card in list_model_cards() for text in texts_of(card) if text not in found] == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_run_with_other_weights_gets_no_figure_of_these(tmp_path: Path, language: str) -> None:
    found = words_of(tmp_path, [{**model, "sha256": FOREIGN} for model in OURS], language)
    for card in list_model_cards():
        assert [text for text in texts_of(card) if text in found] == []
    assert found.count(joined(load_words(language)("methods.other_weights"))) == len(OURS)
    assert found.count(FOREIGN) == len(OURS)


def test_one_other_file_among_them_changes_nothing_for_the_rest(tmp_path: Path) -> None:
    detector, *rest = list_model_cards()
    found = words_of(tmp_path, [{**OURS[0], "sha256": FOREIGN}, *OURS[1:]])
    assert not any(text in found for text in texts_of(detector)[:3])
    assert all(text in found for card in rest for text in texts_of(card))


def test_a_stager_of_other_weights_has_no_figure_either(tmp_path: Path) -> None:
    card = STAGERS["fusion"]
    model = {"role": "stager", "name": card.name, "sha256": card.sha256}
    same = words_of(tmp_path / "same", [model])
    assert all(text in same for text in texts_of(card))
    other = words_of(tmp_path / "other", [{**model, "sha256": FOREIGN}])
    assert joined(card.headline) not in other
    assert joined(load_words()("methods.other_weights")) in other


def test_a_stager_without_weights_of_its_own_stands_with_its_card(tmp_path: Path) -> None:
    found = words_of(tmp_path, [{"role": "stager", "name": "cardiosomnography", "sha256": None}])
    assert joined("stager: cardiosomnography, weights as the notes say") in found
    assert joined(STAGERS["cardiosomnography"].headline) in found


def test_an_encoder_is_known_by_its_hash_for_its_network_is_others_too(tmp_path: Path) -> None:
    model = {"role": "encoder", "name": ENCODER.network, "sha256": ENCODER.sha256}
    ours = words_of(tmp_path / "ours", [model])
    assert all(text in ours for text in texts_of(ENCODER))
    other = words_of(tmp_path / "official", [{**model, "sha256": FOREIGN}])
    assert joined(ENCODER.title) not in other
    assert joined(load_words()("methods.other_weights")) not in other


def test_the_card_of_a_head_is_the_one_that_went_along(tmp_path: Path) -> None:
    card = {"title": "a head", "trained_on": "three nights", "agreement": "none known", "limits": ["believe nothing"]}
    found = words_of(tmp_path, [{"role": "stager", "name": "head of mine", "sha256": FOREIGN, "card": card}])
    for text in ("a head", "Trained on: three nights", "Agreement: none known", "believe nothing"):
        assert joined(text) in found
