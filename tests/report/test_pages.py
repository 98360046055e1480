from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from drawn_nights import PLANS, Drawn
from night_tables import NightPlan, write_night

from holter2sleep.errors import RecordingError
from holter2sleep.report.grid import paragraph, subheading
from holter2sleep.report.layout import Section, read_layout, split_name
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.page import HEIGHT_MM, MM_PER_POINT, WIDTH_MM, text_width_mm, wrap
from holter2sleep.report.pdf import flow, write_plain_page, write_report
from holter2sleep.report.sections import SECTIONS

KERNING_MM = 1.0  # a ligature begins where the letters before it are wider alone
Report = Callable[[str], Drawn]


def rows(found: Drawn, page: int, word: str) -> list[list[str]]:
    """Words of the lines of a page that begin with a word, from top to bottom."""
    lines = found.reader.pages[page].extract_text(extraction_mode="layout").splitlines()
    return [line.split() for line in lines if line.split()[:1] == [word]]


def page_with(found: Drawn, title: str) -> int:
    return next(i for i, words in enumerate(found.pages) if title in words)


@pytest.mark.parametrize("name", PLANS)
def test_every_kind_of_night_draws_and_every_page_says_whose_and_what_for(report: Report, name: str) -> None:
    pages = report(name).pages
    for number, words in enumerate(pages, start=1):
        assert f"page {number} of {len(pages)}" in words
        assert "Research use only, not for diagnosis" in words
        assert "holter2sleep 0.1.0, recipe overnight 9c9c9c9c" in words
        assert "n01" in words


@pytest.mark.parametrize("name", PLANS)
def test_every_page_is_a4_and_no_text_leaves_it(report: Report, name: str) -> None:
    for page in report(name).reader.pages:
        assert [float(side) * MM_PER_POINT for side in page.mediabox[2:]] == pytest.approx([WIDTH_MM, HEIGHT_MM])
    hold_within_pages(report(name))


def hold_within_pages(found: Drawn) -> None:
    for words, size, x_mm, y_mm in found.places:
        widest = max(text_width_mm(line, size) for line in words.splitlines())
        assert x_mm > 4.0, words
        assert x_mm + widest < WIDTH_MM - 4.0, words
        assert 4.0 < y_mm < HEIGHT_MM - 4.0, words


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", PLANS)
def test_no_word_runs_into_the_next_on_its_line(report: Report, name: str, language: str) -> None:
    hold_words_apart(report(name, language))


def hold_words_apart(found: Drawn) -> None:
    for places in found.places_of_pages:
        lines: dict[float, list[tuple[float, float, str]]] = {}
        for words, size, x_mm, y_mm in places:
            lines.setdefault(round(y_mm, 1), []).append((x_mm, x_mm + text_width_mm(words, size), words))
        for line in lines.values():
            for (_, end_mm, left), (start_mm, _, right) in itertools.pairwise(sorted(line)):
                assert start_mm > end_mm - KERNING_MM, f"{left!r} runs into {right!r}"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", ["Study_2024_site_Zurich_subject_00000123_visit_2_night_1_repeat", "W" * 200])
def test_a_long_name_is_cut_where_there_is_no_room_for_all_of_it(tmp_path: Path, name: str, language: str) -> None:
    folder = write_night(tmp_path, NightPlan(hours=1.0))
    run = json.loads((folder / "run.json").read_text())
    run |= {"recording_id": name, "input": {**run["input"], "file": f"{name}.edf"}}
    (folder / "run.json").write_text(json.dumps(run))
    drawn = [Drawn(path) for path in (write_report(folder, language=language), write_plain_page(folder, language))]
    for found in drawn:
        hold_within_pages(found)
        hold_words_apart(found)
        assert all(name[:20] in words for words in found.pages)
    assert "…" in drawn[0].pages[0]


# --- numbers ---------------------------------------------------------------------------------------


def test_numbers_on_paper_are_those_of_the_table_rounded_by_the_dictionary(report: Report) -> None:
    words = report("ordinary").text
    for shown in ("61.7 /min", "403.5 min", "43.2 ms"):
        assert shown in words


def test_cell_of_a_table_stands_in_its_row(report: Report) -> None:
    found = report("ordinary")
    by_stage, averaged = page_with(found, "Heart-rate variability by stage"), page_with(found, "Averaged beats")
    assert "87.7" in [row[4] for row in rows(found, by_stage, "REM") if len(row) > 8]
    assert "1,234" in [row[7] for row in rows(found, by_stage, "N1+N2") if len(row) > 8]
    assert rows(found, averaged, "NREM")[-1][2] == "387"
    assert rows(found, page_with(found, "Rhythm over time"), "3")[0][7] == "777"


def test_number_that_is_not_ok_is_never_printed(report: Report) -> None:
    found = report("ordinary")
    assert "999.9" not in found.text
    assert "implausible" in found.text
    by_stage = rows(found, page_with(found, "Heart-rate variability by stage"), "Wake")
    assert ["too", "few"] in [row[5:7] for row in by_stage]


def test_every_phenotype_of_the_layout_is_printed_or_says_why_not(tmp_path: Path) -> None:
    """Each value is planted as a number found nowhere else."""
    layout = read_layout(None, SECTIONS, TRACKS)
    shown = {
        split_name(name) for section in layout.section for name in section.phenotypes if section.draw == "key_numbers"
    }
    values = {name: 100.0 + 7 * i + 0.3 for i, name in enumerate(sorted(shown))}
    words = Drawn(write_report(write_night(tmp_path, NightPlan(hours=2.0, values=values)))).text
    table = pl.read_parquet(tmp_path / "phenotypes.parquet")
    for (name, stratum), value in values.items():
        row = table.filter((pl.col("phenotype") == name) & (pl.col("stratum") == stratum))
        if row["status"].to_list() == ["ok"] and name not in ("analysable_time", "n_beats"):
            assert any(f"{value:.{decimals}f}" in words for decimals in (0, 1, 2)), (name, stratum)


def test_stage_the_scheme_cannot_say_is_not_applicable(report: Report) -> None:
    found = report("beats only")
    assert rows(found, page_with(found, "Sleep (AASM measures)"), "N3")[0] == ["N3", "not", "applicable"]


def test_run_facts_that_are_no_result_stay_off_the_page(report: Report) -> None:
    words = report("ordinary").text
    assert "1.2345" not in words
    assert "765.4" not in words


# --- what is missing -------------------------------------------------------------------------------


def test_empty_night_says_not_enough_data_and_how_much_is_missing(report: Report) -> None:
    words = report("empty").text
    assert "Limited quality: 0.00 h analysable (limit 4 h), 0.0 % analysable (limit 70 %)" in words
    assert "not enough data: no epoch has a stage" in words
    assert "not enough data: no epoch with a heart rate" in words
    assert "too few data" in words
    assert "0 of 30 RR intervals" in words
    assert "No strips" in words


def test_good_night_has_no_banner(report: Report) -> None:
    assert "Limited quality" not in report("ordinary").text


def test_short_night_has_a_banner_for_the_hours_only(report: Report) -> None:
    assert "Limited quality: 0.31 h analysable (limit 4 h). " in report("twenty minutes").text


def test_beats_without_waveform_have_a_panel_instead_of_strips(report: Report) -> None:
    words = report("beats only").text
    assert "the input holds beats only, there is no waveform to show" in words
    assert "not enough data: no waveform to judge" in words
    assert words.count("no waveform\n") == 3  # lead with rate, longest gap, polarity


def test_averaged_beats_stand_with_their_marks_and_the_words_that_limit_them(report: Report) -> None:
    found = report("ordinary")
    words = " ".join(found.pages[page_with(found, "Averaged beats")].split())
    assert words.count("1,234 beats, 60 /min") == 6
    assert words.count("-48, +60, +370 ms") == 6
    for said in ("unconfirmed", "The QT of a single lead is not the QT of a 12-lead ECG", "ST: not interpretable"):
        assert said in words


def test_night_without_an_averaged_beat_says_why(report: Report) -> None:
    assert "No averaged beat: the input holds beats only" in report("beats only").text
    assert "No averaged beat: too few usable normal beats" in report("empty").text


def test_unknown_start_has_no_clock(report: Report) -> None:
    words = report("five classes, no clock").text
    assert "start of the recording unknown: no clock" in words
    assert "clock unknown" in words


def test_long_night_has_every_hour(report: Report) -> None:
    words = report("thirty hours").reader.pages[1].extract_text(extraction_mode="layout")
    table = words[: words.index("Episodes")]
    hours = [line.split()[0] for line in table.splitlines() if line.split() and line.split()[0].rstrip("*").isdigit()]
    assert hours == [*map(str, range(1, 31)), "31*"]


# --- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_no_word_of_a_diagnosis(report: Report, name: str) -> None:
    words = report(name).text.lower()
    for word in ("paroxysmal", "syndrome", "abnormal", "normal sinus", "severe", "recommend", "patient has"):
        assert word not in words


def test_stages_of_a_model_are_called_estimates_and_those_of_a_file_are_not(report: Report, tmp_path: Path) -> None:
    assert "Stages estimated by sleepecg-mesa" in report("ordinary").text
    night = write_night(tmp_path, NightPlan(hours=2.0))
    run = json.loads((night / "run.json").read_text())
    run |= {"models": [], "hypnogram": {"scheme": "CARDIO4", "scorer": "scored.csv"}}
    (night / "run.json").write_text(json.dumps(run))
    words = " ".join(Drawn(write_report(night)).text.split())
    assert "Stages from scored.csv" in words
    assert "stages from scored.csv. A rate" in words
    assert "estimated by" not in words


def test_limits_and_methods_give_the_values_of_this_recipe(report: Report) -> None:
    words = " ".join(report("ordinary").text.split())
    assert "no beat for longer than 10 s is called lost signal, not a pause" in words
    assert "VE and SVE classes are automatic and of limited accuracy" in words
    assert "Beats are called N, S, V or F" in words
    assert "stays below 0.8." in words
    assert "{" not in words


def test_rate_of_an_epoch_is_called_a_median(report: Report) -> None:
    words = [words for words, _, _, _ in report("ordinary").places]
    assert "median" in words
    assert words.count("mean") == 1  # of the hourly table


def test_methods_name_input_recipe_model_and_exclusions(report: Report) -> None:
    words = report("ordinary").text.replace("\n", "")
    assert "3f" * 32 in words
    assert "9c" * 32 in words
    assert "ab" * 32 in words
    assert "rhythm.pause_s = 2" in words
    assert "Excluded: 72 of 966 epochs (7.5 %)" in words
    assert "Lead ECG II is inverted: it was turned upright" in words


# --- the file --------------------------------------------------------------------------------------


def test_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    one = write_report(write_night(tmp_path / "a", NightPlan(hours=1.0))).read_bytes()
    other = write_report(write_night(tmp_path / "b", NightPlan(hours=1.0))).read_bytes()
    assert one == other
    assert b"Date" not in one


@pytest.mark.parametrize("lines", range(50, 110))
def test_a_title_within_a_section_is_never_the_last_on_a_page(lines: int) -> None:
    title = subheading("Breathing")
    blocks = [*[paragraph("above")] * lines, title, *[paragraph("below")] * 30]
    sheets = flow([blocks], [Section("findings", "", "")])
    assert sum(map(len, sheets)) == len(blocks)
    assert all(sheet[-1][1] is not title for sheet in sheets)


def test_file_has_a_title_and_no_remains(report: Report, tmp_path: Path) -> None:
    metadata = report("ordinary").reader.metadata
    assert metadata is not None
    assert metadata.title == "Overnight ECG report: n01"
    night = write_night(tmp_path, NightPlan(hours=0.5))
    (night / "report.pdf").write_bytes(b"old")
    assert write_report(night).read_bytes().startswith(b"%PDF")
    assert list(night.glob("*.part")) == []


def test_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    night = write_night(tmp_path, NightPlan(hours=0.5))
    (night / "strips.parquet").unlink()
    with pytest.raises(RecordingError, match=r"strips\.parquet"):
        write_report(night)


def test_wrapped_lines_fit_and_lose_no_letter() -> None:
    words = "a hash " + "0123456789abcdef" * 8 + " and the rest of the sentence"
    lines = wrap(words, 40.0, 7.0)
    assert max(text_width_mm(line, 7.0) for line in lines) <= 40.0
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")
