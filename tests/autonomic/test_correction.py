"""Artefacts of an RR series are told apart and corrected, and nothing else is touched (Lipponen and Tarvainen 2019)."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from made_nights import RECIPE, nn_of

from holter2sleep.autonomic import correction
from holter2sleep.autonomic.correction import MEDIAN_BEATS, correct_intervals
from holter2sleep.night import CORRECTIONS, NN, Corrections, Float


def sinus_s(n: int = 1200, seed: int = 0) -> Float:
    """Times of beats whose rate breathes and wanders."""
    rng = np.random.default_rng(seed)
    at = np.arange(n)
    rr_ms = 900 + 60 * np.sin(at / 60) + 35 * np.sin(2 * np.pi * at / 4.3) + rng.normal(0, 8, n)
    return np.r_[0.0, np.cumsum(np.round(rr_ms))] / 1000


def intervals_between(beat_s: Float) -> NN:
    return NN(beat_s[1:], np.round(1000 * np.diff(beat_s), 3), np.arange(len(beat_s) - 1) > 0)


def corrected(nn: NN) -> tuple[NN, Corrections]:
    return correct_intervals(nn, RECIPE.correction, RECIPE.nn)


def counts(found: Corrections) -> dict[str, int]:
    return {kind: int((found.kind == kind).sum()) for kind in CORRECTIONS if kind in found.kind}


# --- planted truth ---------------------------------------------------------------------------------


def test_a_sinus_rhythm_is_left_as_it_is() -> None:
    nn = intervals_between(sinus_s())
    after, found = corrected(nn)
    assert len(found) == 0
    np.testing.assert_array_equal(after.nn_ms, nn.nn_ms)
    np.testing.assert_array_equal(after.end_s, nn.end_s)
    np.testing.assert_array_equal(after.adjacent, nn.adjacent)


def test_a_missed_beat_halves_its_interval_and_puts_a_beat_between() -> None:
    beat_s = sinus_s()
    after, found = corrected(intervals_between(np.delete(beat_s, 300)))
    assert counts(found) == {"missed": 1}
    assert found.time_s[0] == beat_s[301]
    assert len(after) == len(beat_s) - 1
    np.testing.assert_allclose(after.nn_ms[299:301], 500 * (beat_s[301] - beat_s[299]))
    assert after.end_s[299] == pytest.approx((beat_s[299] + beat_s[301]) / 2)
    assert after.adjacent[1:].all()


def test_an_extra_beat_is_taken_out_again() -> None:
    beat_s = sinus_s()
    after, found = corrected(intervals_between(np.insert(beat_s, 301, beat_s[300] + 0.4)))
    assert counts(found) == {"extra": 1}
    np.testing.assert_allclose(after.nn_ms, 1000 * np.diff(beat_s), atol=1e-3)
    np.testing.assert_array_equal(after.end_s, beat_s[1:])


def test_an_ectopic_beat_gives_both_its_intervals_values_on_a_line_between_their_neighbours() -> None:
    beat_s = sinus_s()
    beat_s[300] -= 0.3
    before = intervals_between(beat_s)
    after, found = corrected(before)
    assert counts(found) == {"ectopic": 1}
    outer = before.nn_ms[[298, 301]]
    np.testing.assert_allclose(after.nn_ms[299:301], outer[0] + np.diff(outer)[0] * np.array([1, 2]) / 3)
    untouched = np.r_[0:299, 301 : len(before)]
    np.testing.assert_array_equal(after.nn_ms[untouched], before.nn_ms[untouched])


@pytest.mark.parametrize(("factor", "kind"), [(1.6, "long"), (0.65, "short")])
def test_an_interval_that_is_no_multiple_gets_a_new_value(factor: float, kind: str) -> None:
    rr_ms = 1000 * np.diff(sinus_s())
    whole = rr_ms.copy()
    rr_ms[300] *= factor
    after, found = corrected(nn_of(rr_ms))
    assert counts(found) == {kind: 1}
    assert after.nn_ms[300] == pytest.approx((whole[299] + whole[301]) / 2)


def test_many_errors_of_all_kinds_are_found_and_the_series_is_nearly_what_it_was() -> None:
    beat_s = sinus_s(6000)
    truth_ms = 1000 * np.diff(beat_s)
    early, missed, extra = np.arange(100, 5900, 200), np.arange(150, 5900, 200), np.arange(200, 5900, 200)
    made_s = beat_s.copy()
    made_s[early] -= 0.3
    made_s = np.sort(np.r_[np.delete(made_s, missed), (beat_s[extra] + beat_s[extra + 1]) / 2])
    after, found = corrected(intervals_between(made_s))
    assert {kind: counts(found)[kind] for kind in ("missed", "extra")} == {"missed": len(missed), "extra": len(extra)}
    assert len(early) <= counts(found)["ectopic"] <= 1.2 * len(early)
    assert len(after) == len(truth_ms)
    assert np.sqrt(np.mean((after.nn_ms - truth_ms) ** 2)) < 8.0  # a plain sinus swings by 35 ms from beat to beat


def test_neurokit2_calls_the_same_beats_missed_extra_and_ectopic() -> None:
    beat_s = sinus_s(3000, seed=4)
    truth_ms = 1000 * np.diff(beat_s)
    beat_s[100:2900:150] -= 0.25
    beat_s = np.delete(beat_s, np.arange(160, 2900, 300))
    beat_s = np.sort(np.r_[beat_s, (beat_s[200:2800:300] + beat_s[201:2801:300]) / 2])
    samples = np.round(1000 * beat_s).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2

        first, _ = neurokit2.signal_fixpeaks(samples, sampling_rate=1000, iterative=False, method="Kubios")
        _, peaks = neurokit2.signal_fixpeaks(samples, sampling_rate=1000, iterative=True, method="Kubios")
    after, found = corrected(intervals_between(samples / 1000))
    for kind in ("missed", "extra", "ectopic"):
        theirs = samples[np.array(first[kind])] / 1000
        ours = found.time_s[found.kind == kind]
        assert set(theirs) <= set(ours), kind
        assert len(ours) <= len(theirs) + 1, kind  # a later round may find one more
    assert len(after) == len(peaks) - 1
    # they move a beat half way between its neighbours, we give both intervals new values: elsewhere all is the same
    theirs_ms = np.diff(peaks).astype(np.float64)
    assert np.mean(after.nn_ms == theirs_ms) > 0.95
    assert np.mean((after.nn_ms - truth_ms) ** 2) <= np.mean((theirs_ms - truth_ms) ** 2)


# --- the rules, where the least threshold holds: 100 ms ----------------------------------------------


TENTH = correction.CorrectionRules(least_threshold_ms=100.0, longest_line=4)


def steps(*away_ms: float, at: int = 300) -> NN:
    """800 ms throughout but for some in a row: so steady that the thresholds are the least ones."""
    rr_ms = np.full(600, 800.0)
    rr_ms[at : at + len(away_ms)] += away_ms
    return nn_of(rr_ms)


def test_a_threshold_is_5_2_quartile_deviations_of_the_91_sizes_around() -> None:
    """Sizes 0 to 90 in any order: quartiles 22.5 and 67.5. What lies further away does not count."""
    rng = np.random.default_rng(0)
    values = np.r_[1e6, rng.permutation(91) * rng.choice([-1, 1], 91), 1e6]
    assert correction._threshold(values, RECIPE.correction)[46] == pytest.approx(5.2 * (67.5 - 22.5) / 2)
    assert correction._threshold(np.zeros(93), RECIPE.correction)[46] == RECIPE.correction.least_threshold_ms


@pytest.mark.parametrize(
    ("away_ms", "expected"),
    [
        # a change of more than a threshold that is undone by one of the next two
        ((100,), {}),
        ((101, 1, 1), {}),  # up by 101, down by 100
        ((100, -1), {}),  # up by 100, down by 101
        ((101,), {"long": 1}),
        ((150,), {"long": 1}),
        ((150, 150), {"long": 1}),
        ((150, 150, 150), {}),  # a new level
        ((-101,), {"short": 1}),
        ((-140,), {"short": 1}),
        # three thresholds from the median, twice as far for a short one, however it came there
        ((100, 200, 300, 200, 100), {}),
        ((101, 201, 301, 201, 101), {"long": 1}),
        ((-90, -150, -90), {}),
        ((-90, -151, -90), {"short": 1}),
        # two intervals in one, one interval in two: within a threshold of the median
        ((1000,), {"long": 1}),  # 1800 ms: twice 900
        ((999,), {"missed": 1}),
        ((601,), {"missed": 1}),
        ((600,), {"long": 1}),
        # early and made up for: two changes undone by a third twice as large
        ((-50, 50), {}),
        ((-51, 51), {"ectopic": 1}),
        ((50, -50), {}),
        ((51, -51), {"ectopic": 1}),
        ((120, -120), {"ectopic": 1}),
    ],
)
def test_what_is_wrong_is_told_by_thresholds(away_ms: tuple[float, ...], expected: dict[str, int]) -> None:
    _, found = correct_intervals(steps(*away_ms), TENTH, RECIPE.nn)
    assert counts(found) == expected


def test_the_first_interval_has_none_before_it_and_the_last_none_behind_it() -> None:
    cases = ((steps(200, at=0), {}), (steps(120, -120, at=598), {"long": 1}), (steps(400, at=599), {"long": 1}))
    for rr, expected in cases:
        assert counts(correct_intervals(rr, TENTH, RECIPE.nn)[1]) == expected


def test_a_beat_missed_in_the_first_interval_is_put_in_its_middle() -> None:
    rr = steps(800, at=0)
    after, found = corrected(rr)
    assert counts(found) == {"missed": 1}
    np.testing.assert_allclose(after.nn_ms, 800.0)
    np.testing.assert_allclose(after.end_s[:3], [0.8, 1.6, 2.4])


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ("-E--", "-E--"),
        ("EE--", "E---"),
        ("EEE-", "E---"),  # the third is seen again in the next round
        ("EL--", "E---"),
        ("EX--", "-X--"),
        ("E-X-", "--X-"),
        ("E--X", "E--X"),
        ("LL-E", "LL-E"),
        ("L--X", "L--X"),
    ],
)
def test_an_extra_beat_is_taken_out_alone(found: str, left: str) -> None:
    letters = {"-": correction.FINE, "E": correction.EXTRA, "X": correction.ECTOPIC, "L": correction.LONG}
    kind = correction._one_at_a_time(np.array([letters[letter] for letter in found], np.int8))
    assert kind.tolist() == [letters[letter] for letter in left]


@pytest.mark.parametrize(("rr_ms", "kept"), [(300.0, True), (299.0, False), (2000.0, True), (2001.0, False)])
def test_intervals_outside_the_limits_of_nn_are_left_out(rr_ms: float, kept: bool) -> None:
    after, found = corrected(nn_of(np.full(50, rr_ms)))
    assert (len(after), len(found)) == (50 if kept else 0, 0)


@pytest.mark.parametrize(("n_corrected", "level"), [(0, "INFO"), (2, "INFO"), (3, "WARNING")])
def test_more_than_a_fifth_corrected_is_a_warning(
    n_corrected: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "holter2sleep.autonomic.correction")
    correction._report(10, n_corrected)
    correction._report(0, 0)
    assert [record.levelname for record in caplog.records] == [level, "INFO"]
    assert caplog.messages[0] == f"{n_corrected} of 10 RR intervals ({10 * n_corrected:.1f} %) corrected"


# --- properties ------------------------------------------------------------------------------------


def spoiled(seed: int) -> NN:
    beat_s = sinus_s(800, seed)
    beat_s[100:700:97] -= 0.3
    return intervals_between(np.delete(beat_s, [250, 555]))


def test_stretches_do_not_know_of_each_other() -> None:
    """Two stretches with an hour between them give what each gives alone."""
    one, other = spoiled(1), spoiled(2)
    later_s = 3600.0 + one.end_s[-1]
    both = NN(
        np.r_[one.end_s, other.end_s + later_s],
        np.r_[one.nn_ms, other.nn_ms],
        np.r_[one.adjacent, other.adjacent],
    )
    after, found = corrected(both)
    alone = [corrected(part) for part in (one, other)]
    np.testing.assert_array_equal(after.nn_ms, np.concatenate([nn.nn_ms for nn, _ in alone]))
    assert np.flatnonzero(~after.adjacent).tolist() == [0, len(alone[0][0])]
    assert found.kind.tolist() == [*alone[0][1].kind, *alone[1][1].kind]


def test_a_shift_of_the_clock_changes_no_interval() -> None:
    one = spoiled(3)
    later = NN(one.end_s + 7200, one.nn_ms, one.adjacent)
    np.testing.assert_array_equal(corrected(later)[0].nn_ms, corrected(one)[0].nn_ms)


@pytest.mark.parametrize("ends", [slice(0, 1), slice(-1, None)])
def test_errors_at_either_end_of_a_stretch_do_no_harm(ends: slice) -> None:
    rr_ms = 1000 * np.diff(sinus_s(300))
    rr_ms[ends] = 1800.0
    after, _ = corrected(nn_of(rr_ms))
    assert np.isfinite(after.nn_ms).all()
    assert (np.diff(after.end_s) > 0).all()


# --- bad input -------------------------------------------------------------------------------------


def test_nothing_gives_nothing() -> None:
    after, found = corrected(NN.none())
    assert (len(after), len(found)) == (0, 0)


def test_a_stretch_too_short_for_its_median_is_left_out() -> None:
    assert len(corrected(nn_of(np.full(MEDIAN_BEATS - 1, 800.0)))[0]) == 0
    assert len(corrected(nn_of(np.full(MEDIAN_BEATS, 800.0)))[0]) == MEDIAN_BEATS


def test_a_rate_that_rounding_makes_constant_is_left_as_it_is() -> None:
    """A clock of 100 Hz: 800 ms with a step of 10 ms now and then, whose quartiles are all the same."""
    rr_ms = np.full(500, 800.0)
    rr_ms[::40] += 10
    after, found = corrected(nn_of(rr_ms))
    assert len(found) == 0
    np.testing.assert_array_equal(after.nn_ms, rr_ms)


def test_gaps_everywhere_leave_nothing() -> None:
    rr = nn_of(np.full(200, 800.0))
    assert len(corrected(NN(rr.end_s, rr.nn_ms, np.arange(200) % 5 > 0))[0]) == 0


def test_bigeminy_leaves_nothing_to_draw_a_line_from() -> None:
    """Every change is as large as the next, their quartiles lie together, and every second beat is ectopic."""
    rng = np.random.default_rng(0)
    sinus_ms = 900 + rng.normal(0, 8, 100)
    bigeminy_ms = np.tile([560.0, 1150.0], 100) + rng.normal(0, 8, 200)
    rr = nn_of(np.r_[sinus_ms, bigeminy_ms, sinus_ms])
    after, _ = corrected(rr)
    inside = (after.end_s > rr.end_s[110]) & (after.end_s < rr.end_s[290])
    assert inside.sum() <= 2
    assert 180 <= len(after) <= 220


def test_several_beats_missed_in_a_row_leave_a_hole_and_no_difference_across_it() -> None:
    beat_s = sinus_s()
    after, _ = corrected(intervals_between(np.delete(beat_s, np.arange(300, 303))))
    assert after.nn_ms.max() <= RECIPE.nn.maximum_ms
    assert np.abs(after.differences_ms).max() < 150


def test_two_days_of_beats_take_a_second_at_most() -> None:
    beat_s = sinus_s(200_000)
    beat_s[100:-100:500] -= 0.3
    start = time.process_time()
    corrected(intervals_between(beat_s))
    assert time.process_time() - start < 1.5
