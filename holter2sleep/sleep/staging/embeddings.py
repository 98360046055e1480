"""A night's waveform to one embedding an epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from holter2sleep.night import EPOCH_S, Bool, EpochGrid, Float, Quality, Recording
from holter2sleep.sleep.staging.encoder import Net1D
from holter2sleep.sleep.staging.profiles import WINDOW_S, Profile, Windows, encoder_windows
from holter2sleep.sleep.staging.threads import inference
from holter2sleep.spans import covers

Embeddings = NDArray[np.float32]

PER_EPOCH = round(EPOCH_S / WINDOW_S)
BATCH = 32  # windows: where CLEF-small is fastest (`benchmarks/encoders.py`); larger networks hardly mind
BLOCK_EPOCHS = 40  # 20 min of windows, 2 MB


def epoch_embeddings(
    recording: Recording,
    quality: Quality,
    encoder: Net1D,
    profile: Profile,
    block_epochs: int = BLOCK_EPOCHS,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> Embeddings:
    """Mean and SD over each epoch's three windows of their embeddings. array (n_epochs, 2 * n_features) float32.

    Windows outside the usable time, and those that touch a gap, are left out; an epoch without any is NaN, the SD of
    a single one is 0. The record is read `block_epochs` at a time, whose number does not change the answer;
    `told` hears after each block how many epochs are done, of how many.
    """
    grid = EpochGrid.covering(recording.duration_s)
    if len(quality.usable) != grid.n:
        raise ValueError(f"quality of {len(quality.usable)} epochs for a recording of {grid.n}")
    out = np.full((grid.n, 2 * encoder.config.n_features), np.nan, np.float32)
    for first in range(0, grid.n, block_epochs):
        start_s = grid.onset_s[first : first + block_epochs, None] + WINDOW_S * np.arange(PER_EPOCH)
        wanted = covers(quality.usable_spans, start_s, start_s + WINDOW_S)
        wanted &= quality.usable[first : first + block_epochs, None]
        out[first : first + block_epochs] = _block_embeddings(recording, start_s, wanted, encoder, profile)
        told(min(first + block_epochs, grid.n), grid.n)
    return out


def embed(encoder: Net1D, windows: Windows) -> Embeddings:
    """Embeddings of windows. array (n_windows, n_features) float32."""
    with inference():
        parts = [encoder(torch.from_numpy(windows[i : i + BATCH])).numpy() for i in range(0, len(windows), BATCH)]
    return np.concatenate([np.empty((0, encoder.config.n_features), np.float32), *parts])


def _block_embeddings(
    recording: Recording, start_s: Float, wanted: Bool, encoder: Net1D, profile: Profile
) -> Embeddings:
    """Pooled embeddings of a block of epochs from the wanted of its windows, both (n_epochs, 3)."""
    windows, usable = encoder_windows(recording, start_s[wanted], profile)
    z = np.full((*wanted.shape, encoder.config.n_features), np.nan, np.float32)
    epoch, place = np.nonzero(wanted)
    z[epoch[usable], place[usable]] = embed(encoder, windows[usable])
    return pooled(z)


def pooled(z: Embeddings) -> Embeddings:
    """Mean and population SD over the windows that are not NaN. (n_epochs, n_windows, d) to (n_epochs, 2 * d)."""
    known = ~np.isnan(z[:, :, :1])
    n = known.sum(axis=1)
    there = np.where(known, z, 0)
    mean = there.sum(axis=1) / np.maximum(n, 1)
    variance = np.where(known, (there - mean[:, None]) ** 2, 0).sum(axis=1) / np.maximum(n, 1)
    both = np.concatenate([mean, np.sqrt(variance)], axis=1)
    return np.where(n > 0, both, np.nan).astype(np.float32)
