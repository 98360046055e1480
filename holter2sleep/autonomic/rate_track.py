"""The course of the breathing rate through a night, from what each epoch says of every rate.

Breathing changes little from one half minute to the next, and now and then at once: a hidden Markov chain over rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holter2sleep.night import Float

RATES_BPM = np.arange(6.0, 45.01, 0.5)
NEAR_BPM = 2.0  # a rate is right when it is off by no more
# Adults at rest breathe 12 to 20 times a minute; a log-normal spread of 0.35 holds 8 to 32 within two of it.
USUAL_BPM = 16.0
USUAL_SPREAD = 0.35


@dataclass(frozen=True)
class TrackRules:
    """Keys of `[breathing.track]`."""

    change_bpm: float
    jump_share: float


def track_rates(log_evidence: Float, rules: TrackRules) -> tuple[Float, Float]:
    """Breathing rate of each epoch, and the chance that it is right within 2/min, by all epochs together.

    Parameters
    ----------
    log_evidence
        array (n_epochs, n_rates): how far each epoch speaks for each of `RATES_BPM`; a row of one value says nothing.

    Returns
    -------
    rate_bpm, chance
        Two arrays (n_epochs,): the mean around the likeliest rate, and the probability that lies there.

    References
    ----------
    Rabiner LR. Proc IEEE 1989;77:257-286 (forward-backward).
    """
    chance = _posterior(log_evidence, _prior(), _change(_prior(), rules))
    likeliest = RATES_BPM[chance.argmax(axis=1)]
    near = np.where(np.abs(RATES_BPM - likeliest[:, None]) <= NEAR_BPM, chance, 0.0)
    mass = near.sum(axis=1)
    return near @ RATES_BPM / mass, mass


def _prior() -> Float:
    """Probability of each rate before anything is seen. array (n_rates,)."""
    density = np.exp(-0.5 * (np.log(RATES_BPM / USUAL_BPM) / USUAL_SPREAD) ** 2) / RATES_BPM
    return density / density.sum()


def _change(prior: Float, rules: TrackRules) -> Float:
    """Probability of each rate in an epoch after each in the one before. array (n_rates, n_rates).

    A small step falls off as an exponential, the same for every rate: what would lie beyond the borders starts anew.
    """
    steps = np.abs(RATES_BPM[:, None] - RATES_BPM) / rules.change_bpm
    one = np.exp(-(RATES_BPM[1] - RATES_BPM[0]) / rules.change_bpm)
    near = (1 - rules.jump_share) * np.exp(-steps) * (1 - one) / (1 + one)
    return near + (1 - near.sum(axis=1, keepdims=True)) * prior


def _posterior(log_evidence: Float, prior: Float, change: Float) -> Float:
    """Probability of each rate in each epoch, by forward and backward recursion. array (n_epochs, n_rates)."""
    likelihood = np.exp(log_evidence - log_evidence.max(axis=1, keepdims=True))
    forward, backward = np.empty_like(likelihood), np.ones_like(likelihood)
    before = prior
    for epoch, seen in enumerate(likelihood):
        forward[epoch] = before * seen / (before @ seen)
        before = forward[epoch] @ change
    for epoch in range(len(likelihood) - 1, 0, -1):
        behind = change @ (likelihood[epoch] * backward[epoch])
        backward[epoch - 1] = behind / behind.sum()
    both = forward * backward
    return both / both.sum(axis=1, keepdims=True)
