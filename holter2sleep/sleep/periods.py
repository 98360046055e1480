"""The main sleep periods of a long recording, from heart rate, signal quality and the clock.

Asleep, the heart is slower than awake for hours on end, and the electrodes move less. Each minute is scored by where
its rate lies between the person's own sleeping and waking rate of those 24 h; a main sleep period is the stretch of
allowed length with the highest sum. Awakenings within it cost less than the sleep after them brings, and so are
bridged. The clock can only tip the balance: a sleeper by day is found against it. A recorder that is worn at night
only has no waking rate to compare with: each wearing as long as a night is one, unless the clock says daytime.

References
----------
Perez-Pozuelo I, Posa M, Spathis D, et al. (2022) Detecting sleep outside the clinic using wearable heart rate devices.
Sci Rep 12:7956: blocks of low heart rate relative to the person's own 24 h are sleep.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from holter2sleep.clock import Clock
from holter2sleep.heart.intervals import local_median, trusted_rr
from holter2sleep.night import UNSCORED, Beats, Flag, Float, Hypnogram, Lights, Quality
from holter2sleep.spans import Spans

DETECTED = "detected"  # source of lights that come from here
NOT_FOUND = "not_found"  # of lights that could not be found: the span of the recording, which is no time in bed
DAY_MIN = 1440  # the rhythm that rates are judged by
MINUTE_S = 60.0
STEP_MIN = 5  # how finely the ends are sought
FORBIDDEN = 1e9  # cost of a minute that belongs to another period
DEEPEST_HOUR = 3.0  # on the clock: the middle of the usual night, 23:00 to 07:00
NIGHT_SHIFT_H = 8.0  # from it, either way: a wearing whose middle lies further off is not a night by itself


@dataclass(frozen=True)
class NightRules:
    """Choices of what a night is; values in `pipelines/overnight.toml`, section `[nights]`."""

    single_h: float
    longest_h: float
    shortest_h: float
    usual_h: float
    usual_sd_h: float
    length_weight_min: float
    spacing_h: float
    apart_h: float
    smoothing_min: float
    minimum_fall_percent: float
    minimum_confidence: float
    minimum_known_share: float
    missing_cost: float
    steadiness_weight: float
    movement_weight: float
    clock_weight: float
    margin_min: float


@dataclass(frozen=True)
class Period:
    """A main sleep period, and what speaks for it; a recorder worn at night only has no day to compare with (None)."""

    start_s: float
    end_s: float
    confidence: float | None  # 0-1: mean score of its minutes, 1 where all lie at the sleeping rate or below
    inside_bpm: float  # median rate
    outside_bpm: float | None  # median rate of the rest of the 24 h around it
    known_share: float  # of its minutes that have a rate

    @property
    def middle_s(self) -> float:
        """Halfway between its start and its end."""
        return (self.start_s + self.end_s) / 2

    @property
    def duration_h(self) -> float:
        """Hours from its start to its end."""
        return (self.end_s - self.start_s) / 3600


def find_sleep_periods(
    beats: Beats, quality: Quality, duration_s: float, clock: Clock | None, rules: NightRules
) -> tuple[Period, ...]:
    """The main sleep periods in time order: at most one a day, none where the heart rate shows none.

    Parameters
    ----------
    beats, quality
        Of the whole recording.
    duration_s
        Its length.
    clock
        Its wall clock; None where unknown, which costs only the tip of the balance.
    """
    n = int(duration_s // MINUTE_S)
    if n < 60 * rules.shortest_h:
        return ()
    rate = _rate_per_minute(beats, quality, n)
    wearings = _wearings(rate, rules)
    if len(wearings) > 1 and all(behind - first <= 60 * rules.longest_h for first, behind in wearings):
        by_night = {_by_night(first, behind, clock) for first, behind in wearings}
        if by_night == {True}:
            return _as_periods(wearings, rate, rules)
        if by_night == {False}:
            return ()
    score = _lowness(rate, rules) + rules.steadiness_weight * _lowness(_changes(rate), rules)
    score += _usual(n, clock, rules) - _movement(quality, n, rules)
    score = np.where(np.isfinite(score), score, -rules.missing_cost)
    left = score.copy()
    found: list[Period] = []
    while (stretch := _best_stretch(left, rules)) is not None:
        left[slice(*stretch)] = -FORBIDDEN
        period = _period(*_trimmed(*stretch, rate), rate, score)
        apart_h = min((abs(period.middle_s - other.middle_s) / 3600 for other in found), default=np.inf)
        if apart_h >= rules.spacing_h and _is_sleep(period, rules):
            found.append(period)
    return tuple(sorted(found, key=lambda period: period.start_s))


def is_several_nights(duration_s: float, rules: NightRules) -> bool:
    """Whether a recording is too long to be one result."""
    return duration_s > 3600 * rules.single_h


def with_margin(period: Period, duration_s: float, gaps: Spans, rules: NightRules) -> tuple[float, float]:
    """Start and end of a night cut out around a period, s; it neither begins nor ends within a gap."""
    margin_s = 60 * rules.margin_min
    start_s, end_s = max(0.0, period.start_s - margin_s), min(duration_s, period.end_s + margin_s)
    for gap_start_s, gap_end_s in gaps.tolist():
        if gap_start_s <= start_s < gap_end_s <= period.end_s:
            start_s = gap_end_s
        if period.start_s <= gap_start_s < end_s <= gap_end_s:
            end_s = gap_start_s
    return start_s, end_s


def days_without(periods: tuple[Period, ...], beats: Beats, duration_s: float, clock: Clock | None) -> list[float]:
    """Starts of the stretches of 24 h, from noon to noon where a clock is known, that hold beats but no period, s.

    Only stretches with beats in at least half of their hours count.
    """
    first_s = 0.0 if clock is None else -((clock.start.hour - 12) % 24 * 3600.0 + 60 * clock.start.minute)
    without = []
    for start_s in np.arange(first_s, duration_s, 86400.0).tolist():
        inside = beats.time_s[(beats.time_s >= start_s) & (beats.time_s < start_s + 86400.0) & beats.usable]
        heard = len(np.unique(inside // 3600)) >= 12
        if heard and not any(start_s <= period.middle_s < start_s + 86400.0 for period in periods):
            without.append(max(0.0, start_s))
    return without


def main_sleep(periods: tuple[Period, ...]) -> Lights:
    """Lights by the longest of some periods."""
    longest = max(periods, key=lambda period: period.duration_h)
    return Lights(longest.start_s, longest.end_s, DETECTED)


def unscored_outside(hypnogram: Hypnogram, lights: Lights) -> Hypnogram:
    """The hypnogram with `U` outside the time in bed, as a polysomnogram is scored: a stager knows no daytime.

    Where the time in bed is not known, that is everything.
    """
    inside = lights.dark(hypnogram.grid) & (lights.source != NOT_FOUND)
    proba = None if hypnogram.proba is None else np.where(inside[:, None], hypnogram.proba, np.float32(np.nan))
    return replace(hypnogram, stage=np.where(inside, hypnogram.stage, UNSCORED), proba=proba)


def _wearings(rate: Float, rules: NightRules) -> list[tuple[int, int]]:
    """First minute, and the minute behind the last, of stretches with hours of nothing between them."""
    known = np.flatnonzero(np.isfinite(rate))
    parts = np.split(known, np.flatnonzero(np.diff(known) > 60 * rules.apart_h) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]


def _as_periods(wearings: list[tuple[int, int]], rate: Float, rules: NightRules) -> tuple[Period, ...]:
    """Each wearing of a night's length as a period: there is no day to compare it with."""
    known = [float(np.isfinite(rate[first:behind]).mean()) for first, behind in wearings]
    return tuple(
        Period(first * MINUTE_S, behind * MINUTE_S, None, _median(rate[first:behind]), None, share)
        for (first, behind), share in zip(wearings, known, strict=True)
        if behind - first >= 60 * rules.shortest_h and share >= rules.minimum_known_share
    )


def _by_night(first: int, behind: int, clock: Clock | None) -> bool:
    """Whether the middle of some minutes may be that of a night on the clock, where there is one."""
    if clock is None:
        return True
    hour = clock.start.hour + clock.start.minute / 60 + (first + behind) / 120
    return abs((hour - DEEPEST_HOUR + 12) % 24 - 12) <= NIGHT_SHIFT_H


def _rate_per_minute(beats: Beats, quality: Quality, n: int) -> Float:
    """Mean rate of the trusted intervals that end in each minute; NaN without any. array (n,)."""
    trusted = trusted_rr(beats, quality.usable_spans) & (beats.time_s < n * MINUTE_S)
    minute = (beats.time_s[trusted] // MINUTE_S).astype(np.int64)
    total_s = np.bincount(minute, beats.rr_s[trusted], n)
    count = np.bincount(minute, minlength=n)
    return np.where(count > 0, 60 * count / np.maximum(total_s, 1e-9), np.nan)


def _changes(rate: Float) -> Float:
    """Change of the rate from minute to minute, as a share of it: who moves about has more of it. array (n,)."""
    return np.abs(np.diff(rate, prepend=np.nan)) / rate


def _lowness(rate: Float, rules: NightRules) -> Float:
    """1 at the person's sleeping level and below, -1 at the waking level and above; NaN where unknown. array (n,)."""
    smooth = local_median(rate, max(1, round(rules.smoothing_min / 2)))
    asleep, awake = _levels(smooth, rules)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip((asleep + awake - 2 * smooth) / (awake - asleep), -1, 1)


def _levels(rate: Float, rules: NightRules) -> tuple[Float, Float]:
    """Sleeping and waking rate of the 24 h around each minute: the middles of the sleeping and of the waking share.

    Of 24 h with 8 h of sleep, the slowest third is taken as sleep, and the faster two thirds as wake. Hours in which
    the recorder was not worn are not counted.
    """
    n = len(rate)
    window = min(n, DAY_MIN)
    worn = np.zeros(n, bool)
    for first, behind in _wearings(rate, rules):
        worn[first:behind] = True
    middles = np.arange(window // 2, max(n - window // 2, window // 2 + 1), 60)
    parts = [slice(max(0, m - window // 2), m + (window + 1) // 2) for m in middles]
    levels = np.array([_levels_of(rate[part], int(worn[part].sum()), rules) for part in parts])
    known = np.isfinite(levels[:, 0])
    if not known.any():
        return np.full(n, np.nan), np.full(n, np.nan)
    asleep, awake = (np.interp(np.arange(n), middles[known], column) for column in levels[known].T)
    return asleep, awake


def _levels_of(rate: Float, n_worn: int, rules: NightRules) -> tuple[float, float]:
    """Sleeping and waking rate of minutes, of which so many were recorded."""
    values = rate[np.isfinite(rate)]
    if len(values) == 0:
        return np.nan, np.nan
    share = min(60 * rules.usual_h / n_worn, 0.9)
    return float(np.quantile(values, share / 2)), float(np.quantile(values, (1 + share) / 2))


def _movement(quality: Quality, n: int, rules: NightRules) -> Float:
    """Cost of minutes with more noise than the recording's mean: who moves is awake. array (n,)."""
    epochs = ((quality.flags & Flag.NOISE) > 0).astype(np.float64)
    minutes = epochs[: 2 * n].reshape(n, 2).mean(axis=1)  # two epochs a minute
    share = ndimage.uniform_filter1d(minutes, max(1, round(rules.smoothing_min)), mode="nearest")
    return rules.movement_weight * (share - share.mean())


def _usual(n: int, clock: Clock | None, rules: NightRules) -> Float:
    """What the clock adds: most in the middle of the usual night, least twelve hours later. array (n,)."""
    if clock is None:
        return np.zeros(n)
    start = clock.start
    hour = start.hour + start.minute / 60 + np.arange(n) / 60
    return rules.clock_weight * np.cos(2 * np.pi * (hour - DEEPEST_HOUR) / 24)


def _best_stretch(score: Float, rules: NightRules) -> tuple[int, int] | None:
    """First minute, and the minute behind the last, of the best stretch of allowed length; None where none is good.

    The best has the highest sum of scores less what its length costs: far from a usual night, the more.
    """
    shortest, longest = (round(60 * hours / STEP_MIN) for hours in (rules.shortest_h, rules.longest_h))
    total = np.r_[0.0, np.cumsum(score)][::STEP_MIN]
    if len(total) <= shortest:
        return None
    lengths = np.arange(longest, shortest - 1, -1)
    cost = rules.length_weight_min * ((lengths * STEP_MIN / 60 - rules.usual_h) / rules.usual_sd_h) ** 2 / 2
    padded = np.r_[np.full(len(lengths) - 1, np.inf), total[: len(total) - shortest]]
    before = np.lib.stride_tricks.sliding_window_view(padded, len(lengths)) + cost
    choice = before.argmin(axis=1)
    gain = total[shortest:] - before[np.arange(len(before)), choice]
    end = int(gain.argmax())
    if not gain[end] > 0:
        return None
    behind = end + shortest
    return STEP_MIN * (behind - int(lengths[choice[end]])), STEP_MIN * behind


def _trimmed(first: int, behind: int, rate: Float) -> tuple[int, int]:
    """The stretch from its first to its last minute with a rate: nothing says that sleep goes on without."""
    known = np.flatnonzero(np.isfinite(rate[first:behind]))
    return (first + int(known[0]), first + int(known[-1]) + 1) if len(known) else (first, behind)


def _period(first: int, behind: int, rate: Float, score: Float) -> Period:
    """The stretch with its rate, and the rate of the rest of the 24 h around it."""
    middle = (first + behind) // 2
    day = np.arange(max(0, middle - DAY_MIN // 2), min(len(rate), middle + DAY_MIN // 2))
    outside = rate[day[(day < first) | (day >= behind)]]
    inside = rate[first:behind]
    return Period(
        start_s=first * MINUTE_S,
        end_s=behind * MINUTE_S,
        confidence=float(np.clip(score[first:behind].mean(), 0, 1)),
        inside_bpm=_median(inside),
        outside_bpm=_median(outside),  # NaN, which is below no limit, where nothing else is known
        known_share=float(np.isfinite(inside).mean()),
    )


def _median(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def _is_sleep(period: Period, rules: NightRules) -> bool:
    if period.outside_bpm is None or period.confidence is None:
        return False
    fall_percent = 100 * (1 - period.inside_bpm / period.outside_bpm)
    return (
        fall_percent >= rules.minimum_fall_percent
        and period.confidence >= rules.minimum_confidence
        and period.known_share >= rules.minimum_known_share
    )
