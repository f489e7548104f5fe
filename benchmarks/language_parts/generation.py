"""`generation`: tokens a second of our answers beside transformers' `generate`, and of a batch beside one by one.

Both sides have the same model, prompts and number of tokens. The model has the sizes of the local profile's base and
the weights it starts from, which take as long as trained ones; no end token is known, so every answer has its length.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from retrieval_parts.measure import Row, Table, in_turns, median_ratio, seconds

from releaf.language.settings import DecoderSettings, GenerationSettings, TokenizerSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SHORTEST, LONGEST = 20, 120
Sides = dict[str, Callable[[], float]]


@dataclass(frozen=True)
class Subject:
    """What both sides answer with: a model, its tokenizer without an end token, prompts of mixed lengths."""

    model: Any
    tokenizer: PreTrainedTokenizerFast
    prompts: list[list[int]]


def generation(*, rounds: int, rows: int, tokens: int) -> Table:
    """Ratios of speed, sides in turns within one run."""
    subject = made(rows)
    greedy = GenerationSettings(tokens, temperature=0, stop=())
    sampled = GenerationSettings(tokens, temperature=0.7, top_p=0.95, stop=())
    measured: list[Row] = []
    for name, settings in (("greedy", greedy), ("sampled", sampled)):
        spent = in_turns(single(subject, settings), rounds)
        measured += _speeds(spent, f"one answer, {name}", tokens)
        measured.append(_ratio(spent, "generate", "ours", f"ours over generate, {name}", 1.0))
    for name, settings in (("greedy", greedy), ("sampled", sampled)):
        spent = in_turns(many(subject, settings), max(2, rounds // 2))
        measured += _speeds(spent, f"{rows} answers, {name}", rows * tokens)
        measured.append(_ratio(spent, "one by one", "batch", f"batch over one by one, {name}", 3.0))
        measured.append(_ratio(spent, "generate", "batch", f"batch over generate of a padded batch, {name}", None))
    return Table(
        "generation",
        f"{tokens} tokens an answer, prompts of {SHORTEST} to {LONGEST} tokens, batches of {rows}",
        tuple(measured),
        remarks=("the model has the local profile's sizes; `generate` is that of transformers, with its cache",),
    )


def made(rows: int) -> Subject:
    """The model that is measured, and its prompts."""
    from releaf.language.decoder import build_decoder
    from releaf.language.tokenizer import train_tokenizer
    from resources.settings import load_settings

    decoder: DecoderSettings = load_settings().language.base.decoder
    words = [f"{start}{middle}{end}" for start in "bcdfglmprst" for middle in ("a", "ei", "o") for end in ("n", "ttle")]
    numbers = random.Random(0)
    tokenizer = copy.deepcopy(
        train_tokenizer(
            [" ".join(numbers.choices(words, k=200)) for _ in range(40)], TokenizerSettings(minimum_frequency=1)
        )
    )
    tokenizer.eos_token = None
    model: Any = build_decoder(decoder, tokenizer, seed=0)
    lengths = [SHORTEST + (LONGEST - SHORTEST) * row // max(1, rows - 1) for row in range(rows)]
    prompts = [[1, *(numbers.randrange(3, len(tokenizer)) for _ in range(length - 1))] for length in lengths]
    return Subject(model, tokenizer, prompts)


def single(subject: Subject, settings: GenerationSettings) -> Sides:
    """Seconds of one answer to a prompt of middling length."""
    from releaf.language.generation import generate

    prompt = subject.prompts[len(subject.prompts) // 2]
    return _warm(
        {
            "ours": partial(seconds, partial(generate, subject.model, subject.tokenizer, prompt, settings)),
            "generate": partial(seconds, partial(theirs, subject, [prompt], settings)),
        }
    )


def many(subject: Subject, settings: GenerationSettings) -> Sides:
    """Seconds of an answer to every prompt."""
    from releaf.language.generation import generate
    from releaf.language.generation_batch import generate_batch

    model, tokenizer, prompts = subject.model, subject.tokenizer, subject.prompts
    return _warm(
        {
            "batch": partial(seconds, partial(generate_batch, model, tokenizer, prompts, settings)),
            "one by one": partial(
                seconds, lambda: [generate(model, tokenizer, prompt, settings) for prompt in prompts]
            ),
            "generate": partial(seconds, partial(theirs, subject, prompts, settings)),
        }
    )


def theirs(subject: Subject, prompts: list[list[int]], settings: GenerationSettings) -> list[str]:
    """The same through transformers, text included; its default of the 50 likeliest tokens alone is switched off."""
    import torch

    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    drawing: dict[str, Any] = {"do_sample": False}
    if settings.temperature:
        drawing = {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
    written = subject.model.generate(
        ids, attention_mask=mask, max_new_tokens=settings.max_new_tokens, pad_token_id=0, **drawing
    )
    texts: list[str] = subject.tokenizer.batch_decode(written[:, longest:], skip_special_tokens=True)
    return texts


def _warm(sides: Sides) -> Sides:
    for call in sides.values():
        call()
    return sides


def _speeds(spent: dict[str, list[float]], what: str, tokens: int) -> list[Row]:
    return [
        Row(f"{what}, {side}", (tokens / sorted(values)[len(values) // 2],), "tokens/s")
        for side, values in spent.items()
    ]


def _ratio(spent: dict[str, list[float]], slow: str, fast: str, what: str, asked: float | None) -> Row:
    ratio, note = median_ratio(spent[slow], spent[fast])
    return Row(what, (ratio,), "×", at_least=asked, note=note)
