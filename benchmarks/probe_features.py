"""What a window is turned into before a linear probe: embeddings, or numbers made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import signal, stats

from holter2sleep.night import Beats, Float
from holter2sleep.sleep.staging.embeddings import embed
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.encoder_weights import load_encoder
from holter2sleep.sleep.staging.profiles import FS, WINDOW_S, Windows
from holter2sleep.training.physiology import window_physiology

OURS, RANDOM, HAND_MADE, TAUGHT = "ours", "random weights", "hand-made", "what it was taught"
N_RANDOM = 3  # networks with weights as torch draws them
BANDS_HZ = ((0.67, 3), (3, 8), (8, 15), (15, 25), (25, 40))
TEMPLATE_S = 0.3  # about a beat


@dataclass(frozen=True)
class Seen:
    """The usable windows of a recording, its beats as the pipeline finds them and its time in AF."""

    windows: Windows  # (n, 5000), z-scored
    start_s: Float  # (n,)
    beats: Beats
    af: Float  # (n_spans, 2), s
    duration_s: float


class Features:
    """All the ways to describe windows, each a list: of one, or of several networks with random weights."""

    def __init__(self, weights: Path) -> None:
        self._ours = load_encoder(weights)
        self._random = [random_network(seed) for seed in range(N_RANDOM)]

    def of(self, seen: Seen) -> dict[str, list[Float]]:
        """By name; arrays (n_windows, n_features)."""
        taught = window_physiology(seen.windows, seen.start_s, seen.beats, seen.af, seen.duration_s)
        return {
            OURS: [embed(self._ours, seen.windows)],
            RANDOM: [embed(network, seen.windows) for network in self._random],
            HAND_MADE: [hand_made(seen)],
            TAUGHT: [with_unknown_marked(taught)],
        }


def random_network(seed: int) -> Net1D:
    """The same network, as torch draws its weights."""
    torch.manual_seed(seed)
    return Net1D(CONFIGS["clef-small"]).eval()


def with_unknown_marked(rows: Float) -> Float:
    """Zeros for what is not known, and for every column one that says so."""
    unknown = np.isnan(rows)
    return np.concatenate([np.where(unknown, 0, rows), unknown], axis=1)


def hand_made(seen: Seen) -> Float:
    """RR statistics, spectrum, amplitude distribution and template of each window."""
    first, last = np.searchsorted(seen.beats.time_s, np.stack([seen.start_s, seen.start_s + WINDOW_S]))
    beat_s = [seen.beats.time_s[i:j] - t for i, j, t in zip(first, last, seen.start_s, strict=True)]
    rows = [
        [*rr_statistics(beats), *template_statistics(window, beats)]
        for window, beats in zip(seen.windows, beat_s, strict=True)
    ]
    return np.concatenate([with_unknown_marked(np.array(rows)), spectrum(seen.windows)], axis=1)


def rr_statistics(beat_s: Float) -> list[float]:
    """Mean, SD, RMSSD, pNN50, entropy-like spread and extremes of the RR intervals; NaN with too few beats."""
    rr_s = np.diff(beat_s)
    if len(rr_s) < 3:
        return [np.nan] * 8
    change_s = np.diff(rr_s)
    rmssd_s = np.sqrt((change_s**2).mean())
    return [
        rr_s.mean(),
        np.log(rr_s.std() / rr_s.mean() + 0.005),
        np.log(rmssd_s / rr_s.mean() + 0.005),
        (np.abs(change_s) > 0.05).mean(),
        np.log(np.median(np.abs(change_s)) / np.median(rr_s) + 0.005),
        rr_s.min() / np.median(rr_s),
        rr_s.max() / np.median(rr_s),
        stats.skew(rr_s) if np.ptp(rr_s) > 1e-6 else 0.0,
    ]


def template_statistics(window: Float, beat_s: Float) -> list[float]:
    """Width of the median beat at half its height, its P and T parts, and how far the beats are like it."""
    half = round(TEMPLATE_S * FS)
    at = np.rint(beat_s * FS).astype(int)
    at = at[(at >= half) & (at < len(window) - half)]
    if len(at) < 3:
        return [np.nan] * 6
    beats = window[at[:, None] + np.arange(-half, half + 1)]
    template = np.median(beats, axis=0)
    likeness = [np.corrcoef(beat, template)[0, 1] for beat in beats]
    height = np.abs(template).max() + 1e-6
    before, after = template[: half - 50], template[half + 60 :]
    wide = (np.abs(template[half - 75 : half + 76]) > height / 2).mean()
    return [wide, np.mean(likeness), np.min(likeness), np.ptp(before) / height, np.ptp(after) / height, template[half]]


def spectrum(windows: Windows) -> Float:
    """Logarithms of the share of each band, kurtosis, and the share of samples near zero."""
    hz, power = signal.welch(windows, FS, nperseg=1024)
    total = power[:, hz < BANDS_HZ[-1][1]].sum(axis=1) + 1e-9
    shares = [np.log(power[:, (hz >= low) & (hz < high)].sum(axis=1) / total + 1e-6) for low, high in BANDS_HZ]
    kurtosis = np.log(stats.kurtosis(windows, axis=1, fisher=False) + 1)
    return np.column_stack([*shares, kurtosis, (np.abs(windows) < 0.1).mean(axis=1)])
