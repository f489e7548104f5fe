"""What a disposal policy is: plain frozen values, already validated.

Reading and checking a policy file belongs to `schema`; deciding with one belongs to `rules` and `moderation`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property


class Mode(StrEnum):
    """Whether the models answer as they are or the policy's rules decide."""

    UNRESTRICTED = "unrestricted"
    RULES = "rules"


@dataclass(frozen=True)
class Source:
    """A document that rules were taken from."""

    id: str
    title: str
    publisher: str
    date: str
    url: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Stream:
    """The local name of a bin or collection point, and the taxonomy's bin that it stands for."""

    name: str
    bin: str


@dataclass(frozen=True)
class Match:
    """What a rule or notice applies to: every part that is not empty must fit.

    `items` and `materials` are taxonomy ids; `keywords` are words or phrases looked for in a question.
    """

    items: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    @property
    def specificity(self) -> int:
        """Rank among rules: item with material 3, item 2, material 1, neither 0."""
        return 2 * bool(self.items) + bool(self.materials)

    def fits(self, item: str | None, material: str | None, text: str = "") -> bool:
        """Whether an object and the words said about it are covered; None is an unknown item or material."""
        return (
            (not self.items or item in self.items)
            and (not self.materials or material in self.materials)
            and (self._words is None or self._words.search(text) is not None)
        )

    @cached_property
    def _words(self) -> re.Pattern[str] | None:
        # Whole words only, so that the keyword `acid` does not fire on `placid`; any white space between words.
        if not self.keywords:
            return None
        phrases = (r"\s+".join(map(re.escape, keyword.split())) for keyword in self.keywords)
        return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """Sends what it matches to a bin; `stream` is None where the bin has only one local name, or none."""

    id: str
    match: Match
    bin: str
    reason: str
    source: str
    stream: str | None = None


@dataclass(frozen=True)
class Notice:
    """A message about a hazard: added to an answer (warning) or given instead of it (refusal)."""

    id: str
    match: Match
    message: str
    source: str


@dataclass(frozen=True)
class Policy:
    """The rules of one jurisdiction. With `Mode.UNRESTRICTED` all lists but `sources` are empty."""

    id: str
    name: str
    version: str
    effective: date
    mode: Mode
    sources: tuple[Source, ...] = ()
    streams: tuple[Stream, ...] = ()
    rules: tuple[Rule, ...] = ()
    warnings: tuple[Notice, ...] = ()
    refusals: tuple[Notice, ...] = ()

    def in_force(self, day: date) -> bool:
        """Whether the policy already holds on a day."""
        return self.effective <= day

    def cite(self, reference: str) -> str:
        """Spell out a rule's source, `id` or `id#place`, for a reader."""
        name, _, place = reference.partition("#")
        source = next(entry for entry in self.sources if entry.id == name)
        return f"{source.title}, {source.publisher} ({source.date})" + (f", {place}" if place else "")
