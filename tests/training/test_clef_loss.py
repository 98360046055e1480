"""The contrastive loss of CLEF, against batches of two patients worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nan, tensor

from holter2sleep.training import clef_loss as clef

TWO = tensor([[1.0], [3.0]])  # one attribute of two patients
E1 = math.exp(-1)


def close(found: torch.Tensor, wanted: list) -> None:
    torch.testing.assert_close(found, tensor(wanted))


def test_of_two_patients_the_risk_distance_is_one() -> None:
    close(clef.risk_distance(TWO), [[0.0, 1.0], [1.0, 0.0]])


def test_the_risk_distance_is_the_squared_difference_scaled_over_the_batch() -> None:
    close(clef.risk_distance(tensor([[0.0], [1.0], [2.0]])), [[0.0, 0.25, 1.0], [0.25, 0.0, 0.25], [1.0, 0.25, 0.0]])


def test_several_attributes_add_up_and_a_missing_one_counts_as_the_mean() -> None:
    # squared distances: 0-1: 1 + 4 = 5; 0-2: 9 + 0 = 9; 1-2: 4 + 4 = 8 (missing second attribute of 2 and of 0: 0)
    close(
        clef.risk_distance(tensor([[0.0, nan], [1.0, 2.0], [3.0, nan]])),
        [[0, 5 / 9, 1], [5 / 9, 0, 8 / 9], [1, 8 / 9, 0]],
    )


def test_patients_of_equal_risk_have_no_distance() -> None:
    close(clef.risk_distance(tensor([[2.0], [2.0]])), [[0.0, 0.0], [0.0, 0.0]])


def test_the_dissimilarity_begins_at_alpha_and_is_nought_for_oneself() -> None:
    close(clef.dissimilarity(tensor([[0.0, 0.5], [0.5, 0.0]])), [[0.0, 0.6], [0.6, 0.0]])
    close(clef.dissimilarity(tensor([[0.0, 0.0], [0.0, 0.0]]), alpha=0.3), [[0.0, 0.3], [0.3, 0.0]])


def test_the_mask_is_the_exponential_of_the_shares_known() -> None:
    known = tensor([[1.0, 2.0], [nan, 2.0], [nan, nan]])
    wanted = [[-1.0, -0.5, 0.0], [-0.5, -0.25, 0.0], [0.0, 0.0, 0.0]]
    torch.testing.assert_close(clef.missing_mask(known), tensor(wanted).exp())


def test_the_target_of_two_patients() -> None:
    close(clef.target_similarity(TWO), [[1.0, 1 - E1], [1 - E1, 1.0]])  # D = 1, M = exp(-1)


def test_without_metadata_another_patient_is_alike_by_one_less_alpha() -> None:
    close(clef.target_similarity(tensor([[nan], [nan]])), [[1.0, 0.8], [0.8, 1.0]])


def test_the_weighted_contrastive_loss_of_two_patients() -> None:
    # S off the diagonal 0: weights of a row are softmax(0, 1, 0, 1), so e / (2 + 2e) for each of the two negatives
    target = torch.eye(2).repeat(2, 2)
    similarity = tensor([[1.0, 0.2, 0.9, 0.1], [0.2, 1.0, 0.3, 0.8], [0.9, 0.3, 1.0, 0.4], [0.1, 0.8, 0.4, 1.0]])
    weight = math.e / (2 + 2 * math.e)
    tau = 0.5
    rows = [(0.9, 0.2, 0.1), (0.8, 0.2, 0.3), (0.9, 0.3, 0.4), (0.8, 0.1, 0.4)]  # the other view, the two negatives
    wanted = 0.0
    for own, *others in rows:
        top = math.exp(own / tau)
        wanted -= math.log(top / (top + sum(weight * math.exp(other / tau) for other in others))) / 4
    assert float(clef.weighted_contrastive(similarity, target, tau)) == pytest.approx(wanted, rel=1e-6)


def test_the_alignment_of_two_patients() -> None:
    # similarities 1 and -1 become 1 and 0; targets off the diagonal are 0.8: half of the entries are off by 0.8
    similarity = (2 * torch.eye(2) - 1).repeat(2, 2)
    target = tensor([[1.0, 0.8], [0.8, 1.0]]).repeat(2, 2)
    assert float(clef.alignment(similarity, target)) == pytest.approx(0.32)


def test_the_loss_is_the_mean_of_both_on_cosine_similarities() -> None:
    z = tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 0.0], [0.0, 5.0]])
    similarity = torch.eye(2).repeat(2, 2)
    target = clef.target_similarity(TWO).repeat(2, 2)
    wanted = (clef.weighted_contrastive(similarity, target) + clef.alignment(similarity, target)) / 2
    torch.testing.assert_close(clef.clef_loss(z, TWO), wanted)


def test_the_loss_does_not_hang_on_the_order_of_patients_or_of_views() -> None:
    rng = torch.Generator().manual_seed(0)
    z, known = torch.randn(10, 4, generator=rng), torch.randn(5, 3, generator=rng)
    order = torch.tensor([3, 0, 4, 1, 2])
    moved = clef.clef_loss(torch.cat([z[5:][order], z[:5][order]]), known[order])
    torch.testing.assert_close(moved, clef.clef_loss(z, known))


def test_views_alike_cost_less_than_views_of_strangers() -> None:
    rng = torch.Generator().manual_seed(1)
    z, known = torch.randn(6, 8, generator=rng), torch.randn(6, 2, generator=rng)
    assert clef.clef_loss(torch.cat([z, z]), known) < clef.clef_loss(torch.cat([z, z.roll(1, 0)]), known)


def test_a_batch_where_all_is_the_same_has_a_finite_loss_and_gradient() -> None:
    z = torch.ones(4, 3, requires_grad=True)
    clef.clef_loss(z, tensor([[nan], [nan]])).backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()
