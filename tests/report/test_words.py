from __future__ import annotations

import re
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_nights import Drawn
from night_tables import NightPlan, write_night

from holter2sleep.errors import RecipeError
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.strips import BLOCKS, SUPRAVENTRICULAR, VENTRICULAR
from holter2sleep.report.cohort.layout import CohortLayout, read_cohort_layout
from holter2sleep.report.cohort.pdf import SECTIONS as COHORT_SECTIONS
from holter2sleep.report.layout import Layout, read_layout, split_name
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.page import HEIGHT_MM, WIDTH_MM, text_width_mm
from holter2sleep.report.pdf import write_report
from holter2sleep.report.rules import load_rulebook
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.templates import numbers_in, places
from holter2sleep.report.words import load_words

GERMAN = load_words("de")
SENTENCES = sorted({rule.says for rule in load_rulebook(load_words()).rules})
# A finding is a pattern; these words would make it a diagnosis, a judgement without a cut-off, or advice.
FORBIDDEN = {
    "en": "paroxysmal persistent syndrome disease disorder abnormal pathological severe mild moderate significant poor "
    "excellent elevated reduced impaired healthy ill recommend should must urgent caused suffers patient diagnosed",
    "de": "paroxysmal persistierend syndrom erkrankung krankheit störung abnorm auffällig pathologisch schwer leicht "
    "mittelgradig signifikant schlecht ausgezeichnet erhöht erniedrigt vermindert gesund krank empfohlen sollte muss "
    "dringend verursacht leidet patient patientin diagnostiziert apnoe",
}


def layouts() -> list[Layout | CohortLayout]:
    names = ("patient.toml", "person.toml", "full_disclosure.toml", "nights.toml")
    return [*(read_layout(None, SECTIONS, TRACKS, name) for name in names), read_cohort_layout(None, COHORT_SECTIONS)]


# --- completeness ----------------------------------------------------------------------------------


def test_german_has_every_key_of_english() -> None:
    assert sorted(set(load_words().english) - set(GERMAN.texts)) == []


def test_german_has_every_text_of_the_shipped_layouts() -> None:
    texts = [layout.title for layout in layouts()]
    for section in (section for layout in layouts() for section in layout.section):
        texts += [section.title, section.caption, section.days_caption, *section.heads, *section.text]
    assert [text for text in texts if text and f"layout.{text}" not in GERMAN.texts] == []


def test_german_has_the_label_of_everything_shown_and_what_it_counts() -> None:
    shown = [name for layout in layouts() for section in layout.section for name in section.phenotypes]
    rules = load_rulebook(load_words()).rules
    names = {split_name(name)[0] for name in [*shown, *(name for rule in rules for name in rule.lacks)]}
    entries = [load_dictionary()[name] for name in names]
    entries += [load_dictionary()[split_name(name)[0]] for rule in rules for name in rule.uses]
    assert sorted(name for name in names if f"label.{name}" not in GERMAN.texts) == []
    assert sorted({entry.counts for entry in entries if f"counts.{entry.counts}" not in GERMAN.texts}) == []


def test_german_has_every_source_and_no_text_that_nothing_asks_for() -> None:
    assert sorted(set(load_rulebook(load_words()).sources) - keys("source.")) == []
    assert keys("source.") <= set(load_rulebook(load_words()).sources)
    assert keys("label.") <= set(load_dictionary())
    assert keys("one.") == {entry.counts for entry in load_dictionary().values()}
    assert keys("counts.") <= {entry.counts for entry in load_dictionary().values()}


def keys(prefix: str) -> set[str]:
    return {key.removeprefix(prefix) for key in GERMAN.texts if key.startswith(prefix)}


def test_german_has_every_reason_of_a_strip() -> None:
    runs = [f"{name}, 4 beats" for _, name in (*VENTRICULAR, *SUPRAVENTRICULAR)]
    others = [f"review: {name}" for _, name in BLOCKS]
    others += [
        "longest pause 2.6 s",
        "pause 2.1 s",
        "onset of AF pattern",
        "ventricular ectopic beat",
        "supraventricular ectopic beat",
    ]
    others += ["highest heart rate, 8 intervals", "lowest heart rate, 8 intervals"]
    others += ["clean reference, highest signal quality", "lowest signal quality still analysed"]
    for reason in (*runs, *others):
        assert GERMAN.reason(reason) != reason
        assert re.findall(r"\d+", GERMAN.reason(reason)) == re.findall(r"\d+", reason)
        assert load_words().reason(reason) == reason


@pytest.mark.parametrize("key", sorted(set(load_words().english) - set(SENTENCES)))
def test_translation_has_the_same_places_to_fill(key: str) -> None:
    def fields(text: str) -> set[str]:
        return {name.partition("|")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert fields(GERMAN(key)) == fields(load_words()(key))


@pytest.mark.parametrize("key", SENTENCES)
def test_sentence_says_the_same_in_both_languages(key: str) -> None:
    ours, theirs = (sorted((place.name, len(place.forms)) for place in places(w(key))) for w in (load_words(), GERMAN))
    assert ours == theirs
    assert GERMAN(key) != load_words()(key)


def test_layout_text_keeps_its_facts() -> None:
    for key, text in GERMAN.texts.items():
        if key.startswith("layout."):
            assert set(re.findall(r"{[\w.]+}", text)) == set(re.findall(r"{[\w.]+}", key))


# --- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", FORBIDDEN)
@pytest.mark.parametrize("key", SENTENCES)
def test_no_sentence_holds_a_word_of_diagnosis_judgement_or_advice(language: str, key: str) -> None:
    said = set(re.findall(r"[^\W\d_]+", load_words(language)(key).lower()))
    assert said & set(FORBIDDEN[language].split()) == set()


def test_missing_key_is_said_in_english(tmp_path: Path) -> None:
    (tmp_path / "xx.toml").write_text('[page]\nfoot = "Nur Forschung"\n', encoding="utf-8")
    words = load_words(str(tmp_path / "xx.toml"))
    assert (words.language, words("page.foot"), words("head.file")) == ("xx", "Nur Forschung", "File")
    assert words.label(load_dictionary()["tst"]) == "Total sleep time"
    assert words.reason("longest pause 2.6 s") == "longest pause 2.6 s"


def test_label_of_another_handling_is_made_of_its_parts() -> None:
    assert GERMAN.label(load_dictionary()["rmssd_raw"]) == "RMSSD, vor der Behandlung von Extrasystolen"
    assert load_words().label(load_dictionary()["rmssd_raw"]) == load_dictionary()["rmssd_raw"].label


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[page\n", "not valid TOML"),
        ('[page]\nfoott = "x"', "'page.foott' is unknown"),
        ("[page]\nfoot = 3", "page.foot: expected text in quotes, found 3"),
    ],
)
def test_broken_catalogue_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad.toml").write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        load_words(str(tmp_path / "bad.toml"))


def test_unknown_language_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"Language 'fr': .*de\.toml, en\.toml"):
        load_words("fr")
    with pytest.raises(RecipeError, match="cannot be read"):
        load_words(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("Longest 3 s, {n_pauses} {longest_pause}.", "holds a number or a brace"),
        ("{n_pauses} and {n_veb}.", "speaks of 'n_veb'"),
        ("{n_pauses} and {rhythm.pauses}.", "'rhythm.pauses' is no key"),
        ("{n_pauses|plain} {longest_pause}.", "'n_pauses' has the form 'plain'"),
        ("{n_pauses {longest_pause}.", "holds a number or a brace"),
    ],
)
def test_translation_that_could_say_something_unmeasured_is_refused(
    tmp_path: Path, sentence: str, message: str
) -> None:
    (tmp_path / "xx.toml").write_text(f'[pause]\nsome = "{sentence}"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=f"R-PAUSE-1: pause.some .*{message}"):
        load_rulebook(load_words(str(tmp_path / "xx.toml")))


@pytest.mark.parametrize(
    ("language", "printed"),
    [
        ("en", ["999", "1,000", "-29,479.25 to 1,234,567", "0.12345"]),
        ("de", ["999", "1.000", "-29.479,25 to 1.234.567", "0,12345"]),
    ],
)
def test_numbers_have_the_marks_of_the_language_for_decimals_and_thousands(language: str, printed: list[str]) -> None:
    plain = ["999", "1000", "-29479.25 to 1234567", "0.12345"]
    assert [load_words(language).number(text) for text in plain] == printed
    assert [number for text in printed for number in numbers_in(text)] == [
        number for text in printed for number in text.split(" to ")
    ]


# --- pages in German -------------------------------------------------------------------------------

DRAWN_IN_GERMAN = ("ordinary", "empty", "beats only", "af all night", "five classes, no clock")
ENGLISH_LEFT = ("Key numbers", "Statement", "page ", "Heart rate", "analysable", "not applicable", "too few", "Limits")


@pytest.mark.parametrize("name", DRAWN_IN_GERMAN)
def test_german_pages_hold_no_english_and_no_text_leaves_them(report: Callable[..., Drawn], name: str) -> None:
    found = report(name, "de")
    words = found.text
    assert "Nur für die Forschung, nicht zur Diagnose" in words
    assert "Aussagen: automatisch, unbestätigt" in words
    assert [text for text in ENGLISH_LEFT if text in words] == []
    for text, size, x_mm, y_mm in found.places:
        widest = max(text_width_mm(line, size) for line in text.splitlines())
        assert x_mm > 4.0, text
        assert x_mm + widest < WIDTH_MM - 4.0, text
        assert 4.0 < y_mm < HEIGHT_MM - 4.0, text


def test_numbers_of_german_pages_are_those_of_the_table_with_a_comma(report: Callable[..., Drawn]) -> None:
    words = report("ordinary", "de").text
    for shown in ("61,7 /min", "403,5 min", "43,2 ms", "1.234 Schläge"):
        assert shown in words


def test_language_of_the_layout_holds_unless_another_is_asked_for(tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[2] / "reports" / "patient.toml").read_text(encoding="utf-8")
    assert 'language = "en"' in shipped
    (tmp_path / "mine.toml").write_text(shipped.replace('language = "en"', 'language = "de"'), encoding="utf-8")
    night = write_night(tmp_path / "night", NightPlan(hours=0.5))
    assert "Seite 1 von" in Drawn(write_report(night, tmp_path / "mine.toml")).text
    assert "page 1 of" in Drawn(write_report(night, tmp_path / "mine.toml", "en")).text


def test_same_tables_and_language_give_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        write_report(write_night(tmp_path / name, NightPlan(hours=0.5)), language="de")
        files.append([(tmp_path / name / file).read_bytes() for file in ("report.pdf", "narrative.json")])
    assert files[0] == files[1]
