"""What can be said of one text, or of two, whatever record they stand in: length, language, overlap, odd characters.

What makes a record usable is in `instruction_quality` and `preference_quality`; near duplicates are in `duplicates`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese: scripts that put no space between words."""
_COUNTED = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_FUNCTION_WORDS = frozenset(
    [
        *("the", "of", "and", "to", "is", "are", "that", "it", "for", "with", "as", "be", "this", "from", "or", "by"),
        *("not", "but", "what", "which", "when", "how", "you", "your", "can", "do", "does", "if", "they", "there"),
        *("than", "then", "their", "them", "were", "has", "have", "had", "its", "should", "would", "much", "each"),
    ]
)
"""Frequent in English, and no words of German, French, Spanish or Italian."""


def count_words(text: str) -> int:
    """Runs without a space; in scripts that use none, each character is one, so that no answer there is one word."""
    return len(_COUNTED.findall(text))


def fold(text: str) -> str:
    """The text without case and punctuation; where it holds nothing else, such as one emoji, the text itself."""
    return " ".join(_WORD.findall(text.casefold())) or text.strip()


def overlap(prompt: str, answer: str) -> float:
    """Share of the answer's runs of three words that stand in the prompt, 0 to 1; 0 for answers of one or two words."""
    runs = _runs(answer)
    return len(runs & _runs(prompt)) / len(runs) if runs else 0.0


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return set(zip(words, words[1:], words[2:], strict=False))


def is_english(text: str) -> bool:
    """Whether at least one word in ten is an English function word; a rough test, meant for shares over many texts."""
    words = _WORD.findall(text.casefold())
    return sum(word in _FUNCTION_WORDS for word in words) >= len(words) / 10


def control_character(text: str) -> str | None:
    """The first control character other than a line end or a tab; None for none."""
    found = _CONTROL.search(text)
    return found.group() if found else None


def leakage(group: Sequence[int], split: Sequence[str | None]) -> float:
    """Share of the validation and test records whose group has a member in another split, 0 to 1."""
    sides: dict[int, set[str | None]] = {}
    for name, side in zip(group, split, strict=True):
        sides.setdefault(name, set()).add(side)
    held_out = [name for name, side in zip(group, split, strict=True) if side in ("validation", "test")]
    return sum(len(sides[name]) > 1 for name in held_out) / len(held_out) if held_out else 0.0


def mean(values: Sequence[float], count: int | None = None) -> float:
    """Mean of the values, or their sum over `count`; 0 where there is nothing to divide by."""
    return sum(values) / max(len(values) if count is None else count, 1)
