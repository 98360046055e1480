"""Folders of heads that learned nothing: their weights are drawn, which is enough to be asked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from made_nights import analysed
from safetensors.torch import save_file

from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.fusion import Networks, inputs, networks_content
from holter2sleep.training.fusion import Course, Pupil, TrainingNight
from holter2sleep.training.staging_nights import evidence_of, silent

CARD = """
name = "head drawn"
title = "drawn weights"
scheme = "{scheme}"
needs_waveform = false
trained_on = "nothing"
n_subjects = 0
licence = "none"
source = "a test"
limits = ["learned nothing"]
internal_kappa = 0.25
internal_cohort = "nobody"

[weights]
file = "head.npz"
sha256 = "{sha256}"
"""
ENCODER = """
[encoder]
network = "clef-small"
profile = "clef"
sha256 = "{sha256}"
file = "encoder.safetensors"
"""
N_DIMENSIONS = 2 * CONFIGS["clef-small"].n_features


def write_head(folder: Path, *, scheme: str = "AASM5", with_encoder: bool = False, seed: int = 0) -> Path:
    """A folder as `train head` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = networks_content(drawn_networks(seed, N_DIMENSIONS if with_encoder else 0))
    (folder / "head.npz").write_bytes(content)
    card = CARD.format(scheme=scheme, sha256=hashlib.sha256(content).hexdigest())
    if with_encoder:
        encoder = write_encoder(folder / "encoder.safetensors")
        card += ENCODER.format(sha256=hashlib.sha256(encoder.read_bytes()).hexdigest())
    (folder / "card.toml").write_text(card, encoding="utf-8")
    return folder


def write_encoder(path: Path) -> Path:
    """A CLEF-small network with drawn weights."""
    torch.manual_seed(0)
    save_file(Net1D(CONFIGS["clef-small"]).state_dict(), path)
    return path


def drawn_networks(seed: int, n_dimensions: int) -> Networks:
    columns = inputs(evidence_of(analysed("healthy", hours=0.5, fs=100.0)))
    features = np.column_stack(list(columns.values())).astype(np.float32)
    wave = np.zeros((len(features), n_dimensions), np.float32) if n_dimensions else None
    night = TrainingNight("a", "a", features, np.zeros(len(features), int), silent(len(features)), wave)
    torch.manual_seed(seed)
    arrays = {name: np.nan_to_num(array) for name, array in Pupil([night], [], Course(1, seed)).arrays.items()}
    return Networks((arrays,), tuple(columns), 1.5)
