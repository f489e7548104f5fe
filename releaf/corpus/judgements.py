"""Judgements: queries and the graded relevance of documents to them.

Authored files only; collections in the BEIR layout are read by `beir`, those of TREC by `trec`. What is computed from
judgements lives elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from releaf.corpus.reading import Entry, check_row, display_name, read_yaml_list
from releaf.corpus.validation import LineError, Quarantine, Row, Schema, Text
from releaf.errors import InputError

QUERY_SCHEMA: Schema = {
    "id": pl.String,
    "query": pl.String,
    "split": pl.String,
    "kind": pl.String,
    "answerable": pl.Boolean,
}
QRELS_SCHEMA: Schema = {"query_id": pl.String, "document_id": pl.String, "grade": pl.Int64}
HIGHEST_GRADE = 3


class QueryRow(Row):
    """An entry of a judgement file: a query and the grade, 0 to 3, of each judged document.

    `kind` says how the query is put; an unanswerable one has no document above grade 0.
    """

    id: Text
    query: Text
    split: Literal["train", "dev", "test"]
    kind: Literal["question", "keyword", "paraphrase", "unanswerable"] = "question"
    relevant: dict[str, Any]

    @property
    def answerable(self) -> bool:
        """Whether some document answers it."""
        return self.kind != "unanswerable"


@dataclass(frozen=True, eq=False)
class Judgements:
    """Queries, their graded documents, what was set aside, and how many queries and grades were read."""

    queries: pl.DataFrame
    qrels: pl.DataFrame
    quarantine: pl.DataFrame
    read: int

    @property
    def lost_share(self) -> float:
        """Share of the queries and grades read that reached neither table, 0 to 1; 0 where nothing was read."""
        return 1 - (self.queries.height + self.qrels.height) / self.read if self.read else 0.0


def read_judgements(directory: Path, document_ids: Collection[str]) -> Judgements:
    """Read every `*.yaml` of a folder.

    Quarantined with the reason: a grade for a document that is not among `document_ids`, a grade that is no whole
    number from 0 to 3, a query whose id or text (but for case and spaces) was read before in any split, a query that no
    document is relevant to unless it is of kind unanswerable, and an unanswerable one that has a relevant document.
    Raises `InputError` where there is no such folder.
    """
    if not directory.is_dir():
        raise InputError(f"no folder of judgements at {directory}")
    quarantine, known = Quarantine("judgements"), frozenset(document_ids)
    queries: list[QueryRow] = []
    qrels: list[tuple[str, str, int]] = []
    seen: dict[str, str] = {}
    read = 0
    for path in sorted(directory.glob("*.yaml")):
        before = len(quarantine)
        entries = read_yaml_list(path, display_name(path), quarantine)
        read += len(entries) + len(quarantine) - before
        for entry in entries:
            try:
                query = _query(entry, seen)
            except LineError as error:
                quarantine.add_error(error, entry.text)
                read += _judged(entry)
                continue
            read += len(query.relevant)
            grades = _grades(query, entry, known, quarantine)
            if (max(grades.values(), default=0) > 0) != query.answerable:
                quarantine.add(entry.file, entry.line, _contradiction(query), entry.text)
                continue
            queries.append(query)
            qrels.extend((query.id, document, grade) for document, grade in grades.items())
    return Judgements(
        pl.DataFrame(
            [query.model_dump(exclude={"relevant"}) | {"answerable": query.answerable} for query in queries],
            schema=QUERY_SCHEMA,
        ),
        pl.DataFrame(qrels, schema=QRELS_SCHEMA, orient="row"),
        quarantine.frame(),
        read,
    )


def _contradiction(query: QueryRow) -> str:
    if query.answerable:
        return f"query {query.id!r} has no relevant document; one that nothing answers is of kind unanswerable"
    return f"query {query.id!r} is of kind unanswerable, but a document is graded above 0"


def _judged(entry: Entry) -> int:
    relevant = entry.value.get("relevant") if isinstance(entry.value, dict) else None
    return len(relevant) if isinstance(relevant, dict) else 0


def _query(entry: Entry, seen: dict[str, str]) -> QueryRow:
    query = check_row(QueryRow, entry)
    text = " ".join(query.query.casefold().split())
    for key, what in ((f"id {query.id}", f"id {query.id!r}"), (f"text {text}", f"query {query.query!r}")):
        if key in seen:
            raise LineError(entry.file, entry.line, f"{what} was read before, at {seen[key]}")
    place = f"{entry.file}:{entry.line}"
    seen.update({f"id {query.id}": place, f"text {text}": place})
    return query


def _grades(query: QueryRow, entry: Entry, known: frozenset[str], quarantine: Quarantine) -> dict[str, int]:
    good: dict[str, int] = {}
    for document, grade in query.relevant.items():
        content = f"{query.id}: {document}: {grade}"
        line = entry.line_of("relevant", document)
        if document not in known:
            quarantine.add(entry.file, line, f"document {document!r} is not among the documents", content)
        elif isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= HIGHEST_GRADE:
            reason = f"grade {grade!r} is no whole number from 0 to {HIGHEST_GRADE}"
            quarantine.add(entry.file, line, reason, content)
        else:
            good[document] = grade
    return good
