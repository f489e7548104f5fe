"""The loss of three heads with labels that may be missing or coarse.

Here: the loss of one batch. Which labels an image has is in `data`; how the loss is driven down is in `training`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

MISSING = -1
HEAD_WEIGHTS = {"item": 1.0, "material": 1.0, "bin": 0.5}


class Targets(NamedTuple):
    """Class indices of a batch, each (B,) int64 with -1 where the image has no such label."""

    item: Tensor
    material: Tensor
    family: Tensor
    bin: Tensor


def family_membership(family_of_material: Sequence[int], families: int) -> Tensor:
    """Return (families, materials) booleans: which materials belong to which family."""
    index = torch.tensor(family_of_material)
    return index[None, :] == torch.arange(families)[:, None]


def family_log_probabilities(logits: Tensor, membership: Tensor) -> Tensor:
    """Return ln of each family's summed material probability, (B, families), from material logits (B, materials).

    A family without a material has probability 0, so its logarithm is -inf.
    """
    log_p = logits.float().log_softmax(dim=1)
    inside = torch.where(membership[None], log_p[:, None, :], log_p.new_tensor(float("-inf")))
    return inside.logsumexp(dim=2)


def head_loss(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Return the mean smoothed cross-entropy over the labelled images; 0, still attached, where none is labelled.

    Smoothing spreads ε evenly over all classes: Szegedy et al. 2016, section 7.
    """
    losses = functional.cross_entropy(
        logits.float(), labels, ignore_index=MISSING, label_smoothing=smoothing, reduction="none"
    )
    return losses.sum() / (labels != MISSING).sum().clamp(min=1)


def material_loss(logits: Tensor, material: Tensor, family: Tensor, membership: Tensor, smoothing: float) -> Tensor:
    """Return the mean loss of the material head over images that know their material or at least its family.

    Where the material is known: smoothed cross-entropy. Where only the family is: −ln Σ p over the family's materials.
    """
    exact = material != MISSING
    coarse = ~exact & (family != MISSING)
    fine = functional.cross_entropy(
        logits.float(), material, ignore_index=MISSING, label_smoothing=smoothing, reduction="none"
    ).sum()
    log_p = family_log_probabilities(logits[coarse], membership)
    summed = -log_p.gather(1, family[coarse][:, None]).sum()
    return (fine + summed) / (exact | coarse).sum().clamp(min=1)


def multi_head_loss(logits: Mapping[str, Tensor], targets: Targets, membership: Tensor, smoothing: float) -> Tensor:
    """Return L = 1.0·item + 1.0·material + 0.5·bin, a scalar; heads without a label in the batch add 0."""
    item = head_loss(logits["item"], targets.item, smoothing)
    material = material_loss(logits["material"], targets.material, targets.family, membership, smoothing)
    bins = head_loss(logits["bin"], targets.bin, smoothing)
    return HEAD_WEIGHTS["item"] * item + HEAD_WEIGHTS["material"] * material + HEAD_WEIGHTS["bin"] * bins
