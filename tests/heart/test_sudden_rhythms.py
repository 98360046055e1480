"""Fast runs and dropped beats are told by how they begin and end, not by the classes of their beats."""

from __future__ import annotations

import numpy as np
import pytest
from made_nights import RECIPE, all_of, beats_of_rr

from holter2sleep.heart.p_waves import PWaves
from holter2sleep.heart.rhythm import find_episodes, with_s_in_runs
from holter2sleep.night import Episodes
from holter2sleep.spans import complement


def found(rr_s: list[float], label: str | None = None, waves: PWaves | None = None) -> Episodes:
    beats = beats_of_rr(rr_s, label) if label else beats_of_rr(rr_s)
    return find_episodes(beats, all_of(beats), RECIPE.rhythm, waves or PWaves.unknown(len(beats)))


def noted(rr_s: list[float]) -> list[str]:
    return found(rr_s).kind.tolist()


SINUS = [0.8] * 20


def test_a_long_fast_run_is_one_run_from_its_first_beat_to_its_last_though_no_beat_is_called_s() -> None:
    episodes = found([*SINUS, 0.5, *[0.4] * 60, 0.9, *SINUS]).of("SVTA")
    assert episodes.n_beats.tolist() == [61]
    np.testing.assert_allclose(episodes.rate_bpm, 150.0)


@pytest.mark.parametrize(
    ("rr_s", "why"),
    [
        ([*SINUS, 0.5, 0.4, 0.4, 0.9, *SINUS], "three beats: too few without their classes"),
        ([*SINUS, *np.linspace(0.8, 0.45, 20), *[0.45] * 40, 0.9, *SINUS], "the sinus node speeds up over many beats"),
        ([*SINUS, *[0.45] * 40, *np.linspace(0.46, 0.8, 40), *SINUS], "the sinus node slows over many beats"),
        ([*[1.2] * 20, *[0.8] * 10, 1.2, *[1.2] * 20], "75/min is no tachycardia"),
    ],
)
def test_what_is_no_supraventricular_run(rr_s: list[float], why: str) -> None:
    assert "SVTA" not in noted(rr_s), why


def test_each_of_two_runs_is_found() -> None:
    run = [0.5, *[0.4] * 6, 0.9]
    assert found([*SINUS, *run, *SINUS, *run, *SINUS]).of("SVTA").n_beats.tolist() == [7, 7]


def test_four_fast_beats_are_a_run() -> None:
    assert found([*SINUS, 0.5, 0.4, 0.4, 0.4, 0.9, *SINUS]).of("SVTA").n_beats.tolist() == [4]


def test_a_short_run_is_let_go_by_an_interval_longer_than_those_behind_its_first() -> None:
    """Their median is 0.54 s; 0.57 with the first, 0.59 without the second: 15 % more of these is above 0.65."""
    rr_s = [*[0.76] * 20, 0.6, 0.54, 0.54, 0.64, 0.65, *[0.76] * 20]
    assert found(rr_s).of("SVTA").n_beats.tolist() == [4]


@pytest.mark.parametrize(("run_s", "some"), [([0.6] * 6, True), ([0.601] * 6, False), ([0.6] * 5 + [0.66], False)])
def test_a_run_is_fast_where_its_beats_follow_one_another_at_100_a_minute(run_s: list[float], some: bool) -> None:
    assert (len(found([*[1.0] * 20, *run_s, *[1.0] * 20]).of("SVTA")) == 1) == some


def test_a_run_in_which_signal_was_lost_is_none() -> None:
    beats = beats_of_rr([*SINUS, 0.5, *[0.4] * 12, 0.9, *SINUS])
    lost = complement(np.array([[beats.time_s[26] + 0.1, beats.time_s[26] + 0.2]]), 0, 100)
    assert "SVTA" not in find_episodes(beats, lost, RECIPE.rhythm).kind


def test_a_fast_run_of_ventricular_beats_is_not_supraventricular() -> None:
    rr_s = [*SINUS, 0.5, *[0.4] * 6, 0.9, *SINUS]
    label = "N" * 20 + "V" * 8 + "N" * (len(rr_s) - 27)
    assert set(found(rr_s, label[: len(rr_s) + 1]).kind) == {"VT"}


@pytest.mark.parametrize(("v_at", "n"), [((22,), 1), ((22, 24), 0)])
def test_a_run_half_of_ventricular_beats_is_not_supraventricular(v_at: tuple[int, ...], n: int) -> None:
    rr_s = [*SINUS, 0.5, 0.4, 0.4, 0.4, 0.9, *SINUS]
    label = "".join("V" if i in v_at else "N" for i in range(len(rr_s) + 1))
    assert len(found(rr_s, label).of("SVTA")) == n


def test_the_beats_of_a_supraventricular_run_are_s_and_no_others() -> None:
    beats = beats_of_rr([*SINUS, 0.5, *[0.4] * 9, 0.9, *SINUS])
    label = with_s_in_runs(beats, find_episodes(beats, all_of(beats), RECIPE.rhythm)).label
    assert np.flatnonzero(label == "S").tolist() == list(range(21, 31))


def test_a_beat_that_only_its_run_makes_s_has_an_even_chance_at_least() -> None:
    n, run = 53, np.arange(21, 31)
    beats = beats_of_rr([*SINUS, 0.5, *[0.4] * 9, 0.9, *SINUS[:-1], 0.8, 0.8])
    chance_s = np.full(n, 0.2)
    chance_s[[21, 22]] = 0.9, np.nan
    beats = beats.but(confidence=np.full(n, 0.95), chance_s=chance_s)
    found = with_s_in_runs(beats, find_episodes(beats, all_of(beats), RECIPE.rhythm))
    expected = np.where(np.isin(np.arange(n), run), 0.5, 0.2)
    expected[21] = 0.9
    np.testing.assert_allclose(found.chance_s, expected, rtol=1e-6)
    np.testing.assert_allclose(found.confidence, np.where(np.isin(np.arange(n), run), expected, 0.95), rtol=1e-6)


def test_a_beat_missing_from_a_steady_rhythm_is_a_suspected_block() -> None:
    episodes = found([*SINUS, 1.6, *SINUS])
    assert episodes.kind.tolist() == ["BII"]
    assert episodes.end_s[0] - episodes.start_s[0] == pytest.approx(1.6)


def test_two_to_one_conduction_is_one_stretch() -> None:
    episodes = found([*SINUS, *[1.65] * 30, *SINUS]).of("BII")
    assert episodes.n_beats.tolist() == [31]


@pytest.mark.parametrize(
    "rr_s",
    [
        [*SINUS, 0.5, 1.6, *SINUS],  # the pause after a premature beat
        [*SINUS, 1.2, *SINUS],  # half a cycle more
        [*SINUS, 2.6, *SINUS],  # not a whole number of cycles
        [*[0.4] * 20, *SINUS],  # the end of a tachycardia
        [*np.tile([0.6, 0.8, 1.0], 8), 1.6, *SINUS],  # no steady rhythm
    ],
)
def test_what_is_no_dropped_beat(rr_s: list[float]) -> None:
    assert "BII" not in noted(rr_s)


@pytest.mark.parametrize(
    ("rr_s", "some"),
    [
        ([*[1.0] * 20, 1.7, *[1.0] * 20], True),
        ([*[1.0] * 20, 1.699, *[1.0] * 20], False),
        ([*[1.0] * 20, 2.3, *[1.0] * 20], True),
        ([*[1.0] * 20, 2.301, *[1.0] * 20], False),
        ([*[1.0] * 20, 0.9, 2.0, *[1.0] * 20], True),  # the beat before it is no more than a tenth early
        ([*[1.0] * 20, 0.899, 2.0, *[1.0] * 20], False),
        ([*[0.65, 0.75] * 10, 1.4, *[0.7] * 20], True),  # within 8 % of their median
        ([*[0.64, 0.76] * 10, 1.4, *[0.7] * 20], False),
        ([*[0.6] * 20, 1.2, *[0.6] * 20], True),  # 100/min
        ([*[0.599] * 20, 1.198, *[0.599] * 20], False),
    ],
)
def test_a_dropped_beat_leaves_about_two_cycles_of_a_rhythm_that_is_not_fast(rr_s: list[float], some: bool) -> None:
    assert ("BII" in noted(rr_s)) == some


@pytest.mark.parametrize(("next_s", "n_beats"), [(1.5, 12), (1.499, 2), (2.5, 12), (2.501, 2)])
def test_dropped_beats_go_on_while_the_rate_drifts(next_s: float, n_beats: int) -> None:
    """The cycle before them was 1 s: from half more to half less than two of it."""
    assert found([*[1.0] * 20, 2.0, *[next_s] * 10, *[1.0] * 20]).of("BII").n_beats[0] == n_beats


def test_the_pause_after_a_ventricular_beat_is_no_dropped_beat() -> None:
    assert "BII" not in found([*SINUS, 1.6, *SINUS], "N" * 20 + "V" + "N" * 21).kind


def test_lost_signal_ends_a_stretch_of_dropped_beats() -> None:
    beats = beats_of_rr([*SINUS, *[1.6] * 10, *SINUS])
    lost = complement(np.array([[beats.time_s[25] + 0.5, beats.time_s[25] + 0.6]]), 0, 100)
    found_there = find_episodes(beats, lost, RECIPE.rhythm, PWaves.unknown(len(beats))).of("BII")
    assert (found_there.start_s.tolist(), found_there.end_s.tolist()) == ([beats.time_s[20]], [beats.time_s[25]])


def test_lost_signal_is_no_dropped_beat() -> None:
    beats = beats_of_rr([*SINUS, 1.6, *SINUS])
    lost = complement(np.array([[beats.time_s[20] + 0.5, beats.time_s[20] + 0.6]]), 0, 100)
    assert len(find_episodes(beats, lost, RECIPE.rhythm, PWaves.unknown(len(beats)))) == 0


def test_without_a_waveform_a_missing_beat_may_be_one_that_was_not_found() -> None:
    beats = beats_of_rr([*SINUS, 1.6, *SINUS])
    assert "BII" not in find_episodes(beats, all_of(beats), RECIPE.rhythm).kind


def test_a_reader_who_calls_a_fast_run_sinus_is_not_overruled() -> None:
    beats = beats_of_rr([*SINUS, 0.5, *[0.4] * 60, 0.9, *SINUS])
    assert "SVTA" not in find_episodes(beats, all_of(beats), RECIPE.rhythm, classes_told=True).kind
    s = beats_of_rr([*SINUS, 0.5, *[0.4] * 60, 0.9, *SINUS], "N" * 21 + "S" * 61 + "N" * 21)
    assert find_episodes(s, all_of(s), RECIPE.rhythm, classes_told=True).of("SVTA").n_beats.tolist() == [61]


def test_a_slow_rhythm_is_a_suspected_block_only_where_the_waveform_shows_no_p_wave() -> None:
    rr_s, n = [1.5] * 60, 61
    assert "BIII" in found(rr_s, waves=PWaves(np.full(n, 1.5), np.zeros(n))).kind
    assert "BIII" not in found(rr_s, waves=PWaves(np.zeros(n), np.full(n, 1.5))).kind
    assert "BIII" not in found(rr_s).kind


def test_a_fast_rate_in_fibrillation_is_no_sinus_tachycardia() -> None:
    rr_s = np.random.default_rng(0).gamma(16.0, 0.5 / 16.0, 600).tolist()
    assert set(noted(rr_s)) <= {"AFIB", "PAUSE"}
    assert "AFIB" in noted(rr_s)


@pytest.mark.parametrize("n", [0, 1, 5, 9])
def test_hardly_any_beats_are_no_error(n: int) -> None:
    assert noted([0.8] * n) == []
