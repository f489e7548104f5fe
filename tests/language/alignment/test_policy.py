from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from releaf.errors import InputError, TrainingError
from releaf.language.adapters import load_adapter
from releaf.language.alignment.policy import Policy
from releaf.language.alignment.rollouts import read_round, rewards_of, write_answers
from releaf.language.batches import collate
from releaf.language.decoder import Base, fingerprint
from releaf.language.settings import GenerationSettings
from releaf.metrics.text import IGNORED

QUESTIONS = [("Where does the jar go?", ""), ("And the peel?", "It is food.")]
DRAW = GenerationSettings(max_new_tokens=8, temperature=1.0, top_p=1.0, stop=())


@pytest.fixture
def policy(open_policy: Callable[[], Policy]) -> Policy:
    return open_policy()


def nudge(policy: Policy) -> None:
    """Change what learns, so that it differs from the reference."""
    with torch.no_grad():
        for name, parameter in policy.adapter().items():
            if "lora_B" in name:
                parameter += 0.05


def test_only_the_learning_adapter_learns(policy: Policy) -> None:
    learning = {name for name, p in policy.model.named_parameters() if p.requires_grad}

    assert learning == set(policy.adapter())
    with policy.as_reference():
        pass
    assert {name for name, p in policy.model.named_parameters() if p.requires_grad} == learning


def test_at_first_policy_and_reference_are_the_same_and_every_value_is_zero(policy: Policy) -> None:
    written = write_answers(policy.model, policy.base, QUESTIONS, DRAW, seeds=[1, 2])
    read = read_round(policy, written, torch.zeros(2), samples=1, size=2)

    torch.testing.assert_close(read.old, read.reference)
    assert float(read.divergence.abs().max()) < 1e-6
    assert float(read.values.abs().max()) == 0


def test_a_changed_policy_drifts_and_its_reference_does_not(policy: Policy) -> None:
    written = write_answers(policy.model, policy.base, QUESTIONS, DRAW, seeds=[1, 2])
    before = read_round(policy, written, torch.zeros(2), samples=1, size=2)
    nudge(policy)
    after = read_round(policy, written, torch.zeros(2), samples=1, size=2)

    torch.testing.assert_close(after.reference, before.reference)
    assert float(after.divergence.sum()) > 0.01
    assert not torch.equal(after.old, before.old)


def test_log_probabilities_are_those_that_generation_drew_with(policy: Policy) -> None:
    from releaf.language.generation_batch import generate_batch
    from releaf.language.template import encode_prompt

    nudge(policy)
    prompt = encode_prompt(policy.base.tokenizer, *QUESTIONS[0], room=100).ids
    drawn = generate_batch(policy.model, policy.base.tokenizer, [prompt], DRAW, seeds=[3], log_probabilities=True)[0]
    row = ((*prompt, *drawn.ids), (*[IGNORED] * len(prompt), *drawn.ids))
    read = policy.read(collate([row], pad=0)).log_probabilities[0].detach().numpy()

    np.testing.assert_allclose(read[len(prompt) - 1 :], drawn.log_probabilities, atol=1e-4)
    assert not read[: len(prompt) - 1].any()


def test_what_is_read_does_not_depend_on_what_stands_beside_it(policy: Policy) -> None:
    nudge(policy)
    written = write_answers(policy.model, policy.base, QUESTIONS, DRAW, seeds=[1, 2])
    together = read_round(policy, written, torch.zeros(2), samples=1, size=2)
    apart = read_round(policy, written, torch.zeros(2), samples=1, size=1)

    torch.testing.assert_close(together.old, apart.old, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together.divergence, apart.divergence, atol=1e-5, rtol=1e-4)


def test_the_same_question_is_answered_by_its_seed(policy: Policy) -> None:
    first, second, third = write_answers(policy.model, policy.base, [QUESTIONS[0]] * 3, DRAW, seeds=[1, 2, 1])

    assert first == third
    assert first.row != second.row


def test_a_prompt_longer_than_the_context_is_refused(policy: Policy) -> None:
    with pytest.raises(InputError, match="shorten it"):
        write_answers(policy.model, policy.base, [("where " * 300, "")], DRAW, seeds=[1])


def test_an_input_longer_than_the_context_loses_its_end(policy: Policy) -> None:
    written = write_answers(policy.model, policy.base, [("Where?", "far away " * 300)], DRAW, seeds=[1])

    assert len(written[0].row[0]) <= policy.base.context


def test_a_reward_that_is_no_number_stops_with_the_answer(policy: Policy) -> None:
    written = write_answers(policy.model, policy.base, QUESTIONS, DRAW, seeds=[1, 2])

    with pytest.raises(TrainingError, match="to 'And the peel\\?' is nan; fit the reward model again"):
        rewards_of(written, lambda answers: np.array([0.5, np.nan]))


def test_a_saved_policy_is_an_adapter_like_any_other(
    policy: Policy, open_copy: Callable[[], Base], tmp_path: Path
) -> None:
    nudge(policy)
    learned = {name: p.detach().clone() for name, p in policy.adapter().items()}
    target = tmp_path / "aligned"
    target.mkdir()
    policy.save(target)
    opened = load_adapter(open_copy(), target)

    assert {file.name for file in target.iterdir()} == {"adapter_config.json", "adapter_model.safetensors", "base.json"}
    for name, parameter in opened.named_parameters():
        if name in learned:
            torch.testing.assert_close(parameter.detach(), learned[name])
    assert fingerprint(opened, policy.base.tokenizer) == policy.base.fingerprint
