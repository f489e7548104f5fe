"""PPO and RLOO behind one interface: what a round of answers is made into, and the loss of some of its rows."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from releaf.language.alignment.policy import Reading
from releaf.language.alignment.ppo import (
    advantages,
    masked_mean,
    policy_loss,
    token_rewards,
    value_loss,
    whitened,
)
from releaf.language.alignment.rloo import answer_scores, leave_one_out, reinforce_loss
from releaf.language.alignment.rollouts import Round
from releaf.language.settings import AlignmentSettings

Rows = NDArray[np.int64]


class Objective(Protocol):
    """What the loop asks of an algorithm: `epochs` passes over a round, a step a minibatch or one for all of them."""

    epochs: int
    whole_round: bool

    def take(self, answers: Round) -> None:
        """Work out what is learned from these answers."""

    def loss(self, reading: Reading, rows: Rows) -> tuple[Tensor, float]:
        """The loss of the round's `rows` as the policy reads them now, and the share of tokens that were clipped."""


def objective_of(settings: AlignmentSettings) -> Objective:
    """The algorithm that the settings name."""
    return Ppo(settings) if settings.algorithm == "ppo" else Rloo(settings)


class Ppo:
    """Clipped steps against advantages from a value head."""

    whole_round = False

    def __init__(self, settings: AlignmentSettings) -> None:
        self.settings = settings
        self.epochs = settings.epochs

    def take(self, answers: Round) -> None:
        """Advantages, whitened over the round, and returns."""
        plan = self.settings
        rewards = token_rewards(answers.scores, answers.old - answers.reference, answers.mask, kl_weight=plan.kl_weight)
        estimates = advantages(rewards, answers.values, answers.mask, discount=plan.discount, smoothing=plan.smoothing)
        self._round = answers
        self._returns = estimates + answers.values
        self._advantages = whitened(estimates, answers.mask)

    def loss(self, reading: Reading, rows: Rows) -> tuple[Tensor, float]:
        """L = L_clip + c_v L_value − c_e H."""
        plan, index = self.settings, torch.as_tensor(rows)
        mask = self._round.mask[index]
        surrogate, clipped = policy_loss(
            reading.log_probabilities, self._round.old[index], self._advantages[index], mask, clip=plan.clip
        )
        error = value_loss(reading.values, self._round.values[index], self._returns[index], mask, clip=plan.clip)
        entropy = masked_mean(reading.entropy, mask)
        return surrogate + plan.value_weight * error - plan.entropy_weight * entropy, float(clipped)


class Rloo:
    """One step a round along the answers' own scores, each less the mean of the others to its question."""

    epochs = 1
    whole_round = True

    def __init__(self, settings: AlignmentSettings) -> None:
        self.settings = settings

    def take(self, answers: Round) -> None:
        """Each answer's advantage."""
        scores = answer_scores(
            answers.scores, answers.old - answers.reference, answers.mask, kl_weight=self.settings.kl_weight
        )
        self._round = answers
        self._advantages = leave_one_out(scores.view(-1, answers.samples)).flatten()

    def loss(self, reading: Reading, rows: Rows) -> tuple[Tensor, float]:
        """L = −mean A ln π(answer) − c_e H; nothing is clipped."""
        index = torch.as_tensor(rows)
        mask = self._round.mask[index]
        loss = reinforce_loss(reading.log_probabilities, self._advantages[index], mask)
        return loss - self.settings.entropy_weight * masked_mean(reading.entropy, mask), 0.0
