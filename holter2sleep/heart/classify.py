"""Beats to AAMI classes N, S, V, F.

Small networks see each beat beside the record's own typical beat, its timing, its kin and its neighbours. Runs of
atrial beats between sinus pauses are early against nothing near them; a rule finds them. Beats in noise stay N, and so
do those of a recording too short for a typical beat; Q is not called.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.heart.atrial_runs import AtrialRunRules, atrial_runs
from holter2sleep.heart.beat_features import beat_features
from holter2sleep.heart.class_net import CLASSES, class_chances
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.heart.shape import Shape
from holter2sleep.night import Beats, Bool, Float
from holter2sleep.spans import Spans

NAMES = np.array(list(CLASSES))
S, V, FUSION = (CLASSES.index(name) for name in "SVF")


@dataclass(frozen=True)
class ClassRules:
    """Keys of `[classes]`."""

    minimum_beats: int
    least_fusion_chance: float
    v_width_ratio: float
    run_confidence: float
    atrial_runs: AtrialRunRules


def classify_beats(beats: Beats, shape: Shape, usable_spans: Spans, rules: ClassRules) -> Beats:
    """The beats with classes N, S, V or F and the chance that each is right.

    Without waveform, or with too few beats for a typical one, all stay as they are.
    """
    if beats.usable.sum() < rules.minimum_beats:
        return beats
    votes, chance = class_chances(beat_features(beats, shape, usable_spans), shape.apart)
    votes[:, FUSION] *= chance[:, FUSION] >= rules.least_fusion_chance
    choice = _one_class_a_shape(votes.argmax(axis=1), votes, shape, rules)
    choice[~beats.usable] = 0  # a beat in noise is not called ectopic
    confidence = chance[np.arange(len(beats)), choice]
    label = NAMES[choice]
    in_run = _in_runs(beats, label, usable_spans, rules)
    label = np.where(in_run, "S", label)
    confidence = np.where(in_run, rules.run_confidence, confidence)
    return beats.but(
        label=label,
        confidence=confidence.astype(np.float32),
        chance_s=np.where(in_run, rules.run_confidence, chance[:, S]),
        chance_v=chance[:, V],
    )


def _one_class_a_shape(choice: NDArray[np.intp], votes: Float, shape: Shape, rules: ClassRules) -> NDArray[np.intp]:
    """The choice, where ectopic beats of one foreign shape are S or V together: they come from one place. (n_beats,).

    A shape much wider than the typical beat is V, as long as nothing proves it an aberrant S (AASM: wide complex).
    """
    ectopic = np.flatnonzero(np.isin(choice, (S, V)) & (shape.kin >= 0))
    if len(ectopic) == 0:
        return choice
    _, number = np.unique(shape.kin[ectopic], return_inverse=True)
    for_s, for_v, width = (np.bincount(number, x[ectopic]) for x in (votes[:, S], votes[:, V], shape.width))
    is_v = (for_v >= for_s) | (width > rules.v_width_ratio * np.bincount(number))
    together = choice.copy()
    together[ectopic] = np.where(is_v, V, S)[number]
    return together


def _in_runs(beats: Beats, label: NDArray[np.str_], usable_spans: Spans, rules: ClassRules) -> Bool:
    """Beats of atrial runs between pauses; no ventricular beat is in one, or at its ends."""
    own = trusted_rr(beats, usable_spans) & (label != "V") & np.r_[True, label[:-1] != "V"]
    return atrial_runs(beats.time_s, beats.rr_s, own, rules.atrial_runs) & beats.usable
