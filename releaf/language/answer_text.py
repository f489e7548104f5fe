"""An answer's text as its tokens arrive: whole characters only, and nothing that may yet become a stop string.

Each token costs a decode of the few before it, however long the answer is. Drawing tokens is not done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from releaf.language.tokenizer import decode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# Tokens kept undecided before a place to cut is looked for. UTF-8 has at most 4 bytes a character, a token at least 1.
_MOST_PENDING, _LONGEST_CHARACTER = 16, 4


class Detokenizer:
    """Turns token ids into text piece by piece; the pieces joined are the text of all ids.

    A tokenizer may write a token differently at the beginning of a text than within it, so what was last shown is
    decoded again together with what is new.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._shown: list[int] = []
        self._pending: list[int] = []
        self._before = ""  # text of `_shown`

    def push(self, token: int) -> str:
        """Text that became certain with this token, "" while a character is unfinished."""
        self._pending.append(token)
        text = decode(self._tokenizer, self._shown + self._pending)
        if len(text) > len(self._before) and not text.endswith(UNKNOWN):
            return self._show(text, len(self._pending))
        return self._give_up(text) if len(self._pending) > _MOST_PENDING else ""

    def finish(self) -> str:
        """What is left when no token comes any more, an unfinished character as the replacement character."""
        return self._show(decode(self._tokenizer, self._shown + self._pending), len(self._pending))

    def _give_up(self, text: str) -> str:
        """Show what no later token can change of a run of broken bytes: one of the last few places is a clean cut."""
        for kept in range(1, _LONGEST_CHARACTER + 1):
            first = decode(self._tokenizer, self._shown + self._pending[:-kept])
            if first + decode(self._tokenizer, self._pending[-kept:]) == text:
                return self._show(first, len(self._pending) - kept)
        return ""

    def _show(self, text: str, count: int) -> str:
        piece = text[len(self._before) :]
        self._shown, self._pending = self._pending[:count], self._pending[count:]
        self._before = decode(self._tokenizer, self._shown) if self._shown else ""
        return piece


class AnswerText:
    """Pieces of an answer that may be shown, up to the first stop string; `stopped` says that one was found."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, stops: Sequence[str]) -> None:
        self.stopped = False
        self._detokenizer = Detokenizer(tokenizer)
        self._stops = stops
        self._held = ""

    def push(self, token: int) -> str:
        """What the token allows to be shown, "" where it has to wait."""
        new = self._detokenizer.push(token)
        return self._take(new) if new else ""

    def finish(self) -> str:
        """What was held back, when no token comes any more."""
        piece = self._take(self._detokenizer.finish())
        rest, self._held = self._held, ""
        return piece if self.stopped else piece + rest

    def _take(self, new: str) -> str:
        text = self._held + new
        stop = min((at for at in (text.find(stop) for stop in self._stops) if at >= 0), default=None)
        if stop is not None:
            self.stopped, self._held = True, ""
            return text[:stop]
        held = max(
            (size for stop in self._stops for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0
        )
        self._held = text[len(text) - held :]
        return text[: len(text) - held]
