"""Heart-rate variability by the Task Force of ESC and NASPE (Circulation 1996;93:1043-1065), tables 1 and 2."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_nights import RECIPE, nn_of
from scipy import signal

from holter2sleep.autonomic import hrv
from holter2sleep.autonomic.blocks import Estimates, block_of, draws, estimates
from holter2sleep.autonomic.geometric import BIN_MS, _foot, _median_bin, geometric_measures
from holter2sleep.autonomic.lomb import HZ as LOMB_HZ
from holter2sleep.autonomic.lomb import N_STEPS, _spread, _transformed, lomb_density
from holter2sleep.autonomic.spectrum import BANDS_HZ, lomb_rows, lomb_values, welch_rows, welch_values
from holter2sleep.autonomic.windows import WINDOW_S, Windows, five_minute_windows
from holter2sleep.night import NN, Float
from holter2sleep.spans import as_spans

intervals = st.lists(st.floats(400, 1600), min_size=3, max_size=80)
laws = settings(deadline=None, max_examples=60)


def time_measures(nn: NN) -> dict[str, float]:
    return {**hrv.time_measures(nn).values, **geometric_measures(nn).values}


def segment_measures(windows: Windows) -> dict[str, float]:
    return hrv.segment_measures(windows).values


def windows_of(nn: NN) -> Windows:
    """Windows of a recording that ends with its last interval."""
    return five_minute_windows(nn, as_spans([(0.0, nn.end_s[-1] + 1)]), RECIPE.hrv)


def welch_measures(windows: Windows) -> Estimates:
    return estimates(welch_rows(windows, RECIPE.hrv), welch_values)


def lomb_measures(windows: Windows) -> Estimates:
    return estimates(lomb_rows(windows), lomb_values)


def spectrum(nn: NN) -> dict[str, float]:
    return welch_measures(windows_of(nn)).values


def lomb(nn: NN) -> dict[str, float]:
    return lomb_measures(windows_of(nn)).values


def swinging(amplitude_ms: float, hz: float, mean_ms: float, seconds: float = 3600.0) -> NN:
    """Intervals whose length follows a sine of the time at which they end."""
    end_s, values, now_s = [], [], 0.0
    while now_s < seconds:
        values.append(mean_ms + amplitude_ms * np.sin(2 * np.pi * hz * (now_s + mean_ms / 1000)))
        now_s += mean_ms / 1000
        end_s.append(now_s)
    return NN(np.array(end_s), np.array(values), np.arange(len(values)) > 0)


def noisy(n: int = 3000, seed: int = 0) -> NN:
    rng = np.random.default_rng(seed)
    return nn_of(850 + 40 * np.sin(np.arange(n) / 12) + rng.normal(0, 25, n))


# --- table 1: time domain --------------------------------------------------------------------------


def test_rmssd_of_the_worked_example() -> None:
    assert time_measures(nn_of([800, 810, 790]))["rmssd"] == pytest.approx(np.sqrt((100 + 400) / 2))
    assert round(time_measures(nn_of([800, 810, 790]))["rmssd"], 2) == 15.81


def test_sdnn_divides_by_one_less_than_the_number_of_intervals() -> None:
    assert time_measures(nn_of([790, 800, 810]))["sdnn"] == pytest.approx(10.0)


def test_sdsd_is_the_spread_of_the_differences() -> None:
    assert time_measures(nn_of([800, 810, 790, 810]))["sdsd"] == pytest.approx(np.std([10, -20, 20], ddof=1))


def test_pnn50_counts_differences_above_50_ms_in_percent() -> None:
    #         differences   +50  +51  -101  +10: two of four are more than 50 apart
    assert time_measures(nn_of([800, 850, 901, 800, 810]))["pnn50"] == 50.0


def test_triangular_index_is_the_number_of_intervals_over_the_height_of_the_histogram() -> None:
    """Bins of 1/128 s: 800.0 and 800.4 ms share one (797.0 to 804.7), 810 and 830 ms have their own."""
    assert time_measures(nn_of([800.0, 800.4, 810.0, 830.0]))["triangular_index"] == 4 / 2


def test_a_constant_rate_has_no_variability() -> None:
    found = time_measures(nn_of(np.full(500, 840.0)))
    assert (found["nn_mean"], found["triangular_index"]) == (840.0, 1.0)
    assert [found[name] for name in ("sdnn", "rmssd", "sdsd", "pnn50")] == [0.0] * 4


def test_nothing_is_differenced_across_a_removed_beat() -> None:
    whole = nn_of([800, 810, 1200, 1210])
    broken = NN(whole.end_s, whole.nn_ms, np.array([False, True, False, True]))
    assert time_measures(broken)["rmssd"] == 10.0
    assert time_measures(broken)["pnn50"] == 0.0


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_intervals_leave_nan_and_no_warning(n: int) -> None:
    found = time_measures(nn_of(np.full(n, 800.0)))
    assert np.isnan([found[name] for name in ("sdnn", "rmssd", "sdsd", "pnn50")]).all()


@laws
@given(intervals, st.floats(-100, 300))
def test_a_shift_of_all_intervals_changes_no_spread(values: list[float], shift_ms: float) -> None:
    before, after = time_measures(nn_of(values)), time_measures(nn_of(np.array(values) + shift_ms))
    for name in ("sdnn", "rmssd", "sdsd"):
        assert after[name] == pytest.approx(before[name], abs=1e-6)
    assert after["nn_mean"] == pytest.approx(before["nn_mean"] + shift_ms)


@laws
@given(intervals, st.floats(0.3, 3))
@example([400.0, 400.62145306311186, 400.0], 2.5)
def test_the_spread_scales_with_the_intervals(values: list[float], scale: float) -> None:
    before, after = time_measures(nn_of(values)), time_measures(nn_of(scale * np.array(values)))
    # differences are rounded to the microsecond, by half of one at most; of two, the deviation (n - 1) is sqrt(2) times
    half_ms = 0.5e-3 * (1 + scale) * np.sqrt(2)
    for name in ("nn_mean", "sdnn", "rmssd", "sdsd"):
        assert after[name] == pytest.approx(scale * before[name], abs=half_ms + 1e-9)


@laws
@given(intervals)
def test_the_spread_does_not_know_the_direction_of_time(values: list[float]) -> None:
    there, back = time_measures(nn_of(values)), time_measures(nn_of(values[::-1]))
    del there["sd1_sd2"], back["sd1_sd2"]  # of a series without variability it is nothing by nothing
    assert there == pytest.approx(back, rel=1e-9, abs=1e-6)


def test_nn50_is_a_count_and_pnn20_the_share_above_20_ms() -> None:
    #        differences   +50  +51  -21  -20  +90: two above 50, four above 20
    found = time_measures(nn_of([800, 850, 901, 880, 860, 950]))
    assert (found["nn50"], found["pnn20"]) == (2.0, 80.0)


def test_the_coefficient_of_variation_knows_no_scale() -> None:
    values = [790.0, 800, 810]
    assert time_measures(nn_of(values))["nn_cv"] == pytest.approx(100 * 10 / 800)
    assert time_measures(nn_of(np.array(values) * 1.5))["nn_cv"] == pytest.approx(100 * 10 / 800)


def test_the_median_is_that_of_the_intervals() -> None:
    assert time_measures(nn_of([800, 811, 700, 950]))["nn_median"] == 805.5


def test_half_of_a_histogram_lies_below_its_median() -> None:
    """Of 2, 4 and 2 in the middle of the second bin, of 1, 1 and 2 at its end, of 3 and 1 two thirds into the first."""
    counts = np.array([[2.0, 4, 2], [1, 1, 2], [3, 1, 0]])
    assert _median_bin(counts).tolist() == pytest.approx([1.5, 2.0, 2 / 3])


def test_no_intervals_have_no_histogram() -> None:
    found = geometric_measures(NN.none())
    assert found.values == pytest.approx(dict.fromkeys(("nn_median", "triangular_index", "tinn"), np.nan), nan_ok=True)
    assert found.intervals == {}


def test_one_interval_is_one_bin() -> None:
    """The triangle over one bin reaches from the middle of the bin before it to that of the bin behind."""
    found = geometric_measures(nn_of([800.0])).values
    assert found == pytest.approx({"nn_median": 800.0, "triangular_index": 1.0, "tinn": 2000 / 128})


# --- geometric methods: TINN -----------------------------------------------------------------------


def triangle(left: int, right: int, height: int = 60) -> NN:
    """Intervals whose histogram is a triangle with its feet so many bins of 1/128 s from its top."""
    counts = {-j: height * (1 - j / left) for j in range(left)} | {j: height * (1 - j / right) for j in range(right)}
    place = np.concatenate([np.full(round(n), 128 * 0.9 + j) for j, n in counts.items()])
    return nn_of(np.random.default_rng(0).permutation((np.floor(place) + 0.5) * 1000 / 128))


@pytest.mark.parametrize(("left", "right"), [(20, 30), (12, 12), (5, 40), (1, 10)])
def test_tinn_of_a_made_triangle_is_its_base(left: int, right: int) -> None:
    assert time_measures(triangle(left, right))["tinn"] == pytest.approx((left + right) * 1000 / 128)


def test_no_other_triangle_comes_nearer_to_a_histogram() -> None:
    nn_ms = np.random.default_rng(5).gamma(30, 28, 3000)
    counts = np.bincount((nn_ms / (1000 / 128)).astype(int))
    at, top = np.arange(len(counts)), int(counts.argmax())

    def error(left: int, right: int) -> float:
        """Of a triangle with its feet so many bins from the highest."""
        height = counts[top] * np.interp(at, [top - left, top, top + right], [0, 1, 0], left=0, right=0)
        return float(((counts - height) ** 2).sum())

    feet = [(left, right) for left in range(1, 70) for right in range(1, 90)]
    best = min(feet, key=lambda pair: error(*pair))
    assert time_measures(nn_of(nn_ms))["tinn"] == pytest.approx(sum(best) * 1000 / 128)


def test_a_foot_of_few_bins_is_that_of_the_least_squares() -> None:
    """A side with its foot w bins away holds 1 - j / w of the height; of 9 bins, or of the one that there is."""
    rng = np.random.default_rng(0)
    counts, top = rng.integers(0, 5, (45, 9)).astype(float), np.arange(45) % 9
    counts[np.arange(45), top] = rng.integers(4, 9, 45)
    for row, middle, foot in zip(counts, top, _foot(counts, top[:, None]), strict=True):
        down = np.r_[row[middle::-1], np.zeros(8 - middle)]
        sides = row[middle] * np.maximum(1 - np.arange(9) / np.arange(1, 10)[:, None], 0)
        errors = ((down - sides) ** 2).sum(axis=1)
        assert errors[int(foot) - 1] == pytest.approx(errors.min())


def test_the_foot_may_lie_on_the_first_bin() -> None:
    """3 and 0 below 6 are a side with its foot two bins away; were the last 3 too, it would be three."""
    assert _foot(np.array([[0.0, 3, 6], [3, 3, 6]]), np.array([[2], [2]])).tolist() == [2, 3]


def test_a_wide_histogram_has_the_same_foot_beside_a_high_one() -> None:
    wide = 40 * np.maximum(1 - np.abs(np.arange(81) - 40) / 30, 0)
    high = np.where(np.arange(81) == 40, 9000.0, 0)
    for rows in (wide[None], np.array([wide, high]), np.array([high, wide])):
        top = np.full((len(rows), 1), 40)
        np.testing.assert_array_equal(_foot(rows, top), np.where((rows == wide).all(axis=1), 30, 1))


def test_tinn_of_a_triangle_is_twice_its_index() -> None:
    """The area of a triangle is half its base times its height."""
    found = time_measures(triangle(30, 20))
    assert found["tinn"] == pytest.approx(2 * found["triangular_index"] * 1000 / 128, rel=0.02)


def test_a_far_off_artefact_does_not_widen_the_triangle() -> None:
    spoiled = np.r_[triangle(20, 30).nn_ms, 1900.0, 310.0]
    assert time_measures(nn_of(spoiled))["tinn"] == time_measures(triangle(20, 30))["tinn"]


def test_a_mirrored_histogram_has_the_same_base() -> None:
    assert time_measures(triangle(8, 33))["tinn"] == time_measures(triangle(33, 8))["tinn"]


# --- Poincare (Brennan 2001) -----------------------------------------------------------------------


def test_sd1_is_the_spread_of_differences_and_both_together_that_of_the_intervals() -> None:
    """SD1 ** 2 = SDSD ** 2 / 2, and SD1 ** 2 + SD2 ** 2 = 2 SDNN ** 2 (equations 8 and 15)."""
    found = time_measures(noisy(20_000))
    assert found["sd1"] == pytest.approx(found["sdsd"] / np.sqrt(2))
    assert found["sd1"] ** 2 + found["sd2"] ** 2 == pytest.approx(2 * found["sdnn"] ** 2, rel=1e-3)
    assert found["poincare_area"] == pytest.approx(np.pi * found["sd1"] * found["sd2"])
    assert found["sd1_sd2"] == pytest.approx(found["sd1"] / found["sd2"])


def test_poincare_of_four_intervals_by_hand() -> None:
    """Pairs (800, 900), (900, 800), (800, 900): differences 100, -100, 100, sums all 1700."""
    found = time_measures(nn_of([800, 900, 800, 900]))
    assert found["sd1"] == pytest.approx(np.std([100, -100, 100], ddof=1) / np.sqrt(2))
    assert found["sd2"] == pytest.approx(0.0, abs=1e-9)


def test_poincare_pairs_only_neighbours() -> None:
    whole = nn_of([800, 810, 1200, 1210])
    broken = time_measures(NN(whole.end_s, whole.nn_ms, np.array([False, True, False, True])))
    assert broken["sd1"] == 0.0
    assert broken["sd2"] == pytest.approx(800 / np.sqrt(2) / np.sqrt(2))  # sums 1610 and 2410


# --- intervals -------------------------------------------------------------------------------------


def test_the_interval_of_sdnn_of_independent_values_is_that_of_the_chi_square() -> None:
    """Standard error of SDNN: sigma / sqrt(2 n)."""
    nn = nn_of(np.random.default_rng(3).normal(850, 40, 30_000))
    low, high = hrv.time_measures(nn).intervals["sdnn"]
    assert low < 40 < high
    assert high - low == pytest.approx(2 * 1.96 * 40 / np.sqrt(2 * 30_000), rel=0.25)


def test_every_measure_of_a_night_has_an_interval_that_holds_it() -> None:
    nn = noisy(20_000)
    windows = windows_of(nn)
    found = (hrv.time_measures(nn), geometric_measures(nn), hrv.segment_measures(windows))
    for one in (*found, welch_measures(windows), lomb_measures(windows)):
        known = {name for name, value in one.values.items() if np.isfinite(value)}
        assert known - {"vlf_peak", "lf_peak", "hf_peak"} <= set(one.intervals)
        for name, (low, high) in one.intervals.items():
            assert low <= one.values[name] <= high, name


def test_the_interval_of_the_mean_is_that_of_means_of_blocks_drawn_again() -> None:
    """Ten blocks of 5 min, the slower ones ever rarer: the interval reaches further up than down."""
    nn = nn_of(np.repeat(700 + 4.0 * np.arange(10) ** 2, round(300_000 / 862)))
    block = block_of(nn.end_s)
    n, total_ms = np.bincount(block), np.bincount(block, nn.nn_ms)
    low, high = np.sort((draws(len(n)) @ total_ms) / (draws(len(n)) @ n))[[24, 975]]
    assert hrv.time_measures(nn).intervals["nn_mean"] == pytest.approx((low, high))


def test_rmssd_alone_is_that_of_the_time_domain() -> None:
    nn = nn_of([800.0, 810, 790, 850])
    assert hrv.rmssd_ms(nn) == pytest.approx(np.sqrt((100 + 400 + 3600) / 3))
    assert hrv.rmssd_ms(nn) == hrv.time_measures(nn).values["rmssd"]
    assert np.isnan(hrv.rmssd_ms(nn_of([800.0])))


def test_the_interval_of_the_median_is_that_of_medians_of_blocks_drawn_again() -> None:
    """Blocks that differ ever more: the interval reaches further up than down."""
    rng = np.random.default_rng(5)
    blocks = [rng.normal(700 + 4 * k**2, 20, round(300_000 / (700 + 4 * k**2))) for k in range(10)]
    blocks = [300_000 / block.sum() * block for block in blocks]  # 5 min each
    nn = nn_of(np.concatenate(blocks), start_s=-0.001)  # the last of each ends in its own block
    found = geometric_measures(nn)
    again = [np.median(np.repeat(nn.nn_ms, times[block_of(nn.end_s)].astype(int))) for times in draws(10)]
    low, high = np.sort(again)[[24, 975]]
    assert found.intervals["nn_median"] == pytest.approx((low, high), abs=BIN_MS)
    assert high - found.values["nn_median"] > found.values["nn_median"] - low + 2 * BIN_MS
    shorter = nn_of(np.concatenate(blocks[:9]), start_s=-0.001)
    assert geometric_measures(shorter).intervals == {}


def test_too_short_a_series_has_values_without_intervals() -> None:
    found = hrv.time_measures(noisy(2000))  # 28 min: six blocks
    assert found.values["sdnn"] > 0
    assert found.intervals == {}


# --- table 1: five-minute segments -----------------------------------------------------------------


def segments(*nn_ms: list[float]) -> Windows:
    behind = np.cumsum([len(values) for values in nn_ms], dtype=int)
    return Windows(nn_of(np.concatenate([[], *nn_ms])), WINDOW_S * np.arange(len(nn_ms)), np.r_[0, behind[:-1]], behind)


def test_sdann_is_the_spread_of_the_means_and_sdnn_index_the_mean_of_the_spreads() -> None:
    found = segment_measures(segments([790, 800, 810], [880, 900, 920], [1000, 1000, 1000]))
    assert found["sdann"] == pytest.approx(100.0)
    assert found["sdnn_index"] == pytest.approx((10 + 20 + 0) / 3)


def test_one_window_has_no_sdann_and_none_has_neither() -> None:
    assert np.isnan(segment_measures(segments([790, 800]))["sdann"])
    assert np.isnan(list(segment_measures(segments()).values())).all()


def test_windows_lie_on_the_grid_of_five_minutes_and_hold_all_that_ends_in_them() -> None:
    nn = nn_of(np.full(2250, 800.0))  # 30 min
    windows = windows_of(nn)
    assert windows.start_s.tolist() == [0, 300, 600, 900, 1200, 1500]
    for start_s, part in zip(windows.start_s, windows.parts, strict=True):
        assert ((part.end_s >= start_s) & (part.end_s < start_s + 300)).all()
        assert not part.adjacent[0]
        assert part.adjacent[1:].all()


@pytest.mark.parametrize(("missing_s", "n"), [(50.0, 3), (70.0, 2)])
def test_a_window_counts_when_four_fifths_of_it_are_nn(missing_s: float, n: int) -> None:
    nn = nn_of(np.full(1124, 800.0))
    keep = (nn.end_s < 400) | (nn.end_s > 400 + missing_s)
    holed = NN(nn.end_s[keep], nn.nn_ms[keep], nn.adjacent[keep])
    assert len(windows_of(holed)) == n


# --- table 2: frequency domain ---------------------------------------------------------------------


def test_the_bands_are_those_of_the_task_force() -> None:
    assert BANDS_HZ == {"vlf": (0.0033, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.4)}
    assert WINDOW_S == 300.0


@pytest.mark.parametrize("mean_ms", [600.0, 800.0, 1000.0, 1200.0])
def test_a_swing_of_amplitude_a_has_a_power_of_a_squared_over_two(mean_ms: float) -> None:
    """0.1 Hz, A = 30 ms: LF = 450 ms2 at any heart rate, and nothing in the other bands."""
    found = spectrum(swinging(30.0, 0.1, mean_ms))
    assert found["lf"] == pytest.approx(450.0, rel=0.02)
    assert found["hf"] < 1.0
    assert found["vlf"] < 1.0
    assert found["total_power"] == pytest.approx(found["lf"], rel=0.01)
    assert found["lf_nu"] > 99.5


@pytest.mark.parametrize(("mean_ms", "least"), [(600.0, 0.98), (800.0, 0.97), (1000.0, 0.95)])
def test_breathing_keeps_its_power(mean_ms: float, least: float) -> None:
    """0.25 Hz, A = 30 ms; a straight line from beat to beat would leave 86, 76 and 66 % of it (sinc ** 4)."""
    found = spectrum(swinging(30.0, 0.25, mean_ms))
    assert least * 450 < found["hf"] < 1.02 * 450
    assert found["lf"] < 1.0


def test_a_slow_swing_is_very_low_frequency() -> None:
    found = spectrum(swinging(30.0, 0.02, 800.0))
    assert found["vlf"] == pytest.approx(450.0, rel=0.03)
    assert found["lf"] < 1.0


def test_powers_of_two_swings_add_up() -> None:
    slow, fast = swinging(30.0, 0.1, 800.0), swinging(20.0, 0.25, 800.0)
    found = spectrum(NN(slow.end_s, slow.nn_ms + fast.nn_ms - 800.0, slow.adjacent))
    assert found["lf"] == pytest.approx(450.0, rel=0.03)
    assert found["hf"] == pytest.approx(200.0, rel=0.05)
    assert found["lf_hf"] == pytest.approx(found["lf"] / found["hf"])
    assert found["lf_nu"] + found["hf_nu"] == pytest.approx(100.0)


def test_total_power_is_about_the_variance() -> None:
    """Within a window; the Hann weighting makes it an estimate."""
    nn = noisy()
    windows = windows_of(nn)
    variance = np.mean([part.nn_ms.var() for part in windows.parts])
    assert spectrum(nn)["total_power"] == pytest.approx(variance, rel=0.25)


def test_power_scales_with_the_square_and_knows_no_shift() -> None:
    nn, once = noisy(), spectrum(noisy())
    twice = spectrum(NN(nn.end_s, 2 * nn.nn_ms - 700.0, nn.adjacent))
    for name in ("total_power", *BANDS_HZ):
        assert twice[name] == pytest.approx(4 * once[name])
    for name in ("lf_hf", "lf_nu", "hf_nu"):
        assert twice[name] == pytest.approx(once[name])


def test_a_hole_makes_no_power() -> None:
    """Half a minute without intervals in each window: a spline left alone would swing out by seconds."""
    nn = swinging(30.0, 0.1, 900.0)
    keep = (nn.end_s % 300 < 100) | (nn.end_s % 300 > 130)
    holed = spectrum(NN(nn.end_s[keep], nn.nn_ms[keep], nn.adjacent[keep]))
    assert 0.6 * 450 < holed["lf"] < 450
    assert holed["vlf"] < 0.05 * 450
    assert holed["hf"] < 0.05 * 450


def test_a_constant_rate_has_no_power_and_no_ratio() -> None:
    found = spectrum(nn_of(np.full(1000, 800.0)))
    assert found["total_power"] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan([found[name] for name in ("lf_hf", "lf_nu", "hf_nu")]).all()


@pytest.mark.parametrize(("hz", "band"), [(0.02, "vlf"), (0.1, "lf"), (0.25, "hf")])
def test_a_band_peaks_where_the_swing_is_and_the_others_do_not(hz: float, band: str) -> None:
    """The flanks of a swing fall, and a slope has no peak of its own."""
    found = spectrum(swinging(30.0, hz, 800.0))
    assert found[f"{band}_peak"] == pytest.approx(hz, abs=1 / 300)


def totals_with(*powers: tuple[int, float]) -> Float:
    """One window whose density is the given ones at the given steps of 1/300 Hz."""
    row = np.zeros(121)
    row[0] = 1
    for step, density in powers:
        row[step] = density
    return row


@pytest.mark.parametrize(("step", "band"), [(1, "vlf"), (12, "vlf"), (13, "lf"), (45, "lf"), (46, "hf"), (120, "hf")])
def test_a_step_at_the_border_of_two_bands_belongs_to_the_lower_one(step: int, band: str) -> None:
    found = welch_values(totals_with((step, 300.0)))
    assert {name: float(found[name]) for name in BANDS_HZ} == pytest.approx(
        {name: float(name == band) for name in BANDS_HZ}
    )


@pytest.mark.parametrize(
    ("powers", "hz"),
    [
        (((30, 1.0), (31, 2.0), (32, 1.0)), 31 / 300),
        (((13, 2.0), (14, 1.0)), 13 / 300),  # the first step of the band
        (((45, 2.0), (44, 1.0)), 45 / 300),  # the last one
        (((13, 2.0), (12, 3.0)), None),  # the flank of a peak below
        (((45, 2.0), (46, 3.0)), None),  # and above
        (((30, 2.0), (31, 2.0)), None),
    ],
)
def test_a_peak_is_higher_than_the_steps_on_either_side(
    powers: tuple[tuple[int, float], ...], hz: float | None
) -> None:
    found = float(welch_values(totals_with(*powers))["lf_peak"])
    assert found == pytest.approx(np.nan if hz is None else hz, nan_ok=True)


def test_whether_there_is_a_peak_is_asked_of_each_row() -> None:
    rows = np.array([totals_with((30, 1.0), (31, 2.0)), totals_with((30, 2.0), (31, 2.0)), totals_with((20, 1.0))])
    assert welch_values(rows)["lf_peak"] == pytest.approx([31 / 300, np.nan, 20 / 300], nan_ok=True)


def test_a_swing_at_a_step_leaves_a_quarter_of_its_height_beside_it() -> None:
    """The Hann window's transform is 1/4, 1/2, 1/4: its squares are a sixth, two thirds and a sixth of the power."""
    windows = windows_of(swinging(30.0, 30 / 300, 800.0))
    powers = welch_rows(windows, RECIPE.hrv)[1:-1, 1:] / 300  # the first and last window are level at an end
    beside = np.median(powers, axis=0)[27:32]
    assert beside == pytest.approx([0, 75, 300, 75, 0], abs=2)
    assert powers.sum(axis=1) == pytest.approx(450, rel=0.02)


def test_a_spectrum_that_rises_to_its_end_has_no_peak_there() -> None:
    assert np.isnan(welch_values(totals_with((119, 1.0), (120, 2.0)))["hf_peak"])


def test_a_spectrum_that_falls_all_the_way_has_no_peak() -> None:
    """A slow drift: its power lies below all bands, and only its flank reaches them."""
    nn = swinging(30.0, 0.001, 800.0)
    assert np.isnan([spectrum(nn)[f"{band}_peak"] for band in BANDS_HZ]).all()


# --- table 2: Lomb-Scargle -------------------------------------------------------------------------


@pytest.mark.parametrize("mean_ms", [600.0, 800.0, 1000.0])
@pytest.mark.parametrize(("hz", "band"), [(0.02, "vlf"), (0.1, "lf"), (0.25, "hf")])
def test_lomb_too_gives_a_swing_a_squared_over_two(mean_ms: float, hz: float, band: str) -> None:
    """Without a taper a twentieth of the power leaks beyond the band, at most."""
    found = lomb(swinging(30.0, hz, mean_ms))
    assert found[f"{band}_ls"] == pytest.approx(450.0, rel=0.05)
    assert found["total_power_ls"] == pytest.approx(450.0, rel=0.03)


def test_lomb_keeps_the_power_of_a_series_with_beats_removed() -> None:
    """A tenth of the intervals left out at random: it lifts the floor of the spectrum a little, and loses nothing."""
    nn = swinging(30.0, 0.25, 800.0)
    keep = np.random.default_rng(0).random(len(nn)) > 0.1
    holed = NN(nn.end_s[keep], nn.nn_ms[keep], nn.adjacent[keep] & np.r_[False, keep[:-1]][keep])
    found = lomb(holed)
    assert spectrum(holed)["hf"] < 0.9 * 450 < found["hf_ls"]  # a straight line over each hole keeps less
    assert found["total_power_ls"] == pytest.approx(450.0, rel=0.05)


def test_lomb_agrees_with_scipy_at_every_frequency() -> None:
    """Scipy sums directly what ours reads from a grid: the same to a millionth."""
    nn = noisy()
    keep = np.random.default_rng(1).random(len(nn)) > 0.15
    windows = windows_of(NN(nn.end_s[keep], nn.nn_ms[keep], np.zeros(keep.sum(), bool)))
    density = lomb_density(windows)
    for row, part in zip(density, windows.parts, strict=True):
        theirs = signal.lombscargle(part.end_s, part.nn_ms - part.nn_ms.mean(), 2 * np.pi * LOMB_HZ)
        np.testing.assert_allclose(row, 2 * part.nn_ms.mean() / 1000 * theirs, atol=1e-5 * row.max())


def test_the_sums_of_lomb_are_those_of_each_beat_to_a_millionth() -> None:
    rng = np.random.default_rng(0)
    turn, values, row = rng.uniform(0, 0.3, 400), rng.normal(0, 1, 400), np.repeat([0, 1], [150, 250])
    cell, weights = _spread(turn, row)
    found = _transformed(cell, weights * values[:, None], 2)
    waves = values * np.exp(-2j * np.pi * np.arange(1, 2 * N_STEPS + 1)[:, None] * turn)
    for own, sums in enumerate(found):
        error = np.abs(sums - waves[:, row == own].sum(axis=1))
        assert error.max() < 5e-7 * np.abs(values[row == own]).sum()


def test_lomb_scales_with_the_square_and_knows_no_shift_of_the_clock() -> None:
    nn, once = noisy(), lomb(noisy())
    twice = lomb(NN(nn.end_s, 2 * nn.nn_ms - nn.nn_ms.mean(), nn.adjacent))
    assert twice["hf_ls"] == pytest.approx(4 * once["hf_ls"], rel=0.002)  # scaled by the mean interval of each window
    spans = as_spans([(600.0, nn.end_s[-1] + 601)])
    later = lomb_measures(five_minute_windows(NN(nn.end_s + 600, nn.nn_ms, nn.adjacent), spans, RECIPE.hrv))
    assert later.values == pytest.approx(once, rel=1e-6)


def test_lomb_of_a_constant_rate_has_no_power_and_no_ratio() -> None:
    for rr_ms in (800.0, 1250.0):  # 1250 ms: 0.4 Hz is half its rate
        found = lomb(nn_of(np.full(1000, rr_ms)))
        assert found["total_power_ls"] == pytest.approx(0.0, abs=1e-9)
        assert np.isnan([found[name] for name in ("lf_hf_ls", "lf_nu_ls", "hf_nu_ls")]).all()


def test_too_little_for_one_window_gives_nan() -> None:
    assert np.isnan(list(lomb(nn_of(np.full(100, 800.0))).values())).all()
    assert np.isnan(list(spectrum(nn_of(np.full(100, 800.0))).values())).all()


# --- other tools -----------------------------------------------------------------------------------


def test_time_domain_agrees_with_neurokit2() -> None:
    nn = noisy(1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2

        peaks = np.r_[0, np.cumsum(np.round(nn.nn_ms).astype(int))]  # at 1000 Hz a sample is a millisecond
        theirs = neurokit2.hrv_time(peaks, sampling_rate=1000).iloc[0]
    ours = time_measures(nn_of(np.round(nn.nn_ms)))
    for name, other in (("nn_mean", "MeanNN"), ("sdnn", "SDNN"), ("rmssd", "RMSSD"), ("sdsd", "SDSD")):
        assert ours[name] == pytest.approx(theirs[f"HRV_{other}"], rel=1e-6), name
    # NeuroKit2 divides by the number of intervals, the Task Force by the number of differences
    assert ours["pnn50"] == pytest.approx(theirs["HRV_pNN50"] * 1000 / 999, rel=1e-3)
