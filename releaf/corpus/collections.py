"""Retrieval collections whatever their layout: which reader a folder is for, and the splits of its judgements.

| layout | documents | queries | judgements |
|---|---|---|---|
| BEIR | `corpus.jsonl` | `queries.jsonl` | `qrels/<split>.tsv` |
| table | `documents.csv`, `.tsv` or `.jsonl` | `queries.csv`, `.tsv` or `.jsonl` | `qrels.csv` or `.tsv` |
| TREC | `documents` or `docs`: a folder, or a file `.trec`, `.sgml`, `.xml` or `.txt` | `topics`, the same endings or \
none | `qrels`, `.qrels` or `.txt` |
| Cranfield | `cran.all.1400` | `cran.qry` | `cranqrel` |

Judgements of a table or of TREC may come in splits: `qrels.<split>.csv` or `qrels/<split>.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from releaf.corpus import cranfield
from releaf.corpus.beir import read_beir
from releaf.corpus.collection import Collection, Grade, build_collection
from releaf.corpus.delimited import format_of, read_records
from releaf.corpus.reading import Entry
from releaf.corpus.trec import read_trec
from releaf.corpus.validation import LineError, Quarantine
from releaf.errors import InputError

UNNAMED_SPLIT = "test"
"""What the only judgements of a collection count as where their file names no split."""

_TABLES = (".csv", ".tsv", ".jsonl")
_TREC_TEXTS = (".trec", ".sgml", ".xml", ".txt", "")
_TREC_QRELS = (".qrels", ".txt", ".trec", "")
_COLUMNS: Mapping[str, Sequence[str]] = {
    "id": ("id", "_id"),
    "title": ("title",),
    "text": ("text",),
    "query": ("query", "text"),
    "query_id": ("query_id", "query-id", "qid"),
    "document_id": ("document_id", "document-id", "doc_id", "corpus-id", "docid"),
    "grade": ("grade", "score", "relevance"),
}
_EXPECTED = (
    "expected BEIR (corpus.jsonl, queries.jsonl, qrels/<split>.tsv), tables (documents and queries as .csv, .tsv or "
    ".jsonl, qrels as .csv or .tsv), TREC (documents, topics and qrels), or Cranfield (cran.all.1400, cran.qry, "
    "cranqrel)"
)


@dataclass(frozen=True)
class _Layout:
    kind: Literal["beir", "table", "trec", "cranfield"]
    documents: Path
    queries: Path
    qrels: Mapping[str, Path]


def read_collection(path: Path, split: str = UNNAMED_SPLIT) -> Collection:
    """Read the collection in a folder and the queries that one split judges, in whichever layout it is.

    Where a collection has one split only, that is read whatever `split` says: see `read_splits`. A collection is named
    after its folder. Raises `InputError` for a folder in no known layout (with what it holds and what was expected), an
    unknown split, and whatever its reader finds broken, with file and line.
    """
    layout = _layout(path)
    if layout.kind == "beir":
        return read_beir(path, split)
    if layout.kind == "cranfield":
        return cranfield.read_cranfield(path)
    qrels = _chosen(layout.qrels, split, path)
    name = path.resolve().name
    if layout.kind == "trec":
        return replace(read_trec(layout.documents, layout.queries, qrels), name=name)
    documents = {identity: (title, text) for identity, title, text in _documents(layout.documents)}
    return build_collection(name, documents, dict(_queries(layout.queries)), list(_grades(qrels)))


def read_splits(path: Path) -> list[str]:
    """The splits of a collection's judgements, sorted; judgements whose file names no split count as `test`.

    Raises `InputError` for a folder in no known layout.
    """
    return sorted(_layout(path).qrels)


def _layout(path: Path) -> _Layout:
    if not path.is_dir():
        raise InputError(f"no folder at {path}; {_EXPECTED}")
    if (path / "corpus.jsonl").is_file():
        splits = {file.stem: file for file in (path / "qrels").glob("*.tsv")}
        return _Layout("beir", path / "corpus.jsonl", path / "queries.jsonl", splits)
    if (path / cranfield.DOCUMENTS).is_file():
        only = {UNNAMED_SPLIT: path / cranfield.QRELS}
        return _Layout("cranfield", path / cranfield.DOCUMENTS, path / cranfield.QUERIES, only)
    table = _first(path, ["documents"], _TABLES), _first(path, ["queries"], _TABLES)
    splits = _splits(path, (".csv", ".tsv"))
    if table[0] and table[1] and splits:
        return _Layout("table", table[0], table[1], splits)
    trec = _first(path, ["documents", "docs"], _TREC_TEXTS, folder=True), _first(path, ["topics"], _TREC_TEXTS)
    splits = _splits(path, _TREC_QRELS)
    if trec[0] and trec[1] and splits:
        return _Layout("trec", trec[0], trec[1], splits)
    there = ", ".join(sorted(found.name for found in path.iterdir())[:12]) or "nothing"
    raise InputError(f"{path} is no collection: it holds {there}; {_EXPECTED}")


def _first(path: Path, names: Sequence[str], endings: Sequence[str], *, folder: bool = False) -> Path | None:
    found = [path / f"{name}{ending}" for name in names for ending in endings]
    return next((file for file in found if file.is_file() or (folder and file.is_dir())), None)


def _splits(path: Path, endings: Sequence[str]) -> dict[str, Path]:
    """Judgement files by split: `qrels.csv`, `qrels.<split>.csv`, `qrels/<split>.csv`."""
    splits: dict[str, Path] = {}
    inside = sorted((path / "qrels").glob("*")) if (path / "qrels").is_dir() else []
    for file in inside:
        if file.is_file() and file.suffix in endings and not file.name.startswith("."):
            splits[file.stem] = file
    for file in sorted(path.glob("qrels*")):
        ending = "" if file.name == "qrels" else file.suffix
        match = re.fullmatch(r"qrels(?:\.(.+))?", file.name.removesuffix(ending) if ending else file.name)
        if file.is_file() and ending in endings and match:
            splits.setdefault(match.group(1) or UNNAMED_SPLIT, file)
    return splits


def _chosen(splits: Mapping[str, Path], split: str, path: Path) -> Path:
    if split in splits:
        return splits[split]
    if len(splits) == 1:
        return next(iter(splits.values()))
    raise InputError(f"no judgements for split {split!r} in {path}; splits found: {', '.join(sorted(splits))}")


def _documents(path: Path) -> Iterator[tuple[str, str, str]]:
    seen: set[str] = set()
    for row in _rows(path, ("id", "text")):
        identity = _cell(row, "id")
        if identity in seen:
            raise LineError(row.file, row.line, f"id {identity!r} was given before; ids are unique in a collection")
        seen.add(identity)
        title = row.value.get("title")
        yield identity, str(title).strip() if title is not None else "", _cell(row, "text", empty=True)


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for row in _rows(path, ("id", "query")):
        identity = _cell(row, "id")
        if identity in seen:
            raise LineError(row.file, row.line, f"id {identity!r} was given before; ids are unique in a collection")
        seen.add(identity)
        yield identity, _cell(row, "query")


def _grades(path: Path) -> Iterator[Grade]:
    for row in _rows(path, ("query_id", "document_id", "grade")):
        grade = _cell(row, "grade")
        if not re.fullmatch(r"-?\d+", grade):
            raise LineError(row.file, row.line, f"expected a whole number as grade, found {grade!r}")
        yield Grade(_cell(row, "query_id"), _cell(row, "document_id"), int(grade), row.file, row.line)


def _rows(path: Path, required: Sequence[str]) -> list[Entry]:
    """The rows of a table; one that cannot be read is an error: a collection is measured as a whole."""
    quarantine = Quarantine("collection")
    columns, rows = read_records(path, format_of(path), quarantine)
    for bad in quarantine.rows:
        raise LineError(bad["file"], bad["line"], bad["reason"])
    for name in required:
        if not set(_COLUMNS[name]) & set(columns):
            told = " or ".join(map(repr, _COLUMNS[name]))
            raise InputError(f"{path} has no column {told}; its columns: {', '.join(columns) or 'none'}")
    return rows


def _cell(row: Entry, name: str, *, empty: bool = False) -> str:
    value = next((row.value[column] for column in _COLUMNS[name] if row.value.get(column) is not None), None)
    text = "" if value is None or isinstance(value, list | dict) else str(value).strip()
    if not text and not (empty and value is not None):
        raise LineError(row.file, row.line, f"no {name}, expected in the column {' or '.join(_COLUMNS[name])}")
    return text
