"""Writing an answer token by token: greedy, temperature and top-p, stop strings, streaming.

One loop with a key-value cache serves whole answers and streams. How the prompt is made is `template`'s business.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from releaf.errors import InputError
from releaf.language.settings import GenerationSettings
from releaf.language.tokenizer import decode

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

Reason = Literal["end", "stop", "length"]


@dataclass(frozen=True)
class Ending:
    """Why an answer ended (`end` token, `stop` string, `length`) and how many tokens were drawn."""

    reason: Reason
    tokens: int


@dataclass(frozen=True)
class Generation:
    """An answer's text, why it ended, and how many tokens were drawn."""

    text: str
    reason: Reason
    tokens: int


def generate(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, prompt: Sequence[int], settings: GenerationSettings
) -> Generation:
    """The whole answer to a prompt of token ids; raises `InputError` as `stream` does."""
    pieces = stream(model, tokenizer, prompt, settings)
    text: list[str] = []
    while True:
        try:
            text.append(next(pieces))
        except StopIteration as stopped:
            ending: Ending = stopped.value
            return Generation("".join(text), ending.reason, ending.tokens)


def stream(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, prompt: Sequence[int], settings: GenerationSettings
) -> Generator[str, None, Ending]:
    """Pieces of the answer as they come; joined they are the answer, and the generator returns its `Ending`.

    What could still become a stop string, and bytes that are not yet a character, wait for the next token.
    Raises `InputError` for an empty prompt or one that leaves no room in the model's context.
    """
    ids: list[int] = []
    sent = 0
    reason: Reason = "length"
    for token in _tokens(model, prompt, settings):
        if token == tokenizer.eos_token_id:
            reason = "end"
            break
        ids.append(token)
        text = decode(tokenizer, ids)
        stop = _first_stop(text, settings.stop)
        if stop is not None:
            if stop > sent:
                yield text[sent:stop]
            return Ending("stop", len(ids))
        ready = _ready(text, settings.stop)
        if ready > sent:
            yield text[sent:ready]
            sent = ready
    rest = decode(tokenizer, ids)[sent:]
    if rest:
        yield rest
    return Ending(reason, len(ids) + (reason == "end"))


def nucleus(logits: Tensor, *, temperature: float, top_p: float) -> Tensor:
    """Probabilities (V,) of the tokens that may be drawn: the smallest set of the likeliest whose sum reaches `top_p`.

    At `temperature` 0 the likeliest token has probability 1. Holtzman et al. 2020, section 3.1.
    """
    import torch

    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), logits.numel()).float()
    probabilities, order = (logits.float() / temperature).softmax(-1).sort(descending=True, stable=True)
    before = probabilities.cumsum(-1) - probabilities
    kept = torch.where(before < top_p, probabilities, 0.0)
    return torch.zeros_like(kept).scatter(0, order, kept / kept.sum())


def _tokens(model: nn.Module, prompt: Sequence[int], settings: GenerationSettings) -> Iterator[int]:
    """Draw tokens until `max_new_tokens` or the end of the context; each costs one step thanks to the cache."""
    import torch

    config: Any = model.config
    room = config.max_position_embeddings - len(prompt)
    if not prompt or room < 1:
        raise InputError(
            f"a prompt of {len(prompt)} tokens cannot be continued in a context of {config.max_position_embeddings}"
        )
    device = next(model.parameters()).device
    random = torch.Generator().manual_seed(settings.seed)
    ids, cache = torch.tensor([list(prompt)], device=device), None
    for _ in range(min(settings.max_new_tokens, room)):
        token, cache = _step(model, ids, cache, settings, random)
        yield token
        ids = torch.tensor([[token]], device=device)


def _step(
    model: nn.Module, ids: Tensor, cache: Any, settings: GenerationSettings, random: torch.Generator
) -> tuple[int, Any]:
    import torch

    with torch.no_grad():
        output = model(input_ids=ids, past_key_values=cache, use_cache=True)
    # Drawn on the CPU, so that a seed means the same on every device.
    chances = nucleus(output.logits[0, -1].cpu(), temperature=settings.temperature, top_p=settings.top_p)
    return int(torch.multinomial(chances, 1, generator=random)), output.past_key_values


def _first_stop(text: str, stops: Sequence[str]) -> int | None:
    found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return min(found, default=None)


def _ready(text: str, stops: Sequence[str]) -> int:
    """How much of `text` no later token can change."""
    whole = len(text.rstrip("\N{REPLACEMENT CHARACTER}"))
    held = max(
        (size for stop in stops for size in range(1, len(stop)) if text[:whole].endswith(stop[:size])), default=0
    )
    return whole - held
