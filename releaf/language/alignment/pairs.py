"""Preference pairs as alignment reads them, and what it refuses.

How pairs are read from files, checked and split is the corpus's business; what is learned from them `reward`'s.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from releaf.errors import DataError, InputError

_LAYOUT = frozenset("\n\t")


@dataclass(frozen=True)
class Answered:
    """A question (`prompt`, and the situation or passages of `input`, which may be empty) with an answer's text."""

    prompt: str
    input: str
    text: str


@dataclass(frozen=True)
class Pair:
    """A question with a better and a worse answer; `fault` names what is wrong with the worse one, where known."""

    id: str
    prompt: str
    input: str
    chosen: str
    rejected: str
    fault: str | None = None

    @property
    def better(self) -> Answered:
        """The question with the chosen answer."""
        return Answered(self.prompt, self.input, self.chosen)

    @property
    def worse(self) -> Answered:
        """The question with the rejected answer."""
        return Answered(self.prompt, self.input, self.rejected)


def read_pairs(table: pl.DataFrame, *splits: str) -> list[Pair]:
    """Rows of these splits of the preferences table, by id, so that the order on disk does not matter.

    Raises `DataError` when there is none, and `InputError`, naming the pair, for an empty text, control characters or
    two answers that are the same.
    """
    rows = table.filter(pl.col("split").is_in(splits)).sort("id")
    pairs = [Pair(**row) for row in rows.select("id", "prompt", "input", "chosen", "rejected", "fault").to_dicts()]
    if not pairs:
        raise DataError(
            f"the preferences have no {' or '.join(splits)} split; add pairs to data/preferences or import some"
        )
    for pair in pairs:
        _check(pair)
    return pairs


def questions_of(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """The different (prompt, input) of pairs, in their order."""
    return list(dict.fromkeys((pair.prompt, pair.input) for pair in pairs))


def _check(pair: Pair) -> None:
    for name in ("prompt", "chosen", "rejected"):
        if not getattr(pair, name).strip():
            raise InputError(f"preference {pair.id} has an empty {name}; complete or remove it")
    for name in ("prompt", "input", "chosen", "rejected"):
        found = next((c for c in getattr(pair, name) if unicodedata.category(c) == "Cc" and c not in _LAYOUT), None)
        if found is not None:
            raise InputError(f"preference {pair.id} has the control character U+{ord(found):04X} in its {name}")
    if pair.chosen.split() == pair.rejected.split():
        raise InputError(
            f"preference {pair.id} prefers {pair.chosen[:40]!r} to itself; two equal answers teach nothing, remove it"
        )
