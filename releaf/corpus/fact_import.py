"""Triples that other people wrote, brought to the nodes they mean; what cannot be used is set aside with the reason.

A triple may join nodes that are known under any spelling, and may bring in a project or a property where it is written
with its kind: `project:desk lamp`. Items and materials are the taxonomy's alone. Files are read in `triples`.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from releaf.corpus.fact_checks import contradictions
from releaf.corpus.fact_names import KnownNames, name_key, new_id
from releaf.corpus.reading import display_name
from releaf.corpus.triples import Statement, read_triples
from releaf.corpus.validation import QUARANTINE_SCHEMA
from releaf.errors import InputError
from releaf.progress import Progress, silent
from releaf.relations import NODE_KINDS, RELATIONS

Triple: TypeAlias = tuple[str, str, str]
"""Node id, relation, node id."""

TRIPLES_FILE, QUARANTINE_FILE = "triples.tsv", "quarantine.tsv.gz"
TRIPLE_COLUMNS = ("subject", "relation", "object", "source", "file", "line")
UNREVIEWED = "Imported without instructions: nobody has looked at its risks; judge tools and material before you start."
"""Safety note of projects that come from a table."""
_NEW_KINDS = ("project", "property")
_EXAMPLES = 3  # of each reason, kept for the report
_CONTENT = 200
_STEP = 50_000
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CACHED = 200_000


class Refused(Exception):  # noqa: N818  # not an error of anybody: a triple that is not taken
    """A triple that cannot be taken: `what` is the kind of reason that many may share, the message tells all."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.what = what


@dataclass
class TripleBook:
    """The triples that are stated, each with its place, and the nodes that may be named.

    `relations` maps names of relations in a file to ours. `created` holds the nodes that triples brought in, by id.
    """

    names: KnownNames
    places: dict[Triple, str] = field(default_factory=dict)
    relations: Mapping[str, str] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    _found: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _refused: dict[tuple[str, str], Refused] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.relations.values()) - set(RELATIONS))
        if unknown:
            raise InputError(f"unknown relation {unknown[0]!r}; a relation is one of {', '.join(RELATIONS)}")
        self._relations = {_relation_key(name): name for name in RELATIONS}
        self._relations |= {_relation_key(theirs): ours for theirs, ours in self.relations.items()}

    def take(self, subject: str, relation: str, object_: str, place: str) -> Triple:
        """State a triple found at a place, creating nodes that it may create. Raises `Refused`."""
        known = self._relations.get(relation) or self._relations.get(_relation_key(relation))
        if known is None:
            raise Refused("unknown relation", f"unknown relation {relation[:80]!r}; known: {', '.join(RELATIONS)}")
        kinds = RELATIONS[known]
        start, end = self._node(kinds[0], subject), self._node(kinds[1], object_)
        triple = (start[0], known, end[0])
        if start[0] == end[0]:
            raise Refused("self-loop", f"{start[0]} is joined to itself")
        if triple in self.places:
            raise Refused("stated before", f"{' '.join(triple)} was stated before, at {self.places[triple]}")
        self.places[triple] = place
        for node, name in (start, end):
            if name and node not in self.created:
                self.created[node] = name
                kind, identity = node.split(":", 1)
                self.names.add(kind, identity, (name,))
                self._refused.clear()  # what was unknown before may be known now
        return triple

    def _node(self, kind: str, written: str) -> tuple[str, str]:
        """The node of a kind that a text names, and the name of a new one (empty for a known one)."""
        key = (kind, written)
        found = self._found.get(key)
        if found is None:
            if key in self._refused:
                raise self._refused[key]
            for cache in (self._found, self._refused):
                if len(cache) >= _CACHED:
                    cache.clear()
            try:
                found = self._look_up(kind, written)
            except Refused as refusal:
                self._refused[key] = refusal
                raise
            if not found[1]:  # what is new is known once its triple was taken
                self._found[key] = found
        return found

    def _look_up(self, kind: str, written: str) -> tuple[str, str]:
        prefix, colon, rest = written.partition(":")
        stated = prefix.strip().lower() if colon and prefix.strip().lower() in NODE_KINDS else ""
        name = " ".join((rest if stated else written).split())
        if stated and stated != kind:
            raise Refused("wrong kind", f"{written[:80]!r} is a {stated}, and here a {kind} must stand")
        if not name_key(name):
            raise Refused("no name", f"{written[:80]!r} names nothing")
        known = self.names.find(kind, name)
        if known is not None:
            return f"{kind}:{known}", ""
        if stated and kind in _NEW_KINDS:
            try:
                spoken = name.replace("_", " ")
                title = spoken[0].upper() + spoken[1:] if kind == "project" else spoken
                return f"{kind}:{new_id(name)}", title
            except InputError as error:
                raise Refused("no name", str(error)) from error
        close = self.names.close(kind, name)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        may = f"write {kind}:{name[:40]} to bring in a new one" if kind in _NEW_KINDS else "the taxonomy has no such"
        raise Refused(f"unknown {kind}", f"unknown {kind} {name[:80]!r}{hint or f'; {may}'}")


def _relation_key(name: str) -> str:
    return re.sub(r"[\s_\-]+", "_", _CAMEL.sub("_", name).strip().lower())


@dataclass
class ImportedTriples:
    """What came of a file: lines read, triples kept, lines set aside by kind of reason, and a few examples of each."""

    read: int = 0
    kept: int = 0
    latin_1: int = 0
    created: dict[str, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    @property
    def set_aside(self) -> int:
        """Lines that were not taken."""
        return self.reasons.total()

    def refuse(self, line: int, refusal: Refused) -> None:
        """Count a line that was not taken."""
        self.reasons[refusal.what] += 1
        shown = self.examples.setdefault(refusal.what, [])
        if len(shown) < _EXAMPLES:
            shown.append((line, str(refusal)))


def import_triples(
    source: Path, target: Path, book: TripleBook, *, stated_source: str | None = None, progress: Progress = silent
) -> ImportedTriples:
    """Read a file of triples once, and write what can be used and what cannot into the folder `target`.

    Triples go to `TRIPLES_FILE` with the file and line that state them, all others to `QUARANTINE_FILE` with the
    reason; memory holds the triples that were kept and nothing of the others. `stated_source` stands where a line names
    no source. Raises `InputError` where the file cannot be read.
    """
    file, found = display_name(source), ImportedTriples()
    default = stated_source or f"imported from {source.name}"
    before = set(book.created)
    kept: list[tuple[Triple, int, str]] = []
    with _quarantine(target / QUARANTINE_FILE) as aside:
        for statement in read_triples(source):
            found.read += 1
            found.latin_1 += statement.latin_1
            if found.read % _STEP == 0:
                progress(found.read, 0, f"{len(kept):,} kept")
            try:
                kept.append((_taken(statement, book, file), statement.line, statement.source or default))
            except Refused as refusal:
                found.refuse(statement.line, refusal)
                aside.writerow(("facts", file, statement.line, str(refusal), statement.text[:_CONTENT]))
        wrong = contradictions(list(book.places))
        for triple, line, _ in kept:
            reason = wrong.get((triple[0], triple[2])) if triple[1] == "can_become" else None
            if reason:
                found.refuse(line, Refused("contradiction", reason))
                aside.writerow(("facts", file, line, reason, " ".join(triple)))
                del book.places[triple]
    written = [entry for entry in kept if entry[0] in book.places]
    found.kept = len(written)
    joined = {end for (start, _, stop), *_ in written for end in (start, stop)}
    found.created = {node: name for node, name in book.created.items() if node not in before and node in joined}
    _write_triples(target / TRIPLES_FILE, written, file, found.created)
    return found


def _taken(statement: Statement, book: TripleBook, file: str) -> Triple:
    if statement.problem:
        raise Refused(statement.problem.split(":", 1)[0], statement.problem)
    place = f"{file}:{statement.line}"
    return book.take(statement.subject, statement.relation, statement.object, place)


@contextmanager
def _quarantine(path: Path) -> Iterator[Any]:
    # Without a name and a time in its head, equal content gives equal bytes.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=3, fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow(QUARANTINE_SCHEMA)
        yield writer


def _write_triples(path: Path, kept: Iterable[tuple[Triple, int, str]], file: str, created: Mapping[str, str]) -> None:
    def spelled(node: str) -> str:
        return f"{node.split(':', 1)[0]}:{created[node]}" if node in created else node

    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow(TRIPLE_COLUMNS)
        for (subject, relation, object_), line, source in kept:
            writer.writerow((spelled(subject), relation, spelled(object_), source, file, line))


def read_set_aside(folders: Iterable[Path]) -> pl.DataFrame:
    """What imports set aside, as one quarantine table; empty where they set nothing aside."""
    frames = [
        pl.read_csv(folder / QUARANTINE_FILE, separator="\t", schema=QUARANTINE_SCHEMA, truncate_ragged_lines=False)
        for folder in folders
        if (folder / QUARANTINE_FILE).is_file()
    ]
    return pl.concat([pl.DataFrame(schema=QUARANTINE_SCHEMA), *frames])
