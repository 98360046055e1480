"""The whole waveform, one minute a line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from drawn_nights import Drawn
from matplotlib.colors import to_rgb
from night_tables import FS, NightPlan, heart_beat_mv, write_night

from holter2sleep.phenotypes.files import read_night
from holter2sleep.report.axes import BEAT_COLOURS
from holter2sleep.report.disclosure import (
    COLUMNS,
    LINE_MM,
    ROOM,
    Traces,
    baseline,
    envelope,
    full_disclosure,
    gain,
)
from holter2sleep.report.layout import read_layout
from holter2sleep.report.night_figure import TRACKS
from holter2sleep.report.pdf import write_full_disclosure
from holter2sleep.report.sections import SECTIONS
from holter2sleep.report.tables import report_night
from holter2sleep.waveform import Waveform

LAYOUT = read_layout(None, SECTIONS, TRACKS, "full_disclosure.toml")
SECTION = LAYOUT.section[-1]


def traces(samples: np.ndarray, fs: float = FS, mm_per_unit: float = 2.0) -> Traces:
    return Traces(Waveform.of(samples), fs, mm_per_unit, {})


# --- a line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fs", [100.0, 128.0, 256.0, 1000.0])
def test_a_peak_of_one_sample_is_never_lost(fs: float) -> None:
    rng = np.random.default_rng(0)
    for at in rng.integers(0, round(60 * fs), 30):
        samples = np.zeros(round(60 * fs))
        samples[at] = 1.0
        x_s, y_mm = envelope(traces(samples, fs), 0.0)
        assert y_mm.max() == pytest.approx(2.0)
        assert x_s[y_mm.argmax()] == pytest.approx(at / fs, abs=60 / COLUMNS)
        assert len(x_s) == 2 * COLUMNS


def test_a_trace_stays_within_its_line_and_wander_does_not_move_it() -> None:
    time_s = np.arange(round(60 * FS)) / FS
    beats = heart_beat_mv(time_s, np.arange(0.5, 60, 0.9))
    _, still = envelope(traces(beats), 0.0)
    _, wandering = envelope(traces(beats + 3 * np.sin(2 * np.pi * time_s / 40)), 0.0)
    assert np.abs(wandering).max() <= ROOM * LINE_MM
    assert np.median(np.abs(wandering - still)) < 0.2


def test_missing_samples_stay_missing_and_warn_of_nothing() -> None:
    samples = np.zeros(round(60 * FS))
    samples[: round(30 * FS)] = np.nan
    x_s, y_mm = envelope(traces(samples), 0.0)
    assert np.isnan(y_mm[x_s < 29.9]).all()
    assert np.isfinite(y_mm[x_s > 30.1]).all()
    assert np.isnan(envelope(traces(np.full(6000, np.nan)), 0.0)[1]).all()


def test_the_last_line_ends_with_the_recording_and_the_next_is_empty() -> None:
    assert envelope(traces(np.zeros(round(20 * FS))), 0.0)[0].max() < 20.0
    assert len(envelope(traces(np.zeros(round(20 * FS))), 60.0)[0]) == 0


def test_a_slow_slope_is_taken_out() -> None:
    slope = np.linspace(0, 6, round(60 * FS))
    inner = slice(round(FS), -round(FS))
    np.testing.assert_allclose(baseline(slope, FS)[inner], slope[inner], atol=0.01)


@pytest.mark.parametrize(
    ("r_mv", "mm_per_mv"), [(0.1, 20.0), (0.27, 10.0), (0.5, 5.0), (1.1, 2.5), (2.7, 1.0), (9, 0.5)]
)
def test_the_gain_is_a_usual_one_at_which_r_fits(r_mv: float, mm_per_mv: float) -> None:
    assert gain(r_mv, relative=False) == mm_per_mv


def test_without_a_scale_r_takes_its_share_of_the_line() -> None:
    assert 0.5 * LINE_MM < 812.0 * gain(812.0, relative=True) < LINE_MM


# --- the document ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disclosed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Waveform]:
    """A night of 72 min with its waveform."""
    folder = write_night(tmp_path_factory.mktemp("night"), NightPlan(hours=1.2))
    time_s = np.arange(round(1.2 * 3600 * FS)) / FS
    beats_s = read_night(folder).beats["time_s"].to_numpy()
    ecg = np.zeros(len(time_s))
    for beat_s in beats_s:
        near = slice(max(0, round((beat_s - 0.4) * FS)), round((beat_s + 0.6) * FS))
        ecg[near] += heart_beat_mv(time_s[near], np.array([beat_s]))
    return folder, Waveform.of(ecg)


def test_each_minute_has_its_clock_and_the_same_night_gives_the_same_bytes(disclosed: tuple[Path, Waveform]) -> None:
    path = write_full_disclosure(*disclosed)
    first = path.read_bytes()
    text = Drawn(path).text
    night = report_night(read_night(disclosed[0]))
    names = [night.time_name(60.0 * minute) for minute in range(72)]
    assert names[0] == "22:41:05"
    assert names[-1] == "23:52:05"
    assert [name for name in names if name not in text] == []
    assert "2.5 mm/mV" in text
    assert len(Drawn(path).reader.pages) == 2
    assert write_full_disclosure(*disclosed).read_bytes() == first


def test_ectopic_beats_are_drawn_in_their_colours(disclosed: tuple[Path, Waveform]) -> None:
    reader = Drawn(write_full_disclosure(*disclosed)).reader
    drawing = "".join(page.get_contents().get_data().decode("latin-1") for page in reader.pages)  # type: ignore[union-attr]
    drawn_in = np.array(re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) RG", drawing), float)
    for colour in ("V", "S"):
        assert np.isclose(drawn_in, to_rgb(BEAT_COLOURS[colour]), atol=1e-3).all(axis=1).any()


def test_a_section_without_waveform_says_why(tmp_path: Path) -> None:
    for plan, why in (
        (NightPlan(hours=0.5, waveform=False), "beats only"),
        (NightPlan(hours=0.5), "--full-disclosure"),
    ):
        night = report_night(read_night(write_night(tmp_path / why, plan)))
        (block,) = full_disclosure(night, LAYOUT, SECTION)
        assert why in str(block.html)


def test_without_a_clock_a_line_says_the_time_since_the_start(tmp_path: Path) -> None:
    night = report_night(read_night(write_night(tmp_path, NightPlan(hours=0.5, start=None))))
    assert night.time_name(3720.0) == "+1:02:00"
