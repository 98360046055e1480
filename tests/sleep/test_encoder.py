"""Net1D against its specification, its golden vectors, and the checkpoints it must take or refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from deterministic import deterministic, deterministic_state, with_deterministic_weights
from torch.nn import functional

from holter2sleep.errors import WeightsError
from holter2sleep.sleep.staging.encoder import CONFIGS, Block, Net1D, SameConv, groups_together, joined
from holter2sleep.sleep.staging.encoder_weights import empty_encoder, load_encoder, read_state, shapes_of

SMALL = CONFIGS["clef-small"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def small() -> Net1D:
    return with_deterministic_weights(Net1D(SMALL))


def windows(n: int, n_samples: int = 5000, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, n_samples)).astype(np.float32))


def embed(network: Net1D, x_bt: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return network(x_bt).numpy()


# --- the specification -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_parameters", "n_entries", "n_features"),
    [
        ("clef-small", 447_792, 257, 256),
        ("clef-medium", 30_654_000, 507, 1024),
        ("clef-large", 296_623_360, 957, 2048),
        ("ecgfounder-1lead", 30_654_000 + 1024 * 150 + 150, 509, 1024),
    ],
)
def test_sizes_are_the_published_ones(name: str, n_parameters: int, n_entries: int, n_features: int) -> None:
    network = empty_encoder(CONFIGS[name])
    assert sum(parameter.numel() for parameter in network.parameters()) == n_parameters
    assert len(network.state_dict()) == n_entries
    assert CONFIGS[name].n_features == n_features


@pytest.mark.parametrize(
    ("n_samples", "stride", "kernel", "left", "right"),
    [(10, 1, 16, 7, 8), (10, 2, 16, 7, 7), (11, 2, 16, 7, 8), (9, 1, 1, 0, 0)],
)
def test_padding_is_the_same_padding_of_the_length(
    n_samples: int, stride: int, kernel: int, left: int, right: int
) -> None:
    x_bcl = torch.randn(3, 6, n_samples, generator=torch.Generator().manual_seed(1))
    for config in (SMALL, CONFIGS["clef-large"]):
        conv = SameConv(config, 6, 4, kernel, stride, groups=2)
        padded = functional.pad(x_bcl, (left, right))
        expected = functional.conv1d(padded, conv.conv.weight, conv.conv.bias, stride, groups=2)
        assert conv(x_bcl.unsqueeze(2)).shape[-1] == -(-n_samples // stride)
        torch.testing.assert_close(conv(x_bcl.unsqueeze(2)).squeeze(2), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("together", [1, 2, 4])
def test_groups_taken_together_are_the_same_convolution(together: int) -> None:
    rng = torch.Generator().manual_seed(3)
    x_bcl, weight = torch.randn(2, 12, 40, generator=rng), torch.randn(8, 3, 5, generator=rng)
    found = functional.conv1d(x_bcl, joined(weight, 4, together), groups=4 // together)
    torch.testing.assert_close(found, functional.conv1d(x_bcl, weight, groups=4), rtol=0, atol=1e-5)


def test_narrow_groups_are_taken_in_pairs_where_registers_hold_eight_numbers(
    small: Net1D, monkeypatch: pytest.MonkeyPatch
) -> None:
    x_bt = torch.randn(2, 5000, generator=torch.Generator().manual_seed(4))
    found = {}
    for capability in ("AVX2", "AVX512"):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda answer=capability: answer)
        with torch.inference_mode():
            found[capability] = small(x_bt)
        assert groups_together(8, 4) == (2 if capability == "AVX2" else 1)
        assert [groups_together(*size) for size in ((8, 8), (1, 4))] == [1, 1]
    torch.testing.assert_close(found["AVX2"], found["AVX512"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_shortcut_takes_the_larger_of_two_steps_and_a_zero_behind_an_odd_length(*, training: bool) -> None:
    block = Block(SMALL, 32, 64, 2, leading=True).train(training)
    h_bcl = torch.full((1, 32, 3), -1.0)
    h_bcl[0, :, 1] = -0.5
    y_bc1l = torch.full((1, 64, 1, 2), 10.0)
    block._add_shortcut(y_bc1l[:, block._shortcut], h_bcl.unsqueeze(2))
    assert y_bc1l[0, 16:48].unique(dim=0).flatten().tolist() == [9.5, 10.0]
    assert (y_bc1l[0, :16] == 10.0).all()
    assert (y_bc1l[0, 48:] == 10.0).all()


def test_what_is_computed_in_place_is_what_gradients_are_asked_of(small: Net1D) -> None:
    x_bt = torch.randn(2, 5000, generator=torch.Generator().manual_seed(2))
    learned = small(x_bt)
    with torch.inference_mode():
        used = small(x_bt)
    torch.testing.assert_close(used, learned.detach(), rtol=0, atol=1e-6)
    learned.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in small.parameters() if p.grad is not None)


def test_batch_norms_are_there_and_change_nothing(small: Net1D) -> None:
    changed = with_deterministic_weights(Net1D(SMALL))
    for name, tensor in changed.state_dict().items():
        if "bn" in name and tensor.is_floating_point():
            tensor += 3
    assert embed(changed, windows(1)).tobytes() == embed(small, windows(1)).tobytes()


@pytest.mark.parametrize("n_samples", [5000, 7501, 15_000, 10_000, 1, 129])
def test_any_length_is_embedded(small: Net1D, n_samples: int) -> None:
    z_bd = embed(small, windows(2, n_samples))
    assert z_bd.shape == (2, 256)
    assert np.isfinite(z_bd).all()


@pytest.mark.parametrize(("n_samples", "n_steps"), [(5000, 40), (10_000, 79), (15_000, 118)])
def test_time_is_halved_seven_times(small: Net1D, n_samples: int, n_steps: int) -> None:
    h_bcl = small.first_conv(windows(1, n_samples)[:, None, None])
    for stage in small.stage_list:
        h_bcl = stage(h_bcl)
    assert h_bcl.shape == (1, 256, 1, n_steps)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_windows_in_blocks_give_what_one_batch_gives(small: Net1D, size: int) -> None:
    x_bt = windows(8)
    parts = [embed(small, x_bt[first : first + size]) for first in range(0, 8, size)]
    np.testing.assert_allclose(np.concatenate(parts), embed(small, x_bt), rtol=0, atol=1e-5)


def test_every_weight_that_is_used_can_be_trained(small: Net1D) -> None:
    network = with_deterministic_weights(Net1D(SMALL)).train()
    network(windows(2)).square().mean().backward()
    without = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert without
    assert all(".bn" in name or name.startswith("first_bn") for name in without)
    np.testing.assert_allclose(network(windows(2)).detach(), embed(small, windows(2)), rtol=0, atol=1e-5)


# --- files -----------------------------------------------------------------------------------------


def lightning(state: dict[str, torch.Tensor]) -> dict[str, object]:
    return {"state_dict": {f"backbone.{name}": tensor for name, tensor in state.items()}, "epoch": 3, "global_step": 9}


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def test_prefixed_and_bare_names_load_alike(small: Net1D, tmp_path: Path) -> None:
    state = small.state_dict()
    one = load_encoder(saved(lightning(state), tmp_path / "a.ckpt"), "clef-small")
    two = load_encoder(saved({"state_dict": state}, tmp_path / "b.pth"))
    assert one.config is two.config is SMALL
    assert not one.training
    assert embed(one, windows(1)).tobytes() == embed(two, windows(1)).tobytes() == embed(small, windows(1)).tobytes()


def test_the_older_format_loads_too(small: Net1D, tmp_path: Path) -> None:
    path = tmp_path / "old.ckpt"
    torch.save(lightning(small.state_dict()), path, _use_new_zipfile_serialization=False)
    assert embed(load_encoder(path), windows(1)).tobytes() == embed(small, windows(1)).tobytes()


def test_a_renamed_key_is_refused_by_name(small: Net1D, tmp_path: Path) -> None:
    state = small.state_dict()
    state["first_conv.conv.wait"] = state.pop("first_conv.conv.weight")
    with pytest.raises(WeightsError, match=r"first_conv.conv.weight \(missing\), first_conv.conv.wait \(unknown\)"):
        load_encoder(saved(lightning(state), tmp_path / "a.ckpt"))


def test_another_shape_is_refused_by_name(small: Net1D, tmp_path: Path) -> None:
    state = {**small.state_dict(), "first_bn.bias": torch.zeros(31)}
    with pytest.raises(WeightsError, match=r"first_bn.bias \(31,\) instead of \(32,\)"):
        load_encoder(saved(lightning(state), tmp_path / "a.ckpt"))


def test_a_prefix_twice_is_refused(small: Net1D, tmp_path: Path) -> None:
    twice = lightning(lightning(small.state_dict())["state_dict"])  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=r"backbone\.stage_list.*unknown"):
        load_encoder(saved(twice, tmp_path / "a.ckpt"))


def test_another_size_than_expected_is_refused(small: Net1D, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="weights of clef-small, not of clef-medium"):
        load_encoder(saved(lightning(small.state_dict()), tmp_path / "clef_medium.ckpt"), "clef-medium")


class Harmful:
    """Whoever unpickles this freely makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    path = saved({"state_dict": {}, "extra": Harmful(tmp_path / "harm")}, tmp_path / "a.ckpt")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_encoder(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut"])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clef_small.ckpt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"clef_small.ckpt cannot be read"):
        load_encoder(path)


@pytest.mark.parametrize("content", [{}, {"state_dict": 3}, {"state_dict": {"a": 3}}, [1]])
def test_a_checkpoint_without_weights_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no tensors"):
        load_encoder(saved(content, tmp_path / "a.ckpt"))


# --- the golden vectors ----------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.parametrize("size", ["small", "medium"])
def test_golden_embeddings(size: str, shared_data: Path) -> None:
    golden = np.load(shared_data / "golden" / "clef_golden.npz")
    network = empty_encoder(CONFIGS[f"clef-{size}"])
    network.load_state_dict(deterministic_state(network.state_dict()), assign=True)
    for given, wanted in (("x_BT", f"z_{size}_BD"), ("x_odd_BT", f"z_odd_{size}_BD")):
        found = embed(network.eval(), torch.from_numpy(golden[given]))
        np.testing.assert_allclose(found, golden[wanted], rtol=0, atol=1e-5)


@pytest.mark.realdata
@pytest.mark.slow
def test_golden_embedding_of_the_large_network(shared_data: Path) -> None:
    golden = np.load(shared_data / "golden" / "clef_golden.npz")
    network = empty_encoder(CONFIGS["clef-large"])  # 1.6 GB with the weights
    network.load_state_dict(deterministic_state(network.state_dict()), assign=True)
    found = embed(network.eval(), torch.from_numpy(golden["x_BT"][:1]))
    np.testing.assert_allclose(found, golden["z_large_BD"], rtol=0, atol=1e-5)


@pytest.mark.realdata
def test_golden_checkpoint_loads_by_its_shapes(shared_data: Path) -> None:
    path = shared_data / "golden" / "clef_small_deterministic.ckpt"
    golden = np.load(shared_data / "golden" / "clef_golden.npz")
    found = embed(load_encoder(path, "clef-small"), torch.from_numpy(golden["x_BT"]))
    np.testing.assert_allclose(found, golden["z_small_BD"], rtol=0, atol=1e-5)
    for name, tensor in read_state(path).items():
        if tensor.is_floating_point():
            formula = deterministic(name.removeprefix("backbone."), tuple(tensor.shape))
            assert tensor.numpy().tobytes() == formula.tobytes()


@pytest.mark.realdata
@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_names_and_shapes_are_the_published_ones_in_order(size: str, shared_data: Path) -> None:
    golden = json.loads((shared_data / "golden" / "clef_state_dict_shapes.json").read_text(encoding="utf-8"))[size]
    ours = shapes_of(empty_encoder(CONFIGS[f"clef-{size}"]).state_dict())
    assert [(name, list(shape)) for name, shape in ours.items()] == list(golden.items())


@pytest.mark.parametrize("n_samples", [5000, 7501])
def test_the_pool_of_training_has_the_values_of_the_maximum(n_samples: int) -> None:
    torch.manual_seed(0)
    encoder, x_BT = Net1D(CONFIGS["clef-small"]), torch.randn(3, n_samples)
    taught = encoder.train()(x_BT)
    assert taught.requires_grad
    torch.testing.assert_close(encoder.eval()(x_BT), taught, rtol=0, atol=0)
