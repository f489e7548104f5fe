from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from releaf.errors import DataError, InputError, TrainingError
from releaf.language.alignment.pairs import Answered
from releaf.language.alignment.policy import Policy
from releaf.language.alignment.training import Curves, align
from releaf.language.settings import AlignmentSettings

QUESTIONS = [("Where does the jar go?", ""), ("Where does the cup go?", ""), ("Where is the lid?", "Here.")]
TOY = AlignmentSettings(
    steps=8,
    prompts_per_step=2,
    samples_per_prompt=16,
    max_new_tokens=8,
    temperature=1.0,
    minibatch=8,
    learning_rate=0.03,
    kl_weight=0.01,
    kl_limit=50.0,
    unfinished_penalty=0.0,
)


def vowels(answers: Sequence[Answered]) -> np.ndarray:
    """A toy to please: the share of letters that are e."""
    return np.array([answer.text.count("e") / max(1, len(answer.text)) for answer in answers])


def settings(algorithm: str, **changes: object) -> AlignmentSettings:
    return AlignmentSettings(**{**TOY.__dict__, "algorithm": algorithm, **changes})  # type: ignore[arg-type]


def weights(policy: Policy) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in policy.adapter().items()}


@pytest.mark.parametrize("algorithm", ["ppo", "rloo"])
def test_the_reward_of_a_toy_task_rises(open_policy: Callable[[], Policy], algorithm: str) -> None:
    curves = align(open_policy(), QUESTIONS, vowels, settings(algorithm))
    rewards = [record["reward"] for record in curves.rounds]

    assert np.mean(rewards[-2:]) > 2 * np.mean(rewards[:2])
    assert curves.kept == 8
    assert not curves.stopped
    assert curves.rounds[0]["kl"] == pytest.approx(0, abs=1e-5)
    assert curves.rounds[-1]["kl"] > 0.1


@pytest.mark.parametrize("algorithm", ["ppo", "rloo"])
def test_the_same_seed_gives_the_same_policy_bit_for_bit(open_policy: Callable[[], Policy], algorithm: str) -> None:
    first, second, other = open_policy(), open_policy(), open_policy()
    curves = [
        align(policy, QUESTIONS, vowels, settings(algorithm, steps=2, seed=seed))
        for policy, seed in ((first, 0), (second, 0), (other, 1))
    ]

    assert curves[0] == curves[1]
    assert all(torch.equal(tensor, weights(second)[name]) for name, tensor in weights(first).items())
    assert curves[0] != curves[2]


def test_a_drift_beyond_the_limit_stops_and_the_last_good_weights_are_kept(open_policy: Callable[[], Policy]) -> None:
    policy = open_policy()
    curves = align(policy, QUESTIONS, vowels, settings("ppo", learning_rate=0.01, kl_limit=0.3))
    shorter = open_policy()
    align(shorter, QUESTIONS, vowels, settings("ppo", learning_rate=0.01, steps=curves.kept))

    assert curves.stopped
    assert curves.kept >= 1
    assert len(curves.rounds) == curves.kept + 2
    assert curves.rounds[-1]["kl"] > 0.3 >= curves.rounds[curves.kept]["kl"]
    assert all(torch.equal(tensor, weights(policy)[name]) for name, tensor in weights(shorter).items())


def test_a_heavier_penalty_keeps_the_policy_closer(open_policy: Callable[[], Policy]) -> None:
    def drift(kl_weight: float) -> Curves:
        return align(open_policy(), QUESTIONS, vowels, settings("ppo", kl_weight=kl_weight, learning_rate=0.01))

    assert drift(5.0).rounds[-1]["kl"] < drift(0.0).rounds[-1]["kl"]


def test_every_round_says_what_happened(open_policy: Callable[[], Policy]) -> None:
    notes: list[str] = []
    curves = align(
        open_policy(),
        QUESTIONS,
        vowels,
        settings("ppo", steps=1),
        progress=lambda done, total, note="": notes.append(f"{done}/{total} {note}"),
    )

    assert set(curves.rounds[0]) == {"reward", "kl", "entropy", "tokens", "unfinished", "loss", "clip_share"}
    assert set(curves.rounds[1]) == {"reward", "kl", "entropy", "tokens", "unfinished"}
    assert 0 <= curves.rounds[0]["clip_share"] <= 1
    assert notes[0].startswith("1/2 reward")


def test_no_questions_and_a_reward_that_is_no_number_are_refused(open_policy: Callable[[], Policy]) -> None:
    policy = open_policy()
    before = weights(policy)

    with pytest.raises(DataError, match="no questions to align on"):
        align(policy, [], vowels, TOY)
    with pytest.raises(TrainingError, match="is nan; fit the reward model again"):
        align(policy, QUESTIONS, lambda answers: np.full(len(answers), np.nan), TOY)
    assert all(torch.equal(tensor, weights(policy)[name]) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps 0 must be at least 1"),
        ({"learning_rate": 0.0}, r"learning_rate 0\.0 must be above 0"),
        ({"kl_weight": -0.1}, r"kl_weight -0\.1 must be at least 0"),
        ({"kl_limit": float("nan")}, "kl_limit nan must be above 0"),
        ({"clip": 1.0}, r"clip 1\.0 must be in \(0, 1\)"),
        ({"smoothing": 1.5}, r"smoothing 1\.5 in \[0, 1\]"),
        ({"algorithm": "rloo", "samples_per_prompt": 1}, "set samples_per_prompt to 2 or more"),
    ],
)
def test_contradictory_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        AlignmentSettings(**changes)  # type: ignore[arg-type]
