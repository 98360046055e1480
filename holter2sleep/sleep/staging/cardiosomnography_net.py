"""The five-stage network of Jones, Itti and Sheth, written from a description of what it does.

Axis letters: E epoch, T sample, C channel or class, L step within an epoch, D feature, F additional input.

References
----------
Jones AM, Itti L, Sheth BR (2024) Expert-level sleep staging using an electrocardiography-only feed-forward neural
network. Computers in Biology and Medicine 176:108545.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor, nn

from holter2sleep.errors import WeightsError
from holter2sleep.sleep.staging.encoder_weights import differing, read_state, shapes_of, told

N_ADDITIONAL = 4  # sex, age / 100, position in the night, clock
N_CLASSES = 5  # W, N1, N2, N3, REM
_CHANNELS, _KERNEL, _N_CONVS = 5, 31, 6
_POOL, _POOL_STRIDE, _POOLED = 19, 3, 25
_N_ECG, _N_INNER = 40, 25
_N_DILATIONS = 12  # 1 to 2048 epochs


class _Layers(nn.Module):
    """Layers in turn, under the name the checkpoints give them."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.network = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """What comes out of the last layer."""
        out: Tensor = self.network(x)
        return out


class _DenseBlock(_Layers):
    """Dense layer with a shortcut, which is a dense layer of its own where the width changes."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(nn.BatchNorm1d(n_in), nn.Dropout(), nn.LeakyReLU(), nn.Linear(n_in, n_out))
        self.downsample = nn.Linear(n_in, n_out) if n_in != n_out else None

    def forward(self, x_ED: Tensor) -> Tensor:
        shortcut = x_ED if self.downsample is None else self.downsample(x_ED)
        return super().forward(x_ED) + shortcut


class _DenseStack(_Layers):
    """Dense blocks with a shortcut around them all."""

    def __init__(self, *widths: int) -> None:
        super().__init__(*(_DenseBlock(n_in, n_out) for n_in, n_out in pairwise(widths)))
        self.downsample = nn.Linear(widths[0], widths[-1])

    def forward(self, x_ED: Tensor) -> Tensor:
        return super().forward(x_ED) + self.downsample(x_ED)


class _Dilated(_Layers):
    """Convolution over epochs that keeps their number; the causal one sees the past only."""

    def __init__(self, dilation: int, causal: bool) -> None:
        kernel = 2 if causal else 3
        conv = nn.Conv1d(_N_INNER, _N_INNER, kernel, padding=(kernel - 1) * dilation, dilation=dilation)
        super().__init__(nn.BatchNorm1d(_N_INNER), nn.LeakyReLU(), conv)
        # the padding leaves more than there was: the causal one keeps nothing that saw a later epoch
        self._cut = slice(None, -dilation) if causal else slice(dilation, -dilation)

    def forward(self, x_BCL: Tensor) -> Tensor:
        return super().forward(x_BCL)[..., self._cut] + x_BCL


class CardiosomnographyNet(nn.Module):
    """ECG of a night's epochs and what else is known of them to stage logits."""

    def __init__(self, real_time: bool = False) -> None:
        super().__init__()
        convs: list[nn.Module] = [nn.BatchNorm1d(1), nn.Conv1d(1, _CHANNELS, _KERNEL, 2)]
        for _ in range(_N_CONVS - 1):
            convs += [nn.BatchNorm1d(_CHANNELS), nn.LeakyReLU(), nn.Conv1d(_CHANNELS, _CHANNELS, _KERNEL, 2)]
        self.ecg_cnns = _Layers(*convs)
        self.ecg_dense = nn.Linear(2 * _CHANNELS * _POOLED, _N_ECG)
        self.additional_dense = nn.Linear(N_ADDITIONAL, N_ADDITIONAL)
        self.inner_dense = _DenseStack(N_ADDITIONAL + _N_ECG, *[_N_INNER] * 4)
        self.tcn = _Layers(*(_Dilated(2**i, real_time) for i in range(_N_DILATIONS)))
        self.outer_dense = _DenseStack(*[_N_INNER] * 4, N_CLASSES)

    def ecg_code(self, ecg_ET: Tensor) -> Tensor:
        """What the waveform of each epoch says, (E, 7680) to (E, 40); epochs do not see each other."""
        h_ECL = self.ecg_cnns(ecg_ET.unsqueeze(1))
        pooled = F.avg_pool1d(h_ECL, _POOL, _POOL_STRIDE), F.max_pool1d(h_ECL, _POOL, _POOL_STRIDE)
        code_ED: Tensor = self.ecg_dense(torch.cat([part_ECL.flatten(1) for part_ECL in pooled], dim=1))
        return code_ED

    def forward(self, code_ED: Tensor, additional_EF: Tensor) -> Tensor:
        """Logits (E, 5) of W, N1, N2, N3, REM from the code of every epoch of one night."""
        h_ED = self.inner_dense(torch.cat([self.additional_dense(additional_EF), code_ED], dim=1))
        h_BCL = h_ED.T.unsqueeze(0)
        h_BCL = self.tcn(h_BCL) + h_BCL
        logits_EC: Tensor = self.outer_dense(h_BCL.squeeze(0).T)
        return logits_EC


def load_network(path: Path, real_time: bool) -> CardiosomnographyNet:
    """The network of a published checkpoint, in evaluation mode.

    Raises
    ------
    WeightsError
        It is no checkpoint, or one of another network; the message names what differs.
    """
    network, state = CardiosomnographyNet(real_time), read_state(path, "model_state_dict")
    wrong = differing(shapes_of(state), shapes_of(network.state_dict()))
    if wrong:
        raise WeightsError(f"{path.name} holds another network than expected; {told(wrong)}")
    network.load_state_dict(state)
    return network.eval()
