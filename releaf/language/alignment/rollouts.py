"""Answers that a policy writes, and what is known of each before anything is learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from releaf.errors import TrainingError
from releaf.language.alignment.pairs import Answered
from releaf.language.alignment.policy import Policy, answer_mask
from releaf.language.alignment.reward import Reward
from releaf.language.batches import Batch, Row, collate
from releaf.language.decoder import Base
from releaf.language.generation_batch import generate_batch
from releaf.language.settings import GenerationSettings
from releaf.language.template import encode_prompt
from releaf.metrics.text import IGNORED

if TYPE_CHECKING:
    from torch import nn

Question = tuple[str, str]
"""A prompt and its input, which may be empty."""


@dataclass(frozen=True)
class Written:
    """An answer: its text, prompt and drawn tokens as a row whose labels are the drawn ones, and whether it ended."""

    answered: Answered
    row: Row
    tokens: int
    finished: bool


@dataclass(frozen=True)
class Round:
    """One round of answers, read by the policy that wrote them; tensors are (B, T − 1) but for `scores`, (B,).

    old, reference: ln π and ln π_ref of each drawn token. divergence: KL(π ‖ π_ref) at it. entropy, values: as in
    `Reading`. mask: 1 on drawn tokens. scores: what the answers earn, in standard deviations of the tuned model's.
    samples: answers a question, side by side.
    """

    batch: Batch
    old: Tensor
    reference: Tensor
    divergence: Tensor
    entropy: Tensor
    values: Tensor
    mask: Tensor
    scores: Tensor
    samples: int

    def rows(self, index: NDArray[np.int64]) -> Batch:
        """The batch of some answers."""
        chosen = torch.as_tensor(index)
        return Batch(self.batch.ids[chosen], self.batch.mask[chosen], self.batch.labels[chosen])


def write_answers(
    model: nn.Module,
    base: Base,
    questions: Sequence[Question],
    settings: GenerationSettings,
    *,
    seeds: Sequence[int],
) -> list[Written]:
    """An answer to each question, drawn with its own seed.

    A long input loses its end. Raises `InputError` for a prompt that leaves no room for an answer in the context.
    """
    room = base.context - settings.max_new_tokens
    prompts = [encode_prompt(base.tokenizer, prompt, input, room=room).ids for prompt, input in questions]
    generations = generate_batch(model, base.tokenizer, prompts, settings, seeds=seeds, batch_size=64)
    return [
        Written(
            Answered(*question, generation.text.strip()),
            ((*prompt, *generation.ids), (*[IGNORED] * len(prompt), *generation.ids)),
            generation.tokens,
            generation.reason != "length",
        )
        for question, prompt, generation in zip(questions, prompts, generations, strict=True)
    ]


def rewards_of(written: Sequence[Written], reward: Reward) -> NDArray[np.float64]:
    """The reward model's scores (N,). Raises `TrainingError` for one that is no number."""
    rewards = np.asarray(reward([one.answered for one in written]), dtype=np.float64)
    broken = np.flatnonzero(~np.isfinite(rewards))
    if broken.size:
        one = written[int(broken[0])].answered
        raise TrainingError(
            f"the reward of the answer {one.text[:60]!r} to {one.prompt[:60]!r} is {rewards[broken[0]]}; "
            "fit the reward model again"
        )
    return rewards


@torch.no_grad()
def read_round(policy: Policy, written: Sequence[Written], scores: Tensor, *, samples: int, size: int) -> Round:
    """Let the policy and the reference read the answers, `size` at a time."""
    pad = policy.base.tokenizer.pad_token_id
    batch = collate([one.row for one in written], pad=0 if pad is None else int(pad))
    parts = []
    for start in range(0, len(written), size):
        part = Batch(*(getattr(batch, name)[start : start + size] for name in ("ids", "mask", "labels")))
        reading, (reference, kl) = policy.read(part), policy.against_reference(part)
        parts.append((reading.log_probabilities, reference, kl, reading.entropy, reading.values))
    old, reference, kl, entropy, values = (torch.cat(column) for column in zip(*parts, strict=True))
    mask = answer_mask(batch, policy.device)
    return Round(batch, old, reference, kl, entropy, values, mask, scores.to(policy.device), samples)
