"""A recording's waveform as the cardiosomnography network wants it: 30 s epochs at 256 Hz, bursts damped, within +-1.

The steps are those its authors describe; loose leads are left out as unusable epochs (`Quality`). What they leave open
is chosen here, and unverified against their training data: order and ripple of the high-pass, width of the notch, the
windows in which bursts are looked for, the median of each epoch instead of one for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from holter2sleep.night import EPOCH_S, Bool, Float, Recording
from holter2sleep.sleep.staging.windows import Shape, cut_windows

PASS_HZ, STOP_HZ = 0.5, 0.25  # published
RIPPLE_DB, ATTENUATION_DB = 1.0, 40.0
MAINS_HZ, NOTCH_Q = (50.0, 60.0), 30.0  # both: the recording does not say where it was made
# Of the slowest pole of the high-pass (0.68/s) 2e-12 is left after 40 s.
SHAPE = Shape(window_s=EPOCH_S, fs=256.0, settling_s=40.0)
PIECES = 15  # of an epoch, 2 s each: the shortest that hold a beat at 30/min
LARGEST_MAD, LARGEST_PEAK = 3.0, 2.0  # published: times the usual MAD, times the 95th percentile of the peaks
USUAL_PEAK = 95.0
# Published: about 90 % of the tallest waves of the beats within +-0.5. The tallest of the two or three beats of a piece
# of 2 s is below the 90th percentile of all in 0.9 ** 2.3 = 79 % of the pieces.
TALL_PERCENT, TALL = 79.0, 0.5
BLOCK_EPOCHS = 64  # 32 min, 4 MB


@dataclass(frozen=True)
class Level:
    """What a night's pieces of 2 s look like, and so how each is scaled."""

    whole: Bool  # (n_epochs,): the epoch holds signal from end to end
    gain: Float  # (n_epochs, PIECES), 1/mV; 0 where nothing is known

    @classmethod
    def of(cls, whole: Bool, mad: Float, peak: Float) -> Level:
        """Gains from the median absolute deviation and the highest deviation of each piece, (n_epochs, PIECES)."""
        known = whole & (peak > 0).any(axis=1)
        if not known.any():
            return cls(known, np.zeros_like(peak))
        calm = _damping(mad, LARGEST_MAD * np.median(mad[known]))
        calm *= _damping(peak * calm, LARGEST_PEAK * np.percentile((peak * calm)[known], USUAL_PEAK))
        tall = np.percentile((peak * calm)[known], TALL_PERCENT)
        return cls(known, np.where(known[:, None] & (tall > 0), TALL * calm / max(tall, 1e-12), 0.0))


def night_level(recording: Recording, onset_s: Float, usable: Bool) -> Level:
    """The level of a night, from a first look at all of its epochs; one that is not usable counts as not whole."""
    looks = [(whole, *_deviations(ecg_ET)) for whole, ecg_ET in _filtered_blocks(recording, onset_s)]
    whole, mad, peak = (np.concatenate(part) for part in zip(*looks, strict=True))
    return Level.of(whole & usable, mad, peak)


def scaled_blocks(recording: Recording, onset_s: Float, level: Level) -> Iterator[NDArray[np.float32]]:
    """The night's epochs in blocks, (n, 7680) float32 within +-1; zeros where an epoch is not whole."""
    gain = level.gain.ravel()
    piece = np.arange(len(gain))
    samples = SHAPE.n_samples // PIECES
    first = 0
    for _, ecg_ET in _filtered_blocks(recording, onset_s):
        # from the middle of a piece to the middle of the next, so that nothing jumps
        at = first * PIECES + (np.arange(ecg_ET.size) + 0.5) / samples - 0.5
        smooth = np.interp(at, piece, gain).reshape(ecg_ET.shape)
        there = level.whole[first : first + len(ecg_ET), None]
        yield np.where(there, np.clip(ecg_ET * smooth, -1, 1), 0).astype(np.float32)
        first += len(ecg_ET)


def _filtered_blocks(recording: Recording, onset_s: Float) -> Iterator[tuple[Bool, Float]]:
    """Which epochs are whole, and their signal around its median, mV."""
    for first in range(0, len(onset_s), BLOCK_EPOCHS):
        ecg_ET, whole = cut_windows(recording, onset_s[first : first + BLOCK_EPOCHS], SHAPE, _filtered)
        yield whole, ecg_ET - np.median(ecg_ET, axis=1, keepdims=True)


def _filtered(x: Float, fs: float) -> Float:
    """High-pass and notches, in both directions."""
    order, corner_hz = signal.cheb2ord(PASS_HZ, STOP_HZ, RIPPLE_DB, ATTENUATION_DB, fs=fs)
    sections = [signal.cheby2(order, ATTENUATION_DB, corner_hz, "highpass", fs=fs, output="sos")]
    sections += [signal.tf2sos(*signal.iirnotch(hz, NOTCH_Q, fs)) for hz in MAINS_HZ if hz < fs / 2]
    smooth: Float = signal.sosfiltfilt(np.concatenate(sections), x)
    return smooth


def _deviations(ecg_ET: Float) -> tuple[Float, Float]:
    """Median absolute deviation and highest deviation of each piece; two arrays (n_epochs, PIECES)."""
    pieces = np.abs(ecg_ET).reshape(len(ecg_ET), PIECES, -1)
    return np.median(pieces, axis=-1), pieces.max(axis=-1)


def _damping(value: Float, limit: float) -> Float:
    """What brings each value down to the limit; 1 where it is below."""
    return np.minimum(1.0, limit / np.maximum(value, 1e-12)) if limit > 0 else np.ones_like(value)
