from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from releaf.language.alignment.ppo import (
    advantages,
    divergence,
    entropy,
    masked_mean,
    policy_loss,
    token_rewards,
    value_loss,
    whitened,
)

MASK = torch.tensor([[0.0, 1, 1, 1], [1, 1, 0, 0]])


def test_the_score_is_earned_on_the_last_token_and_the_penalty_on_each() -> None:
    log_ratio = torch.tensor([[9.0, 0.5, -1.0, 2.0], [1.0, 0.0, 9.0, 9.0]])
    rewards = token_rewards(torch.tensor([3.0, -1.0]), log_ratio, MASK, kl_weight=0.1)

    # −0.1 × the log-ratio; the score is added to column 3 of the first row and column 1 of the second.
    torch.testing.assert_close(rewards, torch.tensor([[0.0, -0.05, 0.1, 2.8], [-0.1, -1.0, 0.0, 0.0]]))


def test_advantages_of_three_tokens_by_hand() -> None:
    rewards, values = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.5, 1.0, 1.5]])
    found = advantages(rewards, values, torch.ones(1, 3), discount=1.0, smoothing=0.5)

    # δ = (0 + 1 − 0.5, 1 + 1.5 − 1, 2 − 1.5) = (0.5, 1.5, 0.5); A₂ = 0.5, A₁ = 1.5 + 0.25, A₀ = 0.5 + 0.875.
    torch.testing.assert_close(found, torch.tensor([[1.375, 1.75, 0.5]]))


def test_advantages_agree_with_the_sum_of_the_paper() -> None:
    random = np.random.default_rng(0)
    rewards, values = random.normal(size=(2, 7))
    discount, smoothing = 0.9, 0.8
    deltas = rewards + discount * np.append(values[1:], 0.0) - values
    expected = [sum((discount * smoothing) ** k * deltas[t + k] for k in range(7 - t)) for t in range(7)]

    found = advantages(
        torch.tensor(rewards)[None],
        torch.tensor(values)[None],
        torch.ones(1, 7),
        discount=discount,
        smoothing=smoothing,
    )

    np.testing.assert_allclose(found[0].numpy(), expected)


def test_with_smoothing_one_the_advantage_is_what_follows_less_the_value() -> None:
    rewards, values = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[0.3, 0.2, 0.1]])
    found = advantages(rewards, values, torch.ones(1, 3), discount=1.0, smoothing=1.0)

    torch.testing.assert_close(found, torch.tensor([[6.7, 5.8, 3.9]]))


def test_padding_and_prompt_change_no_advantage() -> None:
    rewards, values = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.5, 1.0, 1.5]])
    alone = advantages(rewards, values, torch.ones(1, 3), discount=0.9, smoothing=0.95)
    padded = advantages(
        torch.tensor([[7.0, 0.0, 1.0, 2.0, 7.0]]),
        torch.tensor([[7.0, 0.5, 1.0, 1.5, 7.0]]),
        torch.tensor([[0.0, 1, 1, 1, 0]]),
        discount=0.9,
        smoothing=0.95,
    )

    torch.testing.assert_close(padded[:, 1:4], alone)
    assert padded[0, 0] == padded[0, 4] == 0


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective", "clipped"),
    [
        (1.5, 2.0, 2.4, 1.0),  # a gain is counted up to 1 + ε
        (0.5, 2.0, 1.0, 0.0),  # less of what is good is not forgiven
        (0.5, -2.0, -1.6, 1.0),  # less of what is bad is counted down to 1 − ε
        (1.5, -2.0, -3.0, 0.0),  # more of what is bad costs in full
        (1.1, 2.0, 2.2, 0.0),  # inside the clip nothing happens
    ],
)
def test_the_clipped_objective_by_hand(ratio: float, advantage: float, objective: float, clipped: float) -> None:
    new, old = torch.tensor([[math.log(ratio), 5.0]]), torch.tensor([[0.0, 0.0]])
    loss, share = policy_loss(new, old, torch.tensor([[advantage, 9.0]]), torch.tensor([[1.0, 0.0]]), clip=0.2)

    assert float(loss) == pytest.approx(-objective)
    assert float(share) == clipped


def test_a_clipped_token_gives_no_gradient() -> None:
    new = torch.tensor([[math.log(1.5), math.log(1.1)]], requires_grad=True)
    loss, _ = policy_loss(new, torch.zeros(1, 2), torch.ones(1, 2), torch.ones(1, 2), clip=0.2)
    loss.backward()

    assert new.grad is not None
    assert new.grad[0, 0] == 0
    assert new.grad[0, 1] == pytest.approx(-0.55)  # −ρ A / 2 tokens


def test_the_value_loss_takes_the_worse_of_plain_and_clipped() -> None:
    values, old, returns = torch.tensor([[1.0, 0.1]]), torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 1.0]])

    # First: plain 0, clipped (0.2 − 1)² = 0.64. Second: within the clip, (0.1 − 1)² = 0.81.
    assert float(value_loss(values, old, returns, torch.ones(1, 2), clip=0.2)) == pytest.approx((0.64 + 0.81) / 4)


def test_entropy_of_a_uniform_and_of_a_certain_choice() -> None:
    found = entropy(torch.tensor([[0.0, 0, 0, 0], [100.0, 0, 0, 0]]))

    torch.testing.assert_close(found, torch.tensor([math.log(4), 0.0]))


def test_divergence_by_hand_and_of_a_distribution_from_itself() -> None:
    ours, theirs = torch.tensor([0.8, 0.2]).log(), torch.tensor([0.5, 0.5]).log()

    assert float(divergence(ours, theirs)) == pytest.approx(0.8 * math.log(1.6) + 0.2 * math.log(0.4))
    assert float(divergence(ours, ours + 3)) == pytest.approx(0.0, abs=1e-7)


def test_whitening_sees_the_mask_alone() -> None:
    found = whitened(torch.tensor([[99.0, 1.0, 2.0, 3.0], [4.0, 5.0, 99.0, 99.0]]), MASK)

    assert float(masked_mean(found, MASK)) == pytest.approx(0.0, abs=1e-6)
    assert float(masked_mean(found**2, MASK)) == pytest.approx(1.0, abs=1e-5)
    assert found[0, 0] == found[1, 2] == 0
    torch.testing.assert_close(found[0, 1], torch.tensor(-2 / math.sqrt(2)))
