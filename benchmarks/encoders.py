"""Speed of the encoders, arrangement by arrangement, on one core.

    python -m benchmarks.encoders [--windows 128] [--medium]

Processor time for a night of 8 h, 2,880 windows of 10 s, from the best of several runs of a few windows; the largest
difference from the plain network in float32, which is the published one; then the whole way from a recording of 8 h at
256 Hz to the embeddings of its epochs. Weights are drawn: speed does not depend on them. The arrangements
that are not used are written here and nowhere else. Last the step of staging by the shipped head, from beats and with
the waveform through the shipped encoder, each in a process of its own with the peak of its memory.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded: with two, both cores fight

import argparse
import dataclasses
import multiprocessing
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from benchmarks.processes import peak_of
from holter2sleep.analyze import analyze_night
from holter2sleep.night import EpochGrid, Quality, Recording
from holter2sleep.recipe import load_recipe
from holter2sleep.simulate import preset, simulate_night
from holter2sleep.sleep.staging import stage_sleep
from holter2sleep.sleep.staging.embeddings import BATCH, epoch_embeddings
from holter2sleep.sleep.staging.encoder import CONFIGS, STRIDE, Block, Net1D, joined
from holter2sleep.sleep.staging.profiles import PROFILES
from holter2sleep.spans import complement
from holter2sleep.training.staging_nights import evidence_of

Embed = Callable[[Tensor], Tensor]

RECIPE = load_recipe("overnight", ("staging.stager=clock",))
NIGHT_WINDOWS = 2880
RUNS = 9
FASTEST_CHANNELS = 16  # of a group, which AVX-512 kernels are made for


def seconds_a_night(embed: Embed, x_bt: Tensor, batch: int) -> float:
    """Processor time of a night's windows, from the best of a few runs over the given ones."""
    best = np.inf
    for _ in range(RUNS):
        start = time.process_time()
        for first in range(0, len(x_bt), batch):
            embed(x_bt[first : first + batch])
        best = min(best, time.process_time() - start)
    return float(best * NIGHT_WINDOWS / len(x_bt))


# --- the plain arrangement, and what can be done about its grouped convolutions ---------------------


def plain(network: Net1D, convolve: Callable[[nn.Conv1d, Tensor], Tensor]) -> Embed:
    """The network with channels before time, as published, each convolution by the given function."""

    def embed(x_bt: Tensor) -> Tensor:
        h = F.silu(convolve(network.first_conv.conv, x_bt.unsqueeze(1)))
        for block in (block for stage in network.stage_list for block in stage.block_list):
            h = _plain_block(block, h, convolve)
        return h.mean(-1)

    return embed


def _plain_block(block: Block, h: Tensor, convolve: Callable[[nn.Conv1d, Tensor], Tensor]) -> Tensor:
    a = F.silu(h) if block._leading else h
    for conv in (block.conv1.conv, block.conv2.conv):
        a = F.silu(convolve(conv, a))
    a = convolve(block.conv3.conv, a)
    gate = torch.sigmoid(block.se_fc2(F.silu(block.se_fc1(a.mean(-1)))))
    if block._stride == STRIDE:
        h = F.max_pool1d(F.pad(h, (0, h.shape[-1] % 2)), 2)
    before = block._shortcut.start
    return a * gate.unsqueeze(-1) + F.pad(h, (0, 0, before, a.shape[1] - before - h.shape[1]))


def padded(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """SAME padding by a copy."""
    (kernel,), (stride,) = conv.kernel_size, conv.stride
    n_zeros = max(0, (-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1])
    return F.pad(x, (n_zeros // 2, n_zeros - n_zeros // 2)) if n_zeros else x


def eager(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """As torch does it."""
    return F.conv1d(padded(conv, x), conv.weight, conv.bias, conv.stride, groups=conv.groups)


def one_tap_as_product(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Convolutions of one tap as a matrix product."""
    if conv.kernel_size != (1,):
        return eager(conv, x)
    return torch.matmul(conv.weight[:, :, 0], x) + conv.bias[:, None]


def merged(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Several groups as one of 16 channels, whose weights are zero between groups."""
    per_group = conv.in_channels // conv.groups
    together = max(1, min(conv.groups, FASTEST_CHANNELS // per_group))
    weight = joined(conv.weight, conv.groups, together)
    return F.conv1d(padded(conv, x), weight, conv.bias, conv.stride, groups=conv.groups // together)


def unfolded(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Grouped convolutions as a batched matrix product of the unfolded signal."""
    if conv.groups == 1:
        return eager(conv, x)
    parts = padded(conv, x).unfold(-1, *conv.kernel_size, *conv.stride)  # (B, C, L, k)
    n, channels, steps, taps = parts.shape
    per_group = channels // conv.groups
    rows = parts.reshape(n, conv.groups, per_group, steps, taps).transpose(2, 3).reshape(n, conv.groups, steps, -1)
    weight = conv.weight.reshape(conv.groups, -1, per_group * taps).transpose(1, 2)
    return (rows @ weight).transpose(2, 3).reshape(n, -1, steps) + conv.bias[:, None]


def in_bfloat16(network: Net1D) -> Embed:
    """Our arrangement, computed in bfloat16."""

    def embed(x_bt: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return network(x_bt).float()

    return embed


# --- the table -------------------------------------------------------------------------------------


def arrangements(network: Net1D) -> dict[str, tuple[Embed, int]]:
    """Ways to compute the network, with the windows taken at a time."""
    return {
        "plain, as torch does it": (plain(network, eager), BATCH),
        "plain, one tap as a product": (plain(network, one_tap_as_product), BATCH),
        "plain, groups merged to 16 channels": (plain(network, merged), BATCH),
        "plain, unfolded, batched product": (plain(network, unfolded), BATCH),
        **{f"ours, {n} windows at a time": (network, n) for n in (1, 4, 16, 32, 64)},
        "ours, bfloat16": (in_bfloat16(network), BATCH),
    }


def compare(name: str, n_windows: int) -> None:
    """Print the table of one encoder."""
    network = Net1D(CONFIGS[name]).eval()
    x_bt = torch.from_numpy(np.random.default_rng(0).standard_normal((n_windows, 5000)).astype(np.float32))
    with torch.inference_mode():
        published = plain(network, eager)(x_bt[:BATCH])
        scale = float(published.abs().max())
        print(f"\n{name}, {n_windows} windows\n\n| arrangement | s a night | relative difference |\n|---|---|---|")
        for what, (embed, batch) in arrangements(network).items():
            off = float((embed(x_bt[:BATCH]) - published).abs().max()) / scale
            print(f"| {what} | {seconds_a_night(embed, x_bt, batch):.2f} | {off:.0e} |", flush=True)


def whole_way(name: str, recording: Recording) -> None:
    """Print the time from a recording to the embeddings of its epochs."""
    grid = EpochGrid.covering(recording.duration_s)
    usable = np.ones(grid.n, bool)
    spans = complement(recording.gaps, 0, recording.duration_s)
    quality = Quality(np.zeros(grid.n), np.ones(grid.n), usable, spans)
    network = Net1D(CONFIGS[name]).eval()
    for profile in (PROFILES["clef"], PROFILES["clef"].each_window_alone(), PROFILES["ecgfounder"]):
        start = time.process_time()
        epoch_embeddings(recording, quality, network, profile)
        form = "each window alone" if profile.by_window else "as one signal"
        print(f"{name}, 8 h at 256 Hz, {profile.name} {form}: {time.process_time() - start:.2f} s")


def stage(stager: str) -> None:
    """Print what staging the sample night takes, and the peak of this process before and after."""
    night = analyze_night(simulate_night(preset("sample"), np.random.default_rng(0)).recording, RECIPE)
    evidence, before = evidence_of(night), peak_of(os.getpid())
    start = time.process_time()
    stage_sleep(evidence, dataclasses.replace(RECIPE.staging, stager=stager))
    seconds, after = time.process_time() - start, peak_of(os.getpid())
    print(f"8 h at 256 Hz staged by {stager}: {seconds:.2f} s, {before:.0f} to {after:.0f} MB")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=128, help="windows timed")
    parser.add_argument("--medium", action="store_true", help="CLEF-medium too, on an eighth of the windows")
    given = parser.parse_args()
    torch.set_num_threads(1)
    compare("clef-small", given.windows)
    if given.medium:
        compare("clef-medium", max(BATCH, given.windows // 8))
    print()
    whole_way("clef-small", simulate_night(preset("sample"), np.random.default_rng(0)).recording)
    print(flush=True)
    for stager in ("fusion", "fusion-waveform"):
        process = multiprocessing.get_context("spawn").Process(target=stage, args=(stager,))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
