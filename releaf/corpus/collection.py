"""A retrieval test collection and the checks that every imported one passes, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from releaf.corpus.judgements import QRELS_SCHEMA
from releaf.corpus.validation import LineError, Schema
from releaf.errors import InputError

DOCUMENTS_SCHEMA: Schema = {"id": pl.String, "title": pl.String, "text": pl.String}
QUERIES_SCHEMA: Schema = {"id": pl.String, "query": pl.String}


@dataclass(frozen=True, eq=False)
class Collection:
    """A test collection: documents (id, title, text), judged queries (id, query), qrels (query_id, document_id, grade).

    Where the texts of a collection begin with their titles they are given without: no title is indexed twice.
    """

    name: str
    documents: pl.DataFrame
    queries: pl.DataFrame
    qrels: pl.DataFrame


class Grade(NamedTuple):
    """How relevant a document is to a query, and the place that says so."""

    query: str
    document: str
    grade: int
    file: str
    line: int


def build_collection(
    name: str, documents: Mapping[str, tuple[str, str]], queries: Mapping[str, str], grades: Sequence[Grade]
) -> Collection:
    """Check and join the parts; `documents` gives title and text by id. Grades below 0 count as 0.

    Only queries with a judgement are kept, in the order of the judgements. Raises `InputError` for a judgement about an
    unknown query or document, two different grades for one pair, and a collection without judgements.
    """
    judged: dict[tuple[str, str], int] = {}
    for grade in grades:
        if grade.query not in queries:
            raise LineError(grade.file, grade.line, f"query {grade.query!r} is not among the {len(queries)} queries")
        if grade.document not in documents:
            reason = f"document {grade.document!r} is not among the {len(documents)} documents"
            raise LineError(grade.file, grade.line, reason)
        pair = (grade.query, grade.document)
        if judged.setdefault(pair, max(grade.grade, 0)) != max(grade.grade, 0):
            reason = f"document {grade.document!r} has two grades for query {grade.query!r}; keep one"
            raise LineError(grade.file, grade.line, reason)
    if not judged:
        raise InputError(f"collection {name!r} has no judgements; a collection without them cannot be measured")
    names = dict.fromkeys(query for query, _ in judged)
    return Collection(
        name,
        _documents(documents),
        pl.DataFrame([(query, queries[query]) for query in names], schema=QUERIES_SCHEMA, orient="row"),
        pl.DataFrame([(*pair, grade) for pair, grade in judged.items()], schema=QRELS_SCHEMA, orient="row"),
    )


def _documents(documents: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    titled = [(title, text) for title, text in documents.values() if title and text]
    # In one collection out of many every text begins with its title; elsewhere a match is a coincidence and stays.
    repeating = sum(_repeats(title, text) for title, text in titled) > len(titled) / 2
    rows = [
        (name, title, text[len(title) :].strip() if repeating and title and _repeats(title, text) else text)
        for name, (title, text) in documents.items()
    ]
    return pl.DataFrame(rows, schema=DOCUMENTS_SCHEMA, orient="row")


def _repeats(title: str, text: str) -> bool:
    return text.startswith(title) and not text[len(title) : len(title) + 1].isalnum()
