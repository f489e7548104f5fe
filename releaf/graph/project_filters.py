"""Which projects a person can and wants to do: difficulty, time, tools. What fits the item is in `support`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from releaf.errors import InputError, UnknownNameError

DIFFICULTIES = ("easy", "medium", "hard")
_ALTERNATIVE = re.compile(r"\s+or\s+|\s*/\s*")
_WORD = re.compile(r"[a-z0-9]+")
_NOT_A_TOOL = {"a", "an", "the", "one", "two", "three", "four", "some"}

Words: TypeAlias = frozenset[str]


@dataclass(frozen=True)
class ProjectDetails:
    """What doing a project takes; None where nobody said. An empty `tools` means bare hands, minutes are hands-on."""

    description: str = ""
    difficulty: str | None = None
    minutes: int | None = None
    tools: tuple[str, ...] | None = None
    safety: str | None = None


NOBODY_SAID = ProjectDetails()


def project_details(rows: Iterable[Mapping[str, Any]]) -> dict[str, ProjectDetails]:
    """Details by project id, from rows of the table of projects."""
    return {
        row["id"]: ProjectDetails(
            row["description"] or "",
            row["difficulty"],
            row["minutes"],
            None if row["tools"] is None else tuple(row["tools"]),
            row["safety"],
        )
        for row in rows
    }


@dataclass(frozen=True)
class Filters:
    """What to leave out; empty or None leaves out nothing. What nobody said about a project does not pass a filter.

    `tools` are all that a person has: every tool of a project must be one of them. `without` are tools not to be
    needed. A tool named by its last word stands for its kinds: without a knife means without a craft knife too, and
    who has a craft knife has a knife. Raises `InputError` for values that can never be met.
    """

    difficulty: tuple[str, ...] = ()
    max_minutes: int | None = None
    without: tuple[str, ...] = ()
    tools: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in self.difficulty:
            if name not in DIFFICULTIES:
                raise UnknownNameError("difficulty", name, DIFFICULTIES)
        if self.max_minutes is not None and self.max_minutes < 1:
            raise InputError(f"no project takes {self.max_minutes} minutes or less; ask for at least 1")
        both = sorted({_words(name) for name in self.without} & {_words(name) for name in self.tools or ()}, key=sorted)
        if both:
            raise InputError(f"{' '.join(sorted(both[0]))!r} is asked for and ruled out at once; keep one of the two")

    def reasons(self, details: Mapping[str, ProjectDetails], projects: Sequence[str]) -> dict[str, list[bool]]:
        """For each filter that is set, as a person wrote it: which of some projects it leaves out.

        Raises `UnknownNameError`, with close names, for a tool that no project uses.
        """
        found = [details.get(project, NOBODY_SAID) for project in projects]
        out: dict[str, list[bool]] = {}
        if self.difficulty:
            out[f"--difficulty {' or '.join(self.difficulty)}"] = [d.difficulty not in self.difficulty for d in found]
        if self.max_minutes is not None:
            most = self.max_minutes
            out[f"--max-minutes {most}"] = [d.minutes is None or d.minutes > most for d in found]
        for name in self.without:
            barred = _known(name, details)
            out[f"--without-tool {name}"] = [
                d.tools is None or any(_needs(tool, barred) for tool in d.tools) for d in found
            ]
        if self.tools is not None:
            owned = [_known(name, details) for name in self.tools]
            label = " ".join(f"--tool {name}" for name in self.tools)
            out[label] = [d.tools is None or not all(_has(tool, owned) for tool in d.tools) for d in found]
        return out


def _known(name: str, details: Mapping[str, ProjectDetails]) -> Words:
    words = _words(name)
    every = {tool for one in details.values() for tool in one.tools or ()}
    if not words or not any(words <= found or found <= words for tool in every for found in _alternatives(tool)):
        raise UnknownNameError("tool", name, every, "the projects")
    return words


def _needs(tool: str, barred: Words) -> bool:
    """Whether a tool cannot do without the barred one: all its alternatives are of that kind."""
    return all(barred <= found for found in _alternatives(tool))


def _has(tool: str, owned: Sequence[Words]) -> bool:
    return any(found <= words for found in _alternatives(tool) for words in owned)


@lru_cache(maxsize=8_192)
def _alternatives(tool: str) -> tuple[Words, ...]:
    return tuple(_words(part) for part in _ALTERNATIVE.split(tool.lower()))


def _words(name: str) -> Words:
    """The words of a tool without number, article and plural: `two clamps` is a `clamp`."""
    words = [word for word in _WORD.findall(name.lower()) if word not in _NOT_A_TOOL and not word.isdecimal()]
    return frozenset(
        word[:-1] if len(word) > 3 and word.endswith("s") and word != "scissors" else word for word in words
    )
