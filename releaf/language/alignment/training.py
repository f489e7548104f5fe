"""The loop of alignment: write answers, score them, learn, and stop before the policy runs away from the tuned model.

Its own loop, not `training.loop`: the batches of a step are written by the weights of the step before, so there is no
epoch of given data to train on, validate or resume in. The terms are in `ppo` and `rloo`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from releaf.errors import DataError, TrainingError
from releaf.language.alignment.objective import Objective, objective_of
from releaf.language.alignment.policy import Policy
from releaf.language.alignment.ppo import masked_mean
from releaf.language.alignment.reward import Reward
from releaf.language.alignment.rollouts import Question, Round, Written, read_round, rewards_of, write_answers
from releaf.language.settings import AlignmentSettings, GenerationSettings
from releaf.progress import Progress, silent
from releaf.training.loop import seed_everything

CLIP_NORM = 1.0
# Rewards that hardly differ are not blown up into differences.
LEAST_SPREAD = 1e-3


@dataclass
class Curves:
    """One mapping a round, of the policy before it learned from that round, and which round's weights were kept.

    `stopped` says that the drift passed its limit before the last round.
    """

    rounds: list[dict[str, float]] = field(default_factory=list)
    kept: int = 0
    stopped: bool = False


def align(
    policy: Policy,
    questions: Sequence[Question],
    reward: Reward,
    settings: AlignmentSettings,
    *,
    progress: Progress = silent,
) -> Curves:
    """Teach the policy in place to earn more, and leave the last weights whose drift is within the limit.

    `questions` are drawn without replacement, a new selection each round. Raises `DataError` without questions,
    `InputError` for one that does not fit the context, and `TrainingError` for a reward or loss that is no number.
    """
    if not questions:
        raise DataError("there are no questions to align on; add preferences to the training split")
    seed_everything(settings.seed)
    return _Run(policy, questions, reward, settings).train(progress)


class _Run:
    """One call of `align`: holds what the rounds share."""

    def __init__(
        self, policy: Policy, questions: Sequence[Question], reward: Reward, settings: AlignmentSettings
    ) -> None:
        self.policy, self.questions, self.reward, self.plan = policy, list(questions), reward, settings
        self.objective: Objective = objective_of(settings)
        self.generation = GenerationSettings(
            max_new_tokens=settings.max_new_tokens, temperature=settings.temperature, top_p=1.0, stop=()
        )
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(policy.adapter().values()), "lr": settings.learning_rate},
                {"params": list(policy.value_head.parameters()), "lr": settings.value_learning_rate},
            ],
            weight_decay=0.0,
        )
        self.centre = self.spread = math.nan

    def train(self, progress: Progress) -> Curves:
        """All rounds; the last one only measures what the one before it taught."""
        curves, good = Curves(), _copy(self.policy)
        for step in range(self.plan.steps + 1):
            answers, record = self._write(step)
            curves.rounds.append(record)
            if record["kl"] > self.plan.kl_limit:
                curves.stopped = True
                break
            good, curves.kept = _copy(self.policy), step
            if step < self.plan.steps:
                record.update(self._learn(step, answers))
            progress(step + 1, self.plan.steps + 1, f"reward {record['reward']:.2f}, KL {record['kl']:.1f} nats")
        self.policy.model.load_state_dict(good, strict=False)
        return curves

    def _write(self, step: int) -> tuple[Round, dict[str, float]]:
        plan = self.plan
        order = np.random.default_rng((plan.seed, step)).permutation(len(self.questions))
        chosen = [self.questions[index] for index in order[: plan.prompts_per_step]]
        asked = [question for question in chosen for _ in range(plan.samples_per_prompt)]
        # Every answer of the run has a seed of its own: the same question comes again in later rounds.
        first = (plan.seed * (plan.steps + 1) + step) * len(asked)
        seeds = range(first, first + len(asked))
        written = write_answers(self.policy.model, self.policy.base, asked, self.generation, seeds=seeds)
        rewards = rewards_of(written, self.reward)
        answers = read_round(
            self.policy, written, self._scores(rewards, written), samples=plan.samples_per_prompt, size=plan.minibatch
        )
        return answers, {
            "reward": float(rewards.mean()),
            "kl": float(answers.divergence.sum(dim=1).mean()),
            "entropy": float(masked_mean(answers.entropy, answers.mask)),
            "tokens": float(np.mean([one.tokens for one in written])),
            "unfinished": float(np.mean([not one.finished for one in written])),
        }

    def _scores(self, rewards: np.ndarray, written: Sequence[Written]) -> Tensor:
        """Rewards in standard deviations of the tuned model's, which the first round shows, less the penalty."""
        if math.isnan(self.centre):
            self.centre, self.spread = float(rewards.mean()), max(float(rewards.std()), LEAST_SPREAD)
        unfinished = np.array([not one.finished for one in written])
        scores = (rewards - self.centre) / self.spread - self.plan.unfinished_penalty * unfinished
        return torch.tensor(scores, dtype=torch.float32)

    def _learn(self, step: int, answers: Round) -> dict[str, float]:
        """Steps of the optimizer on one round; returns the loss and the share of clipped tokens."""
        self.objective.take(answers)
        random = np.random.default_rng((self.plan.seed, step, 1))
        losses, clipped = [], []
        count = len(answers.scores)
        for _ in range(self.objective.epochs):
            order = random.permutation(count)
            for start in range(0, count, self.plan.minibatch):
                rows = order[start : start + self.plan.minibatch]
                loss, share = self.objective.loss(self.policy.read(answers.rows(rows)), rows)
                if not math.isfinite(float(loss.detach())):
                    raise TrainingError(
                        f"the loss of alignment became {float(loss.detach())} in round {step + 1}; "
                        f"lower its learning_rate ({self.plan.learning_rate})"
                    )
                torch.autograd.backward(loss * (len(rows) / count) if self.objective.whole_round else loss)
                losses.append(float(loss.detach()))
                clipped.append(share)
                if not self.objective.whole_round:
                    self._step()
            if self.objective.whole_round:
                self._step()
        return {"loss": float(np.mean(losses)), "clip_share": float(np.mean(clipped))}

    def _step(self) -> None:
        for group in self.optimizer.param_groups:
            nn.utils.clip_grad_norm_(group["params"], CLIP_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def _copy(policy: Policy) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in policy.adapter().items()}
