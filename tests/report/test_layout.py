from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

import pytest
from night_tables import NightPlan, write_night

from holter2sleep.errors import RecipeError
from holter2sleep.night import SCHEMES
from holter2sleep.phenotypes.files import read_night
from holter2sleep.report.axes import STAGE_COLOURS, STAGE_ROWS
from holter2sleep.report.layout import Layout, read_layout
from holter2sleep.report.narrative import RULES, sentences
from holter2sleep.report.night_figure import TRACKS, clock_ticks, hour_ticks, since_start
from holter2sleep.report.page import BOTTOM_MM, Block
from holter2sleep.report.pdf import flow
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import ReportNight, report_night

SHIPPED = (Path(__file__).parents[2] / "reports" / "patient.toml").read_text()


def layout_with(folder: Path, old: str, new: str) -> Layout:
    assert old in SHIPPED
    path = folder / "mine.toml"
    path.write_text(SHIPPED.replace(old, new, 1))
    return read_layout(path, SECTIONS, TRACKS)


# --- layouts ---------------------------------------------------------------------------------------


def test_every_section_in_code_is_in_the_shipped_layout_and_every_track_too() -> None:
    layout = read_layout(None, SECTIONS, TRACKS)
    assert {section.draw for section in layout.section} == set(SECTIONS)
    assert {track for section in layout.section for track in section.tracks} == set(TRACKS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('draw = "hourly"', 'draw = "hourli"', "did you mean 'hourly'"),
        ('"hypnogram", "hypnodensity"', '"hypnogramm", "hypnodensity"', "did you mean 'hypnogram'"),
        ('"rmssd:nrem"', '"rmsd:nrem"', "did you mean 'rmssd'"),
        ('"rmssd:nrem"', '"rmssd:nremm"', "did you mean 'nrem'"),
        ("low_confidence = 0.5", "low_confidense = 0.5", "did you mean 'low_confidence'"),
        ("low_confidence = 0.5", "", "missing low_confidence"),
        ('"SDNN, ms", ', "", "6 heads for 7 phenotypes"),
        ("[limits]", "[limits", "not valid TOML"),
    ],
)
def test_mistake_in_a_layout_is_named_with_the_nearest_word(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        layout_with(tmp_path, old, new)


def test_missing_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_layout(tmp_path / "none.toml", SECTIONS, TRACKS)


def test_title_of_the_layout_is_on_the_page(tmp_path: Path) -> None:
    assert layout_with(tmp_path, "Overnight ECG report", "Nachtbericht").title == "Nachtbericht"


def test_every_stage_of_every_scheme_has_a_row_and_a_colour_of_its_own() -> None:
    for classes in SCHEMES.values():
        assert set(classes) <= set(STAGE_ROWS)
        assert len({STAGE_COLOURS[stage] for stage in classes}) == len(classes)


# --- pages -----------------------------------------------------------------------------------------


def test_title_never_stays_alone_at_the_foot_of_a_page() -> None:
    sections = read_layout(None, SECTIONS, TRACKS).section
    titled = next(section for section in sections if section.title and not section.new_page)
    fill, title, body = (Block(height_mm, lambda page, top_mm: None) for height_mm in (250.0, 6.0, 40.0))
    sheets = flow([[fill], [title, body]], [sections[0], titled])
    assert [[block.height_mm for _, block in sheet] for sheet in sheets] == [[250.0], [6.0, 40.0]]


def test_blocks_stay_above_the_foot() -> None:
    section = read_layout(None, SECTIONS, TRACKS).section[0]
    blocks = [Block(33.0, lambda page, top_mm: None) for _ in range(20)]
    for sheet in flow([blocks], [section]):
        assert all(top_mm + block.height_mm <= BOTTOM_MM for top_mm, block in sheet)


def test_clock_ticks_are_whole_hours_across_midnight() -> None:
    ticks = clock_ticks(datetime(2026, 1, 31, 22, 30), 4.0)
    assert ticks[0] == (0.0, "22:30")
    assert [clock for _, clock in ticks] == [
        *("22:30", "23:00", "23:30", "00:00", "00:30", "01:00", "01:30", "02:00", "02:30"),
    ]
    assert clock_ticks(datetime(2026, 1, 31, 22, 30), 8.0)[:2] == [(0.5, "23:00"), (1.5, "00:00")]


def test_ticks_are_at_most_a_dozen_whole_steps() -> None:
    assert hour_ticks(1 / 3) == pytest.approx([0, 1 / 12, 1 / 6, 1 / 4, 1 / 3])
    assert hour_ticks(30.2) == [float(hour) for hour in range(0, 31, 3)]
    assert (since_start(0.25, 0.5), since_start(3.0, 30.2)) == ("15 min", "3 h")


def test_hours_beyond_the_hundredth_stay_in_order(tmp_path: Path) -> None:
    night = night_with(tmp_path)
    hours = [f"hour_{n:02d}" for n in range(1, 103)]
    cell = night.cell("n_beats")
    many = dataclasses.replace(night, phenotypes={("n_beats", hour): cell for hour in sorted(hours)})
    assert many.hour_strata == hours


# --- sentences -------------------------------------------------------------------------------------


def night_with(folder: Path, **facts: object) -> ReportNight:
    return report_night(read_night(write_night(folder, NightPlan(hours=0.5, **facts))))  # type: ignore[arg-type]


def test_every_sentence_ends_with_the_id_of_its_rule(tmp_path: Path) -> None:
    for text in sentences(night_with(tmp_path)):
        assert text.rpartition(" [")[2].rstrip("]") in RULES


def test_longest_pause_comes_with_threshold_denominator_and_strip(tmp_path: Path) -> None:
    values = {("longest_pause", "night"): 3.4, ("n_pauses", "night"): 2.0}
    said = sentences(night_with(tmp_path, values=values))
    assert "Longest RR interval 3.40 s (strip A); pauses of at least 2 s in 0.47 h analysable: 2. [R-PAUSE-1]" in said


def test_absence_of_af_is_said_with_the_time_it_holds_for(tmp_path: Path) -> None:
    said = sentences(night_with(tmp_path, values={("n_af_episodes", "night"): 0.0}))
    assert "No AF pattern found in 0.47 h analysable. [R-AF-1]" in said


def test_strip_of_a_supraventricular_run_is_not_offered_for_ventricular_beats(tmp_path: Path) -> None:
    night = night_with(tmp_path)
    said = next(text for text in sentences(night) if "R-ECT-1" in text)
    assert said.count("(strip") == 1
    assert "(strip C), supraventricular" in said


@pytest.mark.parametrize("name", ["heart_rate_mean", "n_veb", "af_burden", "tst", "analysable_share"])
def test_finding_without_a_value_is_not_assessed(tmp_path: Path, name: str) -> None:
    said = sentences(night_with(tmp_path, statuses={(name, "night"): "insufficient_data"}))
    assert sum("not assessed" in text for text in said) == 1
