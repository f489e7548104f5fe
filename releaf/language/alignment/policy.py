"""The policy: a base with the tuned adapter twice, once to learn and once frozen as the reference, and a value head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from releaf.language.adapters import load_adapter, save_adapter, without_deprecation
from releaf.language.alignment.features import Block, Matrix, decoder_block
from releaf.language.alignment.pairs import Answered
from releaf.language.alignment.ppo import divergence, entropy
from releaf.language.batches import Batch
from releaf.language.decoder import Base, geometry_of
from releaf.metrics.text import IGNORED

if TYPE_CHECKING:
    from peft import PeftModel

LEARNS, REFERENCE = "default", "reference"


@dataclass(frozen=True)
class Reading:
    """What the policy makes of answers, each (B, T − 1) for the tokens 1 … T − 1, 0 where no answer stands.

    log_probabilities: ln π of the token. entropy: of the whole distribution. values: expected reward from here.
    """

    log_probabilities: Tensor
    entropy: Tensor
    values: Tensor


class Policy:
    """A base that carries two adapters of one shape; only `LEARNS` and the value head change.

    Dropout stays off, so that the ratio of new to old probabilities starts at exactly 1. `temperature` divides the
    logits of both: probabilities, entropies and drift are those of answers drawn at it.
    """

    def __init__(self, base: Base, adapter: Path, reference: Path, *, temperature: float = 1.0, seed: int = 0) -> None:
        self.base = base
        self.temperature = temperature
        self.model: PeftModel = load_adapter(base, adapter)
        with without_deprecation():
            self.model.load_adapter(str(reference), adapter_name=REFERENCE, is_trainable=False)
        self._use(LEARNS)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.value_head = _value_head(geometry_of(base.model).width).to(self.device)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.model.parameters()).device

    def adapter(self) -> dict[str, nn.Parameter]:
        """What learns, by name."""
        return {name: p for name, p in self.model.named_parameters() if f".{LEARNS}." in name}

    @contextmanager
    def as_reference(self) -> Iterator[None]:
        """Inside the block the model is the tuned one that the policy is held to."""
        self._use(REFERENCE)
        try:
            yield
        finally:
            self._use(LEARNS)

    def read(self, batch: Batch) -> Reading:
        """Log-probabilities, entropies and values of the labelled tokens, with gradients where they are on."""
        logits, hidden = self._forward(batch)
        mask, tokens = answer_mask(batch, self.device), batch.ids[:, 1:].to(self.device)
        logs = logits.log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
        # The value head reads the policy and does not bend it: its errors at the start would cost fluency.
        values = self.value_head(hidden.detach())[..., 0]
        return Reading(logs * mask, entropy(logits) * mask, values * mask)

    @torch.no_grad()
    def against_reference(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Ln π_ref of each labelled token and KL(π ‖ π_ref) at it, in nats, each (B, T − 1)."""
        logits, _ = self._forward(batch)
        with self.as_reference():
            reference, _ = self._forward(batch)
        mask, tokens = answer_mask(batch, self.device), batch.ids[:, 1:].to(self.device)
        logs = reference.log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
        return logs * mask, divergence(logits, reference) * mask

    def save(self, directory: Path) -> None:
        """Write the learned adapter alone, as `adapters.load_adapter` reads it. The reference is gone afterwards."""
        self.model.delete_adapter(REFERENCE)
        save_adapter(self.model, self.base, directory)

    def _use(self, name: str) -> None:
        self.model.set_adapter(name)
        for parameter_name, parameter in self.model.named_parameters():
            parameter.requires_grad_(f".{LEARNS}." in parameter_name)
        self.model.train(False)

    def _forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (B, T − 1, V) over the temperature in fp32, and the last hidden states (B, T − 1, C)."""
        model: Any = self.model
        output = model(
            input_ids=batch.ids.to(self.device),
            attention_mask=batch.mask.to(self.device),
            use_cache=False,
            output_hidden_states=True,
        )
        return output.logits[:, :-1].float() / self.temperature, output.hidden_states[-1][:, :-1].float()


def reference_block(policy: Policy) -> Block:
    """`features.decoder_block` of the tuned model: what rewards an answer must not move with the policy."""
    block = decoder_block(policy.model, policy.base)

    def of_reference(answers: Sequence[Answered]) -> Matrix:
        with policy.as_reference():
            return block(answers)

    return of_reference


def answer_mask(batch: Batch, device: torch.device) -> Tensor:
    """1 where the next token belongs to the answer, (B, T − 1) fp32."""
    return (batch.labels[:, 1:] != IGNORED).float().to(device)


def _value_head(width: int) -> nn.Sequential:
    """One hidden layer; the last weights are 0, so that at first every value is the mean reward, which is 0."""
    last = nn.Linear(width, 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.Tanh(), last)
