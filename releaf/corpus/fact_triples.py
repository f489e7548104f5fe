"""The table of triples while it is being filled: each triple once, with its place, and a quarantine for the others.

Which files they come from is in `facts`; how imported ones are understood, in `fact_import`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from releaf.corpus.fact_checks import contradictions
from releaf.corpus.fact_import import Refused, TripleBook
from releaf.corpus.fact_names import KnownNames
from releaf.corpus.reading import Entry, display_name
from releaf.corpus.triples import read_triples
from releaf.corpus.validation import Quarantine, Schema
from releaf.errors import UnknownNameError

FACT_SCHEMA: Schema = {
    "subject": pl.String,
    "subject_kind": pl.String,
    "relation": pl.String,
    "object": pl.String,
    "object_kind": pl.String,
    "source": pl.String,
    "file": pl.String,
    "line": pl.Int64,
}
Find: TypeAlias = Callable[[str], str]
"""From a name in a file to a node id; raises `UnknownNameError`."""


@dataclass
class TripleTable:
    """Collects triples, each once; what cannot be stated goes to the quarantine."""

    find: dict[str, Find]
    quarantine: Quarantine
    rows: list[dict[str, Any]] = field(default_factory=list)
    places: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def link(self, entry: Entry, row: Any, key: str, kinds: tuple[str, str, str], *, backwards: bool = False) -> None:
        """State that the row's id is joined to each name of its list `key`; `backwards` makes the id the object."""
        for position, name in enumerate(getattr(row, key)):
            subject, object_ = (name, row.id) if backwards else (row.id, name)
            self.state(subject, kinds, object_, row.source, entry.file, entry.line_of(key, position))

    def state(
        self, subject: str, kinds: tuple[str, str, str], object_: str, source: str, file: str, line: int | None
    ) -> None:
        """Add one triple; `kinds` are the kind of the subject, the relation, and the kind of the object."""
        subject_kind, relation, object_kind = kinds
        content = f"{subject} {relation} {object_}"
        try:
            start = f"{subject_kind}:{self.find[subject_kind](subject)}"
            end = f"{object_kind}:{self.find[object_kind](object_)}"
        except UnknownNameError as error:
            self.quarantine.add(file, line, str(error), content)
            return
        if start == end:
            self.quarantine.add(file, line, f"{start} is joined to itself", content)
        elif (start, relation, end) in self.places:
            first = self.places[start, relation, end]
            self.quarantine.add(file, line, f"{start} {relation} {end} was stated before, at {first}", content)
        else:
            self.places[start, relation, end] = f"{file}:{line}" if line is not None else file
            self._append((start, relation, end), source, file, line)

    def take_in(self, files: Sequence[Path], names: KnownNames) -> dict[str, str]:
        """Add what imported files state; returns the nodes that they brought in, with their names."""
        book = TripleBook(names, self.places)
        for path in files:
            for one in read_triples(path):
                file, line = (one.file, one.at) if one.file else (display_name(path), one.line)
                try:
                    if one.problem:
                        raise Refused("unreadable", one.problem)
                    triple = book.take(one.subject, one.relation, one.object, f"{file}:{line}")
                except Refused as refusal:
                    self.quarantine.add(file, line, str(refusal), one.text)
                else:
                    self._append(triple, one.source or f"imported from {path.parent.name}", file, line)
        return book.created

    def drop_contradictions(self) -> None:
        """Set aside every `can_become` that no material of its item allows."""
        wrong = contradictions(list(self.places))
        kept = []
        for row in self.rows:
            pair = (row["subject"], row["object"])
            if row["relation"] == "can_become" and pair in wrong:
                self.quarantine.add(row["file"], row["line"], wrong[pair], f"{pair[0]} can_become {pair[1]}")
                del self.places[pair[0], "can_become", pair[1]]
            else:
                kept.append(row)
        self.rows = kept

    @property
    def joined(self) -> set[str]:
        """All nodes that a triple is about."""
        return {end for start, _, stop in self.places for end in (start, stop)}

    def _append(self, triple: tuple[str, str, str], source: str, file: str, line: int | None) -> None:
        subject, relation, object_ = triple
        kinds = (subject.split(":", 1)[0], object_.split(":", 1)[0])
        values = (subject, kinds[0], relation, object_, kinds[1], source, file, line)
        self.rows.append(dict(zip(FACT_SCHEMA, values, strict=True)))
