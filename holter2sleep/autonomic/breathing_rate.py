"""The breathing rate of each epoch, from the sizes of the QRS complexes and the intervals between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import windows

from holter2sleep.autonomic.edr import (
    EVEN_HZ,
    MAD_TO_SD,
    TINY,
    EvenSeries,
    heart_rate_bpm,
    nn_series,
    repeated_noise,
    size_series,
    without_baseline,
)
from holter2sleep.autonomic.rate_track import RATES_BPM, TrackRules, track_rates
from holter2sleep.heart.qrs_sizes import QrsSizes
from holter2sleep.night import EPOCH_S, NN, Beats, Bool, EpochGrid, Float, Respiration

STEP_BPM = float(RATES_BPM[1] - RATES_BPM[0])
HANN_BINS = 1.5  # noise bandwidth of a Hann window in bins of 1 / window: what one sinusoid fills
LARGEST_SHARE = 0.98  # of a window that one rate may explain: the evidence stays finite
CLIP_SD = 3.0  # robust standard deviations; a sinusoid reaches 0.95 of one
FLICKER = 1.0  # power of 1/f in the noise of bodies and electrodes, until the record tells its own
FLATTEST, STEEPEST = 0.0, 2.5
TELLING_EPOCHS = 10  # 5 min say how a record's noise falls
RESPIRATORY_BPM = 3.0  # 0.05 Hz either side of the rate
ALIKE = 2.0  # so many sizes with the same noise count in full, as many more in part (made noise without breathing)
BATCH = 1024  # epochs whose windows are cut together: bounds the memory


@dataclass(frozen=True)
class BreathingRules:
    """Keys of `[breathing]`."""

    window_s: float
    minimum_window_share: float
    smallest_swing: float
    evidence_weight: float
    least_confidence: float
    least_share: float
    track: TrackRules


def find_breathing(beats: Beats, nn: NN, sizes: QrsSizes | None, grid: EpochGrid, rules: BreathingRules) -> Respiration:
    """The breathing rate of each epoch with the chance that it is right within 2/min; events stay unknown.

    A window around each epoch asks every series how much of its swing a sinusoid of each rate explains, beside noise
    that falls as a power of the rate. The series add their evidence, so that one which holds no breathing says nothing,
    and those which agree count. A heart that beats `h` times a minute shows a rate `r` as `h - r` too: both have the
    same evidence, and what is usual decides between them, or leaves it open. The night's course of rates is then taken
    as a whole (`rate_track`).

    References
    ----------
    Bretthorst GL. Bayesian Spectrum Analysis and Parameter Estimation. Springer 1988, chapter 2 (one
    sinusoid in noise of unknown size).
    Lazaro J et al. Med Biol Eng Comput 2013;51:233-242; Karlen W et al. IEEE Trans Biomed Eng 2013;60:1946-1953 (fusion
    of several series).
    """
    nothing = Respiration.unknown(grid.n)
    if len(beats) < 2:
        return nothing
    heart_bpm = heart_rate_bpm(beats, _middle_s(grid))
    evidence, heard = np.zeros((grid.n, len(RATES_BPM))), np.zeros(grid.n, bool)
    rsa = _densities(nn_series(nn, beats), float(np.median(nn.nn_ms)) if len(nn) else 1.0, grid, rules)
    for density, weight in itertools.chain(_size_densities(beats, sizes, grid, rules), [(np.nan_to_num(rsa), 1.0)]):
        heard |= density.any(axis=1)
        evidence += weight * _log_evidence(density * _whitening(density, heart_bpm), heart_bpm, rules)
    rate_bpm, chance = track_rates(_with_images(evidence, heart_bpm), rules.track)
    rate_bpm, chance = np.where(heard, rate_bpm, np.nan), np.where(heard, chance, np.nan)
    return nothing.but(rate_bpm=rate_bpm, confidence=chance, hf_ms2=_power_near(rsa, rate_bpm))


def confident(respiration: Respiration, rules: BreathingRules) -> Bool:
    """Epochs whose rate may enter a number. array (n_epochs,)."""
    return respiration.confidence >= rules.least_confidence


def tells_of_breathing(share: float, rules: BreathingRules) -> bool:
    """Whether so large a share of confident epochs is more than noise would have."""
    return share >= rules.least_share


def _power_near(density: Float, rate_bpm: Float) -> Float:
    """Power of each epoch within 0.05 Hz of its rate; NaN where either is unknown. array (n_epochs,)."""
    near = np.abs(RATES_BPM - rate_bpm[:, None]) <= RESPIRATORY_BPM
    power = np.where(near, density, 0.0).sum(axis=1) * STEP_BPM / 60
    return np.where(np.isfinite(density[:, 0] + rate_bpm), power, np.nan)


def _size_densities(
    beats: Beats, sizes: QrsSizes | None, grid: EpochGrid, rules: BreathingRules
) -> Iterator[tuple[Float, float]]:
    """Power density of each size at each rate, zeros where unknown, and what it counts.

    Sizes of one complex that change alike from beat to beat tell one thing several times.
    """
    if sizes is not None:
        counts = np.minimum(1.0, ALIKE / repeated_noise(beats, sizes)).tolist()
        for series, count in zip(size_series(beats, sizes), counts, strict=True):
            yield np.nan_to_num(_densities(series, 1.0, grid, rules)), count


def _middle_s(grid: EpochGrid) -> Float:
    return grid.onset_s + EPOCH_S / 2


def _densities(series: EvenSeries, usual: float, grid: EpochGrid, rules: BreathingRules) -> Float:
    """Power density of a series, its baseline taken off, around each epoch at each rate, per Hz. (n_epochs, n_rates).

    Zeros where it hardly swings against its usual value, NaN where too little of the window is known.
    """
    half = round(rules.window_s / 2 * EVEN_HZ)
    centre = np.round(_middle_s(grid) * EVEN_HZ).astype(np.int64)
    padded = np.full(centre[-1] + 2 * half + 1, np.nan, np.float32)
    known = without_baseline(series).value[: len(padded) - half]
    padded[half : half + len(known)] = known
    rows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    least_swing = rules.smallest_swing * usual
    parts = (rows[centre[at : at + BATCH]] for at in range(0, grid.n, BATCH))
    return np.concatenate([_density(part, least_swing, rules.minimum_window_share) for part in parts])


def _density(rows: NDArray[np.float32], least_swing: float, least_share: float) -> Float:
    """Hann-weighted periodogram of what is known of each row. array (n_rows, n_rates)."""
    known = np.isfinite(rows)
    hann = windows.hann(rows.shape[1])
    weight = hann * known
    values = _clipped(rows, known)
    middle = (weight * values).sum(axis=1) / np.maximum(weight.sum(axis=1), TINY)
    swing = weight * (values - middle[:, None])
    at_min = (np.arange(len(hann)) - len(hann) // 2) / EVEN_HZ / 60
    phase = 2 * np.pi * at_min[:, None] * RATES_BPM
    squares = np.maximum((weight**2).sum(axis=1), TINY)
    power = 2 * ((swing @ np.cos(phase)) ** 2 + (swing @ np.sin(phase)) ** 2) / (EVEN_HZ * squares[:, None])
    power[(swing**2).sum(axis=1) < least_swing**2 * squares] = 0.0
    power[weight.sum(axis=1) < least_share * hann.sum()] = np.nan
    return power


def _clipped(rows: NDArray[np.float32], known: Bool) -> Float:
    """What is known of each row, zeros elsewhere, cut where one beat goes beyond what breathing does."""
    ordered = np.sort(np.where(known, np.abs(rows), np.float32(np.inf)), axis=1)
    middle = ordered[np.arange(len(rows)), known.sum(axis=1) // 2]
    limit = CLIP_SD * MAD_TO_SD * np.where(np.isfinite(middle), middle, 0)[:, None]
    return np.clip(np.where(known, rows, 0.0), -limit, limit)


def _whitening(density: Float, heart_bpm: Float) -> Float:
    """Weight of each rate that makes the record's own noise even: a power of the rate. array (n_rates,).

    Breathing moves, and fills few rates at a time: the median over the night, and a line through its logarithm over
    all rates, show the noise.
    """
    telling = density[density.any(axis=1)]
    seen = RATES_BPM <= np.median(heart_bpm) / 2
    fall = FLICKER
    if len(telling) >= TELLING_EPOCHS and seen.sum() >= TELLING_EPOCHS:
        usual = np.median(telling[:, seen], axis=0)
        fall = -float(np.polyfit(np.log(RATES_BPM[seen]), np.log(usual + TINY * usual.max()), 1)[0])
    return RATES_BPM ** np.clip(fall, FLATTEST, STEEPEST)


def _log_evidence(density: Float, heart_bpm: Float, rules: BreathingRules) -> Float:
    """Logarithm of the evidence for a sinusoid of each rate in noise of unknown size. array (n_epochs, n_rates)."""
    resolution_bpm = HANN_BINS * 60 / rules.window_s
    total = density.sum(axis=1, keepdims=True) * STEP_BPM
    share = np.divide(density * resolution_bpm, total, out=np.zeros_like(density), where=total > 0)
    independent = heart_bpm[:, None] / resolution_bpm  # beats of a window, as far as its weights let them count
    return -rules.evidence_weight * independent / 2 * np.log1p(-np.minimum(share, LARGEST_SHARE))


def _with_images(evidence: Float, heart_bpm: Float) -> Float:
    """Rates above half the heart rate have the evidence of their image below it. array (n_epochs, n_rates).

    Where the image is slower than any rate looked at, the least evidence of the epoch.
    """
    image_bpm = np.minimum(RATES_BPM, heart_bpm[:, None] - RATES_BPM)
    place = np.clip((image_bpm - RATES_BPM[0]) / STEP_BPM, 0, len(RATES_BPM) - 1)
    low = place.astype(np.int64)
    part, row = place - low, np.arange(len(evidence))[:, None]
    between = (1 - part) * evidence[row, low] + part * evidence[row, np.minimum(low + 1, len(RATES_BPM) - 1)]
    return np.where(image_bpm >= RATES_BPM[0], between, np.minimum(evidence.min(axis=1, keepdims=True), 0.0))
