"""Reading prompts and then a token at a time, for one answer or many side by side, with a key-value cache.

Prompts of unequal length are padded on the left; positions and attention leave the padding out, so that a row computes
what it computes alone. Choosing tokens and ending answers is not done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from releaf.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast


class Decoding:
    """A model part-way through some answers. Call `read` once, then `step` with what was drawn for each row."""

    def __init__(self, model: nn.Module) -> None:
        from releaf.language.cache import RowCache

        self._model = model
        self._device = next(model.parameters()).device
        self._cache: Any = RowCache()
        self._mask: Tensor | None = None  # (B, T): 1 on real tokens; None where no row has padding
        self._positions: Tensor | None = None  # (B, 1): of the token read last

    def read(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Logits (B, V) of the first token after each prompt."""
        import torch

        longest = max(map(len, prompts))
        missing = [longest - len(prompt) for prompt in prompts]
        # What stands in the padding is never attended to; 0 is a token of every vocabulary.
        ids = torch.tensor([[0] * gap + list(prompt) for gap, prompt in zip(missing, prompts, strict=True)])
        if not any(missing):
            return self._forward(ids)
        gaps = torch.tensor(missing)[:, None]
        places = torch.arange(longest)[None]
        self._mask = (places >= gaps).long().to(self._device)
        positions = (places - gaps).clamp(min=0).to(self._device)
        self._positions = positions[:, -1:]
        return self._forward(ids, attention_mask=self._mask, position_ids=positions)

    def step(self, tokens: Tensor) -> Tensor:
        """Logits (B, V) of the token after `tokens` (B,)."""
        import torch

        if self._mask is None or self._positions is None:
            return self._forward(tokens[:, None])
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        self._positions = self._positions + 1
        return self._forward(tokens[:, None], attention_mask=self._mask, position_ids=self._positions)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone, in this order."""
        import torch

        chosen = torch.tensor(rows, device=self._device)
        self._cache.keep(chosen)
        if self._mask is not None and self._positions is not None:
            self._mask, self._positions = self._mask[chosen], self._positions[chosen]

    def _forward(self, ids: Tensor, **rest: Tensor) -> Tensor:
        import torch

        # Not inference mode: whoever trains between two answers must find no tensor of the model's made in it.
        with torch.no_grad():
            output = self._model(
                input_ids=ids.to(self._device), past_key_values=self._cache, use_cache=True, logits_to_keep=1, **rest
            )
        self._cache = output.past_key_values
        logits: Tensor = output.logits[:, -1]
        return logits


def room_after(model: nn.Module, prompt: Sequence[int], wanted: int) -> int:
    """How many of the `wanted` tokens fit after a prompt.

    Raises `InputError` for an empty prompt, one that leaves no room in the model's context, or one with an id that is
    not in the vocabulary.
    """
    config: Any = model.config
    room = int(config.max_position_embeddings) - len(prompt)
    if not prompt or room < 1:
        raise InputError(
            f"a prompt of {len(prompt)} tokens cannot be continued in a context of {config.max_position_embeddings}"
        )
    vocabulary = getattr(config, "vocab_size", None)
    if vocabulary is not None and not 0 <= min(prompt) <= max(prompt) < vocabulary:
        strange = next(token for token in prompt if not 0 <= token < vocabulary)
        raise InputError(
            f"the prompt holds the token {strange}, and the model knows 0 to {vocabulary - 1}; "
            "encode it with the tokenizer of this model"
        )
    return min(wanted, room)


def end_tokens(model: nn.Module, tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """Ids that end an answer: the tokenizer's, and those the checkpoint's generation settings add (Llama 3 has two).

    Empty where neither knows one: then only a stop string or the length ends an answer.
    """
    settings: Any = getattr(model, "generation_config", None)
    more = getattr(settings, "eos_token_id", None)
    known = [tokenizer.eos_token_id, *(more if isinstance(more, list | tuple) else [more])]
    return frozenset(int(token) for token in known if token is not None)
