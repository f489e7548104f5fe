"""Aligned against tuned on held-out questions: win rate by judges, drift, length, and answers as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from releaf.language.alignment.judge import WinRate, agreement, win_rate
from releaf.language.alignment.pairs import Pair, questions_of
from releaf.language.alignment.policy import Policy
from releaf.language.alignment.reward import Reward
from releaf.language.alignment.rollouts import Question, Written, read_round, rewards_of, write_answers
from releaf.language.settings import AlignmentSettings, GenerationSettings
from releaf.progress import Progress, silent

# Answers that are judged are drawn with other numbers than any that were learned from.
FIRST_SEED = 1_000_000_007


@dataclass(frozen=True)
class Answers:
    """One model's answers to the held-out questions.

    rewards: of every answer, by the reward model that alignment used. words, unfinished: their mean number of words,
    and the share that ran to the limit.
    """

    rewards: tuple[float, ...]
    words: float
    unfinished: float

    @property
    def reward(self) -> float:
        """Mean reward."""
        return float(np.mean(self.rewards))


@dataclass(frozen=True)
class Shown:
    """A held-out question and the first answer of each model."""

    prompt: str
    input: str
    tuned: str
    aligned: str


@dataclass(frozen=True)
class AlignmentEvaluation:
    """What alignment is worth.

    kl: mean Σ KL(aligned ‖ tuned) over the tokens of an aligned answer, in nats. judges: by name, the share of
    comparisons that aligned answers win; `reward` is the model that alignment learned from and proves nothing.
    agreement: correlation of each judge's scores with the rewards on the tuned model's answers.
    shorter_wins: what preferring the shorter answer would say.
    """

    kl: float
    judges: dict[str, WinRate]
    agreement: dict[str, float]
    shorter_wins: WinRate
    tuned: Answers
    aligned: Answers
    samples: tuple[Shown, ...]

    def as_json(self) -> dict[str, Any]:
        """The evaluation as plain JSON values."""
        return asdict(self)


def compare(
    policy: Policy,
    pairs: Sequence[Pair],
    reward: Reward,
    judges: Mapping[str, Reward],
    settings: AlignmentSettings,
    *,
    shown: int = 6,
    progress: Progress = silent,
) -> AlignmentEvaluation:
    """Let the policy and its reference answer every question of held-out pairs, `judge_samples` times each."""
    questions = questions_of(pairs)
    count = settings.judge_samples
    asked = [question for question in questions for _ in range(count)]
    aligned = _write(policy, asked, settings, FIRST_SEED)
    progress(1, 3, "held-out questions answered by the aligned model")
    with policy.as_reference():
        tuned = _write(policy, asked, settings, FIRST_SEED + len(asked))
    progress(2, 3, "held-out questions answered by the tuned model")
    read = read_round(policy, aligned, torch.zeros(len(asked)), samples=count, size=settings.minibatch)
    scorers = {**judges, "reward": reward}
    scores = {name: (rewards_of(aligned, scorer), rewards_of(tuned, scorer)) for name, scorer in scorers.items()}
    lengths = [np.array([-float(len(one.answered.text.split())) for one in part]) for part in (aligned, tuned)]
    progress(3, 3, "answers judged")
    return AlignmentEvaluation(
        kl=float(read.divergence.sum(dim=1).mean()),
        judges={
            name: win_rate(ours.reshape(-1, count), theirs.reshape(-1, count))
            for name, (ours, theirs) in scores.items()
        },
        agreement={name: agreement(scores[name][1], scores["reward"][1]) for name in judges},
        shorter_wins=win_rate(lengths[0].reshape(-1, count), lengths[1].reshape(-1, count)),
        tuned=_summary(tuned, scores["reward"][1]),
        aligned=_summary(aligned, scores["reward"][0]),
        samples=_shown(questions, aligned[::count], tuned[::count], shown),
    )


def _write(policy: Policy, asked: Sequence[Question], settings: AlignmentSettings, first_seed: int) -> list[Written]:
    drawing = GenerationSettings(settings.max_new_tokens, temperature=settings.temperature, top_p=1.0, stop=())
    seeds = range(first_seed, first_seed + len(asked))
    return write_answers(policy.model, policy.base, asked, drawing, seeds=seeds)


def _summary(written: Sequence[Written], rewards: np.ndarray) -> Answers:
    words = float(np.mean([len(one.answered.text.split()) for one in written]))
    return Answers(tuple(rewards.tolist()), words, float(np.mean([not one.finished for one in written])))


def _shown(
    questions: Sequence[Question], aligned: Sequence[Written], tuned: Sequence[Written], count: int
) -> tuple[Shown, ...]:
    """Answers to questions spread over all, not chosen by what they say."""
    places = np.linspace(0, len(questions) - 1, min(count, len(questions))).round().astype(int)
    return tuple(
        Shown(questions[place][0], questions[place][1], tuned[place].answered.text, aligned[place].answered.text)
        for place in places
    )
