"""The encoder that comes with the package: it is what its card says, is found by name, and tells ectopy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from command_runs import ok, run
from made_nights import simulated
from safetensors.torch import load_file
from scipy.stats import rankdata

from holter2sleep.errors import UsageError, WeightsError
from holter2sleep.simulate import SyntheticNight
from holter2sleep.sleep.staging import shipped
from holter2sleep.sleep.staging.embeddings import embed
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.encoder_weights import find_encoder_file, load_encoder
from holter2sleep.sleep.staging.profiles import PROFILES, encoder_windows
from holter2sleep.sleep.staging.shipped import NAMES, list_shipped

(OURS,) = list_shipped()
HALF_ROUNDING = 2.0**-11  # largest relative error of a number in half precision


@pytest.fixture(scope="module")
def encoder() -> Net1D:
    return load_encoder(shipped.checked(OURS), OURS.network)


# --- the file --------------------------------------------------------------------------------------


def test_the_file_is_small_in_half_precision_and_what_its_card_says(encoder: Net1D) -> None:
    path = shipped.checked(OURS)
    assert path.stat().st_size < 2e6
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16, torch.int64}
    assert encoder.config is CONFIGS[OURS.network]
    assert OURS.n_features == encoder.config.n_features
    assert OURS.profile in PROFILES
    assert OURS.figures
    assert OURS.limits


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_another_file_is_never_used(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(shipped.checked(OURS), tmp_path)
    if damage == "gone":
        (tmp_path / OURS.weights.file).unlink()
    else:
        (tmp_path / OURS.weights.file).write_bytes(b"other")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="reinstall holter2sleep"):
        shipped.checked(OURS)


def test_it_is_found_by_its_name_without_installation() -> None:
    path, network, profile = find_encoder_file(OURS.name)
    assert path == shipped.checked(OURS)
    assert network.config.name == OURS.network
    assert profile is PROFILES[OURS.profile]


def test_a_name_that_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=f"shipped: {OURS.name}"):
        find_encoder_file("h2s-encoder-tiny")


def test_the_command_lists_shows_and_verifies_it() -> None:
    assert f"{OURS.name:33} encoder  shipped" in ok("models", "list").output
    facts = {entry["name"]: entry for entry in json.loads(ok("models", "list", "--json").output)}
    assert facts[OURS.name]["weights"]["sha256"] == OURS.sha256
    assert "ODC-BY" in ok("models", "show", OURS.name).output
    assert f"{OURS.name}: ok" in ok("models", "verify").output
    assert run("models", "install", OURS.name).exit_code == 2  # there is nothing to fetch


# --- what it sees ----------------------------------------------------------------------------------


def seen(night: SyntheticNight) -> tuple[np.ndarray, np.ndarray]:
    """Windows side by side, and whether each holds a V beat."""
    start_s = np.arange(30, night.recording.duration_s - 30, 10.0)
    windows, usable = encoder_windows(night.recording, start_s, PROFILES[OURS.profile])
    v_s = night.beats.time_s[night.beats.label == "V"]
    holds = np.array([((v_s >= begin) & (v_s < begin + 10)).any() for begin in start_s])
    return windows[usable], holds[usable]


def auc(score: np.ndarray, is_one: np.ndarray) -> float:
    n, m = is_one.sum(), (~is_one).sum()
    return float((rankdata(score)[is_one].sum() - n * (n + 1) / 2) / (n * m))


def test_a_direction_that_tells_v_beats_of_one_night_tells_those_of_another(encoder: Net1D) -> None:
    nights = [simulated("ectopy", seed, hours=0.5, pvc_per_hour=150.0) for seed in (1, 2)]
    (x, holds), (other, other_holds) = (seen(night) for night in nights)
    z, z_other = embed(encoder, x), embed(encoder, other)
    spread = z.std(axis=0) + 1e-6
    direction = (z[holds].mean(axis=0) - z[~holds].mean(axis=0)) / spread
    assert auc(z_other / spread @ direction, other_holds) > 0.9


def test_half_precision_is_lossless_in_effect(encoder: Net1D) -> None:
    """Weights as far from the shipped ones as rounding may have moved them give the same embeddings."""
    x, _ = seen(simulated("ectopy", 1, hours=0.5, pvc_per_hour=150.0))
    z = embed(encoder, x)
    generator = torch.Generator().manual_seed(0)
    state = {
        name: value * (1 + HALF_ROUNDING * (2 * torch.rand(value.shape, generator=generator) - 1))
        if value.is_floating_point()
        else value
        for name, value in encoder.state_dict().items()
    }
    moved = Net1D(encoder.config).eval()
    moved.load_state_dict(state)
    assert (np.abs(embed(moved, x) - z).max(axis=0) / (z.std(axis=0) + 1e-6)).max() < 0.05


def test_each_card_lies_beside_its_file() -> None:
    assert {path.stem for path in shipped.FOLDER.glob("*.safetensors")} == set(NAMES)
    assert {encoder.weights.file for encoder in list_shipped()} == {f"{name}.safetensors" for name in NAMES}
