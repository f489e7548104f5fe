"""Many answers side by side: each the one that `generate` gives alone, in a fraction of the time.

Rows that have ended leave the batch, so that the last long answer is not accompanied by rows that nobody reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING

from releaf.errors import InputError
from releaf.language.answer_text import AnswerText
from releaf.language.decoding import Decoding, end_tokens, room_after
from releaf.language.generation import Generation, Reason
from releaf.language.sampling import answer_stream, draw
from releaf.language.sampling import log_probabilities as drawn_log_probabilities
from releaf.language.settings import GenerationSettings

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast


def generate_batch(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Sequence[int]],
    settings: GenerationSettings,
    *,
    seeds: Sequence[int] | None = None,
    batch_size: int = 32,
    log_probabilities: bool = False,
) -> list[Generation]:
    """The answer to each prompt, in the order of the prompts, `batch_size` of them read at once.

    A row's answer is that of `generate` with the row's seed (`settings.seed` without `seeds`), whatever stands beside
    it; the same prompt twice needs two seeds to be answered in two ways. Raises `InputError` as `generate` does,
    naming the prompt, and for a `batch_size` below 1 or another number of seeds than of prompts.
    """
    given = [settings.seed] * len(prompts) if seeds is None else list(seeds)
    if batch_size < 1 or len(given) != len(prompts):
        raise InputError(
            f"{len(prompts)} prompts need as many seeds ({len(given)} given) and a batch_size of at least 1 "
            f"({batch_size} given)"
        )
    ends = end_tokens(model, tokenizer)
    rows = [
        _Row(index, prompt, _room(model, index, prompt, settings), AnswerText(tokenizer, settings.stop), seed, ends)
        for index, (prompt, seed) in enumerate(zip(prompts, given, strict=True))
    ]
    # Those of like length together: a row computes its padding too.
    rows.sort(key=lambda row: len(row.prompt), reverse=True)
    for start in range(0, len(rows), batch_size):
        _write(model, rows[start : start + batch_size], settings, log_probabilities)
    return [row.answer() for row in sorted(rows, key=lambda row: row.index)]


class _Row:
    """One answer in the making."""

    def __init__(
        self, index: int, prompt: Sequence[int], room: int, text: AnswerText, seed: int, ends: frozenset[int]
    ) -> None:
        self.index = index
        self.prompt = prompt
        self.numbers = answer_stream(seed, prompt)
        self.logs: list[float] = []
        self._room = room
        self._text = text
        self._ends = ends
        self._ids: list[int] = []
        self._pieces: list[str] = []
        self._reason: Reason | None = None

    def push(self, token: int) -> bool:
        """Take a drawn token; False when the answer has ended with it."""
        self._ids.append(token)
        if token in self._ends:
            self._reason = "end"
        else:
            self._pieces.append(self._text.push(token))
            if self._text.stopped:
                self._reason = "stop"
            elif len(self._ids) == self._room:
                self._reason = "length"
        return self._reason is None

    def answer(self) -> Generation:
        """The answer, now that it has ended."""
        if not self._text.stopped:
            self._pieces.append(self._text.finish())
        reason: Reason = "stop" if self._text.stopped else self._reason or "length"
        return Generation("".join(self._pieces), reason, len(self._ids), tuple(self._ids), tuple(self.logs))


def _room(model: nn.Module, index: int, prompt: Sequence[int], settings: GenerationSettings) -> int:
    try:
        return room_after(model, prompt, settings.max_new_tokens)
    except InputError as error:
        raise InputError(f"prompt {index}: {error}") from error


def _write(model: nn.Module, rows: list[_Row], settings: GenerationSettings, with_logs: bool) -> None:
    """Write these rows to their ends."""
    decoding = Decoding(model)
    logits = decoding.read([row.prompt for row in rows])
    while True:
        uniforms = [row.numbers.random() for row in rows]
        drawn = draw(logits, uniforms, temperature=settings.temperature, top_p=settings.top_p)
        if with_logs:
            logs = drawn_log_probabilities(logits, drawn, temperature=settings.temperature)
            for row, value in zip(rows, logs.tolist(), strict=True):
                row.logs.append(value)
        going = [row.push(token) for row, token in zip(rows, drawn.tolist(), strict=True)]
        if not any(going):
            return
        if not all(going):
            rows = list(compress(rows, going))
            left = list(compress(range(len(going)), going))
            decoding.keep(left)
            drawn = drawn[left]
        logits = decoding.step(drawn)
