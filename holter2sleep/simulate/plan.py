"""What a synthetic night shall contain: the plan, and the named plans.

The physiology is chosen to be plausible, not fitted to any cohort: a synthetic night checks that software finds what
was planted, and says nothing of how it performs on people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from holter2sleep.errors import did_you_mean
from holter2sleep.io.channels import MIN_FS_HZ
from holter2sleep.night import SCHEMES, Sex
from holter2sleep.spans import Spans, as_spans

# (where it begins, as a fraction of the night; how long or how large)
Placed = tuple[tuple[float, float], ...]

STAGES = SCHEMES["AASM5"]


@dataclass(frozen=True)
class NightPlan:
    """What happens in a synthetic night; the defaults are a healthy sleeper with a well-attached electrode.

    Rare things are placed (`((0.25, 600.0),)` begins after a quarter of the night), frequent ones have a rate.
    """

    hours: float = 8.0
    fs: float = 256.0
    start: datetime = datetime(2024, 3, 8, 22, 40)
    age_years: float = 52.0
    sex: Sex = "F"
    polarity: Literal[1, -1] = 1

    heart_rate_bpm: float = 60.0  # sinus rhythm, N2
    rmssd_ms: float = 32.0  # N2, without ectopy
    respiration_bpm: float = 14.5  # N2
    awakenings_per_hour: float = 2.0
    rem_breaks_per_hour: float = 0.0  # of REM: single epochs of W or N1 within it

    pvc_per_hour: float = 0.0
    couplets_per_hour: float = 0.0
    bigeminy_per_hour: float = 0.0  # runs, each of BIGEMINY_CYCLES
    pac_per_hour: float = 0.0
    vt_runs: Placed = ()  # number of beats
    svt_runs: Placed = ()  # number of beats
    pauses: Placed = ()  # s from beat to beat
    af: Placed = ()  # s
    af_rate_bpm: float = 88.0

    apnoeas_per_hour: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)  # of sleep in W, N1, N2, N3, R
    apnoea_trains: Placed = ()  # number of events one after another
    cvhr_depth: float = 0.15  # how far RR swings about its mean in an apnoea cycle

    noise_mv: float = 0.012  # muscle and amplifier noise, standard deviation
    wander_mv: float = 0.05  # baseline, standard deviation
    mains_mv: float = 0.004  # amplitude
    mains_hz: float = 50.0
    bursts_per_hour: float = 1.0  # movement, besides that of awakenings
    burst_mv: float = 0.45  # standard deviation within a burst
    lead_off: Placed = ()  # s
    gaps: Placed = ()  # s, whole

    def __post_init__(self) -> None:
        if not 0 < self.hours <= 48:
            raise ValueError(f"hours = {self.hours}: a synthetic night lasts more than 0 and at most 48 h")
        if not MIN_FS_HZ <= self.fs <= 4000:
            raise ValueError(f"fs = {self.fs} Hz: expected {MIN_FS_HZ:g} to 4000 Hz")
        if not 30 <= self.heart_rate_bpm <= 150:
            raise ValueError(f"heart_rate_bpm = {self.heart_rate_bpm}: expected 30 to 150")
        if len(self.apnoeas_per_hour) != len(STAGES):
            raise ValueError(f"apnoeas_per_hour needs one rate for each of {', '.join(STAGES)}")
        for name in ("vt_runs", "svt_runs", "pauses", "af", "apnoea_trains", "lead_off", "gaps"):
            if any(not (0 <= where < 1 and size > 0) for where, size in getattr(self, name)):
                raise ValueError(f"{name} = {getattr(self, name)}: places lie in [0, 1), sizes above 0")

    @property
    def duration_s(self) -> float:
        """Length of the night in whole seconds, which every file format can say exactly."""
        return max(1.0, float(round(self.hours * 3600)))

    def placed(self, name: str) -> list[tuple[float, float]]:
        """Start in whole seconds, and length or size, of what is placed under `name` (`af`, `gaps`, ...)."""
        return sorted((float(round(where * self.duration_s)), size) for where, size in getattr(self, name))

    def spans(self, name: str) -> Spans:
        """Time covered by what is placed under `name`, whose sizes are seconds."""
        return as_spans([(start_s, min(start_s + size, self.duration_s)) for start_s, size in self.placed(name)])


HEALTHY = NightPlan()
QUIET = replace(HEALTHY, noise_mv=0.0, wander_mv=0.0, mains_mv=0.0, bursts_per_hour=0.0)

PRESETS: dict[str, NightPlan] = {
    "healthy": HEALTHY,
    "sample": replace(
        HEALTHY,
        pvc_per_hour=14.0,
        couplets_per_hour=1.2,
        bigeminy_per_hour=0.4,
        pac_per_hour=9.0,
        vt_runs=((0.57, 5),),
        svt_runs=((0.33, 6),),
        pauses=((0.74, 2.8),),
        af=((0.41, 840.0), (0.86, 420.0)),
        apnoeas_per_hour=(0.0, 3.0, 3.0, 0.0, 18.0),
        apnoea_trains=((0.22, 22), (0.63, 18)),
        bursts_per_hour=1.5,
        lead_off=((0.49, 240.0),),
    ),
    "af": replace(HEALTHY, age_years=71.0, sex="M", rmssd_ms=24.0, af=((0.08, 2400.0), (0.35, 7200.0), (0.80, 900.0))),
    "ectopy": replace(
        HEALTHY,
        age_years=66.0,
        pvc_per_hour=150.0,
        couplets_per_hour=12.0,
        bigeminy_per_hour=4.0,
        pac_per_hour=60.0,
        vt_runs=((0.2, 4), (0.5, 9), (0.7, 3)),
        svt_runs=((0.3, 8), (0.6, 12)),
    ),
    "apnea": replace(
        HEALTHY,
        age_years=58.0,
        sex="M",
        heart_rate_bpm=66.0,
        awakenings_per_hour=5.0,
        apnoeas_per_hour=(0.0, 35.0, 35.0, 8.0, 50.0),
    ),
    "noisy": replace(
        HEALTHY,
        noise_mv=0.06,
        wander_mv=0.25,
        mains_mv=0.03,
        bursts_per_hour=12.0,
        burst_mv=1.0,
        lead_off=((0.6, 900.0),),
    ),
    "short": replace(HEALTHY, hours=1 / 3, pvc_per_hour=30.0, pac_per_hour=15.0),
    "gaps": replace(HEALTHY, hours=1.0, gaps=((0.30, 100.0), (0.70, 37.0))),
    "clean": QUIET,
}


def preset(name: str) -> NightPlan:
    """The named plan.

    Raises
    ------
    ValueError
        No such name; the message suggests the nearest one.
    """
    if name in PRESETS:
        return PRESETS[name]
    raise ValueError(f"unknown preset {name!r}; {did_you_mean(name, PRESETS)}")
