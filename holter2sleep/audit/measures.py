"""Figures of the signal that was looked at: scale, saturation, polarity, hum, baseline, packets, heart rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holter2sleep.audit.holds import held_packets
from holter2sleep.audit.hum import Hum, hum
from holter2sleep.audit.levels import ends_of_range, quiet_s, rails, saturated_s, value_step_mv
from holter2sleep.audit.looked import N_STRETCHES, WHOLE_UP_TO_S, Stretch, estimated, looked_s, spread, usable_s
from holter2sleep.audit.pacing import pacing_share
from holter2sleep.audit.packets import repeated_blocks, steps
from holter2sleep.audit.pieces import minutes
from holter2sleep.audit.splices import SURE, splices
from holter2sleep.heart.faults import CELL_S
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.heart.polarity import PolarityRules
from holter2sleep.night import Beats, Flag, Float, Recording
from holter2sleep.spans import duration, runs
from holter2sleep.waveform import Signal

TURN_S = 300.0  # pieces whose direction is compared
TURN_BEATS = 60
NEAR_S = 0.12


@dataclass(frozen=True)
class SignalFigures:
    """Shares are of the whole recording, as far as what was looked at tells; None is not applicable or not known."""

    looked_s: float
    usable_share: float
    missing_share: float
    flat_share: float
    quiet_share: float  # no beats, and far smaller than the lead's usual signal: an electrode was off
    saturated_share: float
    noise_share: float
    longest_usable_s: float
    clip_low_mv: float | None
    clip_high_mv: float | None
    step_uv: float | None  # between neighbouring values
    clipped_waves: int  # runs of samples at these levels
    mains_hz: float | None
    mains_uv: float | None
    mains_seen_hz: float | None  # elsewhere when sampling folded it
    mains_share: float | None  # of the minutes
    baseline_mv: float | None
    repeated_blocks: int
    repeated_s: float
    held_packets: int
    held_s: float
    jumps: int
    sure_jumps: int  # of them, so clear that one is enough


@dataclass(frozen=True)
class BeatFigures:
    """A quick look at the beats; None is not known."""

    n_beats: int
    rate_low_bpm: float | None  # 5th percentile
    rate_median_bpm: float | None
    rate_high_bpm: float | None  # 95th percentile
    bsqi: float | None  # mean agreement of two detectors
    pacing_share: float | None  # of the beats, with a spike before them
    implausible_rr_share: float | None


def signal_figures(
    recording: Recording, stretches: tuple[Stretch, ...], range_mv: tuple[float, float] | None = None
) -> SignalFigures:
    """What the signal is like; `range_mv` are the ends of its range by the header."""
    fs = recording.fs if recording.ecg is not None else None
    shown = [piece for stretch in _some(stretches) for piece in _shown(stretch)] if fs else []
    parts = [ecg for ecg, _ in shown]
    ends = ends_of_range(parts, fs, range_mv) if fs else []
    longest = max((float(np.ptp(span)) for s in stretches for span in s.quality.usable_spans), default=0.0)
    return SignalFigures(
        looked_s=looked_s(stretches),
        **_shares(recording, stretches, fs, ends),
        longest_usable_s=longest,
        **_level_figures(parts),
        **_hum_figures(hum(parts, fs) if fs else None),
        baseline_mv=baseline_mv(parts, fs) if fs else None,
        **_packet_figures(shown, fs),
    )


def _shares(
    recording: Recording, stretches: tuple[Stretch, ...], fs: float | None, ends: list[float]
) -> dict[str, Any]:
    """Shares of the whole recording, estimated from what was looked at."""
    flags = np.concatenate([stretch.faults.flags for stretch in stretches])
    faulty = sum(duration(stretch.faults.spans) for stretch in stretches)
    usable, quiet = usable_s(stretches), quiet_s(stretches, fs) if fs else 0.0
    gaps = sum(duration(stretch.recording.gaps) for stretch in stretches)

    def share(seconds_looked_at: float) -> float:
        found = estimated(max(0.0, seconds_looked_at), stretches, recording) / recording.duration_s
        return min(1.0, found)

    return {
        "usable_share": share(usable),
        "missing_share": duration(recording.gaps) / recording.duration_s
        + share(_flagged_s(flags, Flag.MISSING) - gaps),
        "flat_share": share(_flagged_s(flags, Flag.FLAT)),
        "quiet_share": share(quiet),
        "saturated_share": share(saturated_s(stretches, fs, ends)) if fs else 0.0,
        "noise_share": share(looked_s(stretches) - usable - faulty - quiet),
    }


def _level_figures(parts: list[Signal]) -> dict[str, Any]:
    """Values at which waves are cut off, how often, and the step between values."""
    low, high = rails(parts)
    step_mv = value_step_mv(parts)
    return {
        "clip_low_mv": low,
        "clip_high_mv": high,
        "step_uv": 1e3 * step_mv if step_mv is not None else None,
        "clipped_waves": sum(len(runs(part == rail)[0]) for part in parts for rail in (low, high) if rail is not None),
    }


def _packet_figures(shown: list[tuple[Signal, Float]], fs: float | None) -> dict[str, Any]:
    """What a transmitter did: samples twice, filled, left out."""
    if fs is None:
        return {"repeated_blocks": 0, "repeated_s": 0.0, "held_packets": 0, "held_s": 0.0, "jumps": 0, "sure_jumps": 0}
    copies = [(copy.last - copy.first) / fs for ecg, _ in shown for copy in repeated_blocks(ecg, fs)]
    held = [found for ecg, _ in shown if (found := held_packets(ecg, fs))]
    jumps = [_jumps(ecg, fs, beat_s) for ecg, beat_s in shown]
    return {
        "repeated_blocks": len(copies),
        "repeated_s": float(sum(copies)),
        "held_packets": sum(len(found.first) for found in held),
        "held_s": float(sum(found.length.sum() / fs for found in held)),
        "jumps": sum(n for n, _ in jumps),
        "sure_jumps": sum(sure for _, sure in jumps),
    }


def _hum_figures(line: Hum | None) -> dict[str, Any]:
    if line is None:
        return dict.fromkeys(("mains_hz", "mains_uv", "mains_seen_hz", "mains_share"))
    return {
        "mains_hz": line.mains_hz,
        "mains_uv": line.amplitude_uv,
        "mains_seen_hz": line.seen_hz,
        "mains_share": line.share,
    }


def _jumps(ecg: Signal, fs: float, beat_s: Float) -> tuple[int, int]:
    """Places where the signal jumps or breaks from one sample to the next, and how many are clear."""
    joints, score = splices(ecg, fs)
    high = steps(ecg, fs, beat_s)
    apart = sum(not np.isin(at + np.arange(-2, 3), joints).any() for at in high.tolist())
    return len(joints) + apart, int((score > SURE).sum())


def _some(stretches: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    """As many stretches as are looked at of a usual night, those with most usable time: of noise there may be a day."""
    best = sorted(stretches, key=lambda stretch: -duration(stretch.quality.usable_spans))[:N_STRETCHES]
    return tuple(sorted(best, key=lambda stretch: stretch.start_s))


def _shown(stretch: Stretch) -> list[tuple[Signal, Float]]:
    """Samples of a stretch and its beats; of one that days went into, those of pieces spread over it."""
    recording, beat_s = stretch.recording, stretch.beat_s
    if recording.ecg is None or recording.fs is None:
        return []
    if recording.duration_s <= WHOLE_UP_TO_S:
        return [(stretch.ecg, beat_s)]
    pieces = spread(recording.duration_s, recording.gaps).tolist()
    borders = [(round(start * recording.fs), round(end * recording.fs)) for start, end in pieces]
    beats = [beat_s[(beat_s >= start) & (beat_s < end)] - start for start, end in pieces]
    return [(recording.ecg[first:last], inside) for (first, last), inside in zip(borders, beats, strict=True)]


def _flagged_s(flags: NDArray[np.uint16], flag: Flag) -> float:
    return float((flags & flag > 0).sum()) * CELL_S


def baseline_mv(parts: list[Signal], fs: float) -> float | None:
    """How far the baseline moves within a minute: from the 5th to the 95th percentile of its seconds, mV."""
    second = max(1, round(fs))
    moves = []
    for piece in minutes(parts, fs):
        level = np.median(piece[: len(piece) // second * second].reshape(-1, second), axis=1)
        if len(level):
            moves.append(float(np.percentile(level, 95) - np.percentile(level, 5)))
    return float(np.median(moves)) if moves else None


# --- polarity --------------------------------------------------------------------------------------


def directions(stretches: tuple[Stretch, ...], rules: PolarityRules) -> list[tuple[float, int]]:
    """Start s and direction of each piece of five minutes: 1, or -1 where its beats are the others turned over.

    0 where neither is sure. Against the piece that is most like all others.
    """
    starts, beats = [], []
    for stretch in stretches:
        for start_s in np.arange(0.0, max(stretch.recording.duration_s - TURN_S / 2, 1.0), TURN_S).tolist():
            inside = stretch.usable & (stretch.beat_s >= start_s) & (stretch.beat_s < start_s + TURN_S)
            typical = _typical_beat(stretch, stretch.beat_s[inside])
            if typical is not None:
                starts.append(stretch.start_s + start_s)
                beats.append(typical)
    if len(beats) < 2:
        return [(start, 1) for start in starts]
    likeness = np.atleast_2d(np.corrcoef(np.array(beats)))
    to_usual = likeness[int(np.argmax(np.abs(likeness).sum(axis=0)))]
    if (to_usual < 0).sum() > (to_usual >= 0).sum():
        to_usual = -to_usual
    sure = np.abs(to_usual) >= rules.opposite_correlation
    return list(zip(starts, np.where(sure, np.sign(to_usual), 0).astype(int).tolist(), strict=True))


def turns(pieces: list[tuple[float, int]]) -> list[float]:
    """Where the lead turns over, s: both before and after it, two pieces in a row agree.

    Examples
    --------
    >>> turns([(0.0, 1), (300.0, 1), (600.0, -1), (900.0, -1), (1200.0, -1)])
    [600.0]
    >>> turns([(0.0, 1), (300.0, 1), (600.0, -1), (900.0, 1)])
    []
    """
    sure = [(start, way) for start, way in pieces if way]
    ways = [way for _, way in sure]
    return [
        sure[i][0] for i in range(2, len(sure) - 1) if ways[i - 2] == ways[i - 1] == -ways[i] and ways[i] == ways[i + 1]
    ]


def _typical_beat(stretch: Stretch, beat_s: Float) -> Float | None:
    """Median beat around its largest deflection, levelled; None with too few beats."""
    ecg, fs = stretch.recording.ecg, stretch.recording.fs
    if ecg is None or fs is None or len(beat_s) < TURN_BEATS / 2:
        return None
    chosen = beat_s[:: max(1, len(beat_s) // TURN_BEATS)]
    near, wide = max(2, round(NEAR_S * fs)), max(4, round(2.5 * NEAR_S * fs))
    rows = np.nan_to_num(ecg.around(np.round(chosen * fs).astype(np.int64), wide))
    rows = rows - np.median(rows, axis=1, keepdims=True)
    peak = np.argmax(np.abs(rows[:, wide - near : wide + near + 1]), axis=1) + wide - near
    index = np.clip(peak[:, None] + np.arange(-near, near + 1), 0, rows.shape[1] - 1)
    typical = np.median(np.take_along_axis(rows, index, axis=1), axis=0).astype(np.float64)
    return typical if np.ptp(typical) > 0 else None


# --- beats -----------------------------------------------------------------------------------------


def beat_figures(stretches: tuple[Stretch, ...], fs: float | None) -> BeatFigures:
    """Heart rate, agreement of the detectors, spikes before the beats."""
    rr = np.concatenate([_trusted_rr(stretch) for stretch in stretches])
    every = np.concatenate([np.diff(stretch.beat_s) for stretch in stretches])
    rates = 60 / np.percentile(rr, [95, 50, 5]) if len(rr) >= 10 else [None] * 3
    windows = np.concatenate([stretch.bsqi for stretch in stretches])
    low, median, high = (None if rate is None else float(rate) for rate in rates)
    return BeatFigures(
        n_beats=sum(len(stretch.beat_s) for stretch in stretches),
        rate_low_bpm=low,
        rate_median_bpm=median,
        rate_high_bpm=high,
        bsqi=float(np.nanmean(windows)) if np.isfinite(windows).any() else None,
        pacing_share=pacing_share(stretches, fs) if fs else None,
        implausible_rr_share=float(((every < 0.25) | (every > 3.0)).mean()) if len(every) else None,
    )


def _trusted_rr(stretch: Stretch) -> Float:
    if len(stretch.beat_s) < 2:
        return np.empty(0)
    beats = Beats.at(stretch.beat_s).but(usable=stretch.usable)
    return beats.rr_s[trusted_rr(beats, stretch.quality.usable_spans)]
