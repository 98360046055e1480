"""Five stages by the published network of Jones, Itti and Sheth, from checkpoints that the user has installed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.errors import WeightsError
from holter2sleep.night import EPOCH_S, SCHEMES, Bool, Float
from holter2sleep.sleep.staging.base import Evidence, Proba
from holter2sleep.sleep.staging.cardiosomnography_net import CardiosomnographyNet, load_network
from holter2sleep.sleep.staging.cardiosomnography_signal import night_level, scaled_blocks
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.installable import get_installable
from holter2sleep.sleep.staging.installed import installed_sha256, is_installed, verified
from holter2sleep.sleep.staging.threads import inference

SEX = {"F": 0.0, "M": 1.0}
DAY_S = 86_400.0
NOISE_SEED = 0  # of the inputs a variant was trained without: noise there, and the same noise every time
LONGEST_NIGHT_S = 14 * 3600.0  # of a longer recording the network is shown lights-off to lights-on: it knows nights
CAUSAL_STAGER = "cardiosomnography-causal"


@dataclass(frozen=True)
class Variant:
    """A published checkpoint, and what it must be told."""

    name: str  # of the weights
    time: bool  # position in the night and clock
    person: bool  # sex and age


# Best first, by published validation kappa, among those that can be told what they want.
VARIANTS = (
    Variant("cardiosomnography-primary", time=True, person=True),
    Variant("cardiosomnography-no-time", time=False, person=True),
    Variant("cardiosomnography-only-ecg", time=False, person=False),
    Variant("cardiosomnography-no-demographics", time=True, person=False),
)
CAUSAL = (Variant("cardiosomnography-real-time", time=True, person=True),)


class Cardiosomnography:
    """W, N1, N2, N3, R; the variant is chosen by what is known of clock and person.

    The real-time variant is the only causal one: what it was trained with and is not known is noise to it.
    """

    def __init__(self, card: Card) -> None:
        self.card = card
        there = [variant for variant in _variants(card) if is_installed(get_installable(variant.name))]
        self._paths = {variant: verified(get_installable(variant.name)) for variant in there}
        if not there:
            names = ", ".join(variant.name for variant in _variants(card))
            raise WeightsError(
                f"Stager {card.name!r} needs weights that are not installed, of: {names}; "
                f"holter2sleep models install {_variants(card)[0].name} --from FOLDER"
            )

    def stage(self, evidence: Evidence) -> tuple[Proba, tuple[str, ...]]:
        """Probabilities of the five stages; NaN where an epoch is cut, holds a gap or lies outside the night."""
        has_time = evidence.grid_start is not None
        subject = evidence.recording.subject
        has_person = subject.age_years is not None and subject.sex is not None
        variant = self._chosen(has_time, has_person)
        network = load_network(self._paths[variant], real_time=variant in CAUSAL)
        proba = np.full((evidence.grid.n, len(SCHEMES[self.card.scheme])), np.nan, np.float32)
        night = shown_epochs(evidence)
        told = additional_inputs(evidence, night, variant)
        proba[night] = night_proba(network, evidence, night, told)
        notes = [f"{self.card.name} by {variant.name}, SHA-256 {installed_sha256(get_installable(variant.name))}"]
        if (variant.time and not has_time) or (variant.person and not has_person):
            notes.append(f"{variant.name} was trained with clock, age and sex; noise stands for what is not known")
        return proba, tuple(notes)

    def _chosen(self, has_time: bool, has_person: bool) -> Variant:
        able = [
            variant
            for variant in self._paths
            if variant in CAUSAL or (variant.time <= has_time and variant.person <= has_person)
        ]
        if able:
            return able[0]
        names = ", ".join(variant.name for variant in self._paths)
        raise WeightsError(
            f"Stager {self.card.name!r}: clock, age or sex are not known, and the installed {names} want them; give "
            f"--start, --age and --sex, or holter2sleep models install cardiosomnography-only-ecg --from FOLDER"
        )


def _variants(card: Card) -> tuple[Variant, ...]:
    return CAUSAL if card.name == CAUSAL_STAGER else VARIANTS


def shown_epochs(evidence: Evidence) -> NDArray[np.int64]:
    """Index of the whole epochs of the recording, or of the night within a long one."""
    grid, lights = evidence.grid, evidence.lights
    whole: Bool = grid.onset_s + EPOCH_S <= evidence.recording.duration_s
    if evidence.recording.duration_s > LONGEST_NIGHT_S:
        whole &= (grid.onset_s >= lights.off_s - EPOCH_S) & (grid.onset_s < lights.on_s)
    return np.flatnonzero(whole)


def additional_inputs(evidence: Evidence, night: NDArray[np.int64], variant: Variant) -> NDArray[np.float32]:
    """Sex, age / 100, position from -1 to 1 and clock as a signed share of a day. array (n_night, 4).

    Standard normal noise stands for what the variant was trained without, as in its training, and for what is unknown.
    """
    out = np.random.default_rng(NOISE_SEED).standard_normal((len(night), 4))
    subject, start = evidence.recording.subject, evidence.grid_start
    if variant.person and subject.sex is not None:
        out[:, 0] = SEX[subject.sex]
    if variant.person and subject.age_years is not None:
        out[:, 1] = subject.age_years / 100
    if variant.time:
        out[:, 2] = np.linspace(-1, 1, len(night))
    if variant.time and start is not None and len(night):
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        first = signed_clock((start - midnight).total_seconds() + EPOCH_S * night[0])
        out[:, 3] = first + EPOCH_S / DAY_S * np.arange(len(night))
    return out.astype(np.float32)


def signed_clock(second_of_day: float) -> float:
    """Share of a day since midnight, or until it after noon.

    Examples
    --------
    >>> signed_clock(6 * 3600.0), signed_clock(18 * 3600.0)
    (0.25, -0.25)
    """
    return (second_of_day / DAY_S + 0.5) % 1.0 - 0.5


def night_proba(
    network: CardiosomnographyNet, evidence: Evidence, night: NDArray[np.int64], told: NDArray[np.float32]
) -> Proba:
    """Probabilities of the shown epochs; those that are not usable go in as zeros and come out as NaN."""
    if len(night) == 0:
        return np.empty((0, len(SCHEMES["AASM5"])), np.float32)
    onset_s: Float = evidence.grid.onset_s[night]
    level = night_level(evidence.recording, onset_s, evidence.quality.usable[night])
    with inference():
        blocks = scaled_blocks(evidence.recording, onset_s, level)
        code_ED = torch.cat([network.ecg_code(torch.from_numpy(ecg_ET)) for ecg_ET in blocks])
        proba = torch.softmax(network(code_ED, torch.from_numpy(told)), dim=1).numpy()
    return np.where(level.whole[:, None], proba, np.float32(np.nan))
