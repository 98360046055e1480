"""Tracks of the night figure: what is drawn lies where the tables say."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from night_tables import NightPlan, write_night

from holter2sleep.night import SCHEMES
from holter2sleep.phenotypes.files import read_night
from holter2sleep.report.axes import (
    BAND_COLOUR,
    BEAT_COLOURS,
    EXTREME_COLOUR,
    QUALITY_REASONS,
    RATE_COLOUR,
    STAGE_COLOURS,
    draw_rmssd,
    end_ticks,
    number_ticks,
)
from holter2sleep.report.breathing_axes import COUPLING_COLOURS, draw_breathing, draw_coupling, draw_respiratory
from holter2sleep.report.tables import ReportNight, report_night
from holter2sleep.report.tachogram import SHAPE, draw_tachogram, limits_s
from holter2sleep.report.words import load_words


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> ReportNight:
    return report_night(read_night(write_night(tmp_path_factory.mktemp("night"), NightPlan(hours=2.0))))


@pytest.fixture
def ax() -> Axes:
    return Figure().add_subplot()


def with_beats(night: ReportNight, time_s: list[float], rr_ms: list[float], label: list[str]) -> ReportNight:
    return dataclasses.replace(night, beats=pl.DataFrame({"time_s": time_s, "rr_ms": rr_ms, "label": label}))


def test_a_premature_beat_lies_at_its_time_and_its_interval(night: ReportNight, ax: Axes) -> None:
    steady = [float(i) for i in range(1, 7200)]
    label = ["V" if i == 3600 else "N" for i in range(1, 7200)]
    rr_ms = [500.0 if kind == "V" else 1000.0 for kind in label]
    assert draw_tachogram(ax, with_beats(night, steady, rr_ms, label)) is None
    (image,) = ax.get_images()
    picture = np.asarray(image.get_array())
    rows, columns = np.nonzero(
        (picture[:, :, :3] != 0).any(axis=2) & (picture[:, :, 3] == 1) & (picture[:, :, 0] > 0.5)
    )
    low_s, high_s = ax.get_ylim()
    assert to_hex(picture[rows[0], columns[0]]) == BEAT_COLOURS["V"]
    assert columns.mean() / SHAPE[1] == pytest.approx(0.5, abs=0.002)
    assert rows.min() / SHAPE[0] * (high_s - low_s) + low_s == pytest.approx(max(0.5, low_s), abs=0.02)


def test_the_limits_of_the_tachogram_never_leave_what_a_heart_can_do() -> None:
    assert limits_s(np.array([0.01, 9.0])) == (0.3, 2.0)
    assert limits_s(np.full(5, 1.0)) == (1.0, 1.1)
    assert limits_s(np.full(5, 3.0)) == (1.9, 2.0)


def test_a_night_without_intervals_says_so(night: ReportNight, ax: Axes) -> None:
    assert draw_tachogram(ax, with_beats(night, [], [], [])) == "not enough data: no interval"


def test_a_bar_of_coupling_begins_and_ends_with_its_epochs(night: ReportNight, ax: Axes) -> None:
    state = ["HFC"] * 60 + ["LFC"] * 60 + [None] * (night.epochs.height - 120)
    shown = dataclasses.replace(night, epochs=night.epochs.with_columns(coupling=pl.Series(state, dtype=pl.String)))
    assert draw_coupling(ax, shown) is None
    (high, low, _) = ax.collections
    assert to_hex(high.get_facecolor()[0]) == COUPLING_COLOURS["HFC"]
    (path,) = low.get_paths()
    assert path.vertices[:, 0].min() == pytest.approx(0.5)
    assert path.vertices[:, 0].max() == pytest.approx(1.0)


def test_a_rate_that_is_not_sure_is_a_gap(night: ReportNight, ax: Axes) -> None:
    sure = np.full(night.epochs.height, 0.95)
    sure[10:20] = 0.85
    epochs = night.epochs.with_columns(respiration_confidence=pl.Series(sure), respiration_rate_bpm=pl.lit(12.0))
    assert draw_breathing(ax, dataclasses.replace(night, epochs=epochs)) is None
    drawn = np.asarray(ax.lines[0].get_ydata())
    assert np.isnan(drawn[10:20]).all()
    assert (drawn[:10] == 12).all()


@pytest.mark.parametrize("draw", [draw_breathing, draw_respiratory, draw_coupling])
def test_what_is_unknown_all_night_is_said(night: ReportNight, ax: Axes, draw: type) -> None:
    nothing = dict.fromkeys(("respiration_rate_bpm", "p_respiratory", "coupling"))
    epochs = night.epochs.with_columns(**{name: pl.lit(None, night.epochs.schema[name]) for name in nothing})
    assert draw(ax, dataclasses.replace(night, epochs=epochs))


@pytest.mark.parametrize("rmssd_ms", [(8.4, 131.6), (0.7, 55.0), (15.0, 402.4)])
def test_the_axis_of_rmssd_holds_all_values_and_has_a_number_at_either_end(
    night: ReportNight, ax: Axes, rmssd_ms: tuple[float, float]
) -> None:
    n = night.epochs.height
    values = pl.Series("rmssd_ms", [rmssd_ms[i % 2] for i in range(n)])
    assert draw_rmssd(ax, dataclasses.replace(night, epochs=night.epochs.with_columns(values))) is None
    low, high = ax.get_ylim()
    ticks = ax.get_yticks().tolist()
    assert low <= min(rmssd_ms)
    assert max(rmssd_ms) <= high
    assert len(ticks) == 2
    assert all(low <= tick <= high and tick == round(tick) for tick in ticks)


def test_numbers_of_axes_have_the_marks_of_the_language(ax: Axes) -> None:
    end_ticks(ax, [0.3, 1200.0], load_words("de"))
    number_ticks(ax.xaxis, load_words("de"), "{:.1f}")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0,3", "1.200"]
    assert ax.xaxis.get_major_formatter()(1.0) == "1,0"


def lightness(colour: str) -> float:
    """CIE 1976 L* of an sRGB colour: its grey in print."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    y = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return 116 * np.cbrt(y) - 16 if y > 216 / 24389 else 24389 / 27 * y


@pytest.mark.parametrize(
    "colours",
    [
        [STAGE_COLOURS[stage] for stage in SCHEMES["AASM5"]],
        [BEAT_COLOURS[kind] for kind in "NSV"],
        [RATE_COLOUR, BAND_COLOUR, EXTREME_COLOUR],
        [colour for *_, colour in QUALITY_REASONS],
        list(COUPLING_COLOURS.values()),
    ],
    ids=["stages", "beats", "rate", "quality", "coupling"],
)
def test_colours_of_one_key_are_told_apart_in_grey(colours: list[str]) -> None:
    assert np.diff(sorted(map(lightness, colours))).min() > 8


def test_lightness_is_that_of_the_standard() -> None:
    assert [lightness(colour) for colour in ("white", "black")] == pytest.approx([100, 0], abs=0.01)
    assert lightness("#777777") == pytest.approx(50.0, abs=0.1)
