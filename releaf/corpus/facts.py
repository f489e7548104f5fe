"""Facts: what is made of what, can do what, and can become what, as triples with the file and line that state them.

The authored files are checked against the taxonomy here, and imported triples joined to them. Whether facts agree with
each other is asked in `fact_checks`; the graph built from the triples lives elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import polars as pl
from pydantic import PositiveInt

from releaf.corpus.fact_checks import contradictions
from releaf.corpus.fact_import import UNREVIEWED, Refused, TripleBook
from releaf.corpus.fact_names import KnownNames
from releaf.corpus.reading import Entry, check_row, display_name, read_yaml_list
from releaf.corpus.triples import read_triples
from releaf.corpus.validation import LineError, Quarantine, Row, Schema, SnakeId, Text, Validated
from releaf.errors import UnknownNameError
from releaf.taxonomy import Taxonomy, normalize

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
NODE_SCHEMA: Schema = {"id": pl.String, "kind": pl.String, "name": pl.String, "description": pl.String}
PROJECT_SCHEMA: Schema = {
    "id": pl.String,
    "title": pl.String,
    "description": pl.String,
    "tools": pl.List(pl.String),
    "difficulty": pl.String,
    "minutes": pl.Int64,
    "safety": pl.String,
    "source": pl.String,
}
TAXONOMY_FILE = "taxonomy.yaml"


class MaterialRow(Row):
    """An entry of `materials.yaml`."""

    id: Text
    properties: list[str]
    compatible_with: list[str]
    source: Text


class ItemRow(Row):
    """An entry of `items.yaml`."""

    id: Text
    similar_to: list[str]
    source: Text


class PropertyRow(Row):
    """An entry of `properties.yaml`."""

    id: SnakeId
    description: Text


class ProjectRow(Row):
    """An entry of `projects.yaml`."""

    id: SnakeId
    title: Text
    description: Text
    items: list[str]
    requires: list[str]
    tools: list[Text]
    difficulty: Literal["easy", "medium", "hard"]
    minutes: PositiveInt
    safety: Text | None = None
    source: Text


RowType = TypeVar("RowType", bound=Row)
Find: TypeAlias = Callable[[str], str]
"""From a name in a file to a node id; raises `UnknownNameError`."""


@dataclass(frozen=True, eq=False)
class Facts:
    """The triples, the nodes they join (ids such as `item:plastic_bottle`), and the projects' attributes."""

    facts: Validated
    nodes: pl.DataFrame
    projects: pl.DataFrame


def read_facts(directory: Path, taxonomy: Taxonomy, imported: Sequence[Path] = ()) -> Facts:
    """Read `properties`, `materials`, `items` and `projects` (`.yaml`) of a folder, and `made_of` from the taxonomy.

    `imported` are files of triples that `fact_import.import_triples` wrote; they may bring in projects and properties.
    Quarantined with the reason: entries that do not fit their schema, properties and projects given twice, triples
    with an unknown name, from a node to itself, or stated before (under any spelling), and `can_become` where no
    material of the item holds all that the project requires. Triples of the taxonomy have no line. `facts.read` counts
    the triples, and one for each entry that could not be used. Raises `InputError` where one of the files is missing.
    """
    quarantine = Quarantine("facts")
    properties = _unique(_entries(directory / "properties.yaml", PropertyRow, quarantine), quarantine)
    projects = _unique(_entries(directory / "projects.yaml", ProjectRow, quarantine), quarantine)
    triples = _Triples(_finders(taxonomy, [row for row, _ in properties], [row for row, _ in projects]), quarantine)
    for item in taxonomy.items:
        for material in item.materials:
            triples.state(item.id, ("item", "made_of", "material"), material, "ReleAF taxonomy", TAXONOMY_FILE, None)
    for material_row, entry in _entries(directory / "materials.yaml", MaterialRow, quarantine):
        triples.link(entry, material_row, "properties", ("material", "has_property", "property"))
        triples.link(entry, material_row, "compatible_with", ("material", "compatible_with", "material"))
    for item_row, entry in _entries(directory / "items.yaml", ItemRow, quarantine):
        triples.link(entry, item_row, "similar_to", ("item", "similar_to", "item"))
    for project_row, entry in projects:
        triples.link(entry, project_row, "requires", ("project", "requires_property", "property"))
        triples.link(entry, project_row, "items", ("item", "can_become", "project"), backwards=True)
    names = KnownNames.of(taxonomy, [row.id for row, _ in properties], {row.id: row.title for row, _ in projects})
    created = triples.take_in(imported, names)
    triples.drop_contradictions()
    facts = pl.DataFrame(triples.rows, schema=FACT_SCHEMA)
    return Facts(
        Validated(facts, quarantine.frame(), facts.height + len(quarantine)),
        _nodes(taxonomy, [row for row, _ in properties], [row for row, _ in projects], created),
        _projects([row for row, _ in projects], created),
    )


def _entries(path: Path, schema: type[RowType], quarantine: Quarantine) -> list[tuple[RowType, Entry]]:
    rows: list[tuple[RowType, Entry]] = []
    for entry in read_yaml_list(path, display_name(path), quarantine):
        try:
            rows.append((check_row(schema, entry), entry))
        except LineError as error:
            quarantine.add_error(error, entry.text)
    return rows


NodeRow = TypeVar("NodeRow", PropertyRow, ProjectRow)


def _unique(rows: Sequence[tuple[NodeRow, Entry]], quarantine: Quarantine) -> list[tuple[NodeRow, Entry]]:
    kept: dict[str, tuple[NodeRow, Entry]] = {}
    for row, entry in rows:
        first = kept.setdefault(row.id, (row, entry))[1]
        if first is not entry:
            quarantine.add(entry.file, entry.line, f"{row.id!r} was given before, at line {first.line}", entry.text)
    return list(kept.values())


def _finders(taxonomy: Taxonomy, properties: Sequence[PropertyRow], projects: Sequence[ProjectRow]) -> dict[str, Find]:
    def among(kind: str, ids: Sequence[str]) -> Find:
        known = {normalize(name): name for name in ids}

        def find(name: str) -> str:
            if normalize(name) not in known:
                raise UnknownNameError(kind, name, ids)
            return known[normalize(name)]

        return find

    return {
        "item": lambda name: taxonomy.item(name).id,
        "material": lambda name: taxonomy.material(name).id,
        "property": among("property", [row.id for row in properties]),
        "project": among("project", [row.id for row in projects]),
    }


@dataclass
class _Triples:
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

    def _append(self, triple: tuple[str, str, str], source: str, file: str, line: int | None) -> None:
        subject, relation, object_ = triple
        kinds = (subject.split(":", 1)[0], object_.split(":", 1)[0])
        values = (subject, kinds[0], relation, object_, kinds[1], source, file, line)
        self.rows.append(dict(zip(FACT_SCHEMA, values, strict=True)))


def _nodes(
    taxonomy: Taxonomy,
    properties: Sequence[PropertyRow],
    projects: Sequence[ProjectRow],
    created: Mapping[str, str],
) -> pl.DataFrame:
    rows = [
        *((f"item:{item.id}", "item", _spoken(item.id), item.description) for item in taxonomy.items),
        *((f"material:{one.id}", "material", _spoken(one.id), one.description) for one in taxonomy.materials),
        *((f"property:{row.id}", "property", _spoken(row.id), row.description) for row in properties),
        *((f"project:{row.id}", "project", row.title, row.description) for row in projects),
        *((node, node.split(":", 1)[0], name, "") for node, name in created.items()),
    ]
    return pl.DataFrame(rows, schema=NODE_SCHEMA, orient="row")


def _projects(authored: Sequence[ProjectRow], created: Mapping[str, str]) -> pl.DataFrame:
    """All projects; of imported ones nobody knows tools, difficulty and minutes, which are null."""
    rows = [row.model_dump(exclude={"items", "requires"}) for row in authored]
    rows += [
        {"id": node.split(":", 1)[1], "title": name, "description": "", "safety": UNREVIEWED, "source": "imported"}
        for node, name in created.items()
        if node.startswith("project:")
    ]
    return pl.DataFrame(rows, schema=PROJECT_SCHEMA)


def _spoken(name: str) -> str:
    return name.replace("_", " ")
