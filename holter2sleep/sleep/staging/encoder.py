"""Net1D: the residual network behind CLEF small, medium and large and the one-lead ECGFounder.

One implementation for all: a configuration says how wide and how deep. The batch norms are in the published files, were
switched off in training, and are never called here either; they exist so that a file can be loaded strictly.

Axis letters: B window, T sample, C channel, L time step within the network, D feature of the embedding. Windows go
through as images of one row, because torch gives only images a choice of the order of axes in memory.

References
----------
Hong S et al. (2020) HOLMES: health online model ensemble serving for deep learning models in intensive care units. KDD
(Net1D). CLEF: arXiv 2512.02180. ECGFounder: arXiv 2410.04133.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor, nn

KERNEL = 16
AVX2_LANES = 8  # numbers in a register
WIDE_GROUP = 16  # channels of a group that a kernel for channels first makes full use of
STRIDE = 2  # of the first convolution, and of the first block of each stage


@dataclass(frozen=True)
class EncoderConfig:
    """Size of a Net1D. Published values; a file with other shapes is another network."""

    name: str
    base: int  # channels after the first convolution
    ratio: float  # width inside a block, of the width outside
    widths: tuple[int, ...]  # of each stage
    depths: tuple[int, ...]  # blocks of each stage
    group_width: int  # a block as wide as `out` has out // group_width groups
    n_outputs: int = 0  # of a classifier that comes with the file; 0: there is none

    @property
    def n_features(self) -> int:
        """Size of the embedding."""
        return self.widths[-1]

    @property
    def memory_format(self) -> torch.memory_format:
        """Order of the axes in memory.

        With channels last torch runs the narrow groups of the small network, and its convolutions of one tap, in
        faster kernels: 6.6 s a night instead of 11.8 (`benchmarks/encoders.py`). Wide groups gain nothing.
        """
        return torch.channels_last if self.group_width < WIDE_GROUP else torch.contiguous_format


CONFIGS = {
    config.name: config
    for config in (
        EncoderConfig("clef-small", 32, 0.5, (32, 64, 64, 128, 128, 256), (1, 1, 2, 2, 2, 2), 8),
        EncoderConfig("clef-medium", 64, 1.0, (64, 160, 160, 400, 400, 1024, 1024), (2, 2, 2, 3, 3, 4, 4), 16),
        EncoderConfig(
            "clef-large",
            128,
            1.5,
            (128, 256, 256, 512, 512, 1024, 1024, 2048, 2048),
            (2, 3, 3, 4, 4, 5, 5, 6, 6),
            32,
        ),
        EncoderConfig(
            "ecgfounder-1lead", 64, 1.0, (64, 160, 160, 400, 400, 1024, 1024), (2, 2, 2, 3, 3, 4, 4), 16, 150
        ),
    )
}


class SameConv(nn.Module):
    """Convolution whose output holds ceil(L / stride) steps; the padding hangs on the length."""

    def __init__(
        self, config: EncoderConfig, n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self._format = config.memory_format
        self.conv = nn.Conv1d(n_in, n_out, kernel, stride, groups=groups)

    def forward(self, x_BC1L: Tensor) -> Tensor:
        """Zeros on both sides, one more on the right where their number is odd."""
        (kernel,), (stride,) = self.conv.kernel_size, self.conv.stride
        n_steps = x_BC1L.shape[-1]
        n_zeros = max(0, (-(-n_steps // stride) - 1) * stride + kernel - n_steps)
        # The kernels pad both sides alike without a copy: where one zero more is due on the right, a whole step more
        # goes in on the left, and the output step it makes is left out.
        n_more = n_zeros % 2
        padding = (0, n_zeros // 2 + stride * n_more)
        weight, groups = self._weight()
        y_BC1L = F.conv2d(x_BC1L, weight, self.conv.bias, (1, stride), padding, groups=groups)
        return y_BC1L[..., n_more:]

    def _weight(self) -> tuple[Tensor, int]:
        """Weights as images, with the number of groups."""
        weight, groups = self.conv.weight, self.conv.groups
        together = 1 if torch.is_grad_enabled() else groups_together(groups, weight.shape[1])
        weight = joined(weight, groups, together).unsqueeze(2)
        return weight.contiguous(memory_format=self._format), groups // together


def groups_together(groups: int, per_group: int) -> int:
    """How many narrow groups are computed as one, so that it fills the registers of kernels that are made for eight.

    CLEF-small without AVX-512 in 9.0 s a night instead of 10.1; with it in 6.4 instead of 6.3.
    """
    eight_wide = torch.backends.cpu.get_cpu_capability() == "AVX2"
    return 2 if eight_wide and 2 * per_group <= AVX2_LANES and groups % 2 == 0 else 1


def joined(weight: Tensor, groups: int, together: int) -> Tensor:
    """Weights of the same convolution with several groups taken as one, zero between them.

    (n_out, n_in / groups, n_taps) to (n_out, together * n_in / groups, n_taps).
    """
    if together == 1:
        return weight
    n_out, per_group, n_taps = weight.shape
    split = weight.view(groups // together, together, n_out // groups, per_group, n_taps)
    apart = torch.eye(together, dtype=weight.dtype, device=weight.device)
    return torch.einsum("gaoit,ab->gaobit", split, apart).reshape(n_out, together * per_group, n_taps)


def _activated(y_BC1L: Tensor) -> Tensor:
    """SiLU of what a convolution has just made; in its place where no gradient will ask for it."""
    return F.silu(y_BC1L, inplace=not torch.is_grad_enabled())


def _scaled(a_BC1L: Tensor, gate_BC: Tensor) -> Tensor:
    """Channels times their gates; in place where no gradient will ask for what was there."""
    gates = gate_BC[:, :, None, None]
    return a_BC1L * gates if torch.is_grad_enabled() else a_BC1L.mul_(gates)


class Block(nn.Module):
    """Bottleneck with grouped convolution, squeeze-and-excitation and shortcut."""

    def __init__(self, config: EncoderConfig, n_in: int, n_out: int, stride: int, leading: bool) -> None:
        super().__init__()
        middle = int(n_out * config.ratio)
        self._leading = leading
        self._stride = stride
        first = (n_out - n_in) // 2
        self._shortcut = slice(first, first + n_in)  # channels of the output that the input is added to
        self.bn1 = nn.BatchNorm1d(n_in)
        self.conv1 = SameConv(config, n_in, middle, 1)
        self.bn2 = nn.BatchNorm1d(middle)
        self.conv2 = SameConv(config, middle, middle, KERNEL, stride, n_out // config.group_width)
        self.bn3 = nn.BatchNorm1d(middle)
        self.conv3 = SameConv(config, middle, n_out, 1)
        self.se_fc1 = nn.Linear(n_out, n_out // 2)
        self.se_fc2 = nn.Linear(n_out // 2, n_out)

    def forward(self, h_BC1L: Tensor) -> Tensor:
        """Residual of the block's input; the next block's leading activation is all that follows the sum."""
        a_BC1L = F.silu(h_BC1L) if self._leading else h_BC1L
        a_BC1L = self.conv3(_activated(self.conv2(_activated(self.conv1(a_BC1L)))))
        gate_BC = torch.sigmoid(self.se_fc2(F.silu(self.se_fc1(a_BC1L.mean((2, 3))))))
        y_BC1L = _scaled(a_BC1L, gate_BC)
        self._add_shortcut(y_BC1L[:, self._shortcut], h_BC1L)
        return y_BC1L

    def _add_shortcut(self, y_BC1L: Tensor, h_BC1L: Tensor) -> None:
        """Add the block's input, or the larger of each two steps of it, in place."""
        if self._stride != STRIDE:
            y_BC1L += h_BC1L
            return
        n_pairs = h_BC1L.shape[-1] // 2
        y_BC1L[..., :n_pairs] += self._larger_of_two(h_BC1L)
        if h_BC1L.shape[-1] % 2:  # a zero behind it takes part in the maximum, as in the published network
            y_BC1L[..., n_pairs:] += F.relu(h_BC1L[..., -1:])

    def _larger_of_two(self, h_BC1L: Tensor) -> Tensor:
        """The same either way: the pool has the quicker gradient (a batch in 0.28 s, not 0.40) and the slower value."""
        if self.training:
            return F.max_pool2d(h_BC1L, (1, STRIDE))
        second_BC1L = h_BC1L[..., 1::2]
        return torch.maximum(h_BC1L[..., 0::2][..., : second_BC1L.shape[-1]], second_BC1L)


class Stage(nn.Module):
    """Blocks of one width; the first halves the time steps."""

    def __init__(self, config: EncoderConfig, index: int) -> None:
        super().__init__()
        n_in, n_out = ((config.base, *config.widths)[i] for i in (index, index + 1))
        self.block_list = nn.ModuleList(
            Block(config, n_out if j else n_in, n_out, 1 if j else STRIDE, leading=index + j > 0)
            for j in range(config.depths[index])
        )

    def forward(self, h_BC1L: Tensor) -> Tensor:
        """All blocks in turn."""
        for block in self.block_list:
            h_BC1L = block(h_BC1L)
        return h_BC1L


class Net1D(nn.Module):
    """The encoder: z-scored windows at 500 Hz of any length to embeddings."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.first_conv = SameConv(config, 1, config.base, KERNEL, STRIDE)
        self.first_bn = nn.BatchNorm1d(config.base)
        self.stage_list = nn.ModuleList(Stage(config, i) for i in range(len(config.widths)))
        if config.n_outputs:
            self.dense = nn.Linear(config.n_features, config.n_outputs)

    def forward(self, x_BT: Tensor) -> Tensor:
        """Embeddings (B, D) of windows (B, T)."""
        h_BC1L = _activated(self.first_conv(self._images(x_BT)))
        for stage in self.stage_list:
            h_BC1L = stage(h_BC1L)
        return h_BC1L.mean((2, 3))

    def _images(self, x_BT: Tensor) -> Tensor:
        """Windows as images of one row; from their strides torch takes the order of axes of what follows."""
        if self.config.memory_format == torch.channels_last:
            return x_BT.unsqueeze(2).transpose(1, 2).unsqueeze(2)
        return x_BT[:, None, None]
