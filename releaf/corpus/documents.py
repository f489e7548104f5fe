"""Knowledge documents: Markdown files with YAML front matter, read into one table.

Cutting documents into passages is in `chunking`; what is known as triples is in `facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from releaf.artifacts import content_hash
from releaf.corpus.reading import check_row, parse_yaml, read_text
from releaf.corpus.validation import KebabId, LineError, Quarantine, Row, Schema, Text, Validated
from releaf.errors import InputError, UnknownNameError
from releaf.taxonomy import Taxonomy

DOCUMENT_SCHEMA: Schema = {
    "id": pl.String,
    "title": pl.String,
    "topic": pl.String,
    "items": pl.List(pl.String),
    "materials": pl.List(pl.String),
    "jurisdictions": pl.List(pl.String),
    "source": pl.String,
    "text": pl.String,
    "file": pl.String,
    "sha256": pl.String,
}

Topic = Literal[
    "recycling",
    "composting",
    "hazardous",
    "landfill",
    "reuse",
    "upcycling",
    "materials",
    "contamination",
    "policy",
    "process",
]


class Header(Row):
    """The front matter of a document."""

    id: KebabId
    title: Text
    topic: Topic
    items: list[str]
    materials: list[str]
    jurisdictions: list[KebabId]
    source: Text


def read_documents(directories: Sequence[Path], taxonomy: Taxonomy) -> Validated:
    """Read every `*.md` below the directories into the table `documents`, in the order of directories and file names.

    A document goes to the quarantine when a key is missing or unknown, an item or material is not in the taxonomy, its
    id was read before, its body is empty, its file is not named after its id, or it is not UTF-8. Names are replaced by
    taxonomy ids. `sha256` covers everything but the file. Raises `InputError` for a directory that does not exist.
    """
    quarantine = Quarantine("documents")
    rows: dict[str, dict[str, Any]] = {}
    files = [(path, _display(path, directory)) for directory in directories for path in _markdown(directory)]
    for path, file in files:
        text = ""
        try:
            text = read_text(path, file)
            row = _document(text, file, taxonomy)
            if row["id"] != path.stem:
                raise LineError(file, row["line"], f"id {row['id']!r} belongs in a file named {row['id']}.md")
            if row["id"] in rows:
                raise LineError(file, row["line"], f"id {row['id']!r} was read before, from {rows[row['id']]['file']}")
        except LineError as error:
            quarantine.add_error(error, text)
            continue
        rows[row["id"]] = row
    frame = pl.DataFrame([_without(row, "line") for row in rows.values()], schema=DOCUMENT_SCHEMA)
    return Validated(frame, quarantine.frame(), len(files))


def _markdown(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise InputError(f"no folder of documents at {directory}")
    return [path for path in sorted(directory.rglob("*.md")) if not path.name.startswith(".")]


def _display(path: Path, directory: Path) -> str:
    return f"{directory.resolve().name}/{path.relative_to(directory).as_posix()}"


def _document(text: str, file: str, taxonomy: Taxonomy) -> dict[str, Any]:
    front, body, body_line = _split(text, file)
    entry = parse_yaml(front, file, first_line=2)
    if entry is None:
        raise LineError(file, 1, "the front matter is empty")
    header = check_row(Header, entry)
    if not body:
        raise LineError(file, body_line, "the body is empty")

    def resolved(key: str, names: Sequence[str], find: Callable[[str], Any]) -> list[str]:
        ids: dict[str, None] = {}
        for position, name in enumerate(names):
            try:
                ids[find(name).id] = None
            except UnknownNameError as error:
                raise LineError(file, entry.line_of(key, position), str(error)) from error
        return list(ids)

    row: dict[str, Any] = {
        "id": header.id,
        "title": header.title,
        "topic": header.topic,
        "items": resolved("items", header.items, taxonomy.item),
        "materials": resolved("materials", header.materials, taxonomy.material),
        "jurisdictions": list(dict.fromkeys(header.jurisdictions)),
        "source": header.source,
        "text": body,
    }
    return row | {"file": file, "sha256": content_hash(row), "line": entry.line_of("id")}


def _split(text: str, file: str) -> tuple[str, str, int]:
    """Front matter, body, and the line the body starts on."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise LineError(file, 1, "expected front matter: a first line of three hyphens")
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if end is None:
        raise LineError(file, 1, "the front matter is not closed by a line of three hyphens")
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :]).strip(), end + 2


def _without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}
