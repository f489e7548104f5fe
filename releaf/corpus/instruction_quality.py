"""What makes an instruction record usable: lengths, repetition, and which records say nearly the same.

What holds of any text is in `text_quality`; reading files and splitting them is in `instructions`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from releaf.corpus.duplicates import groups, text_groups
from releaf.corpus.text_quality import control_character, count_words, fold, overlap
from releaf.errors import InputError

Record: TypeAlias = dict[str, Any]
"""A row with at least the texts `instruction`, `input` and `output`."""

PROBLEMS = ("empty", "too_short", "too_long")
TEXTS = ("instruction", "input", "output")

_LATER_TURN = re.compile(r"^(?P<conversation>.+-[0-9a-f]{12})\.\d+$")


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
    return f"{fold(prompt_of(record))}\n{fold(record['output'])}"


def length_problem(record: Record, limits: Limits) -> tuple[str, str] | None:
    """Which of `PROBLEMS` the record has, and the reason in words; None for none."""
    words = {key: count_words(record[key]) for key in TEXTS}
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


def problem_of(record: Record, limits: Limits) -> str | None:
    """Why the record cannot be used, in words; None where it can."""
    for key in TEXTS:
        control = control_character(record[key])
        if control:
            return f"the {key} holds the control character {control!r}; remove it"
    problem = length_problem(record, limits)
    if problem:
        return problem[1]
    share = overlap(prompt_of(record), record["output"])
    return f"the output repeats the instruction (overlap {share:.2f})" if share > limits.highest_overlap else None


def record_groups(records: Sequence[Record]) -> list[int]:
    """Group records that nearly agree as a whole or in their prompts alone, and those of one conversation.

    Either would show a model the test question in training; a later turn of a conversation holds the earlier answers.
    Gives the first index of each record's group.
    """
    prompts = [prompt_of(record) for record in records]
    whole = [f"{prompt}\n{record['output']}" for prompt, record in zip(prompts, records, strict=True)]
    pairs = [*enumerate(text_groups(whole)), *enumerate(text_groups(prompts)), *_conversations(records)]
    return groups(len(records), pairs)


def _conversations(records: Sequence[Record]) -> list[tuple[int, int]]:
    first: dict[str, int] = {}
    pairs = []
    for index, record in enumerate(records):
        later = _LATER_TURN.match(record.get("id") or "")
        name = later["conversation"] if later else record.get("id") or f"{index}"
        pairs.append((first.setdefault(name, index), index))
    return pairs
