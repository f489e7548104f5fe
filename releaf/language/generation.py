"""Writing an answer token by token: whole or as a stream. Many at once: `generation_batch`.

How the prompt is made is `template`'s business, how a token is drawn `sampling`'s.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from releaf.language.answer_text import AnswerText
from releaf.language.decoding import Decoding, end_tokens, room_after
from releaf.language.sampling import answer_stream, draw
from releaf.language.settings import GenerationSettings

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

Reason = Literal["end", "stop", "length"]


@dataclass(frozen=True)
class Ending:
    """Why an answer ended (`end` token, `stop` string, `length`), how many tokens were drawn, and which.

    `ids` holds them all: the end token and those of a stop string too, which the text does not show.
    """

    reason: Reason
    tokens: int
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Generation:
    """An answer's text, and what `Ending` says of it.

    `log_probabilities` holds ln P of each drawn token where it was asked for, see `sampling.log_probabilities`.
    """

    text: str
    reason: Reason
    tokens: int
    ids: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()


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
            return Generation("".join(text), ending.reason, ending.tokens, ending.ids)


def stream(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, prompt: Sequence[int], settings: GenerationSettings
) -> Generator[str, None, Ending]:
    """Pieces of the answer as they come; joined they are the answer, and the generator returns its `Ending`.

    What could still become a stop string, and bytes that are not yet a character, wait for the next token.
    Raises `InputError` for an empty prompt, one that leaves no room in the model's context or holds an unknown id.
    """
    room = room_after(model, prompt, settings.max_new_tokens)
    ends, numbers = end_tokens(model, tokenizer), answer_stream(settings.seed, prompt)
    answer, decoding = AnswerText(tokenizer, settings.stop), Decoding(model)
    ids: list[int] = []
    logits = decoding.read([prompt])
    while True:
        drawn = draw(logits, [numbers.random()], temperature=settings.temperature, top_p=settings.top_p)
        ids.append(int(drawn))
        if ids[-1] in ends:
            reason: Reason = "end"
            break
        piece = answer.push(ids[-1])
        if piece:
            yield piece
        if answer.stopped:
            return Ending("stop", len(ids), tuple(ids))
        if len(ids) == room:
            reason = "length"
            break
        logits = decoding.step(drawn)
    rest = answer.finish()
    if rest:
        yield rest
    return Ending("stop" if answer.stopped else reason, len(ids), tuple(ids))
