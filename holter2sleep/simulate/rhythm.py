"""When the heart beats: sinus rhythm by stage, ectopy, runs, pauses, atrial fibrillation.

Sinus beats fall where the integral of the momentary rate passes whole numbers (integral pulse frequency modulation).
An ectopic beat is a changed step of that phase: a ventricular one leaves the sinus node alone (steps c and 2 - c: a
full compensatory pause), an atrial one resets it (steps c and a little over 1).

References
----------
Berger RD, Akselrod S, Gordon D, Cohen RJ. An efficient algorithm for spectral analysis of heart rate variability.
IEEE Trans Biomed Eng 1986;33:900-904.
Schmidt G et al. Heart-rate turbulence after ventricular premature beats. Lancet 1999;353:1390-1396.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.night import Float, Text
from holter2sleep.simulate.plan import NightPlan
from holter2sleep.simulate.signals import GRID_HZ

PVC_COUPLING = (0.52, 0.62)  # share of the sinus cycle
PAC_COUPLING = (0.60, 0.74)
PAC_RETURN = 1.08  # the reset sinus node needs a little longer
COUPLET_CYCLE = 0.48
RETURN_AFTER_RUN = 1.35
BIGEMINY_CYCLES = 8
VT_CYCLE_S = 0.40  # 150 bpm
SVT_CYCLE_S = 0.42
# Sinus cycles after the pause of a lone PVC: quicker, then slower, then as before; the sum is zero.
TURBULENCE = np.array([-30, -26, -14, -2, 8, 16, 20, 18, 10, 4, 0, -1, -1, -1, -1]) / 1000
SHORTEST_AF_RR_S, LONGEST_AF_RR_S = 0.36, 1.8
AF_RR_SPREAD = 0.24  # coefficient of variation

# What starts a beat: sinus node, atrium (premature), ventricle, fibrillating atrium.
SINUS, ATRIAL, VENTRICULAR, FIBRILLATING = "N", "S", "V", "A"


Sequence = tuple[Float, Text]  # times or phase steps of successive beats, and what starts each


@dataclass(frozen=True)
class Rhythm:
    """Beats in time order, what started each, and the spans of atrial fibrillation."""

    time_s: Float
    origin: Text
    af_spans: list[tuple[float, float]]


class SinusClock:
    """Phase of the sinus node against time; a sinus beat falls on every whole number."""

    def __init__(self, time_s: Float, rr_s: Float) -> None:
        rate_hz = 1 / rr_s
        self._time_s = time_s
        self._phase = np.concatenate([[0.0], np.cumsum((rate_hz[1:] + rate_hz[:-1]) / (2 * GRID_HZ))])
        self._rr_s = rr_s

    def phase(self, time_s: float) -> float:
        """Sinus cycles passed until a time."""
        return float(np.interp(time_s, self._time_s, self._phase))

    def time_s(self, phase: Float) -> Float:
        """When the phases are reached."""
        return np.interp(phase, self._phase, self._time_s)

    def rr_s(self, time_s: float) -> float:
        """Sinus interval at a time."""
        return float(np.interp(time_s, self._time_s, self._rr_s))


def simulate_rhythm(plan: NightPlan, time_s: Float, rr_s: Float, rng: np.random.Generator) -> Rhythm:
    """Beats of the whole night: sinus rhythm, interrupted by what the plan has placed."""
    clock = SinusClock(time_s, rr_s)
    parts: list[Sequence] = [(np.array([0.4 * rr_s[0]]), np.array([SINUS]))]
    af_spans = []
    for start_s, kind, size in _interruptions(plan):
        parts.append(_sinus_until(start_s, _last_s(parts), clock, plan, rng))
        beats = _interruption(kind, size, start_s, _last_s(parts), clock, plan, rng)
        if kind == "af" and len(beats[0]) > 1:
            af_spans.append((float(beats[0][0]), min(float(beats[0][-1]), plan.duration_s)))
        parts.append(beats)
    parts.append(_sinus_until(plan.duration_s, _last_s(parts), clock, plan, rng))
    beat_s, origin = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    inside = beat_s < plan.duration_s
    return Rhythm(beat_s[inside], origin[inside], [span for span in af_spans if span[0] < plan.duration_s])


def _last_s(parts: list[Sequence]) -> float:
    return float(next(times[-1] for times, _ in reversed(parts) if len(times)))


def _interruptions(plan: NightPlan) -> list[tuple[float, str, float]]:
    names = ("af", "pauses", "vt_runs", "svt_runs")
    return sorted((start_s, name, size) for name in names for start_s, size in plan.placed(name))


def _interruption(
    kind: str, size: float, start_s: float, last_s: float, clock: SinusClock, plan: NightPlan, rng: np.random.Generator
) -> Sequence:
    """Beats of one placed event after the beat at `last_s`; the final one is of sinus origin again."""
    rr_s = clock.rr_s(last_s)
    if kind == "af":
        rr = _af_rr_s(max(start_s + size - last_s, 0.0), plan.af_rate_bpm, rng)
        steps, origin = [*rr, 1.2 * rr_s], [FIBRILLATING] * len(rr)
    elif kind == "pauses":
        steps, origin = [size], []
    else:
        first, cycle_s, source = {
            "vt_runs": (np.mean(PVC_COUPLING), VT_CYCLE_S, VENTRICULAR),
            "svt_runs": (np.mean(PAC_COUPLING), SVT_CYCLE_S, ATRIAL),
        }[kind]
        cycles_s = cycle_s * rng.uniform(0.94, 1.06, int(size) - 1)
        steps, origin = [first * rr_s, *cycles_s, RETURN_AFTER_RUN * rr_s], [source] * int(size)
    return last_s + np.cumsum(steps), np.array([*origin, SINUS])


def _af_rr_s(duration_s: float, rate_bpm: float, rng: np.random.Generator) -> Float:
    """Independent intervals that fill the time: no memory from beat to beat, which is what sets AF apart."""
    mean_s = 60 / rate_bpm
    sigma = np.sqrt(np.log1p(AF_RR_SPREAD**2))
    n = int(2 * duration_s / mean_s) + 10
    rr_s = np.clip(mean_s * rng.lognormal(-(sigma**2) / 2, sigma, n), SHORTEST_AF_RR_S, LONGEST_AF_RR_S)
    return rr_s[np.cumsum(rr_s) < duration_s]


def _sinus_until(end_s: float, last_s: float, clock: SinusClock, plan: NightPlan, rng: np.random.Generator) -> Sequence:
    """Sinus beats, with ectopy, after the beat at `last_s` and before `end_s`."""
    first, last = clock.phase(last_s), clock.phase(end_s)
    if last <= first:
        return np.empty(0), np.empty(0, dtype="<U1")
    steps, origin = _steps_with_ectopy(last - first, end_s - last_s, plan, rng)
    phase = first + np.cumsum(steps)
    inside = phase < last
    return clock.time_s(phase[inside]), origin[inside]


def _steps_with_ectopy(n_cycles: float, duration_s: float, plan: NightPlan, rng: np.random.Generator) -> Sequence:
    """Phase steps of more beats than the cycles can hold (atrial beats shorten them), and what starts each."""
    steps, origin = np.ones(int(1.6 * n_cycles) + 4), np.full(int(1.6 * n_cycles) + 4, SINUS)
    rates = {
        "pvc": plan.pvc_per_hour,
        "couplet": plan.couplets_per_hour,
        "bigeminy": plan.bigeminy_per_hour,
        "pac": plan.pac_per_hour,
    }
    drawn = [
        (int(place), kind)
        for kind, per_hour in rates.items()
        for place in rng.uniform(2, max(3, n_cycles), rng.poisson(per_hour * duration_s / 3600))
    ]
    free = 2
    for place, kind in sorted(drawn):
        pattern, source = _ectopic_pattern(kind, rng)
        end = place + len(pattern)
        if free <= place and end < len(steps):
            steps[place:end], origin[place:end] = pattern, source
            free = end + 2
    _add_turbulence(steps, origin)
    return steps, origin


def _ectopic_pattern(kind: str, rng: np.random.Generator) -> tuple[list[float], list[str]]:
    """Phase steps of the ectopic beats with the sinus beat after them."""
    pvc, pac = rng.uniform(*PVC_COUPLING), rng.uniform(*PAC_COUPLING)
    lone = [pvc, 2 - pvc]
    return {
        "pvc": (lone, [VENTRICULAR, SINUS]),
        "couplet": ([pvc, COUPLET_CYCLE, RETURN_AFTER_RUN], [VENTRICULAR, VENTRICULAR, SINUS]),
        "bigeminy": (lone * BIGEMINY_CYCLES, [VENTRICULAR, SINUS] * BIGEMINY_CYCLES),
        "pac": ([pac, PAC_RETURN], [ATRIAL, SINUS]),
    }[kind]


def _add_turbulence(steps: Float, origin: Text) -> None:
    """Heart-rate turbulence after every PVC whose neighbourhood is otherwise sinus."""
    ectopic = np.flatnonzero(origin != SINUS)
    apart = np.diff(ectopic, prepend=-100, append=len(steps) + 100) > len(TURBULENCE) + 2
    lone = ectopic[apart[:-1] & apart[1:] & (origin[ectopic] == VENTRICULAR)]
    lone = lone[lone + 2 + len(TURBULENCE) <= len(steps)]
    steps[lone[:, np.newaxis] + 2 + np.arange(len(TURBULENCE))] += TURBULENCE
