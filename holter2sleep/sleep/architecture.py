"""Hypnogram to the sleep measures of the AASM.

Terms. *In bed*: epochs whose middle lies between lights-off and lights-on. *Sleep onset*: start of the first epoch in
bed of any stage but W. *Sleep period*: from sleep onset to the end of the last epoch of sleep in bed.

Choices. WASO counts wake from sleep onset to lights-on, so that the final awakening is in it. Awakenings and stage
shifts are counted within the sleep period. Unscored epochs are neither sleep nor wake: they shorten TST and WASO,
stay in TIB, and are passed over when the stage before is compared with the stage after (a lower bound of the shifts).

References
----------
Berry RB et al. The AASM Manual for the Scoring of Sleep and Associated Events, part Reporting of sleep parameters.
Haba-Rubio J, Ibanez V, Sforza E (2004) An alternative measure of sleep fragmentation in clinical practice: the sleep
fragmentation index. Sleep Med 5:577-581.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.night import EPOCH_S, STAGE_STRATA, UNSCORED, Bool, Float, Hypnogram, Lights, Text

EPOCH_MIN = EPOCH_S / 60
STAGE_NAMES = ("n1", "n2", "n3", "light", "nrem", "rem")

Measures = dict[str, float | None]


@dataclass(frozen=True)
class SleepRules:
    """Choices of the sleep measures; values in `pipelines/overnight.toml`, section `[sleep]`."""

    max_unscored_share: float  # of TIB, 0-1


@dataclass(frozen=True)
class _InBed:
    """The scored epochs between lights-off and lights-on, and the sleep period among them."""

    stage: Text  # (n,), without U
    onset_s: Float  # (n,), start of each epoch
    asleep: Bool  # (n,)

    @property
    def first(self) -> int:
        """Index of the first epoch of sleep."""
        return int(self.asleep.argmax())

    @property
    def after(self) -> int:
        """Index behind the last epoch of sleep."""
        return len(self.asleep) - int(self.asleep[::-1].argmax())


def sleep_measures(hypnogram: Hypnogram, lights: Lights, rules: SleepRules) -> Measures:
    """AASM sleep measures by phenotype id.

    Minutes: `tib spt tst sol waso rem_latency *_min`; percent: `se` (of TIB), `*_pct` (of TST); per hour of TST:
    `awakening_index stage_shifts_per_h sleep_fragmentation_index`; per hour of R `rem_fragmentation_index`, the changes
    from R to any other stage; `sleep_midpoint_h` in hours from the recording's
    start; `n_awakenings` a count. `rem_latency` runs from sleep onset. `sleep_fragmentation_index` counts shifts from
    any stage to W or N1 (Haba-Rubio 2004).

    A key the scheme cannot say (`n3_min` of W / NREM / R) is absent. None is a measure this night does not define:
    everything but `tib` and `unscored_min` when more than `rules.max_unscored_share` of TIB is unscored, for each
    unscored minute may hide a minute of sleep; what starts at sleep onset when there is no sleep (`tst se spt` and
    minutes are then 0); `rem_latency` without REM.

    Raises
    ------
    ValueError
        Lights-on is not after lights-off.

    Examples
    --------
    Five minutes in bed, ten epochs:

    >>> from holter2sleep.night import EpochGrid
    >>> grid = EpochGrid.covering(300.0)
    >>> stages = np.array(["W", "W", "N1", "N2", "W", "N2", "R", "R", "N2", "W"])
    >>> night = Hypnogram(grid, stages, "AASM5", "by hand")
    >>> found = sleep_measures(night, Lights(0.0, 300.0, "recording"), SleepRules(max_unscored_share=0.2))
    >>> found["tst"], found["sol"], found["waso"], found["se"], found["rem_latency"], found["n_awakenings"]
    (3.0, 1.0, 1.0, 60.0, 2.0, 1.0)
    """
    if not lights.on_s > lights.off_s:
        raise ValueError(f"lights-on must come after lights-off; they are at {lights.on_s} s and {lights.off_s} s")
    inside = lights.dark(hypnogram.grid)
    scored = inside & (hypnogram.stage != UNSCORED)
    tib_min = (lights.on_s - lights.off_s) / 60
    unscored_min = EPOCH_MIN * int((inside & ~scored).sum())
    in_bed = _InBed(hypnogram.stage[scored], hypnogram.grid.onset_s[scored], hypnogram.mask("sleep")[scored])
    found: Measures = {
        **_amounts(in_bed, hypnogram, tib_min),
        **_period(in_bed, lights),
        **_fragmentation(in_bed, hypnogram),
    }
    if unscored_min > rules.max_unscored_share * tib_min:
        found = dict.fromkeys(found)
    return {"tib": tib_min, "unscored_min": unscored_min, **found}


def _amounts(in_bed: _InBed, hypnogram: Hypnogram, tib_min: float) -> Measures:
    """Minutes of sleep, of wake and of each stage, with their shares."""
    tst_min = EPOCH_MIN * int(in_bed.asleep.sum())
    # Whole epochs against a TIB of any length: the last epoch may exceed it by less than its half.
    found: Measures = {"tst": tst_min, "se": min(100.0, 100 * tst_min / tib_min)}
    found["wake_min"] = EPOCH_MIN * int((in_bed.stage == "W").sum())
    for name in STAGE_NAMES:
        if hypnogram.can_say(name):
            minutes = EPOCH_MIN * int(np.isin(in_bed.stage, list(STAGE_STRATA[name][0])).sum())
            found[f"{name}_min"] = minutes
            found[f"{name}_pct"] = 100 * minutes / tst_min if tst_min else None
    return found


def _period(in_bed: _InBed, lights: Lights) -> Measures:
    """When sleep begins, ends and reaches REM, and wake after its onset."""
    if not in_bed.asleep.any():
        return {"spt": 0.0, "sol": None, "waso": None, "rem_latency": None, "sleep_midpoint_h": None}
    onset_s, end_s = in_bed.onset_s[in_bed.first], in_bed.onset_s[in_bed.after - 1] + EPOCH_S
    rem_s = in_bed.onset_s[in_bed.stage == "R"]
    return {
        "spt": float(end_s - onset_s) / 60,
        "sol": max(0.0, float(onset_s - lights.off_s) / 60),  # asleep at lights-off: 0, wherever the epoch began
        "waso": EPOCH_MIN * int((in_bed.stage[in_bed.first :] == "W").sum()),
        "rem_latency": float(rem_s[0] - onset_s) / 60 if len(rem_s) else None,
        "sleep_midpoint_h": float(onset_s + end_s) / 2 / 3600,
    }


def _fragmentation(in_bed: _InBed, hypnogram: Hypnogram) -> Measures:
    """Awakenings and changes of stage within the sleep period."""
    stage = in_bed.stage[in_bed.first : in_bed.after] if in_bed.asleep.any() else in_bed.stage[:0]
    shifted = stage[1:] != stage[:-1]
    left, reached = stage[:-1][shifted], stage[1:][shifted]
    tst_h = EPOCH_S / 3600 * int(in_bed.asleep.sum())
    n_awakenings = float((reached == "W").sum())
    found: Measures = {
        "n_awakenings": n_awakenings,
        "awakening_index": n_awakenings / tst_h if tst_h else None,
        "stage_shifts_per_h": len(reached) / tst_h if tst_h else None,
    }
    if hypnogram.can_say("rem"):
        rem_h = EPOCH_S / 3600 * int((stage == "R").sum())
        found["rem_fragmentation_index"] = float((left == "R").sum()) / rem_h if rem_h else None
    if hypnogram.can_say("n1"):
        to_light = np.isin(reached, ["W", "N1"]).sum()
        found["sleep_fragmentation_index"] = float(to_light) / tst_h if tst_h else None
    return found
