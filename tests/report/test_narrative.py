from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path

import polars as pl
import pytest
from drawn_nights import PLANS, Drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from night_tables import NightPlan, write_night

from holter2sleep.assets import asset
from holter2sleep.autonomic.ahi import BANDS_PER_H
from holter2sleep.errors import NarrativeError, RecipeError
from holter2sleep.phenotypes.files import read_night
from holter2sleep.report.layout import PARTS, PERSON_PARTS, Layout, read_layout, split_name
from holter2sleep.report.narrative import Sentence, Teller, check_numbers, most_important, narrative_json, sentences
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.pdf import write_plain_page, write_report
from holter2sleep.report.rules import load_rulebook
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import Cell, ReportNight, report_night
from holter2sleep.report.words import load_words

LANGUAGES = ("en", "de")
SHIPPED = asset("reports", "narrative.toml").read_text(encoding="utf-8")


@cache
def shipped_layout() -> Layout:
    return read_layout(None, SECTIONS, TRACKS)


def night_of(folder: Path, plan: NightPlan, language: str = "en") -> ReportNight:
    return report_night(read_night(write_night(folder, plan)), load_words(language))


def said_of(folder: Path, language: str = "en", **facts: object) -> dict[str, str]:
    """Sentences of an invented night by rule."""
    night = night_of(folder, NightPlan(hours=0.5, **facts), language)  # type: ignore[arg-type]
    return {each.rule: each.text for each in sentences(night, shipped_layout())}


# --- what is said ----------------------------------------------------------------------------------


def test_longest_pause_comes_with_threshold_denominator_and_strip(tmp_path: Path) -> None:
    values = {("longest_pause", "night"): 3.4, ("n_pauses", "night"): 2.0}
    said = said_of(tmp_path, values=values)
    assert said["R-PAUSE-1"] == "2 pauses of at least 2 s in 0.8 h analysable, longest 3.40 s (strip A)."


def test_german_has_decimal_commas_and_the_same_rules(tmp_path: Path) -> None:
    values = {("longest_pause", "night"): 3.4, ("n_pauses", "night"): 1.0}
    said = said_of(tmp_path, "de", values=values)
    assert said["R-PAUSE-1"] == "1 Pause ab 2 s in 0,8 h auswertbarer Zeit, längste 3,40 s (Streifen A)."
    assert said.keys() == said_of(tmp_path, values=values).keys()


def test_absence_of_af_is_said_with_the_time_it_holds_for(tmp_path: Path) -> None:
    said = said_of(tmp_path, values={("n_af_episodes", "night"): 0.0, ("af_burden", "night"): 0.0})
    assert said["R-AF-2"] == "No AF pattern of at least 30 s in 0.8 h analysable (fig. f)."


@pytest.mark.parametrize("language", LANGUAGES)
def test_absence_is_never_said_without_the_time_it_holds_for(language: str) -> None:
    words = load_words(language)
    absent = [rule for rule in load_rulebook(words).rules if re.search(r"\bn_\S+ == 0|\w+_index == 0", rule.when)]
    assert len(absent) >= 9
    for rule in absent:
        assert "{coverage}" in words(rule.says), rule.id


def test_absence_of_a_slow_sinus_rate_is_not_said_where_af_hides_it(tmp_path: Path) -> None:
    none = {("n_brady", "sleep"): 0.0, ("af_burden", "sleep"): 0.0}
    assert "R-BRADY-2" in said_of(tmp_path / "a", values=none)
    assert "R-BRADY-2" not in said_of(tmp_path / "b", values=none | {("af_burden", "sleep"): 30.0})


def test_absence_of_rem_is_not_said_of_a_night_without_sleep(tmp_path: Path) -> None:
    none = {("rem_min", "night"): 0.0, ("tst", "night"): 200.0}
    assert "R-REM-2" in said_of(tmp_path / "a", values=none)
    assert "R-REM-2" not in said_of(tmp_path / "b", values=none | {("tst", "night"): 0.0})


def test_supraventricular_beats_of_a_night_in_af_are_not_assessed_for_that(tmp_path: Path) -> None:
    said = said_of(tmp_path, statuses={("n_sveb", "night"): "not_applicable"})
    assert said["R-SVE-0"].endswith("not assessed, nearly all of the time is in AF pattern.")


def test_af_burden_against_its_episodes_leaves_both_unsaid(tmp_path: Path) -> None:
    said = said_of(tmp_path, values={("n_af_episodes", "night"): 0.0, ("af_burden", "night"): 3.0})
    assert not {"R-AF-1", "R-AF-2"} & said.keys()


def test_estimated_stages_are_doubted_in_af_and_those_of_a_file_are_not(tmp_path: Path) -> None:
    burden = {("af_burden", "night"): 5.0, ("tst", "night"): 300.0}
    assert said_of(tmp_path / "a", values=burden)["R-STAGEAF-1"].startswith(
        "Estimated stages are unreliable in AF pattern, 5.0 % of"
    )
    assert "R-STAGEAF-1" not in said_of(tmp_path / "b", values=burden | {("af_burden", "night"): 4.9})
    night = night_of(tmp_path / "c", NightPlan(hours=0.5, values=burden))
    scored = dataclasses.replace(night, run=night.run | {"models": []})
    assert "R-STAGEAF-1" not in {each.rule for each in sentences(scored, shipped_layout())}


def test_missing_sleep_measures_of_a_time_in_bed_are_told_with_their_reason(tmp_path: Path) -> None:
    facts = {"values": {("tib", "night"): 480.0}, "statuses": {("tst", "night"): "insufficient_data"}}
    night = night_of(tmp_path, NightPlan(hours=0.5, **facts))  # type: ignore[arg-type]
    withheld = dataclasses.replace(night.cell("tst"), n=700, coverage_s=21_000.0)  # enough, but for its rule
    cells = {**night.phenotypes, ("tst", "night"): withheld}
    said = {each.rule: each.text for each in sentences(dataclasses.replace(night, phenotypes=cells), shipped_layout())}
    assert said["R-TST-0"] == "Total sleep time: not assessed, too much of the time in bed has no stage."


def test_strip_of_a_supraventricular_run_is_not_offered_for_ventricular_beats(tmp_path: Path) -> None:
    values = {(name, "night"): 4.0 for name in ("n_veb", "n_sveb")}
    said = said_of(tmp_path, values=values)
    assert said["R-VE-1"].endswith("(strip C).")
    assert said["R-SVE-1"].endswith("(fig. g).")


def test_track_that_the_layout_leaves_out_is_not_pointed_to(tmp_path: Path) -> None:
    night = night_of(tmp_path, NightPlan(hours=0.5))
    bare = dataclasses.replace(shipped_layout(), section=())
    assert all("fig." not in each.text and "table" not in each.text for each in sentences(night, bare))


def test_qt_interval_is_called_a_span_of_methods_and_no_confidence_interval() -> None:
    assert "|span}" in load_words()("qtc.value")
    assert "percent" not in load_words().english["number.span"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("heart_rate_mean", "R-RATE-0"),
        ("n_veb", "R-VE-0"),
        ("af_burden", "R-AF-0"),
        ("tst", "R-TST-0"),
        ("analysable_share", "R-QUAL-0"),
    ],
)
@pytest.mark.parametrize("status", ["insufficient_data", "not_applicable", "implausible"])
def test_finding_without_a_value_is_said_to_be_not_assessed_and_why(
    tmp_path: Path, name: str, rule: str, status: str
) -> None:
    night = night_of(tmp_path, NightPlan(hours=0.5, statuses={(name, "night"): status}))
    said = next(each for each in sentences(night, shipped_layout()) if each.rule == rule)
    assert "not assessed" in said.text
    unclassed = (name, status) == ("n_veb", "not_applicable")
    assert load_words()("status.no_classes_why" if unclassed else f"status.{status}") in said.text
    assert said.values[0].status == status
    assert said.values[0].value is None


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("R-QTC-0", "the input holds beats only"),
        ("R-VE-0", "the beats have no classes"),
        ("R-HRT-0", "have no classes"),
    ],
)
def test_beats_without_waveform_and_classes_say_what_they_lack(tmp_path: Path, rule: str, why: str) -> None:
    unknown = {(name, "night"): "not_applicable" for name in ("n_veb", "turbulence_onset", "qtc_fridericia")}
    said = said_of(tmp_path, waveform=False, statuses=unknown)
    assert why in said[rule]


def test_too_few_premature_beats_are_counted_in_the_words_for_it(tmp_path: Path) -> None:
    said = said_of(tmp_path, statuses={("turbulence_onset", "night"): "insufficient_data"})
    counts = "0 of 5 ventricular premature beats with turbulence tachogram"
    assert said["R-HRT-0"] == f"Turbulence onset: not assessed, too few data, {counts}."


@pytest.mark.parametrize(("band", "words"), list(enumerate(["below 5 /h", "5 to 15 /h", "15 to 30 /h", "from 30 /h"])))
def test_each_band_of_the_screen_has_its_words_and_is_no_diagnosis(tmp_path: Path, band: int, words: str) -> None:
    said = said_of(tmp_path, values={("ahi_ecg_band", "night"): float(band)})
    assert f"no diagnostic AHI: band {words}" in said[f"R-AHI-{band + 1}"]


def test_limits_of_the_bands_are_those_of_the_index() -> None:
    thresholds = load_rulebook(load_words()).thresholds
    assert tuple(thresholds[f"threshold.ahi_{name}"] for name in ("low", "middle", "high")) == BANDS_PER_H


def test_run_whose_recipe_lacks_a_threshold_says_nothing_of_it(tmp_path: Path) -> None:
    night = night_of(tmp_path, NightPlan(hours=0.5, values={("n_pauses", "night"): 1.0, ("longest_pause", "night"): 9}))
    run = {**night.run, "recipe": {**night.run["recipe"], "resolved": {"rhythm": {}}}}
    said = sentences(dataclasses.replace(night, run=run), shipped_layout())
    assert not [each for each in said if each.rule.startswith(("R-PAUSE", "R-BRADY-1", "R-BRADY-2"))]


# --- what a sentence rests on ----------------------------------------------------------------------


def test_sentence_carries_value_threshold_rule_epochs_coverage_and_status(tmp_path: Path) -> None:
    values = {("longest_pause", "night"): 3.4, ("n_pauses", "night"): 2.0}
    night = night_of(tmp_path, NightPlan(hours=1.0, values=values))
    content = json.loads(narrative_json(night, shipped_layout()))
    assert content["status"] == "automatic, unconfirmed"
    pause = next(each for each in content["sentences"] if each["rule"] == "R-PAUSE-1")
    assert pause["thresholds"] == {"rhythm.pause_s": 2.0}
    assert pause["values"][1] == {
        "phenotype": "longest_pause",
        "stratum": "night",
        "value": 3.4,
        "unit": "s",
        "status": "ok",
        "n": 2311,
        "coverage_s": 2820.0,
        "ci_low": None,
        "ci_high": None,
    }
    assert pause["epochs"] == [[37, 37]]  # the pause begins at 0.31 h
    assert pause["points_to"] == "A"


def test_epochs_of_a_finding_in_sleep_are_those_of_episodes_that_begin_in_sleep(tmp_path: Path) -> None:
    night = night_of(tmp_path, NightPlan(hours=1.0, values={("n_brady", "sleep"): 1.0}))

    def epochs(stage: str) -> tuple[tuple[int, int], ...]:
        episodes = night.episodes.with_columns(stage_at_onset=pl.lit(stage))
        said = sentences(dataclasses.replace(night, episodes=episodes), shipped_layout())
        return next(each.epochs for each in said if each.rule == "R-BRADY-1")

    assert epochs("N2") == ((72, 74),)  # 2160 s, for 90 s
    assert epochs("W") == ()


def test_the_same_sentences_stand_in_the_folder_and_on_the_pages(tmp_path: Path) -> None:
    pages = Drawn(write_report(write_night(tmp_path, PLANS["ordinary"])))
    content = json.loads((tmp_path / "narrative.json").read_text(encoding="utf-8"))
    words = " ".join(pages.text.split())
    assert len(content["sentences"]) > 20
    for each in content["sentences"]:
        assert each["rule"] in words
        assert each["text"] in words


@pytest.mark.parametrize("name", ["ordinary", "empty", "beats only", "af all night", "five classes, no clock"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_one_has_three_to_eight_sentences_and_the_night_figure(
    report: Callable[..., Drawn], name: str, language: str
) -> None:
    first = report(name, language).pages[0]
    assert 3 <= len(set(re.findall(r"R-[A-Z0-9]+-\d", first))) <= 8
    assert load_words(language)("track.hypnodensity_unit") in first


def test_the_important_come_first_and_keep_their_order() -> None:
    def sentence(rule: str, priority: int) -> Sentence:
        return Sentence(rule, "", "", priority, "", "", (), {}, "", ())

    said = [sentence("A", 3), sentence("B", 1), sentence("C", 2), sentence("D", 1)]
    assert [each.rule for each in most_important(said, 3)] == ["B", "C", "D"]


def test_parts_stand_in_the_order_in_which_a_report_is_read(tmp_path: Path) -> None:
    night = night_of(tmp_path, NightPlan(hours=0.5))
    parts = [part for part, _ in groupby(sentences(night, shipped_layout()), key=lambda each: each.part)]
    assert tuple(parts) == PARTS


# --- the checker -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["13 pauses, longest 3.4 s", "12 pauses", "12 pauses, longest 3.4 s, 1 more", "3.4, 12"]
)
def test_wrong_missing_added_and_swapped_numbers_are_caught(text: str) -> None:
    check_numbers("12 pauses, longest 3.4 s", ["12", "3.4"], "R-PAUSE-1")
    with pytest.raises(NarrativeError, match=r"R-PAUSE-1 says .* where the tables hold 12, 3\.4"):
        check_numbers(text, ["12", "3.4"], "R-PAUSE-1")


def test_planted_wrong_number_fails_the_report_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_night(tmp_path, NightPlan(hours=0.5))
    before = write_report(folder).read_bytes(), (folder / "narrative.json").read_bytes()
    honest = Cell.text.fget  # type: ignore[attr-defined]

    def planted(cell: Cell) -> str:
        return "41.9" if cell.entry.name == "heart_rate_mean" else honest(cell)

    monkeypatch.setattr(Cell, "text", property(planted))
    with pytest.raises(NarrativeError, match=r"R-RATE-1 says 41\.9"):
        write_report(folder)
    assert before == ((folder / "report.pdf").read_bytes(), (folder / "narrative.json").read_bytes())


# --- rules that exclude one another ----------------------------------------------------------------

SHOWN = sorted({name for rule in load_rulebook(load_words()).rules for name in (*rule.uses, *rule.lacks)})
NUMBERS = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.99, 30.0, 70.0, 95.5, -2.0]) | st.floats(-5, 500)


@st.composite
def phenotype_tables(draw: st.DrawFn) -> dict[str, tuple[str, float, float | None, int, float | None]]:
    """Status, value, half-width of the interval, n and coverage of everything that a rule looks at."""
    statuses = st.sampled_from(["ok", "ok", "ok", "insufficient_data", "not_applicable", "implausible"])
    row = st.tuples(statuses, NUMBERS, st.none() | st.floats(0, 9), st.integers(0, 9), st.none() | st.floats(0, 9e4))
    return draw(st.fixed_dictionaries(dict.fromkeys(SHOWN, row)))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReportNight]:
    folder = tmp_path_factory.mktemp("night")
    return {language: night_of(folder, NightPlan(hours=0.5), language) for language in LANGUAGES}


def with_table(night: ReportNight, table: dict[str, tuple[str, float, float | None, int, float | None]]) -> ReportNight:
    cells = {}
    for shown, (status, value, half, n, coverage_s) in table.items():
        held = value if status in ("ok", "implausible") else None
        ends = (None, None) if half is None else (value - half, value + half)
        cell = night.cell(*split_name(shown))
        facts = {"value": held, "status": status, "n": n, "coverage_s": coverage_s}
        cells[split_name(shown)] = dataclasses.replace(cell, **facts, ci_low=ends[0], ci_high=ends[1])
    return dataclasses.replace(night, phenotypes=cells)


@settings(max_examples=150, deadline=None)
@given(table=phenotype_tables(), language=st.sampled_from(LANGUAGES))
def test_whatever_the_table_a_topic_has_one_voice_and_it_is_true(
    nights: dict[str, ReportNight], table: dict[str, tuple[str, float, float | None, int, float | None]], language: str
) -> None:
    night = with_table(nights[language], table)
    book = load_rulebook(night.words)
    teller = Teller(night, shipped_layout(), book)
    for topic, rules in groupby(book.rules, key=lambda rule: rule.topic):
        assert sum(teller.speaks(rule) for rule in rules) <= 1, topic
    rules_by_id = {rule.id: rule for rule in book.rules}
    for each in sentences(night, shipped_layout(), (*PARTS, *PERSON_PARTS)):
        rule = rules_by_id[each.rule]
        assert all(table[name][0] == "ok" for name in rule.uses)
        assert not rule.lacks or any(table[name][0] != "ok" for name in rule.lacks)
        assert eval(with_numbers(rule.when, teller) or "True"), each.rule
        assert len(each.text.split()) <= 25, each.text
        assert each.text.endswith(".")


def with_numbers(condition: str, teller: Teller) -> str:
    """The condition with its names replaced by numbers: what Python makes of it is the second opinion."""
    return re.sub(r"(?!and\b|or\b|not\b)\b[a-z]\w*(?:[.:]\w+)*", lambda name: repr(teller.value(name[0])), condition)


# --- rules that are refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('when = "n_pauses > 0 and', 'when = "n_pauses > and', "R-PAUSE-1: when: .* expected a name or a number"),
        ('when = "n_pauses > 0 and', 'when = "n_veb > 0 and', "R-PAUSE-1: when 'n_veb' is unknown"),
        ("longest_pause >= rhythm.pause_s", "longest_pause >= rhythm.pause", "did you mean 'rhythm.pause_s'"),
        ('uses = ["n_pauses", "long', 'uses = ["n_pausen", "long', "phenotype 'n_pausen' is unknown; did you mean"),
        ('uses = ["n_pauses", "longest_pause"]', 'uses = ["n_pauses"]', "longest_pause"),
        ('says = "pause.some"', 'says = "pause.sone"', "did you mean 'pause.some'"),
        ('says = "pause.some"', 'says = "ve.some"', "speaks of 'n_veb', which the rule does not use"),
        ('source = "solomon_2016"', 'source = "solomon"', "did you mean 'solomon_2016'"),
        ('part = "quality"', 'part = "qualiti"', "did you mean 'quality'"),
        ("[rule.R-PAUSE-1]", "[rule.R-pause-1]", "a rule is called R-TOPIC-n"),
        ("[rule.R-PAUSE-2]", "[rule.R-RATE-7]", "its rules stand apart"),
        ('track = "quality"', 'track = "qualiti"', "did you mean 'quality'"),
        ('beats = "V"', 'beats = "X"', "beats 'X' is unknown"),
        ("priority = 1", "priority = 4", "priority '4' is unknown; known: 1, 2, 3"),
        ("priority = 1", 'priority = "1"', "expected a whole number"),
        ('lacks = ["tst"]', "lacks = []", "give uses or lacks"),
        ('lacks = ["tst"]', 'lacks = ["tst", "se"]', "R-TST-1 could speak beside R-TST-0; let it use se too"),
        ("[page_one]", "[page_one", "not valid TOML"),
        ("\n[threshold]", "\n[thresholt]", "did you mean 'threshold'"),
    ],
)
def test_mistake_in_a_rule_is_refused_with_the_rule_and_what_would_work(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SHIPPED
    (tmp_path / "mine.toml").write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RecipeError, match=f"Rules mine.toml.*{message}"):
        load_rulebook(load_words(), tmp_path / "mine.toml")


def test_every_rule_speaks_or_has_a_night_in_which_it_would(nights: dict[str, ReportNight]) -> None:
    """No rule is dead: each has values that make it speak."""
    night = nights["en"]
    book = load_rulebook(night.words)
    spoken = set()
    for value, hours in ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (80.0, 80.0), (80.0, 3.0)):
        others = {"tst": ("ok", 9.0, None, 9, 3600.0), "analysable_time": ("ok", hours, None, 9, 3600.0)}
        table = {**dict.fromkeys(SHOWN, ("ok", value, None, 9, 3600.0)), **others}
        teller = Teller(with_table(night, table), shipped_layout(), book)
        spoken |= {rule.id for rule in book.rules if rule.uses and teller.speaks(rule)}
    assert spoken == {rule.id for rule in book.rules if rule.uses}


# --- the page for the person -----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["ordinary", "empty", "beats only"])
def test_plain_page_is_one_page_with_five_numbers_or_why_not(tmp_path: Path, name: str, language: str) -> None:
    found = Drawn(write_plain_page(write_night(tmp_path, PLANS[name]), language))
    assert len(found.pages) == 1
    night = report_night(read_night(tmp_path), load_words(language))
    numbers = sentences(night, read_layout(None, SECTIONS, TRACKS, "person.toml"), ("person_numbers",))
    assert len(numbers) == 5
    words = " ".join(found.text.split())
    for each in numbers:
        assert each.text in words
    assert load_words(language)("page.foot") in words
    assert "999" not in words


def test_plain_page_says_less_of_a_poor_recording(tmp_path: Path) -> None:
    poor = Drawn(write_plain_page(write_night(tmp_path / "a", NightPlan(hours=6.0, unusable_share=0.5)))).text
    good = Drawn(write_plain_page(write_night(tmp_path / "b", NightPlan(hours=6.0)))).text
    assert "Only 50.0 % of the recording, 3.00 hours, was clear enough" in " ".join(poor.split())
    assert "Only" not in good


def test_plain_page_of_a_clear_but_short_recording_does_not_call_its_share_small(tmp_path: Path) -> None:
    short = Drawn(write_plain_page(write_night(tmp_path, NightPlan(hours=0.5, unusable_share=0.0)))).text
    said = "100.0 % of the recording was clear enough, but only 0.50 hours: the numbers below say less than usual."
    assert said in " ".join(short.split())
