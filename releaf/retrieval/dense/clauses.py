"""The rule of `Filters.allow` in a form that every engine can be told: all clauses hold, each by any of its values."""

from __future__ import annotations

from dataclasses import dataclass

from releaf.retrieval.passages import Filters

# The payload's fields that an engine indexes as keywords.
FIELDS = ("topic", "items", "materials", "jurisdictions")


@dataclass(frozen=True)
class Clause:
    """A payload passes when `field` carries one of `values`, or, with `or_empty`, when it carries nothing."""

    field: str
    values: tuple[str, ...]
    or_empty: bool = False


def clauses(filters: Filters | None) -> tuple[Clause, ...]:
    """The clauses that a chunk must meet, all of them; none for filters that let everything through."""
    if filters is None:
        return ()
    named = (filters.topics, filters.items, filters.materials, filters.jurisdictions)
    return tuple(
        Clause(field, values, or_empty=field == "jurisdictions" and filters.general)
        for field, values in zip(FIELDS, named, strict=True)
        if values
    )
