"""Beats to episodes: atrial fibrillation, runs, cycles, pauses, slow and fast rates, suspected block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.heart.fibrillation import AfRules, Fibrillation, find_fibrillation
from holter2sleep.heart.intervals import trusted_rr
from holter2sleep.heart.p_waves import PWaves
from holter2sleep.heart.rates import pauses, smoothed_bpm, sustained
from holter2sleep.heart.runs import cycles_of_v, runs_of
from holter2sleep.heart.stretches import Stretches, gathered, merged
from holter2sleep.heart.sudden import SuddenRules, dropped_beats, fast_runs
from holter2sleep.night import AF_KINDS, Beats, Bool, Episodes, Float
from holter2sleep.spans import Spans, as_spans, contains

EVEN_CHANCE = 0.5  # that a beat is S which only its run makes S: sinus tachycardia may begin suddenly too
LIKELY = 0.5  # least chance of a V in AF


@dataclass(frozen=True)
class RhythmRules:
    """Keys of `[rhythm]`."""

    pause_s: float
    bigeminy_cycles: int
    brady_bpm: float
    tachy_bpm: float
    sustained_s: float
    smoothing_beats: int
    escape_bpm: float
    escape_p_absent: float
    af_margin_s: float
    least_share_outside_af: float
    sudden: SuddenRules
    af: AfRules


def find_episodes(
    beats: Beats,
    usable_spans: Spans,
    rules: RhythmRules,
    waves: PWaves | None = None,
    classes_told: bool = False,
) -> Episodes:
    """All episodes of a recording, by start.

    An episode begins at its first beat and ends at its last (a pause: from beat to beat). Nothing is said
    of time that is not usable. Kinds: AFIB; VT, SVTA (runs at tachycardia rate), IVR (slower ventricular run);
    COUPLET_V, COUPLET_S; B, T (bi-, trigeminy); PAUSE; BRADY, TACHY (outside AF and SVTA); BII, BIII (suspected
    second- and third-degree block, for a reader to decide).

    Parameters
    ----------
    waves
        P waves around the beats; None without a waveform: then a beat that is missing may lie in it unfound, and
        nothing is said of BII and BIII.
    classes_told
        Whether the classes are a reader's: a run whose beats are N to them is none, however suddenly it begins.
    """
    has_waveform, waves = waves is not None, waves or PWaves.unknown(len(beats))
    trusted = trusted_rr(beats, usable_spans)
    fibrillation = find_fibrillation(beats, trusted, waves, rules.af)
    near_af = _near_af(fibrillation.spans, beats, rules)
    in_af = contains(fibrillation.spans, beats.time_s)
    beats = without_unlikely_v(beats, in_af)
    couplets, fast, _ = runs_of(beats, trusted, "S", near_af)
    if not classes_told:
        fast = Stretches.of("SVTA", merged(fast.pairs + fast_runs(beats, trusted, near_af, rules.sudden).pairs))
    found = [
        *runs_of(beats, trusted, "V", np.zeros_like(near_af)),
        couplets,
        fast,
        *cycles_of_v(beats, trusted, rules.bigeminy_cycles),
        pauses(beats, trusted, rules.pause_s),
        *_sustained_rates(beats, trusted, in_af | fast.mask(len(beats)), waves, rules),
        *([dropped_beats(beats, trusted, near_af)] if has_waveform else []),
        _af(beats, fibrillation.spans),
    ]
    return _episodes(beats, found, fibrillation)


def without_unlikely_v(beats: Beats, in_af: Bool) -> Beats:
    """The beats with V in AF called N where it is not likely: early beats are often conducted aberrantly there.

    References
    ----------
    Gouaux JL, Ashman R (1947) Auricular fibrillation with aberration simulating ventricular paroxysmal tachycardia.
    Am Heart J 34:366-373.
    """
    called = (beats.label == "V") & in_af & (beats.chance_v < LIKELY)
    return beats.but(label=np.where(called, "N", beats.label), confidence=np.where(called, np.nan, beats.confidence))


def classes_in_af(beats: Beats, episodes: Episodes, rules: RhythmRules) -> Beats:
    """The beats without V that are not likely in AF, and without S there and just beside it.

    Prematurity means nothing where every interval differs.
    """
    af = episodes.of(*AF_KINDS).spans
    beats, inside = without_unlikely_v(beats, contains(af, beats.time_s)), _near_af(af, beats, rules)
    called = (beats.label == "S") & inside
    return beats.but(
        label=np.where(called, "N", beats.label),
        confidence=np.where(called, np.nan, beats.confidence),
        chance_s=np.where(inside, np.nan, beats.chance_s),
    )


def with_s_in_runs(beats: Beats, episodes: Episodes) -> Beats:
    """The beats with N in a supraventricular run called S: in a long run they are early no more."""
    runs = episodes.of("SVTA")
    inside = contains(as_spans(np.column_stack([runs.start_s, np.nextafter(runs.end_s, np.inf)])), beats.time_s)
    called = (beats.label == "N") & inside & beats.usable
    chance_s = np.where(called, np.fmax(beats.chance_s, EVEN_CHANCE), beats.chance_s)
    return beats.but(
        label=np.where(called, "S", beats.label),
        confidence=np.where(called, chance_s, beats.confidence),
        chance_s=chance_s,
    )


def near_af_spans(af: Spans, rules: RhythmRules) -> Spans:
    """AF with the margin beside it in which no S is called."""
    return as_spans(af + np.array([-rules.af_margin_s, rules.af_margin_s]))


def tells_of_s(outside_s: float, usable_s: float, rules: RhythmRules) -> bool:
    """Whether AF leaves enough of the analysable time to count supraventricular beats in."""
    return outside_s >= rules.least_share_outside_af * usable_s


def _near_af(spans: Spans, beats: Beats, rules: RhythmRules) -> Bool:
    """Whether each beat lies in AF, or within the margin beside it. array (n_beats,)."""
    return contains(near_af_spans(spans, rules), beats.time_s)


def _sustained_rates(beats: Beats, trusted: Bool, other: Bool, waves: PWaves, rules: RhythmRules) -> list[Stretches]:
    """BRADY, TACHY and BIII: the smoothed rate stays beyond the limit for at least `sustained_s`.

    BIII is a slow rhythm whose beats have no P wave before them: complete block, or a junctional escape.
    """
    rate_bpm = smoothed_bpm(beats, trusted, rules.smoothing_beats)
    if rate_bpm is None:
        return []
    beyond: dict[str, Bool] = {
        "BRADY": rate_bpm < rules.brady_bpm,
        "TACHY": rate_bpm > rules.tachy_bpm,
        "BIII": (rate_bpm < rules.escape_bpm) & (waves.absent >= rules.escape_p_absent),
    }
    return [sustained(beats, trusted, mask & ~other, kind, rules.sustained_s) for kind, mask in beyond.items()]


def _af(beats: Beats, spans: Spans) -> Stretches:
    first = np.searchsorted(beats.time_s, spans[:, 0]).tolist()
    last = (np.searchsorted(beats.time_s, spans[:, 1], side="right") - 1).tolist()
    return Stretches("AFIB", first, last)


def _episodes(beats: Beats, found: list[Stretches], fibrillation: Fibrillation) -> Episodes:
    start_s, end_s, kind, n_beats, rate_bpm = gathered(beats, found)
    confidence: Float = np.full(len(kind), np.nan)
    confidence[kind == "AFIB"] = fibrillation.probability
    return Episodes(start_s, end_s, kind, n_beats, rate_bpm, confidence.astype(np.float32))
