"""What makes a preference pair usable, how the table of pairs is measured, and which pairs say nearly the same.

Reading files and splitting them is in `preferences`; what holds of any text is in `text_quality`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import polars as pl

from releaf.corpus.duplicates import groups, text_groups
from releaf.corpus.quality_examples import Measured, examples
from releaf.corpus.text_quality import control_character, count_words, fold, is_english, leakage, mean, overlap
from releaf.errors import InputError

Pair: TypeAlias = dict[str, Any]
"""A row with at least the texts `prompt`, `input`, `chosen` and `rejected`."""

TEXTS = ("prompt", "input", "chosen", "rejected")
SIDES = ("chosen", "rejected")
PROBLEMS = ("empty", "too_short", "too_long", "equal_sides")
_TELLING = 8
"""Words from which on an answer that stands in two pairs gives one of them away; `Yes, it is.` does not."""


@dataclass(frozen=True)
class PreferenceLimits:
    """What a usable pair looks like; lengths in words, `longest_prompt` with the turns before it."""

    shortest_prompt: int = 2
    shortest_answer: int = 2
    longest_prompt: int = 2048
    longest_answer: int = 1024

    def __post_init__(self) -> None:
        """Refuse limits that no pair can meet."""
        if self.shortest_prompt > self.longest_prompt or self.shortest_answer > self.longest_answer:
            raise InputError(f"{self} asks for a shortest text that is longer than the longest")


DEFAULT_LIMITS = PreferenceLimits()


def asked(pair: Pair) -> str:
    """The prompt and, on the next line, the input where there is one."""
    return f"{pair['prompt']}\n{pair['input']}".strip()


def folded(pair: Pair) -> tuple[str, str, str]:
    """Prompt, chosen and rejected without case and punctuation: equal for exact duplicates."""
    return fold(asked(pair)), fold(pair["chosen"]), fold(pair["rejected"])


def problem_of(pair: Pair, limits: PreferenceLimits = DEFAULT_LIMITS) -> tuple[str, str] | None:
    """Which of `PROBLEMS` the pair has, and the reason in words; None for none."""
    words = {key: count_words(pair[key]) for key in TEXTS}
    least = {"prompt": limits.shortest_prompt, "chosen": limits.shortest_answer, "rejected": limits.shortest_answer}
    for key, fewest in least.items():
        if not words[key]:
            return "empty", f"{key} is empty"
        if words[key] < fewest:
            return "too_short", f"{key} has {words[key]} words, at least {fewest} are expected"
    if words["prompt"] + words["input"] > limits.longest_prompt:
        total = words["prompt"] + words["input"]
        return "too_long", f"prompt and input have {total} words, at most {limits.longest_prompt} are expected"
    for key in SIDES:
        if words[key] > limits.longest_answer:
            return "too_long", f"{key} has {words[key]} words, at most {limits.longest_answer} are expected"
    if fold(pair["chosen"]) == fold(pair["rejected"]):
        how = "are the same" if pair["chosen"] == pair["rejected"] else "differ in case and punctuation alone"
        return "equal_sides", f"chosen and rejected {how}; one must be better"
    return None


def control_problem(pair: Pair) -> str | None:
    """Which text holds a control character, in words; None for none."""
    for key in TEXTS:
        control = control_character(pair[key])
        if control:
            return f"{key} holds the control character {control!r}; remove it"
    return None


def pair_groups(pairs: Sequence[Pair]) -> list[int]:
    """Group pairs that nearly agree as a whole, in their prompts alone, or in one of their answers.

    Any of these would show a reward model in training what it is tested on. Gives the first index of each pair's group.
    """
    prompts = [asked(pair) for pair in pairs]
    whole = [f"{prompt}\n{pair['chosen']}\n{pair['rejected']}" for prompt, pair in zip(prompts, pairs, strict=True)]
    answers = [(at, pair[side]) for at, pair in enumerate(pairs) for side in SIDES]
    telling = [(at, text) for at, text in answers if count_words(text) >= _TELLING]
    alike = text_groups([text for _, text in telling])
    shared = [(telling[index][0], telling[first][0]) for index, first in enumerate(alike)]
    return groups(len(pairs), [*enumerate(text_groups(whole)), *enumerate(text_groups(prompts)), *shared])


def quality_report(preferences: pl.DataFrame, limits: PreferenceLimits = DEFAULT_LIMITS) -> dict[str, float]:
    """Figures about the table `preferences`; all but `records`, the mean lengths and their difference are shares.

    `empty`, `too_short`, `too_long`, `equal_sides`, `exact_duplicates` and `leakage` are 0 after `read_preferences`.
    `length_difference` is the mean length of chosen less that of rejected, in words, and `length_bias` its size as a
    share of their mean: what a model could learn that prefers by length alone, and so could `chosen_longer`, the share
    of pairs in which chosen is the longer one. `overlap` is the mean share of an answer's runs of three words that
    stand in its prompt.
    """
    rows = preferences.to_dicts()
    group = pair_groups(rows)
    sizes = Counter(group)
    problems = Counter(problem[0] for row in rows if (problem := problem_of(row, limits)))
    lengths = {side: [count_words(row[side]) for row in rows] for side in SIDES}
    chosen, rejected = (mean(lengths[side]) for side in SIDES)
    longer = [left > right for left, right in zip(lengths["chosen"], lengths["rejected"], strict=True)]
    return {
        "records": float(len(rows)),
        "mean_prompt_words": mean([count_words(asked(row)) for row in rows]),
        "mean_chosen_words": chosen,
        "mean_rejected_words": rejected,
        "length_difference": chosen - rejected,
        "length_bias": abs(chosen - rejected) / ((chosen + rejected) / 2) if chosen + rejected else 0.0,
        "chosen_longer": mean(longer),
        **{name: problems[name] / max(len(rows), 1) for name in PROBLEMS},
        "exact_duplicates": mean([count - 1 for count in Counter(map(folded, rows)).values()], len(rows)),
        "near_duplicates": mean([sizes[name] > 1 for name in group]),
        "english": mean([is_english(" ".join([asked(row), row["chosen"], row["rejected"]])) for row in rows]),
        "overlap": mean([overlap(asked(row), row[side]) for row in rows for side in SIDES]),
        "leakage": leakage(group, [row["split"] for row in rows]),
    }


def quality_examples(preferences: pl.DataFrame) -> list[dict[str, str]]:
    """Pairs of the table `preferences` to look at beside the report's figures: see `quality_examples.examples`."""
    rows = preferences.to_dicts()
    group = pair_groups(rows)
    return examples(
        [
            Measured(row["id"], asked(row), row[side], near, side)
            for row, near in zip(rows, group, strict=True)
            for side in SIDES
        ]
    )
