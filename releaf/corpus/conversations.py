"""Conversations as imported files tell them: turns of ShareGPT (`from`, `value`) or Hugging Face (`role`, `content`).

What a turn is used for is in `instruction_forms` and `preference_forms`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from releaf.corpus.reading import Entry
from releaf.corpus.validation import LineError, Quarantine

SPEAKERS = {"system": "System", "human": "Human", "user": "Human", "gpt": "Assistant", "assistant": "Assistant"}
_SHAPES = (("from", "value"), ("role", "content"))


@dataclass(frozen=True)
class Turn:
    """Who says what: `speaker` is System, Human or Assistant."""

    speaker: str
    text: str


def read_turn(entry: Entry, value: Any, where: str) -> Turn:
    """One turn of either shape; raises `LineError` that names `where` for what is no turn."""
    for speaker, text in _SHAPES:
        if isinstance(value, dict) and speaker in value:
            if not isinstance(value.get(text), str):
                raise LineError(entry.file, entry.line, f"{where} has no text under {text!r}")
            name = value[speaker]
            if not isinstance(name, str) or name not in SPEAKERS:
                told = repr(name)[:40]
                raise LineError(entry.file, entry.line, f"{where} is by {told}; known: {', '.join(SPEAKERS)}")
            return Turn(SPEAKERS[name], value[text].strip())
    raise LineError(entry.file, entry.line, f"{where} is no turn: neither from and value nor role and content")


def read_turns(entry: Entry, value: Any, where: str) -> tuple[Turn, ...]:
    """A list of turns in which people and assistant take turns, after what the system says first.

    Raises `LineError` for what is no list, for an empty one, and for a speaker out of turn.
    """
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else type(value).__name__
        raise LineError(entry.file, entry.line, f"{where}: expected a list of turns, found {found}")
    turns = tuple(read_turn(entry, turn, f"turn {number} of {where}") for number, turn in enumerate(value, start=1))
    for number, (before, after) in enumerate(pairwise(turns), start=2):
        if after.speaker in ("System", before.speaker):
            told = f"turn {number} of {where} is by {after.speaker} after {before.speaker}"
            raise LineError(entry.file, entry.line, f"{told}; people and assistant must take turns")
    return turns


def transcript(turns: Sequence[Turn]) -> str:
    """The turns as text, one a paragraph, each with its speaker."""
    return "\n".join(f"{turn.speaker}: {turn.text}" for turn in turns)


def of_one_form(
    entries: Sequence[Entry], form_of: Callable[[dict[str, Any]], str | None], expected: str, quarantine: Quarantine
) -> list[tuple[Entry, str]]:
    """The entries of the form that the file's first recognizable one has, each with its form.

    `form_of` names the form of a record by its keys; `expected` says in words which forms there are. Other entries go
    to `quarantine`: a file that mixes forms was most likely put together by mistake.
    """
    kept: list[tuple[Entry, str]] = []
    for entry in entries:
        form = form_of(entry.value) if isinstance(entry.value, dict) else None
        if form is None:
            quarantine.add(entry.file, entry.line, f"expected {expected}; found {_shape(entry.value)}", entry.text)
        elif kept and form != kept[0][1]:
            told = f"a record in {form} form, in a file that began with {kept[0][1]} at line {kept[0][0].line}"
            quarantine.add(entry.file, entry.line, f"{told}; keep one form a file", entry.text)
        else:
            kept.append((entry, form))
    return kept


def _shape(value: Any) -> str:
    if not isinstance(value, dict):
        return type(value).__name__
    return f"the keys {', '.join(repr(key)[:40] for key in list(value)[:5])}" if value else "no keys"
