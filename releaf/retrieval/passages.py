"""What the indexes read of a chunk: its normalized text, and what it can be filtered by (R8).

The dense and the sparse index and the queries all go through `normalize`, so that what was indexed and what is asked
are written alike. Cutting documents into chunks is not done here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from releaf.errors import DataError, InputError

_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0xFEFF))  # soft hyphen, zero-width space, byte-order mark


def normalize(text: str) -> str:
    """The text in NFKC, with every run of white space, control characters and lone surrogates as one space.

    NFKC writes CO₂ as CO2 and the ligature ﬁ as fi, so both spellings meet. Idempotent.
    """
    # Printable text holds nothing invisible, no control character, no surrogate and no white space but U+0020: most
    # texts are done in a tenth of the time. What NFKC makes of it may hold some, so it is asked again.
    plain = text.isprintable()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text if plain else text.translate(_INVISIBLE))
        plain = text.isprintable()
    if plain:
        return text.strip() if "  " not in text else " ".join(text.split())
    return _SPACE.sub(" ", text).strip()


def passage(title: str, text: str) -> str:
    """What is indexed of a chunk: title and text, normalized, the title once where the text already opens with it."""
    title, text = normalize(title), normalize(text)
    return text if text.startswith(title) else f"{title} {text}".strip()


def passages(chunks: pl.DataFrame) -> list[str]:
    """The passage of every row of a `chunks` table, in its order."""
    return [passage(title, text) for title, text in chunks.select("title", "text").iter_rows()]


@dataclass(frozen=True)
class Payload:
    """What a chunk can be filtered by. Empty `jurisdictions` means that the chunk holds everywhere."""

    topic: str
    items: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values, lists for tuples."""
        # Written out: both indexes call it for every chunk, and `asdict` takes ten times as long.
        return {
            "topic": self.topic,
            "items": list(self.items),
            "materials": list(self.materials),
            "jurisdictions": list(self.jurisdictions),
        }

    @staticmethod
    def from_json(raw: dict[str, Any]) -> Payload:
        """The inverse of `to_json`. Raises `TypeError` or `KeyError` for other content."""
        lists = {name: tuple(raw[name]) for name in ("items", "materials", "jurisdictions")}
        return Payload(topic=str(raw["topic"]), **lists)


def payloads(chunks: pl.DataFrame) -> dict[str, Payload]:
    """The payload of every chunk by its id. Raises `DataError` for an id that stands in the table twice."""
    columns = chunks.select("id", "topic", "items", "materials", "jurisdictions")
    found = {row[0]: Payload(row[1], tuple(row[2]), tuple(row[3]), tuple(row[4])) for row in columns.iter_rows()}
    if len(found) != len(chunks):
        refuse_twice(chunks)
    return found


def refuse_twice(chunks: pl.DataFrame) -> None:
    """Raise `DataError` for an id that stands in the table twice."""
    twice = chunks.filter(pl.col("id").is_duplicated())["id"].to_list()
    if twice:
        raise DataError(f"chunk ids must be unique, but {twice[0]!r} stands in the table twice")


@dataclass(frozen=True)
class Filters:
    """Which chunks may come back (R8). Empty fields let everything through.

    A chunk passes when, in every field that names something, it carries at least one of the named ids.
    With `general`, a chunk without any jurisdiction also passes the jurisdiction field: it holds everywhere.
    """

    topics: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    general: bool = False

    def __post_init__(self) -> None:
        for name in ("topics", "items", "materials", "jurisdictions"):
            value: object = getattr(self, name)
            if not isinstance(value, tuple) or not all(isinstance(entry, str) and entry for entry in value):
                raise InputError(f"filter {name!r} must be a tuple of ids, not {value!r}")
            if any(_SURROGATE.search(entry) for entry in value):
                raise InputError(f"filter {name!r} holds half a character in {value!r}; decode it as UTF-8 first")
        if self.general and not self.jurisdictions:
            raise InputError("general=True widens a jurisdiction filter, but none is given; name one or leave it out")

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def allow(self, payload: Payload) -> bool:
        """Whether a chunk with this payload may come back."""
        return (
            (not self.topics or payload.topic in self.topics)
            and _meets(self.items, payload.items)
            and _meets(self.materials, payload.materials)
            and (_meets(self.jurisdictions, payload.jurisdictions) or (self.general and not payload.jurisdictions))
        )


def _meets(wanted: Sequence[str], carried: Sequence[str]) -> bool:
    return not wanted or any(entry in carried for entry in wanted)
