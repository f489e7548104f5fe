"""A question in, ranked documents out: the indexes, their fusion and the chunks' texts put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import polars as pl

from releaf.errors import DataError, InputError
from releaf.progress import Progress, silent
from releaf.retrieval.confidence import Confidence, confidence
from releaf.retrieval.dense import DenseIndex
from releaf.retrieval.encode import Matrix, TextEncoder
from releaf.retrieval.fusion import reciprocal_rank_fusion, weighted_fusion
from releaf.retrieval.passages import Filters, normalize
from releaf.retrieval.sparse import SparseIndex

Method = Literal["sparse", "dense", "rrf", "weighted"]
METHODS: tuple[Method, ...] = get_args(Method)
# A question, not a document: what is longer is refused rather than cut off without a word.
MAX_QUERY_CHARACTERS = 10_000
# Documents that each index gives to a fusion, unless more are asked for.
FUSION_DEPTH = 100
Hits = list[tuple[str, float]]


@dataclass(frozen=True)
class Result:
    """A document that was found: `id` is its best chunk, whose title and text these are; higher scores are better."""

    id: str
    document_id: str
    title: str
    text: str
    score: float


@dataclass(frozen=True)
class SearchResult:
    """Documents for one query, best first, each once."""

    query: str
    method: Method
    confidence: Confidence
    results: tuple[Result, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


class Searcher:
    """Search over one collection of chunks.

    Without a dense index and an encoder only `sparse` can be asked for. Raises `DataError` when index, encoder and
    chunks do not belong together.
    """

    def __init__(
        self, dense: DenseIndex | None, sparse: SparseIndex, encoder: TextEncoder | None, chunks: pl.DataFrame
    ) -> None:
        columns = chunks.select("id", "document_id", "title", "text")
        self._chunks: dict[str, tuple[str, str, str]] = {row[0]: row[1:] for row in columns.iter_rows()}
        _refuse_mixture(dense, sparse, encoder, set(self._chunks))
        self._dense = dense
        self._sparse = sparse
        self._encoder = encoder
        # k documents cannot hold more chunks than this, so as many best chunks always reach k documents.
        self._chunks_of_largest = max(Counter(document for document, _, _ in self._chunks.values()).values(), default=1)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods that can be asked for."""
        return METHODS if self._dense is not None else ("sparse",)

    def search(self, query: str, method: Method = "rrf", k: int = 10, filters: Filters | None = None) -> SearchResult:
        """The k best documents for a question, each by its best chunk; fewer when fewer match.

        Sparse finds nothing for a question of stop words or unknown words; dense always finds what passes the filters.
        Raises `InputError` for a query that is empty or longer than 10,000 characters, for k < 1, and for a method that
        is unknown or has no index here.
        """
        return self.search_all([query], method, k, filters)[0]

    def search_all(
        self,
        queries: Sequence[str],
        method: Method = "rrf",
        k: int = 10,
        filters: Filters | None = None,
        progress: Progress = silent,
    ) -> list[SearchResult]:
        """`search` for many questions, encoded in batches; the results are in their order."""
        self._check(queries, method, k)
        vectors = (
            self._encoder.encode(queries, queries=True) if self._encoder is not None and method != "sparse" else None
        )
        found = []
        for place, query in enumerate(queries):
            vector = None if vectors is None else vectors[place]
            found.append(self._search(query, vector, method, k, filters))
            progress(place + 1, len(queries), "queries searched")
        return found

    def _search(
        self, query: str, vector: Matrix | None, method: Method, k: int, filters: Filters | None
    ) -> SearchResult:
        # Two at least: the confidence of the first result is its lead over the second.
        depth = max(k, 2 if method in ("sparse", "dense") else FUSION_DEPTH)
        limit = depth * self._chunks_of_largest
        sparse = [] if method == "dense" else self._sparse.search(query, limit, filters)
        dense = [] if self._dense is None or vector is None else self._dense.search(vector, limit, filters)
        sparse_documents, sparse_chunks = self._by_document(sparse, depth)
        dense_documents, dense_chunks = self._by_document(dense, depth)
        if method == "rrf":
            ranked = reciprocal_rank_fusion(
                [[name for name, _ in dense_documents], [name for name, _ in sparse_documents]]
            )
        elif method == "weighted":
            ranked = weighted_fusion(dense_documents, sparse_documents)
        else:
            ranked = dense_documents or sparse_documents
        # Where both found a document, the chunk that its words point to is shown.
        best_chunk = {**dense_chunks, **sparse_chunks}
        results = tuple(self._result(best_chunk[document], score) for document, score in ranked[:k])
        return SearchResult(query, method, confidence([score for _, score in ranked]), results)

    def _by_document(self, hits: Hits, depth: int) -> tuple[Hits, dict[str, str]]:
        """The first `depth` documents by the score of their best chunk, and which chunk that is."""
        documents: Hits = []
        best: dict[str, str] = {}
        for chunk, score in hits:
            document = self._chunks[chunk][0]
            if document not in best and len(documents) < depth:
                best[document] = chunk
                documents.append((document, score))
        return documents, best

    def _result(self, chunk: str, score: float) -> Result:
        document, title, text = self._chunks[chunk]
        return Result(chunk, document, title, text, score)

    def _check(self, queries: Sequence[str], method: str, k: int) -> None:
        if method not in METHODS:
            raise InputError(f"unknown search method {method!r}; choose one of {', '.join(METHODS)}")
        if method not in self.methods:
            raise InputError(
                f"method {method!r} needs a dense index and its encoder, and none is open here; use sparse"
            )
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        for query in queries:
            if len(query) > MAX_QUERY_CHARACTERS:
                raise InputError(
                    f"a query may hold {MAX_QUERY_CHARACTERS:,} characters, this one holds {len(query):,}; shorten it"
                )
            if not normalize(query):
                raise InputError("the query is empty; ask for something")


def _refuse_mixture(
    dense: DenseIndex | None, sparse: SparseIndex, encoder: TextEncoder | None, chunks: set[str]
) -> None:
    if (dense is None) != (encoder is None):
        raise DataError("a dense index and its encoder come together; give both or neither")
    for name, index in (("sparse", sparse), ("dense", dense)):
        if index is not None and set(index.ids) != chunks:
            odd = sorted(set(index.ids) ^ chunks)[0]
            raise DataError(
                f"the {name} index is of other chunks than the table ({odd!r} is in one only); build both again"
            )
    if dense is not None and encoder is not None:
        ours, theirs = (encoder.revision, encoder.max_tokens), (dense.revision, dense.max_tokens)
        if ours != theirs:
            raise DataError(
                f"the dense index was built with encoder {theirs[0][:12]} at {theirs[1]} tokens, but this encoder is "
                f"{ours[0][:12]} at {ours[1]}; embed again or open the encoder it was built with"
            )
