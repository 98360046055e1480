"""A plausible hypnogram: ninety-minute cycles, N3 early, REM late, brief awakenings."""

from __future__ import annotations

import numpy as np

from holter2sleep.night import EpochGrid, Hypnogram
from holter2sleep.simulate.plan import NightPlan

# Minutes of N3 and of REM in the first, second, ... cycle; the last entry stays for longer nights.
N3_MIN = (38.0, 26.0, 12.0, 4.0, 0.0)
REM_MIN = (9.0, 20.0, 28.0, 33.0, 35.0)
CYCLE_MIN = 92.0
FINAL_WAKE_MIN = 6.0
SHORTEST_NIGHT_WITH_FINAL_WAKE_H = 3.0

Bouts = list[tuple[str, int]]  # stage, epochs


def simulate_hypnogram(plan: NightPlan, rng: np.random.Generator) -> Hypnogram:
    """Stages of the whole night, AASM5."""
    grid = EpochGrid.covering(plan.duration_s)
    bouts: Bouts = [("W", _epochs(min(12.0, 6 * plan.hours), rng))]
    cycle = 0
    while sum(length for _, length in bouts) < grid.n:
        bouts += _cycle(cycle, rng)
        cycle += 1
    stage = np.array([stage for stage, length in bouts for _ in range(length)][: grid.n], dtype="<U4")
    _wake_briefly(stage, plan.awakenings_per_hour, rng)
    if plan.hours >= SHORTEST_NIGHT_WITH_FINAL_WAKE_H:
        stage[-_epochs(FINAL_WAKE_MIN, rng) :] = "W"
    _break_rem(stage, plan.rem_breaks_per_hour, rng)
    return Hypnogram(grid, stage, "AASM5", "simulated")


def _epochs(minutes: float, rng: np.random.Generator) -> int:
    """A bout of about so many minutes, at least one epoch; gamma with a coefficient of variation of 0.3."""
    return max(1, round(2 * minutes * rng.gamma(11.0, 1 / 11.0)))


def _cycle(cycle: int, rng: np.random.Generator) -> Bouts:
    n3_min, rem_min = N3_MIN[min(cycle, 4)], REM_MIN[min(cycle, 4)]
    n2_min = CYCLE_MIN - n3_min - rem_min - 4.0
    bouts: Bouts = [("N1", _epochs(4.0, rng)), ("N2", _epochs(0.35 * n2_min, rng))]
    if n3_min:
        bouts += [("N3", _epochs(0.6 * n3_min, rng)), ("N2", _epochs(2.0, rng)), ("N3", _epochs(0.4 * n3_min, rng))]
    bouts += [("N2", _epochs(0.65 * n2_min, rng)), ("R", _epochs(0.6 * rem_min, rng))]
    bouts += [("N1", 1), ("R", _epochs(0.4 * rem_min, rng))]
    return bouts


def _wake_briefly(stage: np.ndarray, per_hour: float, rng: np.random.Generator) -> None:
    """Awakenings of one to four epochs out of any stage but N3, each followed by an epoch of N1."""
    sleep = np.flatnonzero((stage != "W") & (stage != "N3"))
    n_awakenings = rng.poisson(per_hour * len(stage) / 120)
    for epoch in rng.choice(sleep, min(n_awakenings, len(sleep)), replace=False) if len(sleep) else ():
        end = epoch + rng.integers(1, 5)
        stage[epoch:end] = "W"
        stage[end : end + 1] = "N1"


def _break_rem(stage: np.ndarray, per_hour: float, rng: np.random.Generator) -> None:
    """Single epochs of W or N1 amid REM, none beside another."""
    inside = np.flatnonzero((stage[1:-1] == "R") & (stage[:-2] == "R") & (stage[2:] == "R")) + 1
    breaks = min(rng.poisson(per_hour * (stage == "R").sum() / 120), len(inside) // 2)
    for epoch in sorted(rng.choice(inside, breaks, replace=False)) if breaks else ():
        if stage[epoch - 1] == "R":
            stage[epoch] = rng.choice(["W", "N1"])
