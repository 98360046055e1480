"""The nouns refuse what cannot be, and a night splits into parts that add up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_nights import analysed, recording_of

from holter2sleep.night import (
    NN,
    SCHEMES,
    STAGE_STRATA,
    Beats,
    Episodes,
    EpochGrid,
    Hypnogram,
    Night,
    Recording,
    Source,
)
from holter2sleep.spans import as_spans, contains, covers, duration

ECTOPY = {"hours": 2.5, "lead_off": ((0.4, 200.0),), "af": ((0.7, 600.0),), "pauses": ((0.2, 2.5),)}


@pytest.fixture(scope="module")
def night() -> Night:
    return analysed("ectopy", **ECTOPY)


def hours_of(night: Night) -> list[Night]:
    return [night.within(f"hour_{hour:02d}") for hour in range(1, night.n_hours + 1)]


# --- parts of a night ------------------------------------------------------------------------------


def test_the_hours_of_a_night_add_up_to_the_night(night: Night) -> None:
    hours = hours_of(night)
    assert len(hours) == 3
    assert sum(len(hour.beats) for hour in hours) == len(night.beats)
    assert sum(len(hour.episodes) for hour in hours) == len(night.episodes)
    assert sum(duration(hour.spans) for hour in hours) == night.recording.duration_s
    assert sum(hour.usable_s for hour in hours) == pytest.approx(night.usable_s)


def test_every_beat_lies_in_wake_in_sleep_or_in_unscored_time(night: Night) -> None:
    unscored = night.grid.spans(night.hypnogram.stage == "U")
    parts = [night.within("wake"), night.within("sleep"), night.during(unscored)]
    assert sum(len(part.beats) for part in parts) == len(night.beats)
    assert sum(duration(part.spans) for part in parts) == pytest.approx(night.recording.duration_s)


def test_a_part_holds_the_beats_and_the_intervals_that_lie_in_its_time(night: Night) -> None:
    for pairs in ([(0.0, 9000.0)], [(100.0, 101.0), (3000.0, 5000.0)], [(8900.0, 9500.0)], []):
        part, spans = night.during(as_spans(pairs)), as_spans(pairs)
        beats, nn = night.beats.time_s, night.nn
        np.testing.assert_array_equal(part.beats.time_s, beats[contains(spans, beats)])
        kept = covers(spans, nn.end_s - nn.nn_ms / 1000, nn.end_s)
        np.testing.assert_array_equal(part.nn.end_s, nn.end_s[kept])
        np.testing.assert_array_equal(part.nn.adjacent, (nn.adjacent & np.r_[False, kept[:-1]])[kept])


def test_a_cut_loses_only_the_interval_that_straddles_it(night: Night) -> None:
    lost = len(night.nn) - sum(len(hour.nn) for hour in hours_of(night))
    assert 0 <= lost <= night.n_hours - 1


def test_nothing_is_differenced_across_a_cut(night: Night) -> None:
    for stratum in ("hour_01", "hour_02", "sleep", "nrem", "wake"):
        nn = night.within(stratum).nn
        begin_s = nn.end_s - nn.nn_ms / 1000
        np.testing.assert_allclose(begin_s[nn.adjacent], nn.end_s[np.flatnonzero(nn.adjacent) - 1], atol=1e-6)
        assert contains(night.within(stratum).spans, begin_s).all()


def test_a_part_of_a_part_is_the_part_of_both(night: Night) -> None:
    one, other = night.within("hour_02").within("sleep"), night.within("sleep").within("hour_02")
    np.testing.assert_array_equal(one.spans, other.spans)
    np.testing.assert_array_equal(one.beats.time_s, other.beats.time_s)
    np.testing.assert_array_equal(one.nn.adjacent, other.nn.adjacent)


def test_an_episode_belongs_to_the_part_it_begins_in_and_ends_with_it(night: Night) -> None:
    af = night.episodes.of("AFIB")
    assert len(af) == 1
    middle_s = float(af.start_s[0] + 120)
    before = night.during(as_spans([(0, middle_s)])).episodes.of("AFIB")
    after = night.during(as_spans([(middle_s, night.recording.duration_s)])).episodes.of("AFIB")
    assert before.end_s.tolist() == [middle_s]
    assert len(after) == 0


def test_a_stratum_nobody_was_in_is_empty_and_no_error(night: Night) -> None:
    never = night.within("hour_09")
    assert (len(never.beats), len(never.nn), len(never.episodes), never.usable_s) == (0, 0, 0, 0.0)


def test_an_unknown_stratum_is_refused_with_the_known_ones(night: Night) -> None:
    with pytest.raises(ValueError, match="unknown stratum 'deep'; known: night, hour_NN, sleep"):
        night.within("deep")


@pytest.mark.parametrize(("duration_s", "hours"), [(10.0, 1), (3600.0, 1), (3600.5, 2), (7200.0, 2), (28800.0, 8)])
def test_hours_begun(night: Night, duration_s: float, hours: int) -> None:
    assert dataclasses.replace(night, recording=night.recording.but(duration_s=duration_s)).n_hours == hours


# --- epochs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration_s", "n"), [(0.5, 1), (30.0, 1), (30.9, 1), (31.1, 2), (60.0, 2), (28800.0, 960), (1805.6, 61)]
)
def test_a_rest_of_a_second_or_more_makes_an_epoch(duration_s: float, n: int) -> None:
    assert EpochGrid.covering(duration_s).n == n


def test_epochs_are_half_open_and_the_last_ends_with_the_recording() -> None:
    grid = EpochGrid.covering(70.0)
    assert grid.epoch_of([0.0, 29.999, 30.0, 59.9, 69.9]).tolist() == [0, 0, 1, 1, 2]
    assert grid.spans(np.array([False, True, True])).tolist() == [[30.0, 70.0]]
    assert grid.spans(np.array([True, False, False])).tolist() == [[0.0, 30.0]]


# --- values ----------------------------------------------------------------------------------------


def test_arrays_are_read_only_and_the_callers_stay_writable() -> None:
    mine = np.array([1.0, 2.0, 3.0])
    beats = Beats.at(mine)
    with pytest.raises(ValueError, match="read-only"):
        beats.time_s[0] = 9.0
    mine[0] = 0.5
    ecg = np.zeros(10, np.float32)
    recording = recording_of(ecg)
    assert recording.ecg is not None
    with pytest.raises(ValueError, match="read-only"):
        recording.ecg[:][0] = 1.0
    ecg[0] = 1.0


def test_every_array_of_a_night_is_read_only(night: Night) -> None:
    nouns = (night.beats, night.nn, night.episodes, night.quality, night.hypnogram, night.recording)
    arrays = [value for noun in nouns for value in vars(noun).values() if isinstance(value, np.ndarray)]
    assert len(arrays) > 15
    assert not any(array.flags.writeable for array in arrays)


@pytest.mark.parametrize(
    ("time_s", "n_labels", "complaint"),
    [([1.0, 2.0], 3, "label has shape"), ([2.0, 1.0], 2, "strictly"), ([1.0, 1.0], 2, "strictly")],
)
def test_beats_of_unequal_columns_or_out_of_order_are_refused(time_s: list, n_labels: int, complaint: str) -> None:
    n = len(time_s)
    with pytest.raises(ValueError, match=complaint):
        Beats(np.array(time_s), np.full(n_labels, "N"), np.ones(n), np.ones(n, bool))


def test_rr_is_the_interval_from_the_beat_before() -> None:
    rr_s = Beats.at([1.0, 1.8, 2.7]).rr_s
    assert np.isnan(rr_s[0])
    np.testing.assert_allclose(rr_s[1:], [0.8, 0.9])


def test_a_recording_needs_a_waveform_with_a_rate_or_beats() -> None:
    source = Source("x.edf", "EDF", "0")
    with pytest.raises(ValueError, match="waveform or beats"):
        Recording("x", source, 10.0, 250.0)
    with pytest.raises(ValueError, match="above 0 Hz, not 0"):
        Recording("x", source, 10.0, 0.0, ecg=np.zeros(5, np.float32))
    with pytest.raises(ValueError, match="above 0 Hz, not None"):
        Recording("x", source, 10.0, None, ecg=np.zeros(5, np.float32))


def test_differences_of_nn_skip_what_is_not_adjacent() -> None:
    nn = NN(np.array([1.0, 1.8, 5.0]), np.array([800.0, 810.0, 700.0]), np.array([False, True, False]))
    assert nn.differences_ms.tolist() == [10.0]


def test_episodes_join_by_start() -> None:
    def one(kind: str, start_s: float) -> Episodes:
        return Episodes([start_s], [start_s + 1], [kind], [2], [60.0], [np.nan])

    both = one("PAUSE", 9.0).and_also(one("VT", 3.0)).and_also(Episodes.none())
    assert both.kind.tolist() == ["VT", "PAUSE"]
    assert both.of("PAUSE").spans.tolist() == [[9.0, 10.0]]


# --- hypnogram -------------------------------------------------------------------------------------

GRID = EpochGrid.covering(90.0)


@pytest.mark.parametrize(
    ("stage", "scheme", "complaint"),
    [
        (["W", "N2", "R"], "CARDIO3", "N2.* not in scheme CARDIO3"),
        (["W", "L", "R"], "AASM5", "L.* not in scheme AASM5"),
        (["W", "R"], "AASM5", "2,.* stages for 3 epochs"),
        (["W", "R", "R"], "R&K", "unknown scheme 'R&K'; known: AASM5"),
    ],
)
def test_a_hypnogram_that_does_not_fit_is_refused(stage: list[str], scheme: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Hypnogram(GRID, np.array(stage), scheme, "test")


def test_probabilities_have_a_column_for_each_class() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 5\)"):
        Hypnogram(GRID, np.array(["W", "NREM", "R"]), "CARDIO3", "test", np.ones((3, 5)))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_wake_and_sleep_partition_what_is_scored_in_every_scheme(scheme: str) -> None:
    letters = [*SCHEMES[scheme], "U"]
    grid = EpochGrid.covering(30.0 * len(letters))
    hypnogram = Hypnogram(grid, np.array(letters), scheme, "test")
    assert (hypnogram.mask("wake") ^ hypnogram.mask("sleep")).tolist() == [*[True] * (len(letters) - 1), False]
    np.testing.assert_array_equal(hypnogram.mask("nrem") | hypnogram.mask("rem"), hypnogram.mask("sleep"))


def test_what_each_scheme_can_say() -> None:
    said = {
        scheme: {s for s in STAGE_STRATA if Hypnogram(GRID, np.full(3, "W"), scheme, "").can_say(s)}
        for scheme in SCHEMES
    }
    common = {"sleep", "wake", "nrem", "rem"}
    assert said == {
        "AASM5": common | {"n1", "n2", "n3", "light"},
        "CARDIO4": common | {"n3", "light"},
        "CARDIO3": common,
    }
