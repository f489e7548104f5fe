"""The terms of proximal policy optimization, each a small function of tensors.

All are (B, T): a row an answer, a column a token, `mask` 1 on tokens that the policy drew. The loop is `training`'s.
"""

from __future__ import annotations

import torch
from torch import Tensor


def token_rewards(scores: Tensor, log_ratio: Tensor, mask: Tensor, *, kl_weight: float) -> Tensor:
    """−β (ln π(a) − ln π_ref(a)) on each token, and the answer's score (B,) on its last one.

    Ouyang et al. 2022, equation 2, with the penalty paid where it arises.
    """
    rewards = -kl_weight * log_ratio * mask
    last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)
    rewards[torch.arange(len(scores)), last] += scores
    return rewards


def advantages(rewards: Tensor, values: Tensor, mask: Tensor, *, discount: float, smoothing: float) -> Tensor:
    """Generalized advantage estimates Σ (γλ)^k δ_{t+k} with δ_t = r_t + γ V_{t+1} − V_t (Schulman et al. 2016, eq. 16).

    V is 0 after the last token. What was drawn must be one run of columns in each row.
    """
    estimates = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    after = torch.zeros_like(following)
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + discount * after - values[:, t]
        # Behind the answer everything stays 0, so that its last token sees no padding.
        following = (delta + discount * smoothing * following) * mask[:, t]
        after = values[:, t] * mask[:, t]
        estimates[:, t] = following
    return estimates


def policy_loss(new: Tensor, old: Tensor, advantage: Tensor, mask: Tensor, *, clip: float) -> tuple[Tensor, Tensor]:
    """−mean min(ρA, clip(ρ, 1 − ε, 1 + ε)A) with ρ = π/π_old, and the share of tokens where the clipping binds.

    Schulman et al. 2017, equation 7.
    """
    ratio = (new - old).exp()
    plain, clipped = ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage
    return -masked_mean(torch.minimum(plain, clipped), mask), masked_mean((clipped < plain).float(), mask)


def value_loss(values: Tensor, old: Tensor, returns: Tensor, mask: Tensor, *, clip: float) -> Tensor:
    """½ mean max((V − R)², (V_clipped − R)²), V_clipped within ε of the value before the update."""
    near = old + (values - old).clamp(-clip, clip)
    return 0.5 * masked_mean(torch.maximum((values - returns) ** 2, (near - returns) ** 2), mask)


def entropy(logits: Tensor) -> Tensor:
    """−Σ p ln p in nats over the last dimension."""
    logs = logits.log_softmax(-1)
    return -(logs.exp() * logs).sum(-1)


def divergence(logits: Tensor, reference: Tensor) -> Tensor:
    """KL(π ‖ π_ref) = Σ p (ln p − ln p_ref) in nats over the last dimension."""
    logs = logits.log_softmax(-1)
    return (logs.exp() * (logs - reference.log_softmax(-1))).sum(-1)


def whitened(values: Tensor, mask: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 over the tokens of the mask, 0 elsewhere."""
    centred = values - masked_mean(values, mask)
    deviation = masked_mean(centred**2, mask).sqrt()
    return centred / (deviation + 1e-8) * mask


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens of the mask."""
    return (values * mask).sum() / mask.sum().clamp(min=1)
