"""Cards of the models of beats, rhythm and breathing: read strictly, and of the very files that lie beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_runs import ok, run

from holter2sleep import models
from holter2sleep.cards import ModelCard, ShippedCard, card_in
from holter2sleep.errors import WeightsError
from holter2sleep.io.files import sha256_of
from holter2sleep.models import FILES, card_of, checked_model, list_model_cards, read_model_card
from holter2sleep.provenance import models_sha256
from holter2sleep.sleep.staging import list_cards
from holter2sleep.sleep.staging.shipped import list_shipped

TEXT = FILES["qrs"].with_suffix(".toml").read_text(encoding="utf-8")


def made(text: str) -> ShippedCard:
    return card_in(ShippedCard, text.encode(), "card qrs.toml", {"name": "qrs"})


# --- the card --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_card_tells_of_the_file_beside_it(name: str) -> None:
    card = read_model_card(name)
    assert card.weights.file == FILES[name].name
    assert card.sha256 == sha256_of([FILES[name]])
    assert checked_model(name) == FILES[name]


@pytest.mark.parametrize("card", [*list_model_cards(), *list_shipped()], ids=lambda card: card.name)
def test_a_card_has_what_a_user_must_know(card: ShippedCard) -> None:
    assert card.n_subjects > 0
    assert card.headline == card.figures[0]
    assert "python -m " in card.headline
    assert card.limits
    assert all(text == text.strip() and text for text in (*card.figures, *card.limits, card.title, card.trained_on))


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("title =", "titel =", r"unknown key 'titel'; did you mean 'title'\?"),
        ("limits = [", "extra = [", "unknown key 'extra'"),
        ("n_subjects = 21\n", "", "missing n_subjects"),
        ("n_subjects = 21", 'n_subjects = "21"', "n_subjects: expected a whole number without quotes"),
        ('licence = "BSD-3-Clause"', "licence = 3", "licence: expected text in quotes"),
        ("[weights]", "[weigths]", "unknown key 'weigths'; did you mean 'weights'"),
        ("sha256 =", "md5 =", "weights: unknown key 'md5'"),
        ('file = "qrs.npz"\n', "", "weights: missing file"),
        ("title =", "title", "not valid TOML"),
    ],
)
def test_a_slip_in_a_card_is_told(before: str, after: str, complaint: str) -> None:
    assert before in TEXT
    with pytest.raises(WeightsError, match=rf"^card qrs\.toml: {complaint}"):
        made(TEXT.replace(before, after))


@pytest.mark.parametrize("key", ["figures", "weights"])
def test_no_shipped_card_goes_without_figures_or_hash(key: str) -> None:
    cut = (
        TEXT.partition("[weights]")[0]
        if key == "weights"
        else TEXT.replace(TEXT[TEXT.index("figures") : TEXT.index("limits")], "")
    )
    with pytest.raises(WeightsError, match=f"missing {key}$"):
        made(cut)


def test_a_card_of_a_stager_may_go_without_either() -> None:
    heuristic = next(card for card in list_cards() if card.name == "heuristic")
    assert isinstance(heuristic, ModelCard)
    assert heuristic.sha256 is None


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_another_file_than_the_cards_is_told(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = Path(shutil.copy(FILES["af"], tmp_path))
    read_model_card("af")
    if damage == "gone":
        copied.unlink()
    else:
        copied.write_bytes(b"{}")
    monkeypatch.setitem(FILES, "af", copied)
    with pytest.raises(
        WeightsError, match=r"^Model 'af': .*af_weights\.json (is not there|has SHA-256 .*, its card says)"
    ):
        checked_model("af")


# --- of a run --------------------------------------------------------------------------------------


def test_a_model_of_a_run_is_found_by_what_the_run_calls_it() -> None:
    for name, path in FILES.items():
        assert card_of({"role": "detector", "name": path.name, "sha256": "0" * 64}) is read_model_card(name)
    (encoder,) = list_shipped()
    asked = {"role": "encoder", "name": encoder.network, "sha256": encoder.sha256}
    assert card_of(asked) is encoder
    assert card_of({**asked, "sha256": "0" * 64}) is None  # the official weights have that network too
    stager = card_of({"role": "stager", "name": "clock", "sha256": None})
    assert stager is not None
    assert stager.name == "clock"
    assert card_of({"role": "stager", "name": "my head", "sha256": "0" * 64}) is None


@pytest.mark.parametrize("name", FILES)
def test_other_weights_make_another_identity(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = models_sha256("clock")
    other = tmp_path / FILES[name].name
    other.write_bytes(b"other")
    monkeypatch.setitem(FILES, name, other)
    assert models_sha256("clock") != known


# --- the command -----------------------------------------------------------------------------------


def test_the_command_lists_every_model_with_its_figure() -> None:
    lines = ok("models", "list").output.splitlines()
    for card in list_model_cards():
        assert f"{card.name:33} model    {card.title}: {card.headline}" in lines
    facts = {entry["name"]: entry for entry in json.loads(ok("models", "list", "--json").output)}
    assert facts["apnea"]["weights"]["sha256"] == read_model_card("apnea").sha256
    assert {entry["kind"] for entry in facts.values()} == {"stager", "model", "encoder", "weights"}


@pytest.mark.parametrize("name", FILES)
def test_the_command_shows_all_of_a_card(name: str) -> None:
    card, shown = read_model_card(name), ok("models", "show", name).output
    for text in (card.title, card.trained_on, card.licence, card.source, *card.figures, *card.limits, card.sha256):
        assert str(text) in shown


def test_a_folder_of_the_same_name_hides_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apnea").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_model_card("apnea").headline in ok("models", "show", "apnea").output
    assert ok("models", "verify", "apnea").output == "apnea: ok\n"


def test_the_command_verifies_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(ok("models", "verify").output.splitlines()) >= {f"{name}: ok" for name in FILES}
    changed = tmp_path / "qrs.npz"
    changed.write_bytes(b"other")
    monkeypatch.setitem(FILES, "qrs", changed)
    done = run("models", "verify", "qrs")
    assert done.exit_code == 6
    assert "its card says" in done.output


def test_an_analysis_reads_no_card_of_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ok("simulate", "--preset", "short", "--out", tmp_path / "short.edf")

    def unread(name: str) -> ShippedCard:
        raise AssertionError(name)

    monkeypatch.setattr(models, "read_model_card", unread)
    ok("analyze", tmp_path / "short.edf", "--out", tmp_path, "--no-report")
