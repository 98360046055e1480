"""Evidence of a night to its hypnogram."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from holter2sleep.errors import UsageError, WeightsError
from holter2sleep.night import MERGED, NN, SCHEMES, UNSCORED, WARN_SHARE, Hypnogram, Text
from holter2sleep.sleep.staging.base import Evidence, Proba, Stager
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.registry import AUTO, get_stager, list_cards

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StagingRules:
    """Choices of the staging step; values in `pipelines/overnight.toml`, section `[staging]`."""

    stager: str  # name of a stager, the folder of a head, or "auto"
    minimum_sd_ms: float  # of the NN intervals; a night whose intervals vary less has no stages


def stage_sleep(evidence: Evidence, rules: StagingRules) -> tuple[Hypnogram, tuple[str, ...]]:
    """The night's hypnogram, with notes on who staged it, how well that is known to work and what was missing.

    An epoch that is not usable, or for which the stager has no answer, is `U` with NaN probabilities; so is every epoch
    of a night whose NN intervals do not vary, for a stager of heart beats looks at how they do. `auto` takes
    the first of `list_cards` whose weights are installed and whose input is there; never one that is for those who ask
    for it by name.

    Raises
    ------
    UsageError
        Unknown stager, or one that needs a waveform for a beat file.
    WeightsError
        Weights of the named stager are missing or not the registered ones.
    """
    stager, choice_notes = _best_stager(evidence) if rules.stager == AUTO else (get_stager(rules.stager), ())
    card = stager.card
    if _lacks_waveform(card, evidence):
        raise UsageError(
            f"Stager {card.name!r} needs a waveform and {evidence.recording.source.file!r} holds beats only; "
            f"use --stager auto"
        )
    answer, input_notes = stager.stage(evidence)
    even = _too_even(evidence.nn, rules.minimum_sd_ms)
    known = evidence.quality.usable & (not even)
    proba = np.where(known[:, None], answer, np.float32(np.nan))
    hypnogram = Hypnogram(evidence.grid, _most_probable(proba, card.scheme), card.scheme, card.name, proba)
    _log_share(evidence, hypnogram)
    notes = (*choice_notes, *input_notes, *even)
    return hypnogram, (f"stages by {card.name} ({card.scheme}): {card.headline}", *notes)


def _too_even(nn: NN, minimum_sd_ms: float) -> tuple[str, ...]:
    """A note where the intervals are those of a machine."""
    if len(nn) < 2 or (sd_ms := float(np.std(nn.nn_ms))) >= minimum_sd_ms:
        return ()
    note = f"no stages: the NN intervals hardly vary (SD {sd_ms:.2f} ms), as those of a pacemaker or a test signal"
    log.warning(note)
    return (note,)


def _best_stager(evidence: Evidence) -> tuple[Stager, tuple[str, ...]]:
    """The best stager that can run, with a note for each better one that cannot."""
    notes: list[str] = []
    for card in list_cards():
        if card.on_request:
            continue
        if _lacks_waveform(card, evidence):
            notes.append(f"stager {card.name} passed over: it needs a waveform")
            continue
        try:
            return get_stager(card.name), tuple(notes)
        except WeightsError as error:
            notes.append(f"stager {card.name} passed over: {error}")
    raise WeightsError(f"No stager can run on {evidence.recording.source.file!r}: {'; '.join(notes)}")


def _lacks_waveform(card: Card, evidence: Evidence) -> bool:
    return card.needs_waveform and evidence.recording.ecg is None


def _most_probable(proba: Proba, scheme: str) -> Text:
    """Letter of the most probable class, from coarse to fine; `U` for a row of NaN. array (n_epochs,).

    First of W, NREM and R, then within NREM of N3 and light, then within light of N1 and N2: the letters merged to a
    coarser scheme are those of the merged probabilities. Sleep divided among four stages is not called wake.
    """
    letters = np.array(SCHEMES[scheme])
    chance = np.where(np.isnan(proba), np.float32(0), proba)
    chosen = np.ones(chance.shape, bool)
    for coarse in ("CARDIO3", "CARDIO4", "AASM5"):
        group = np.array([MERGED[coarse].get(letter, letter) for letter in letters.tolist()])
        member = group[:, None] == list(dict.fromkeys(group.tolist()))
        best = ((chance * chosen) @ member).argmax(axis=1)
        chosen &= member.T[best]
    return np.where(np.isnan(proba[:, 0]), UNSCORED, letters[chosen.argmax(axis=1)])


def _log_share(evidence: Evidence, hypnogram: Hypnogram) -> None:
    n_unscored = int((hypnogram.stage == UNSCORED).sum())
    share = n_unscored / hypnogram.grid.n
    level = logging.WARNING if share > WARN_SHARE else logging.INFO
    log.log(
        level,
        "%s: stages by %s, %d of %d epochs (%.0f %%) unscored",
        evidence.recording.recording_id,
        hypnogram.scorer,
        n_unscored,
        hypnogram.grid.n,
        100 * share,
    )
