"""Search measured on a collection that came with its own judgements (BEIR form), one chunk a document.

The frames are given: which files they were read from is the importer's business.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import polars as pl

from releaf.artifacts import content_hash, staged_directory
from releaf.errors import DataError, InputError
from releaf.progress import Progress, silent
from releaf.retrieval import dense, sparse
from releaf.retrieval.choice import METHODS, Method, SearchChoice
from releaf.retrieval.choosing import choose
from releaf.retrieval.encode import TextEncoder
from releaf.retrieval.evaluation import grades_by_query, score_queries, scored_queries
from releaf.retrieval.mining import held_out, judged_groups
from releaf.retrieval.passages import passages, payloads
from releaf.retrieval.rerank import PairScorer, Reranker
from releaf.retrieval.search import Searcher
from releaf.retrieval.settings import RerankerSettings
from releaf.retrieval.vectors import Vectors, embed
from releaf.training.device import Hardware

REPORTED = ("ndcg@10", "recall@100", "mrr@10")
_VECTORS = "vectors"


@dataclass(frozen=True, eq=False)
class Judged:
    """Queries (id, query) and their judgements (query_id, document_id, grade)."""

    queries: pl.DataFrame
    qrels: pl.DataFrame


@dataclass(frozen=True)
class Fitting:
    """What `train` fits the learned parts with: the collection's own training judgements, and how."""

    judged: Judged
    source: str
    settings: RerankerSettings
    hardware: Hardware


def evaluate_collection(
    documents: pl.DataFrame,
    judged: Judged,
    *,
    dataset: str,
    method: Method,
    encoder: TextEncoder | None,
    workdir: Path,
    reranker: PairScorer | None = None,
    fitting: Fitting | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Index the documents, search every judged query and report NDCG@10, recall@100 and MRR@10 (means over queries).

    `documents` has the columns id, title, text. Returns {"dataset", "queries", "documents", "method", "metrics",
    "seconds"}; `queries` counts those that some document is relevant to. With `fitting`, fusion, weights and, for
    `reranked`, a cross-encoder are fitted on its judgements alone, and "trained" says to what, with the figures of the
    queries whose relevant documents training had seen and had not. Vectors and a trained reranker stay in `workdir` for
    the next run; the indexes do not. `encoder` may be None for `sparse`. Raises `InputError` for missing columns, an
    unknown method, a missing encoder or reranker, `DataError` for no documents, ids that are not unique, or no query
    with a relevant document.
    """
    started = time.perf_counter()
    _check(documents, judged, method, encoder)
    if method == "reranked" and reranker is None and fitting is None:
        raise InputError("method 'reranked' needs a reranker: train one here with --train, or run `releaf run` first")
    chunks = _chunks(documents)
    grades = grades_by_query(judged.qrels)
    texts, _ = scored_queries(judged.queries, grades)
    workdir.mkdir(parents=True, exist_ok=True)
    trained: dict[str, Any] = {}
    with _indexes(chunks, encoder if method != "sparse" else None, workdir, progress) as parts:
        searcher = Searcher(*parts, chunks, reranker=reranker)
        if fitting is not None and method not in ("sparse", "dense"):
            searcher, trained = _fitted(parts, chunks, method, fitting, workdir, progress)
        values = score_queries(searcher, texts, grades, method, progress).values
    if trained:
        trained |= _seen(values, grades, trained.pop("relevant"))
    return {
        "dataset": dataset,
        "queries": len(texts),
        "documents": documents.height,
        "method": method,
        "metrics": {name: fmean(query[name] for query in values.values()) for name in REPORTED},
        "seconds": time.perf_counter() - started,
        **({"trained": trained} if trained else {}),
    }


_Parts = tuple[dense.DenseIndex | None, sparse.SparseIndex, TextEncoder | None]


def _fitted(
    parts: _Parts, chunks: pl.DataFrame, method: Method, fitting: Fitting, workdir: Path, progress: Progress
) -> tuple[Searcher, dict[str, Any]]:
    """A searcher with its learned parts fitted on the training judgements, and what was fitted."""
    judged = grades_by_query(fitting.judged.qrels)
    texts, _ = scored_queries(fitting.judged.queries, judged)
    plain = Searcher(*parts, chunks)
    choice = choose(plain, texts, judged, progress=progress).choice
    record: dict[str, Any] = {
        "queries": len(texts),
        "relevant": {d for grades in judged.values() for d, grade in grades.items() if grade > 0},
    }
    reranker = None
    if method == "reranked":
        kept = held_out(judged, list(texts))
        others = {name: text for name, text in texts.items() if name not in kept}
        check = {name: text for name, text in texts.items() if name in kept}
        if not check or not others:
            raise DataError(f"{len(texts)} training queries are too few to train a reranker and to check it")
        reranker = _reranker(
            Searcher(*parts, chunks, choice=choice), chunks, others, check, judged, fitting, workdir, progress
        )
        chosen = choose(Searcher(*parts, chunks, choice=choice, reranker=reranker), check, judged, progress=progress)
        # The weight from the queries it was not trained on; the fusion from all of them.
        choice = SearchChoice(**{**_fusion(choice), "rerank": True, "rerank_weight": chosen.choice.rerank_weight})
        record["held_out"] = len(check)
    record["choice"] = {name: value for name, value in asdict(choice).items() if value is not None}
    return Searcher(*parts, chunks, choice=choice, reranker=reranker), record


def _fusion(choice: SearchChoice) -> dict[str, Any]:
    return {
        "fusion": choice.fusion,
        "weight": choice.weight,
        "rrf_k": choice.rrf_k,
        "floor": choice.floor,
        "expand": choice.expand,
    }


def _reranker(
    searcher: Searcher,
    chunks: pl.DataFrame,
    train: Mapping[str, str],
    check: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    fitting: Fitting,
    workdir: Path,
    progress: Progress,
) -> Reranker:
    from releaf.retrieval.reranker import train_reranker

    groups = judged_groups(searcher, chunks, {**train, **check}, judged)
    learned = [group for name, group in groups.items() if name in train]
    checked = [group for name, group in groups.items() if name in check]
    key = content_hash([asdict(fitting.settings), fitting.source, [asdict(group) for group in groups.values()]])[:16]
    target = workdir / f"reranker-{key}"
    if not target.is_dir():
        state = workdir / f"training-{key}"
        with staged_directory(workdir) as staging:
            train_reranker(
                learned,
                checked,
                fitting.source,
                staging,
                fitting.settings,
                fitting.hardware,
                state_dir=state,
                progress=progress,
            )
            staging.rename(target)
        shutil.rmtree(state, ignore_errors=True)
    return Reranker.open(target, threads=fitting.hardware.threads)


def _seen(
    values: Mapping[str, Mapping[str, float]], grades: Mapping[str, Mapping[str, int]], relevant: set[str]
) -> dict[str, Any]:
    """NDCG@10 apart for queries with a document that was relevant in training too, and for the others."""
    parts: dict[str, list[float]] = {"seen": [], "unseen": []}
    for query, figures in values.items():
        about = {document for document, grade in grades[query].items() if grade > 0}
        parts["seen" if about & relevant else "unseen"].append(figures["ndcg@10"])
    return {
        f"{name}_documents": {"queries": len(part), "ndcg@10": fmean(part) if part else None}
        for name, part in parts.items()
    }


def _check(documents: pl.DataFrame, judged: Judged, method: str, encoder: TextEncoder | None) -> None:
    wanted: Sequence[tuple[str, pl.DataFrame, set[str]]] = (
        ("documents", documents, {"id", "title", "text"}),
        ("queries", judged.queries, {"id", "query"}),
        ("qrels", judged.qrels, {"query_id", "document_id", "grade"}),
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
def _indexes(chunks: pl.DataFrame, encoder: TextEncoder | None, workdir: Path, progress: Progress) -> Iterator[_Parts]:
    with tempfile.TemporaryDirectory(dir=workdir, prefix=".indexes-") as name:
        folder = Path(name)
        sparse.build(chunks, folder / "sparse")
        words = sparse.SparseIndex.open(folder / "sparse", backend="numba")
        if encoder is None:
            yield None, words, None
            return
        vectors = _vectors(chunks, encoder, workdir, progress)
        dense.build(vectors, payloads(chunks), folder / "dense")
        with dense.open_index(folder / "dense") as index:
            yield index, words, encoder


def _vectors(chunks: pl.DataFrame, encoder: TextEncoder, workdir: Path, progress: Progress) -> Vectors:
    """The vectors, those of the last run taken up; of each encoder apart, so that neither throws the other's away."""
    folder = workdir / f"{_VECTORS}-{content_hash(encoder.revision)[:12]}"
    previous = Vectors.load(folder) if (folder / "vectors.json").is_file() else None
    journal = workdir / f"{folder.name}.journal"
    with staged_directory(workdir) as staging:
        vectors, change = embed(
            chunks["id"].to_list(),
            passages(chunks),
            encoder,
            staging / "made",
            previous=previous,
            journal=journal,
            progress=progress,
        )
        if previous is None or change.encoded or change.dropped:
            shutil.rmtree(folder, ignore_errors=True)
            (staging / "made").rename(folder)
            vectors = Vectors.load(folder)
        else:
            vectors = previous
    shutil.rmtree(journal, ignore_errors=True)
    return vectors
