from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from night_tables import NightPlan, write_night

from holter2sleep.clock import Clock
from holter2sleep.errors import RecipeError
from holter2sleep.night import AF_KINDS, SCHEMES, Flag
from holter2sleep.phenotypes.epochs import PROBABILITY_COLUMN
from holter2sleep.phenotypes.files import read_night
from holter2sleep.report.axes import (
    QUALITY_REASONS,
    RHYTHM_LANES,
    STAGE_COLOURS,
    STAGE_ROWS,
    draw_hypnodensity,
    draw_quality,
)
from holter2sleep.report.layout import NEEDED, Layout, Section, read_layout
from holter2sleep.report.methods import with_facts
from holter2sleep.report.night_figure import TRACKS, clock_ticks, hour_ticks, since_start, tick_step_h
from holter2sleep.report.page import BOTTOM_MM, HEIGHT_MM, TOP_MM, Block, Page
from holter2sleep.report.pdf import flow, section_blocks
from holter2sleep.report.sections import SECTIONS, basis, waveform_facts
from holter2sleep.report.tables import ReportNight, report_night

SHIPPED = (Path(__file__).parents[2] / "reports" / "patient.toml").read_text()


def layout_with(folder: Path, old: str, new: str) -> Layout:
    assert old in SHIPPED
    path = folder / "mine.toml"
    path.write_text(SHIPPED.replace(old, new, 1))
    return read_layout(path, SECTIONS, TRACKS)


# --- layouts ---------------------------------------------------------------------------------------


def shipped_with(name: str) -> Layout:
    """The first shipped layout that has a section."""
    layouts = (
        read_layout(None, SECTIONS, TRACKS, shipped)
        for shipped in ("patient.toml", "person.toml", "full_disclosure.toml", "nights.toml")
    )
    return next(layout for layout in layouts if name in {section.draw for section in layout.section})


def test_every_section_in_code_is_in_a_shipped_layout_and_every_track_too() -> None:
    assert all(shipped_with(name) for name in SECTIONS)
    layout = read_layout(None, SECTIONS, TRACKS)
    assert {track for section in layout.section for track in section.tracks} == set(TRACKS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('draw = "hourly"', 'draw = "hourli"', "did you mean 'hourly'"),
        ('"hypnogram", "hypnodensity"', '"hypnogramm", "hypnodensity"', "did you mean 'hypnogram'"),
        ('"rmssd:nrem"', '"rmsd:nrem"', "did you mean 'rmssd'"),
        ('"rmssd:nrem"', '"rmssd:nremm"', "did you mean 'nrem'"),
        ('parts = ["quality"', 'parts = ["qualiti"', "part 'qualiti' is unknown; did you mean 'quality'"),
        ("low_confidence = 0.5", "low_confidense = 0.5", "did you mean 'low_confidence'"),
        ("low_confidence = 0.5", "", "missing low_confidence"),
        ('"SDNN, ms", ', "", "6 heads for 7 phenotypes"),
        ("[limits]", "[limits", "not valid TOML"),
    ],
)
def test_mistake_in_a_layout_is_named_with_the_nearest_word(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        layout_with(tmp_path, old, new)


HEADS = 'heads = ["Recorded", "Analysable", "Analysable share", "Lead off or missing", "Noisy epochs", "Mean SQI"]'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("_h = 4.0", '_h = "4"', "mine.toml: limits: banner_analysable_h: expected a number .*, found '4'"),
        ("_h = 4.0", "_h = true", "mine.toml: limits: banner_analysable_h: expected a number .*, found True"),
        ('title = "Key numbers"', "title = 3", "mine.toml: section 3: title: expected text in quotes, found 3"),
        ("new_page = true", 'new_page = "yes"', "section 6: new_page: expected true or false, found 'yes'"),
        (HEADS, 'heads = "Recorded"', "section 2: heads: expected a list, found 'Recorded'"),
        (
            "new_page = true",
            "size = 1.2",
            "section 'hourly': size = 1.2; give 0.6 to 1.5, of night_figure or rr_pictures",
        ),
        (
            'draw = "rr_pictures"',
            'size = 1.6\ndraw = "rr_pictures"',
            "section 'rr_pictures': size = 1.6; give 0.6 to 1.5",
        ),
        (HEADS, "", "mine.toml, section 'quality': heads is missing or empty; give a list"),
        (HEADS, 'heads = ["Recorded"]', "section 'quality': 1 heads for 6 phenotypes; give one head for each"),
        ('strata = ["wake"', 'strata = [] #"wake"', "section 'stage_table': strata is missing or empty"),
        ('"heart_rate_mean", "sdnn"', '"heart_rate_mean:rem", "sdnn"', "'stage_table': .*; write 'heart_rate_mean'"),
    ],
)
def test_unfit_value_in_a_layout_is_refused_with_file_key_what_was_found_and_what_works(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        layout_with(tmp_path, old, new)


LIMITS = "[limits]\nbanner_analysable_h = 4\nbanner_analysable_percent = 70\nlow_confidence = 0.5\ndays_above_h = 48\n"


@pytest.mark.parametrize(
    "text",
    [
        f"section = 3\n{LIMITS}",
        f"{LIMITS}[section]\ndraw = 'header'",
        f"section = ['header']\n{LIMITS}",
        "section = []\nlimits = 4",
    ],
)
def test_layout_of_the_wrong_shape_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.toml").write_text(f"title = 'T'\n{text}")
    with pytest.raises(RecipeError, match=r"mine\.toml.* expected a (list|section)"):
        read_layout(tmp_path / "mine.toml", SECTIONS, TRACKS)


@pytest.mark.parametrize("name", SECTIONS)
def test_section_draws_with_the_keys_it_needs_and_is_refused_without_one(tmp_path: Path, name: str) -> None:
    shipped = shipped_with(name)
    section = next(section for section in shipped.section if section.draw == name)
    needed = {key: getattr(section, key) for key in NEEDED.get(name, ())}
    night = night_with(tmp_path)
    assert SECTIONS[name](night, shipped, Section(name, "", "", **needed))
    for key in needed:
        lines = [f"{other} = {list(value)}" for other, value in needed.items() if other != key]
        head = f"title = 'T'\n{LIMITS}[[section]]\ndraw = '{name}'\ntitle = ''\ncaption = ''\n"
        (tmp_path / "mine.toml").write_text(head + "\n".join(lines))
        with pytest.raises(RecipeError, match=f"section '{name}': {key} is missing"):
            read_layout(tmp_path / "mine.toml", SECTIONS, TRACKS)


def test_braces_of_a_caption_are_letters_but_for_the_facts_of_the_run(tmp_path: Path) -> None:
    night = night_with(tmp_path)
    said = with_facts("{a} set {stages}; pauses from {rhythm.pause_s} s; {", night)
    assert said == "{a} set estimated by sleepecg-mesa; pauses from 2 s; {"


def test_caption_with_a_brace_is_drawn(tmp_path: Path) -> None:
    layout = layout_with(tmp_path, 'caption = "Grey:', 'caption = "{ Grey {x}:')
    section = next(section for section in layout.section if "{x}" in section.caption)
    assert section_blocks(night_with(tmp_path / "night"), layout, section)


@pytest.mark.parametrize(("name", "size"), [("night_figure", 0.8), ("night_figure", 1.2), ("rr_pictures", 1.5)])
def test_a_figure_has_the_size_of_the_layout_and_its_axes_fill_it(tmp_path: Path, name: str, size: float) -> None:
    night, heights_mm, axes_mm = night_with(tmp_path), [], []
    for layout in (shipped_with(name), layout_with(tmp_path, f'draw = "{name}"', f'size = {size}\ndraw = "{name}"')):
        section = next(section for section in layout.section if section.draw == name)
        (block,) = SECTIONS[name](night, layout, section)
        page = Page()
        block.draw(page, TOP_MM)
        heights_mm.append(block.height_mm)
        axes_mm.append(sum(ax.get_position().height for ax in page.figure.axes) * HEIGHT_MM)
    assert axes_mm[1] == pytest.approx(size * axes_mm[0])
    columns = 1 if name == "night_figure" else 2  # side by side
    assert heights_mm[1] - heights_mm[0] == pytest.approx((axes_mm[1] - axes_mm[0]) / columns)


def test_missing_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_layout(tmp_path / "none.toml", SECTIONS, TRACKS)


def test_title_of_the_layout_is_on_the_page(tmp_path: Path) -> None:
    assert layout_with(tmp_path, "Overnight ECG report", "Nachtbericht").title == "Nachtbericht"


def test_every_stage_of_every_scheme_has_a_row_and_a_colour_of_its_own() -> None:
    for classes in SCHEMES.values():
        assert set(classes) <= set(STAGE_ROWS)
        assert len({STAGE_COLOURS[stage] for stage in classes}) == len(classes)


def test_every_reason_of_bad_quality_has_a_colour_and_every_kind_of_af_the_lane_of_af() -> None:
    bits = [int(bits) for _, bits, _ in QUALITY_REASONS]
    assert sum(bits) == sum(Flag)  # each once
    assert RHYTHM_LANES[0][1] == AF_KINDS


def test_beats_only_have_neither_gaps_nor_a_lead(tmp_path: Path) -> None:
    facts = dict(waveform_facts(night_with(tmp_path / "beats", waveform=False)))
    assert facts == {"Longest file gap": "no waveform", "Lead": "no waveform"}
    night = night_with(tmp_path / "lead")
    assert dict(waveform_facts(night)) == {"Longest file gap": "42 s", "Lead": "inverted"}
    whole = dataclasses.replace(night, run={**night.run, "gaps": [], "polarity": 1})
    assert dict(waveform_facts(whole)) == {"Longest file gap": "none", "Lead": "upright"}


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
    ticks = clock_ticks(Clock(datetime(2026, 1, 31, 22, 30)), 4.0)
    assert ticks[0] == (0.0, "22:30")
    assert [clock for _, clock in ticks] == [
        *("22:30", "23:00", "23:30", "00:00", "00:30", "01:00", "01:30", "02:00", "02:30"),
    ]
    assert clock_ticks(Clock(datetime(2026, 1, 31, 22, 30)), 8.0)[:2] == [(0.5, "23:00"), (1.5, "00:00")]


def test_ticks_are_at_most_a_dozen_whole_steps() -> None:
    assert hour_ticks(1 / 3) == pytest.approx([0, 1 / 12, 1 / 6, 1 / 4, 1 / 3])
    assert hour_ticks(30.2) == [float(hour) for hour in range(0, 31, 3)]


@pytest.mark.parametrize(
    ("duration_h", "labels"),
    [
        (5 / 60, ["0 min", "1 min", "2 min", "3 min", "4 min", "5 min"]),
        (1 / 3, ["0 min", "5 min", "10 min", "15 min", "20 min"]),
        (1.0, [f"{minute} min" for minute in range(0, 61, 5)]),
        (1.1, ["0 h", "0.25 h", "0.5 h", "0.75 h", "1 h"]),
        (8.0, [f"{hour} h" for hour in range(9)]),
        (25.0, [f"{hour} h" for hour in range(0, 25, 3)]),
    ],
)
def test_ticks_read_as_minutes_or_as_quarters_of_an_hour(duration_h: float, labels: list[str]) -> None:
    step_h = tick_step_h(duration_h)
    assert [since_start(tick_h, step_h) for tick_h in hour_ticks(duration_h)] == labels


def test_hours_beyond_the_hundredth_stay_in_order(tmp_path: Path) -> None:
    night = night_with(tmp_path)
    hours = [f"hour_{n:02d}" for n in range(1, 103)]
    cell = night.cell("n_beats")
    many = dataclasses.replace(night, phenotypes={("n_beats", hour): cell for hour in sorted(hours)})
    assert many.hour_strata == hours


@pytest.mark.parametrize(
    ("n", "coverage_s", "words"),
    [
        (3, 2340.0, "3 of 30 RR intervals"),
        (900, 119.0, "1 of 2 min"),
        (900, 2340.0, ""),
        (None, None, "0 of 30 RR intervals"),
    ],
)
def test_shortfall_is_said_of_what_is_short_only(
    tmp_path: Path, n: int | None, coverage_s: float | None, words: str
) -> None:
    cell = night_with(tmp_path).cell("heart_rate_mean")
    entry = dataclasses.replace(cell.entry, minimum_n=30, minimum_coverage_s=120.0, counts="RR intervals")
    short = dataclasses.replace(cell, entry=entry, value=None, status="insufficient_data", n=n, coverage_s=coverage_s)
    assert basis(short, 30) == words


def test_basis_never_takes_more_room_than_it_has(tmp_path: Path) -> None:
    cell = night_with(tmp_path).cell("heart_rate_mean")
    wide = dataclasses.replace(cell, entry=dataclasses.replace(cell.entry, minimum_n=9999, counts="RR intervals " * 3))
    short = dataclasses.replace(wide, value=None, status="insufficient_data")
    assert basis(wide, 200).endswith(" h")
    assert basis(wide, 30) == "0.8 h"
    assert basis(short, 30) == "2,311 of 9,999"


def test_gap_is_shown_as_missing_though_it_has_no_beats_either(tmp_path: Path) -> None:
    night = night_with(tmp_path)
    both = pl.lit(int(Flag.MISSING | Flag.NO_BEATS), pl.UInt16).alias("quality_flags")
    ax = Figure().add_subplot()
    draw_quality(ax, dataclasses.replace(night, epochs=night.epochs.with_columns(both)))
    shown = [bars for bars in ax.collections if bars.get_paths()]
    assert to_hex(shown[-1].get_facecolor()[0]) == QUALITY_REASONS[0][2]


def test_every_staged_epoch_is_as_wide_as_an_epoch_in_the_probabilities(tmp_path: Path) -> None:
    night = night_with(tmp_path)
    lonely = pl.col("epoch") == 10
    epochs = night.epochs.with_columns(pl.when(lonely).then(pl.col(name)) for name in PROBABILITY_COLUMN.values())
    ax = Figure().add_subplot()
    assert draw_hypnodensity(ax, dataclasses.replace(night, epochs=epochs)) is None
    for drawn in ax.collections:
        box = drawn.get_paths()[0].get_extents()
        assert (box.x0 * 3600, box.x1 * 3600) == pytest.approx((300.0, 330.0))


def night_with(folder: Path, **facts: object) -> ReportNight:
    return report_night(read_night(write_night(folder, NightPlan(hours=0.5, **facts))))  # type: ignore[arg-type]
