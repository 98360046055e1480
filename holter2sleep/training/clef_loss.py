"""The clinically guided contrastive loss of CLEF: patients alike in risk may look alike.

A batch holds two views of each of N patients, the first views before the second ones: 2N rows. The paper's risk is one
number, SCORE2; here it is a row of standardised attributes, NaN where one is not known, and their squared distance
takes the place of the squared difference of two risks. With a single attribute it is the paper's.

Axis letters: N patient, A attribute, V view (2N of them), D feature of an embedding.

References
----------
CLEF: arXiv 2512.02180.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

TEMPERATURE = 0.07  # tau
LEAST_DISSIMILARITY = 0.2  # alpha, of two patients of equal risk


def clef_loss(z_VD: Tensor, attributes_NA: Tensor) -> Tensor:
    """Mean of the weighted contrastive and the alignment loss, with the mask for missing attributes."""
    z_VD = F.normalize(z_VD, dim=1)
    similarity_VV = z_VD @ z_VD.T
    target_VV = target_similarity(attributes_NA).repeat(2, 2)
    return (weighted_contrastive(similarity_VV, target_VV) + alignment(similarity_VV, target_VV)) / 2


def target_similarity(attributes_NA: Tensor) -> Tensor:
    """S = 1 - D M: how alike two patients' embeddings should be. (N, N), 1 on the diagonal."""
    return 1 - dissimilarity(risk_distance(attributes_NA)) * missing_mask(attributes_NA)


def risk_distance(attributes_NA: Tensor) -> Tensor:
    """Delta: squared distance of the attributes, from 0 to 1 over the batch; a missing one counts as 0, the mean.

    Examples
    --------
    >>> risk_distance(torch.tensor([[0.0], [1.0], [3.0]])).mul(9).round().tolist()
    [[0.0, 1.0, 9.0], [1.0, 0.0, 4.0], [9.0, 4.0, 0.0]]
    """
    filled_NA = torch.nan_to_num(attributes_NA)
    return minmax((filled_NA[:, None] - filled_NA[None]).square().sum(-1))


def dissimilarity(delta_NN: Tensor, alpha: float = LEAST_DISSIMILARITY) -> Tensor:
    """D: from alpha, of another patient of the same risk, to 1; 0 of a patient and himself."""
    return ((1 - alpha) * delta_NN + alpha).fill_diagonal_(0)


def missing_mask(attributes_NA: Tensor) -> Tensor:
    """M = exp(-c_i c_k), with c the share of a patient's attributes that is known. (N, N)."""
    known = (~attributes_NA.isnan()).float().mean(1)
    return torch.exp(-known[:, None] * known[None])


def weighted_contrastive(similarity_VV: Tensor, target_VV: Tensor, tau: float = TEMPERATURE) -> Tensor:
    """Cross-entropy of a view's other view against all other patients, the unlike ones weighing more.

    The weights of a row are a softmax over its 2N columns, so that they sum to less than 1 over the negatives, as in
    the published code.
    """
    n_views = len(similarity_VV)
    weight_VV = torch.softmax(1 - target_VV, dim=1)
    same_patient = torch.eye(n_views // 2, dtype=torch.bool, device=similarity_VV.device).repeat(2, 2)
    negatives_VV = (similarity_VV / tau + weight_VV.log()).masked_fill(same_patient, -torch.inf)
    positive = similarity_VV.roll(n_views // 2, dims=1).diagonal() / tau
    return (torch.logaddexp(positive, negatives_VV.logsumexp(1)) - positive).mean()


def alignment(similarity_VV: Tensor, target_VV: Tensor) -> Tensor:
    """Mean squared difference of the similarities, scaled from 0 to 1 over the batch, and their targets."""
    return F.mse_loss(minmax(similarity_VV), target_VV)


def minmax(x: Tensor) -> Tensor:
    """Scaled from 0 to 1; zeros where all are equal."""
    low, high = x.aminmax()
    return (x - low) / (high - low).clamp_min(1e-8)
