from __future__ import annotations

import math

import pytest
import torch

from releaf.vision.losses import (
    Targets,
    family_log_probabilities,
    family_membership,
    head_loss,
    material_loss,
    multi_head_loss,
)

MEMBERSHIP = family_membership((0, 0, 1), 2)  # materials 0 and 1 are of family 0, material 2 of family 1
LOGITS = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))  # so that the softmax is 0.5, 0.3, 0.2


def index(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def test_membership_says_which_materials_make_a_family():
    assert MEMBERSHIP.tolist() == [[True, True, False], [False, False, True]]


def test_a_family_has_the_summed_probability_of_its_materials():
    assert family_log_probabilities(LOGITS, MEMBERSHIP).exp()[0].tolist() == pytest.approx([0.8, 0.2])


def test_a_family_without_materials_has_probability_zero():
    assert family_log_probabilities(LOGITS, family_membership((0, 0, 0), 2)).exp()[0].tolist() == [
        pytest.approx(1.0),
        0.0,
    ]


def test_a_known_family_costs_minus_ln_of_its_summed_probability():
    loss = material_loss(LOGITS, index(-1), index(0), MEMBERSHIP, smoothing=0.1)
    assert loss.item() == pytest.approx(-math.log(0.8))


def test_a_known_material_costs_its_smoothed_cross_entropy_whatever_its_family():
    # ε = 0.3 over three classes: weights 0.8, 0.1, 0.1
    expected = -(0.8 * math.log(0.5) + 0.1 * math.log(0.3) + 0.1 * math.log(0.2))
    loss = material_loss(LOGITS, index(0), index(0), MEMBERSHIP, smoothing=0.3)
    assert loss.item() == pytest.approx(expected)


def test_the_material_head_averages_over_images_that_know_something():
    logits = LOGITS.repeat(3, 1)
    loss = material_loss(logits, index(2, -1, -1), index(1, 1, -1), MEMBERSHIP, smoothing=0.0)
    assert loss.item() == pytest.approx((-math.log(0.2) - math.log(0.2)) / 2)


def test_a_missing_label_adds_nothing_and_moves_no_weight():
    logits = LOGITS.repeat(2, 1).requires_grad_()
    head_loss(logits, index(1, -1), smoothing=0.1).backward()
    assert logits.grad is not None
    assert logits.grad[1].tolist() == [0.0, 0.0, 0.0]
    assert logits.grad[0].abs().sum() > 0


def test_a_head_without_any_label_costs_zero_and_still_runs_backward():
    logits = LOGITS.clone().requires_grad_()
    loss = head_loss(logits, index(-1), 0.1) + material_loss(logits, index(-1), index(-1), MEMBERSHIP, 0.1)
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert logits.grad.abs().sum() == 0


def test_the_heads_weigh_one_one_and_a_half():
    logits = {"item": LOGITS, "material": LOGITS, "bin": LOGITS}
    targets = Targets(item=index(0), material=index(1), family=index(0), bin=index(2))
    expected = -math.log(0.5) - math.log(0.3) - 0.5 * math.log(0.2)
    assert multi_head_loss(logits, targets, MEMBERSHIP, 0.0).item() == pytest.approx(expected)


def test_the_family_loss_pulls_up_every_material_of_the_family_and_no_other():
    logits = LOGITS.clone().requires_grad_()
    material_loss(logits, index(-1), index(0), MEMBERSHIP, 0.0).backward()
    assert logits.grad is not None
    assert (logits.grad[0, :2] < 0).all()
    assert logits.grad[0, 2] > 0
