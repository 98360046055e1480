"""What a window is turned into before a linear probe: embeddings, or numbers made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from holter2sleep.night import Beats, Float
from holter2sleep.sleep.staging.embeddings import embed
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.encoder_weights import load_encoder
from holter2sleep.sleep.staging.profiles import WINDOW_S, Windows
from holter2sleep.training.physiology import window_physiology
from holter2sleep.training.window_measures import rr_statistics, spectrum, template_statistics

OURS, RANDOM, HAND_MADE, TAUGHT = "ours", "random weights", "hand-made", "what it was taught"
N_RANDOM = 3  # networks with weights as torch draws them


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
