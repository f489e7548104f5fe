"""What the reranker learns from: judged queries with the passages that search confuses, and titles as queries (R4).

A negative is what search itself puts first and no judge called relevant; passages are the chunks that search shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl

from releaf.progress import Progress, silent
from releaf.retrieval.passages import normalize, passage
from releaf.retrieval.reranker import Group
from releaf.retrieval.search import Searcher

# Deep enough to be varied, shallow enough to be hard.
NEGATIVE_DEPTH = 30
_FOLDS = 5


def judged_groups(
    searcher: Searcher,
    chunks: pl.DataFrame,
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    progress: Progress = silent,
) -> dict[str, Group]:
    """One group a query, by its id: the passages of its best-graded documents, and what search found instead.

    Queries for which search finds nothing else are left out.
    """
    first = {document: passage(title, text) for document, title, text in _first_chunks(chunks)}
    found = searcher.search_all(list(texts.values()), searcher.choice.fusion, NEGATIVE_DEPTH, progress=progress)
    groups: dict[str, Group] = {}
    for (name, text), result in zip(texts.items(), found, strict=True):
        grades = judged[name]
        shown = {entry.document_id: passage(entry.title, entry.text) for entry in result.results}
        best = max(grades.values())
        positives = tuple(shown.get(d, first[d]) for d, grade in grades.items() if grade == best and d in first)
        negatives = tuple(text for document, text in shown.items() if grades.get(document, 0) == 0)
        if positives and negatives:
            groups[name] = Group(text, positives, negatives)
    return groups


def title_groups(searcher: Searcher, chunks: pl.DataFrame, count: int, progress: Progress = silent) -> list[Group]:
    """Titles as queries for their own documents' text; titles are taken out of every passage, or they would tell.

    `count` documents by the hash of their id, so that a new document changes few of them.
    """
    if count == 0:
        return []
    titled = [row for row in _first_chunks(chunks) if normalize(row[1])]
    drawn = sorted(titled, key=lambda row: hashlib.sha256(row[0].encode()).digest())[:count]
    found = searcher.search_all([row[1] for row in drawn], searcher.choice.fusion, NEGATIVE_DEPTH, progress=progress)
    texts: dict[str, list[str]] = {}
    for document, text in chunks.select("document_id", "text").iter_rows():
        texts.setdefault(document, []).append(text)
    return [
        Group(title, tuple(texts[document]), others)
        for (document, title, _), result in zip(drawn, found, strict=True)
        if (others := tuple(entry.text for entry in result.results if entry.document_id != document))
    ]


def held_out(judged: Mapping[str, Mapping[str, int]], names: Sequence[str]) -> set[str]:
    """A fifth of the queries, drawn by the hash of their first relevant document (by id).

    So queries about one document stand on one side, and added queries move no other; queries that several documents
    are relevant to may share a further one across the sides.
    """
    chosen = set()
    for name in names:
        relevant = sorted(document for document, grade in judged[name].items() if grade > 0)
        if relevant and int(hashlib.sha256(relevant[0].encode()).hexdigest(), 16) % _FOLDS == 0:
            chosen.add(name)
    return chosen


def _first_chunks(chunks: pl.DataFrame) -> list[tuple[str, str, str]]:
    """Document, title and text of the first chunk of every document."""
    first = chunks.unique("document_id", keep="first", maintain_order=True)
    return [(str(d), str(title), str(text)) for d, title, text in first.select("document_id", "title", "text").rows()]
