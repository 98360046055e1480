"""SleepECG's view of a night, and how two views become one.

The fusion head learnt from few people; SleepECG's network saw 1,971 nights of MESA and knows W, NREM and R only.
"""

from __future__ import annotations

from datetime import time

import numpy as np

from holter2sleep.night import Sex
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cards import read_card, read_weights
from holter2sleep.sleep.staging.physiology import fits_neighbours
from holter2sleep.sleep.staging.sleepecg_features import Context
from holter2sleep.sleep.staging.sleepecg_mesa import Network, chances_of, load_network

# Without start, age or sex SleepECG calls hardly any REM sleep (3 % of the chances on control nights; 13 % with them):
# it never saw a night without. What is not known is set to what was typical of its training nights.
TYPICAL_START, TYPICAL_AGE, AGES = time(22, 30), 60.0, (54.0, 95.0)
SEXES: tuple[Sex, ...] = ("F", "M")
TOGETHER = ((0,), (1, 2, 3), (4,))  # columns of W, N1, N2, N3, R that are one class of SleepECG's
LEAST = 1e-6  # chance: nobody's no is final


class SecondOpinion:
    """SleepECG, asked within what it was trained on."""

    def __init__(self) -> None:
        self._network: Network = load_network(read_weights(read_card("sleepecg-mesa")))

    def of(self, evidence: Evidence) -> Proba:
        """Chances of W, NREM, R. array (n_epochs, 3); NaN where it has no answer."""
        # A false beat in 300 makes wake of sleep: 88 in a waveform of slp61 raised its chance of W from 0.40 to 0.66.
        believed = fits_neighbours(np.diff(evidence.beats.time_s[evidence.beats.usable]))
        return chances_of(self._network, evidence, _contexts(evidence), believed)


def assumptions(evidence: Evidence) -> tuple[str, ...]:
    """A note of what SleepECG was told of the night without anybody having said it."""
    subject = evidence.recording.subject
    told = {
        f"a start at {TYPICAL_START:%H:%M}": evidence.grid_start,
        f"an age of {TYPICAL_AGE:.0f} years": subject.age_years,
        "either sex": subject.sex,
    }
    assumed = [words for words, value in told.items() if value is None]
    return (f"stages: the second opinion assumes {', '.join(assumed)}, for it is not known",) if assumed else ()


def _contexts(evidence: Evidence) -> list[Context]:
    start, subject = evidence.grid_start, evidence.recording.subject
    age = float(np.clip(TYPICAL_AGE if subject.age_years is None else subject.age_years, *AGES))
    sexes = SEXES if subject.sex is None else (subject.sex,)
    return [Context(TYPICAL_START if start is None else start.time(), age, sex) for sex in sexes]


def agreed(own: Proba, opinion: Proba) -> Proba:
    """Geometric mean of both views of W, NREM and R; N1, N2 and N3 share NREM as the first view has it.

    Both count the same: no set of scored nights is left to tell whose word is worth more. Where there is no second
    opinion the first stands. array (n_epochs, 5), rows sum to 1.
    """
    ratio = np.ones_like(own)
    for i, columns in enumerate(TOGETHER):
        said = own[:, columns].sum(axis=1)
        ratio[:, columns] = np.sqrt((opinion[:, i] + LEAST) / (said + LEAST))[:, None]
    both = own * np.where(np.isnan(ratio), np.float32(1), ratio)
    return (both / both.sum(axis=1, keepdims=True)).astype(np.float32)
