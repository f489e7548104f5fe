"""What makes an instruction record usable: lengths, repetition, language, and which records say nearly the same.

Reading files and splitting them is in `instructions`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from releaf.corpus.duplicates import groups, text_groups
from releaf.errors import InputError

Record: TypeAlias = dict[str, Any]
"""A row with at least the texts `instruction`, `input` and `output`."""

PROBLEMS = ("empty", "too_short", "too_long")

_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = frozenset(
    [
        *("the", "of", "and", "to", "is", "are", "that", "it", "for", "with", "as", "be", "this", "from", "or", "by"),
        *("not", "but", "what", "which", "when", "how", "you", "your", "can", "do", "does", "if", "they", "there"),
        *("than", "then", "their", "them", "were", "has", "have", "had", "its", "should", "would", "much", "each"),
    ]
)
"""Frequent in English, and no words of German, French, Spanish or Italian."""


@dataclass(frozen=True)
class Limits:
    """What a usable record looks like; lengths in words."""

    shortest_instruction: int = 2
    shortest_output: int = 2
    longest_prompt: int = 512
    longest_output: int = 1024
    highest_overlap: float = 0.9
    """Share of the answer's runs of three words that stand in the prompt, above which it only repeats the prompt."""

    def __post_init__(self) -> None:
        """Refuse limits that no record can meet."""
        if self.shortest_instruction > self.longest_prompt or self.shortest_output > self.longest_output:
            raise InputError(f"{self} asks for a shortest text that is longer than the longest")
        if not 0 < self.highest_overlap <= 1:
            raise InputError(f"highest_overlap is {self.highest_overlap}; it is a share above 0 and at most 1")


def prompt_of(record: Record) -> str:
    """The instruction and, on the next line, the input where there is one."""
    return f"{record['instruction']}\n{record['input']}".strip()


def folded(record: Record) -> str:
    """The record without case and punctuation: equal for exact duplicates."""
    return "\n".join(" ".join(_WORD.findall(text.casefold())) for text in (prompt_of(record), record["output"]))


def length_problem(record: Record, limits: Limits) -> tuple[str, str] | None:
    """Which of `PROBLEMS` the record has, and the reason in words; None for none."""
    words = {key: len(record[key].split()) for key in ("instruction", "input", "output")}
    for key, least in (("instruction", limits.shortest_instruction), ("output", limits.shortest_output)):
        if not words[key]:
            return "empty", f"the {key} is empty"
        if words[key] < least:
            return "too_short", f"the {key} has {words[key]} words, at least {least} are expected"
    prompt = words["instruction"] + words["input"]
    if prompt > limits.longest_prompt:
        return "too_long", f"instruction and input have {prompt} words, at most {limits.longest_prompt} are expected"
    if words["output"] > limits.longest_output:
        return "too_long", f"the output has {words['output']} words, at most {limits.longest_output} are expected"
    return None


def overlap(prompt: str, output: str) -> float:
    """Share of the output's runs of three words that stand in the prompt, 0 to 1; 0 for outputs of one or two words."""
    runs = _runs(output)
    return len(runs & _runs(prompt)) / len(runs) if runs else 0.0


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return set(zip(words, words[1:], words[2:], strict=False))


def is_english(text: str) -> bool:
    """Whether at least one word in ten is an English function word; a rough test, meant for shares over many texts."""
    words = _WORD.findall(text.casefold())
    return sum(word in _FUNCTION_WORDS for word in words) >= len(words) / 10


def record_groups(records: Sequence[Record]) -> list[int]:
    """Group records that nearly agree as a whole or in their prompts alone.

    Either would show a model the test question in training. Gives the first index of each record's group.
    """
    prompts = [prompt_of(record) for record in records]
    whole = [f"{prompt}\n{record['output']}" for prompt, record in zip(prompts, records, strict=True)]
    return groups(len(records), [*enumerate(text_groups(whole)), *enumerate(text_groups(prompts))])


def leakage(group: Sequence[int], split: Sequence[str | None]) -> float:
    """Share of the validation and test records whose group has a member in another split, 0 to 1."""
    sides: dict[int, set[str | None]] = {}
    for name, side in zip(group, split, strict=True):
        sides.setdefault(name, set()).add(side)
    held_out = [name for name, side in zip(group, split, strict=True) if side in ("validation", "test")]
    return sum(len(sides[name]) > 1 for name in held_out) / len(held_out) if held_out else 0.0
