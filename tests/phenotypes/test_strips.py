from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.errors import RecipeError
from holter2sleep.night import (
    NN,
    Beats,
    Episodes,
    EpochGrid,
    Hypnogram,
    Lights,
    Night,
    Quality,
    Recording,
    Respiration,
    Source,
)
from holter2sleep.phenotypes.strips import StripRules, choose_strips, fitting_start
from holter2sleep.spans import Spans, as_spans, covers

FS = 100.0
DURATION_S = 1800.0
RULES = StripRules(n=7, length_s=7.6)


def night(
    episodes: list[tuple[float, float, str, int]] = (),  # type: ignore[assignment]
    *,
    usable: Spans | None = None,
    labels: dict[int, str] | None = None,
    rr_s: np.ndarray | None = None,
    waveform: bool = True,
) -> Night:
    """Half an hour, a beat a second unless told otherwise; SQI falls from epoch to epoch."""
    grid = EpochGrid.covering(DURATION_S)
    usable = as_spans([(0.0, DURATION_S)]) if usable is None else usable
    time_s = 0.5 + np.cumsum(np.ones(1790) if rr_s is None else rr_s)
    label = np.full(len(time_s), "N")
    for index, letter in (labels or {}).items():
        label[index] = letter
    ecg = np.arange(int(DURATION_S * FS), dtype=np.float32) % 1000 / 1000
    for start_s, end_s in as_spans(np.r_[0.0, usable.ravel(), DURATION_S]):
        ecg[round(start_s * FS) : round(end_s * FS)] = np.nan
    good = covers(usable, grid.onset_s, grid.edges_s[1:])
    rows = [(s, e, k, n, np.nan, np.nan) for s, e, k, n in episodes]
    columns = list(zip(*rows, strict=True)) if rows else []
    found = Episodes(*map(np.array, columns)) if rows else Episodes.none()
    recording = Recording(
        "n",
        Source("n.edf", "EDF", "0"),
        DURATION_S,
        FS,
        start=datetime(2026, 1, 31, 23, 59, 0),
        ecg=ecg if waveform else None,
        given_beats=None if waveform else Beats.at(time_s, label),
    )
    return Night(
        recording=recording,
        grid=grid,
        quality=Quality(np.zeros(grid.n), np.linspace(1.0, 0.5, grid.n), good, usable),
        beats=Beats.at(time_s, label),
        episodes=found,
        nn=NN(np.empty(0), np.empty(0), np.empty(0, bool)),
        hypnogram=Hypnogram(grid, np.full(grid.n, "R"), "CARDIO3", "test"),
        lights=Lights(0.0, DURATION_S, "recording"),
        respiration=Respiration.unknown(grid.n),
        spans=as_spans([(0.0, DURATION_S)]),
    )


def reasons(chosen: list) -> list[str]:
    return [strip.reason for strip in chosen]


def test_findings_come_in_the_order_of_interest_and_letters_follow() -> None:
    episodes = [
        (200.0, 203.0, "VT", 3),
        (400.0, 700.0, "AFIB", 300),
        (800.0, 802.1, "PAUSE", 2),
        (900.0, 903.4, "PAUSE", 2),
        (1000.0, 1003.0, "SVTA", 5),
        (1100.0, 1106.0, "VT", 9),
    ]
    chosen = choose_strips(night(episodes), RULES)
    assert [strip.strip for strip in chosen] == list("ABCDEFG")
    assert reasons(chosen) == [
        "longest pause 3.4 s",
        "onset of AF pattern",
        "ventricular run, 9 beats",
        "supraventricular run, 5 beats",
        "clean reference, highest signal quality",
        "lowest signal quality still analysed",
        "lowest signal quality still analysed",
    ]
    assert chosen[0].start_s <= 900.0
    assert chosen[0].start_s + 7.6 >= 903.4
    assert chosen[1].start_s == pytest.approx(400.0 - 3.8)


def test_quiet_night_shows_its_rates_a_reference_and_its_worst() -> None:
    rr_s = np.concatenate([np.ones(800), np.full(20, 0.5), np.ones(400), np.full(20, 1.4), np.ones(400)])
    chosen = choose_strips(night(rr_s=rr_s), RULES)
    assert [reason.split(",")[0] for reason in reasons(chosen)] == [
        "highest heart rate",
        "lowest heart rate",
        "clean reference",
        "lowest signal quality still analysed",
        "lowest signal quality still analysed",
    ]
    assert 800 < chosen[0].start_s + 3.8 < 811  # the ten fast seconds
    assert 1210 < chosen[1].start_s + 3.8 < 1239  # the slow ones
    assert chosen[2].start_s < 30
    assert chosen[3].start_s > 1770


def test_single_ectopic_beat_is_shown_when_there_is_no_run() -> None:
    chosen = choose_strips(night(labels={500: "V", 900: "S"}), RULES)
    assert reasons(chosen)[:2] == ["ventricular ectopic beat", "supraventricular ectopic beat"]
    assert chosen[0].start_s + 3.8 == pytest.approx(501.5)


def test_clean_reference_avoids_epochs_with_a_finding() -> None:
    chosen = choose_strips(night(labels={5: "V"}), RULES)
    assert next(strip for strip in chosen if "clean" in strip.reason).start_s >= 30.0


def test_reference_and_worst_are_always_among_the_few() -> None:
    episodes = [(100.0 * k, 100.0 * k + 3, "PAUSE", 2) for k in range(1, 9)]
    chosen = choose_strips(night(episodes), StripRules(n=4, length_s=7.6))
    assert len(chosen) == 4
    assert "clean reference" in chosen[1].reason
    assert all("lowest signal quality" in strip.reason for strip in chosen[2:])


def test_a_second_of_each_follows_when_each_was_shown_and_rates_are_shown_once() -> None:
    episodes = [(300.0, 302.0, "PAUSE", 2), (600.0, 603.0, "PAUSE", 2), (900.0, 1000.0, "AFIB", 100)]
    chosen = choose_strips(night(episodes), StripRules(n=12, length_s=7.6))
    found = [reason.split(",")[0] for reason in reasons(chosen)]
    assert found[:5] == [
        "longest pause 3.0 s",
        "onset of AF pattern",
        "highest heart rate",
        "lowest heart rate",
        "pause 2.0 s",
    ]
    assert len(found) == 8


def test_the_longest_run_comes_first_and_the_fastest_second() -> None:
    plan = [(300.0, 310.0, "VT", 9), (600.0, 603.0, "VT", 5), (900.0, 902.0, "VT", 6)]
    made = night(plan)
    fast = dataclasses.replace(made.episodes, rate_bpm=np.array([120.0, 180.0, 140.0]))
    chosen = choose_strips(dataclasses.replace(made, episodes=fast), StripRules(n=9, length_s=7.6))
    runs = [reason for reason in reasons(chosen) if "run" in reason]
    assert runs == ["ventricular run, 9 beats", "ventricular run, 5 beats", "ventricular run, 6 beats"]


def test_strip_knows_its_clock_stage_and_samples() -> None:
    strip = choose_strips(night([(400.0, 700.0, "AFIB", 300)]), RULES)[0]
    assert (strip.clock, strip.stage, strip.fs) == ("00:05:36", "R", FS)
    assert len(strip.ecg_mv) == 760
    assert strip.ecg_mv[0] == pytest.approx(round(strip.start_s * FS) % 1000 / 1000)


spans = st.lists(st.tuples(st.integers(0, 1790), st.integers(1, 300)), max_size=12).map(
    lambda pairs: as_spans([(a, min(a + d, 1800)) for a, d in pairs])
)


@given(spans)
def test_no_strip_runs_through_a_gap_or_overlaps_another(usable: Spans) -> None:
    episodes = [(500.0, 503.0, "PAUSE", 2), (700.0, 900.0, "AFIB", 200)]
    chosen = choose_strips(night(episodes, usable=usable, labels={300: "V"}), RULES)
    start_s = np.array([strip.start_s for strip in chosen])
    assert covers(usable, start_s, start_s + 7.6 - 1e-9).all()
    assert all(np.isfinite(strip.ecg_mv).all() for strip in chosen)
    assert (np.diff(np.sort(start_s)) >= 7.6 - 1e-9).all()


def test_finding_at_the_edge_of_good_signal_is_shown_off_centre() -> None:
    assert fitting_start(as_spans([(100.0, 200.0)]), 101.0, 7.6) == 100.0
    assert fitting_start(as_spans([(100.0, 200.0)]), 199.0, 7.6) == 192.4
    assert fitting_start(as_spans([(100.0, 105.0)]), 102.0, 7.6) is None
    assert fitting_start(as_spans([(100.0, 200.0)]), 50.0, 7.6) is None


def test_night_without_waveform_or_without_good_signal_has_no_strip() -> None:
    assert choose_strips(night(waveform=False), RULES) == []
    assert choose_strips(night(usable=np.empty((0, 2))), RULES) == []


def test_fewer_than_three_strips_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"strips\.n is 2"):
        choose_strips(night(), StripRules(n=2, length_s=7.6))


def test_choosing_strips_loads_no_drawing_library() -> None:
    code = "import sys, holter2sleep.phenotypes.strips; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
