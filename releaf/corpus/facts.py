"""Facts: what is made of what, can do what, and can become what, as triples with the file and line that state them.

The authored files are checked against the taxonomy here, and imported triples joined to them. Whether facts agree with
each other is asked in `fact_checks`; the graph built from the triples lives elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import polars as pl
from pydantic import PositiveInt

from releaf.corpus.fact_import import UNREVIEWED
from releaf.corpus.fact_names import KnownNames
from releaf.corpus.fact_triples import FACT_SCHEMA, Find, TripleTable
from releaf.corpus.reading import Entry, check_row, display_name, read_yaml_list
from releaf.corpus.validation import LineError, Quarantine, Row, Schema, SnakeId, Text, Validated
from releaf.errors import UnknownNameError
from releaf.taxonomy import Taxonomy, normalize

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
    triples = TripleTable(_finders(taxonomy, [row for row, _ in properties], [row for row, _ in projects]), quarantine)
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
    joined = triples.joined
    created = {node: name for node, name in created.items() if node in joined}
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
