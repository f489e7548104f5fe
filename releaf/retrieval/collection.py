"""Search measured on a collection that came with its own judgements (BEIR form), one chunk a document.

The frames are given: which files they were read from is the importer's business.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import polars as pl

from releaf.errors import DataError, InputError
from releaf.progress import Progress, silent
from releaf.retrieval import dense, sparse
from releaf.retrieval.encode import TextEncoder
from releaf.retrieval.evaluation import grades_by_query, score_queries, scored_queries
from releaf.retrieval.passages import passages, payloads
from releaf.retrieval.search import METHODS, Method, Searcher
from releaf.retrieval.vectors import Vectors, embed

REPORTED = ("ndcg@10", "recall@100", "mrr@10")
_VECTORS = "vectors"


def evaluate_collection(
    documents: pl.DataFrame,
    queries: pl.DataFrame,
    qrels: pl.DataFrame,
    *,
    dataset: str,
    method: Method,
    encoder: TextEncoder | None,
    workdir: Path,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Index the documents, search every judged query and report NDCG@10, recall@100 and MRR@10 (means over queries).

    `documents` has the columns id, title, text; `queries` id, query; `qrels` query_id, document_id, grade. Returns
    {"dataset", "queries", "documents", "method", "metrics", "seconds"}; `queries` counts those that some document is
    relevant to. Vectors stay in `workdir` and are taken up by the next run there; the indexes do not. `encoder` may be
    None for `sparse`. Raises `InputError` for missing columns, an unknown method or a missing encoder, `DataError` for
    no documents, ids that are not unique, or no query with a relevant document.
    """
    started = time.perf_counter()
    _check(documents, queries, qrels, method, encoder)
    chunks = _chunks(documents)
    judged = grades_by_query(qrels)
    texts, _ = scored_queries(queries, judged)
    workdir.mkdir(parents=True, exist_ok=True)
    with _searcher(chunks, encoder if method != "sparse" else None, workdir, progress) as searcher:
        values = score_queries(searcher, texts, judged, method, progress)
    return {
        "dataset": dataset,
        "queries": len(texts),
        "documents": documents.height,
        "method": method,
        "metrics": {name: fmean(query[name] for query in values.values()) for name in REPORTED},
        "seconds": time.perf_counter() - started,
    }


def _check(
    documents: pl.DataFrame, queries: pl.DataFrame, qrels: pl.DataFrame, method: str, encoder: TextEncoder | None
) -> None:
    wanted: Sequence[tuple[str, pl.DataFrame, set[str]]] = (
        ("documents", documents, {"id", "title", "text"}),
        ("queries", queries, {"id", "query"}),
        ("qrels", qrels, {"query_id", "document_id", "grade"}),
    )
    for name, frame, columns in wanted:
        if missing := columns - set(frame.columns):
            raise InputError(f"{name} lack the column {sorted(missing)[0]!r}; found {', '.join(frame.columns)}")
    if method not in METHODS:
        raise InputError(f"unknown search method {method!r}; choose one of {', '.join(METHODS)}")
    if method != "sparse" and encoder is None:
        raise InputError(f"method {method!r} needs an encoder; give one or use sparse")
    if documents.height == 0:
        raise DataError("the collection has no documents")


def _chunks(documents: pl.DataFrame) -> pl.DataFrame:
    """The collection as a `chunks` table: a document is its only chunk, and can be filtered by nothing."""
    empty = pl.lit([], dtype=pl.List(pl.String))
    return documents.select(
        "id",
        pl.col("id").alias("document_id"),
        pl.col("title").fill_null(""),
        pl.col("text").fill_null(""),
        pl.lit("").alias("topic"),
        empty.alias("items"),
        empty.alias("materials"),
        empty.alias("jurisdictions"),
    )


@contextmanager
def _searcher(
    chunks: pl.DataFrame, encoder: TextEncoder | None, workdir: Path, progress: Progress
) -> Iterator[Searcher]:
    with tempfile.TemporaryDirectory(dir=workdir, prefix=".indexes-") as name:
        folder = Path(name)
        sparse.build(chunks, folder / "sparse")
        words = sparse.SparseIndex.open(folder / "sparse")
        if encoder is None:
            yield Searcher(None, words, None, chunks)
            return
        vectors = _vectors(chunks, encoder, workdir / _VECTORS, progress)
        dense.build(vectors, payloads(chunks), folder / "dense")
        with dense.DenseIndex.open(folder / "dense") as index:
            yield Searcher(index, words, encoder, chunks)


def _vectors(chunks: pl.DataFrame, encoder: TextEncoder, folder: Path, progress: Progress) -> Vectors:
    previous = Vectors.load(folder) if (folder / "vectors.json").is_file() else None
    vectors, change = embed(chunks["id"].to_list(), passages(chunks), encoder, previous, progress)
    if change.encoded or change.dropped or previous is None:
        vectors.save(folder)
    return vectors
