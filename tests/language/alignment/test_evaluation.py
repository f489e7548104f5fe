from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from releaf.language.alignment.evaluation import compare
from releaf.language.alignment.pairs import Answered, Pair
from releaf.language.alignment.policy import Policy
from releaf.language.settings import AlignmentSettings

SETTINGS = AlignmentSettings(max_new_tokens=6, temperature=1.0, judge_samples=3)


def vowels(answers: Sequence[Answered]) -> np.ndarray:
    return np.array([answer.text.count("e") / max(1, len(answer.text)) for answer in answers])


def test_a_policy_that_learned_nothing_wins_about_half_at_no_drift(
    open_policy: Callable[[], Policy], held_pairs: list[Pair]
) -> None:
    found = compare(open_policy(), held_pairs, vowels, {"judge": vowels}, SETTINGS)

    assert found.kl == pytest.approx(0, abs=1e-5)
    assert found.judges["judge"].rate == found.judges["reward"].rate == pytest.approx(0.5, abs=0.25)
    assert found.judges["judge"].comparisons == 4 * 3 * 3
    assert found.agreement == {"judge": pytest.approx(1.0)}
    assert len(found.tuned.rewards) == len(found.aligned.rewards) == 12
    assert len(found.samples) == 4
    assert found.samples[0].prompt == held_pairs[0].prompt


def test_a_policy_that_went_elsewhere_has_drifted_and_its_answers_repeat(
    open_policy: Callable[[], Policy], held_pairs: list[Pair]
) -> None:
    policy = open_policy()
    with torch.no_grad():
        for name, parameter in policy.adapter().items():
            if "lora_B" in name:
                parameter += 0.05
    first = compare(policy, held_pairs, vowels, {}, SETTINGS)

    assert first.kl > 0.005
    assert first == compare(policy, held_pairs, vowels, {}, SETTINGS)
    assert json.loads(json.dumps(first.as_json()))["kl"] == first.kl
