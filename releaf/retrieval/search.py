"""A question in, ranked documents out: the indexes, their fusion and the chunks' texts put together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from releaf.diversify import maximal_marginal_relevance
from releaf.errors import DataError, InputError
from releaf.progress import Progress, silent
from releaf.retrieval.choice import METHODS, Method, SearchChoice
from releaf.retrieval.confidence import Confidence, confidence
from releaf.retrieval.dense import DenseIndex
from releaf.retrieval.encode import Matrix, TextEncoder
from releaf.retrieval.expand import FEEDBACK, expand
from releaf.retrieval.fusion import min_max, reciprocal_rank_fusion, weighted_fusion
from releaf.retrieval.passages import Filters, normalize, passage
from releaf.retrieval.rerank import PairScorer, score_within
from releaf.retrieval.sparse import SparseIndex, analyze

# A question, not a document: what is longer is refused rather than cut off without a word.
MAX_QUERY_CHARACTERS = 10_000
# Documents that each index gives to a fusion, unless more are asked for. 100 to 1,000 were tried (docs/experiments.md).
FUSION_DEPTH = 200
RERANK_DEPTH = 100
DIVERSITY_DEPTH = 50
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
    """Documents for one query, best first, each once.

    `answerable` is the probability that the best of them answers the query, None where that was never learned;
    `answered` is False where it is too low: then nothing here should be taken for an answer.
    """

    query: str
    method: Method
    confidence: Confidence
    results: tuple[Result, ...]
    answerable: float | None = None
    answered: bool = True

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


@dataclass
class Found:
    """What the indexes gave for one query: documents with scores, best first, and the chunk that stands for each."""

    query: str
    stems: Counter[str]
    filters: Filters | None
    limit: int
    dense: Hits = field(default_factory=list)
    sparse: Hits = field(default_factory=list)
    chunks: dict[str, str] = field(default_factory=dict)
    # The inverse document frequencies of all the query's words: more than any BM25 score.
    attainable: float = 0.0
    # Pairs are dear: what was scored for this query is not scored again for another candidate.
    pairs: dict[str, float] = field(default_factory=dict)
    # So is a second search: what expansion found, once it was asked for.
    expanded: list[tuple[Hits, dict[str, str]]] = field(default_factory=list)


class Searcher:
    """Search over one collection of chunks.

    Without a dense index and an encoder only `sparse` can be asked for, without a reranker all but `reranked`.
    `choice` steers the fusion and says which method answers when none is asked for; `budget` is the seconds that
    reranking one query may take (None: as long as it takes), `rerank_depth` the documents that it reads at most. Raises
    `DataError` when index, encoder and chunks do not belong together.
    """

    def __init__(
        self,
        dense: DenseIndex | None,
        sparse: SparseIndex,
        encoder: TextEncoder | None,
        chunks: pl.DataFrame,
        *,
        choice: SearchChoice | None = None,
        reranker: PairScorer | None = None,
        budget: float | None = None,
        rerank_depth: int = RERANK_DEPTH,
    ) -> None:
        columns = chunks.select("id", "document_id", "title", "text")
        self._chunks: dict[str, tuple[str, str, str]] = {row[0]: row[1:] for row in columns.iter_rows()}
        _refuse_mixture(dense, sparse, encoder, set(self._chunks))
        self._dense = dense
        self._sparse = sparse
        self._encoder = encoder
        self._reranker = reranker
        self._budget = budget
        self._rerank_depth = rerank_depth
        self.choice = choice or SearchChoice()
        # k documents cannot hold more chunks than this, so as many best chunks always reach k documents.
        self._chunks_of_largest = max(Counter(document for document, _, _ in self._chunks.values()).values(), default=1)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods that can be asked for."""
        if self._dense is None:
            return ("sparse",)
        return tuple(method for method in METHODS if method != "reranked" or self._reranker is not None)

    @property
    def method(self) -> Method:
        """The method that answers when none is asked for: the chosen one, or what can be done of it here."""
        possible = (self.choice.method, replace(self.choice, rerank=False).method)
        return next((method for method in possible if method in self.methods), "sparse")

    def search(
        self, query: str, method: Method | None = None, k: int = 10, filters: Filters | None = None
    ) -> SearchResult:
        """The k best documents for a question, each by its best chunk; fewer when fewer match.

        Sparse finds nothing for a question of stop words or unknown words; dense always finds what passes the filters.
        Raises `InputError` for a query that is empty or longer than 10,000 characters, for k < 1, and for a method that
        is unknown or has no index here.
        """
        return self.search_all([query], method, k, filters)[0]

    def search_all(
        self,
        queries: Sequence[str],
        method: Method | None = None,
        k: int = 10,
        filters: Filters | None = None,
        progress: Progress = silent,
    ) -> list[SearchResult]:
        """`search` for many questions, encoded together; the results are in their order."""
        method = method or self.method
        return self.search_each(queries, [method], k, filters, progress)[method]

    def search_each(
        self,
        queries: Sequence[str],
        methods: Sequence[Method],
        k: int = 10,
        filters: Filters | None = None,
        progress: Progress = silent,
    ) -> dict[Method, list[SearchResult]]:
        """`search_all` by several methods, in which a query is encoded once and looked up once for all fusions."""
        for method in methods:
            self._check(queries, method, k)
        vectors = None
        if self._encoder is not None and any(method != "sparse" for method in methods):
            vectors = self._encoder.encode(queries, queries=True)
        results: dict[Method, list[SearchResult]] = {method: [] for method in methods}
        for place, query in enumerate(queries):
            vector = None if vectors is None else vectors[place]
            fused: Found | None = None
            for method in results:
                if method in ("sparse", "dense"):
                    found = self._find(query, vector, method, k, filters)
                else:
                    fused = fused or self._find(query, vector, method, k, filters)
                    found = replace(fused)
                results[method].append(self._answer(found, method, k))
            progress(place + 1, len(queries), "queries searched")
        return results

    def rankings(
        self, queries: Sequence[str], candidates: Sequence[tuple[Method, SearchChoice]], k: int = 100
    ) -> list[list[list[str]]]:
        """The documents that each candidate ranks for each query, best first: [candidate][query][place].

        The indexes are asked once a query, whatever the number of candidates. Raises as `search` does.
        """
        self._check(queries, "rrf", k)
        assert self._encoder is not None
        vectors = self._encoder.encode(queries, queries=True)
        ranked: list[list[list[str]]] = [[] for _ in candidates]
        for query, vector in zip(queries, vectors, strict=True):
            found = self._find(query, vector, "rrf", k, None)
            for place, (method, choice) in enumerate(candidates):
                hits = self._ranked(replace(found), method, k, choice)
                ranked[place].append([document for document, _ in hits[:k]])
        return ranked

    def _find(self, query: str, vector: Matrix | None, method: Method, k: int, filters: Filters | None) -> Found:
        # Two at least: the confidence of the first result is its lead over the second.
        depth = max(k, 2 if method in ("sparse", "dense") else FUSION_DEPTH)
        found = Found(query, Counter(analyze(query)), filters, depth * self._chunks_of_largest)
        chunks: dict[str, str] = {}
        if self._dense is not None and vector is not None and method != "sparse":
            found.dense, chunks = self._by_document(self._dense.search(vector, found.limit, filters), depth)
        if method != "dense":
            found.sparse, words = self._by_document(self._sparse.search_terms(found.stems, found.limit, filters), depth)
            # Where both found a document, the chunk that its words point to is shown.
            chunks = {**chunks, **words}
            found.attainable = sum(count * self._rarity(stem) for stem, count in found.stems.items())
        found.chunks = chunks
        return found

    def _answer(self, found: Found, method: Method, k: int) -> SearchResult:
        judge = None if method in ("sparse", "dense") else self.choice.answerability
        # Before the ranking, which may expand the query.
        probability = None if judge is None else judge.probability(*self.evidence(found))
        ranked = self._ranked(found, method, k, self.choice)
        results = tuple(self._result(found.chunks[document], score) for document, score in ranked[:k])
        answered = bool(results) and (judge is None or probability is None or probability >= judge.threshold)
        lead = confidence([score for _, score in ranked])
        return SearchResult(found.query, method, lead, results, probability, answered)

    def _ranked(self, found: Found, method: Method, k: int, choice: SearchChoice) -> Hits:
        if method in ("sparse", "dense"):
            return found.sparse if method == "sparse" else found.dense
        if method == "expanded" or (choice.expand and method in ("mmr", "reranked")):
            self._expand(found)
        fusion = method if method in ("rrf", "weighted") else choice.fusion
        base = _fused(found, fusion, choice)
        if method == "mmr":
            return self._diverse(found, base, k)
        return self._reranked(found, base, choice.rerank_weight) if method == "reranked" else base

    def _expand(self, found: Found) -> None:
        """Search the words again, with those of the documents that they found first; for all candidates once."""
        if not found.expanded:
            found.expanded.append(self._again(found))
        found.sparse, chunks = found.expanded[0]
        found.chunks = {**chunks, **found.chunks}

    def _again(self, found: Found) -> tuple[Hits, dict[str, str]]:
        feedback = [(score, self._sparse.terms_of(found.chunks[name])) for name, score in found.sparse[:FEEDBACK]]
        if not feedback:
            return found.sparse, {}
        stems = expand(found.stems, feedback, self._sparse.document_frequency, len(self._sparse.ids))
        hits = self._sparse.search_terms(stems, found.limit, found.filters)
        return self._by_document(hits, max(len(found.sparse), FUSION_DEPTH))

    def _diverse(self, found: Found, base: Hits, k: int) -> Hits:
        """The first candidates in the order of their marginal relevance, then the rest."""
        assert self._dense is not None
        first = base[: max(k, DIVERSITY_DEPTH)]
        if not first:
            return []
        scaled = min_max(first)
        vectors = self._dense.vectors_of([found.chunks[name] for name, _ in first])
        order = maximal_marginal_relevance(
            np.asarray([scaled[name] for name, _ in first]), _cosines(vectors), len(first)
        )
        # The score stays that of the fusion: the marginal one says nothing without those chosen before.
        return [first[place] for place in order] + base[len(first) :]

    def _reranked(self, found: Found, base: Hits, weight: float) -> Hits:
        """The first candidates by cross-encoder and fused score together, then the rest as it was."""
        assert self._reranker is not None
        first = [name for name, _ in base[: self._rerank_depth]]
        if any(name not in found.pairs for name in first):
            texts = [passage(*self._chunks[found.chunks[name]][1:]) for name in first]
            scores = score_within(self._reranker, found.query, texts, self._budget)
            found.pairs.update(zip(first, scores, strict=False))
        # Not simply the first ones: another candidate with another order may have been scored before.
        read = {name for name in first if name in found.pairs}
        scored = [(name, found.pairs[name]) for name in first if name in read]
        ranked = weighted_fusion(scored, [hit for hit in base if hit[0] in read], weight)
        least = ranked[-1][1] if ranked else 0.0
        rest = [name for name, _ in base if name not in read]
        # Below everything that was read, in their old order.
        return ranked + [(name, least - 1 - place / len(rest)) for place, name in enumerate(rest)]

    def evidence(self, found: Found) -> tuple[float, float]:
        """The best cosine, and the share of the query's words that the best chunk by words holds.

        Words count by their inverse document frequency. Both are 0 where nothing was found. `Answerability` judges by
        them.
        """
        cosine = found.dense[0][1] if found.dense else 0.0
        if not found.sparse or not found.stems:
            return cosine, 0.0
        held = self._sparse.terms_of(found.chunks[found.sparse[0][0]])
        rarity = {stem: self._rarity(stem) for stem in found.stems}
        return cosine, sum(weight for stem, weight in rarity.items() if stem in held) / sum(rarity.values())

    def evidence_of(self, queries: Sequence[str]) -> list[tuple[float, float]]:
        """`evidence` for many questions."""
        self._check(queries, "rrf", 1)
        assert self._encoder is not None
        vectors = self._encoder.encode(queries, queries=True)
        return [self.evidence(self._find(query, vectors[place], "rrf", 1, None)) for place, query in enumerate(queries)]

    def _rarity(self, stem: str) -> float:
        """Inverse document frequency as in BM25 (R2); greatest for a word that no chunk holds."""
        total, holding = len(self._sparse.ids), self._sparse.document_frequency(stem)
        return math.log((total - holding + 0.5) / (holding + 0.5) + 1)

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
            lacking = "a dense index and its encoder" if self._dense is None else "a trained reranker"
            raise InputError(
                f"method {method!r} needs {lacking}, and none is open here; use {' or '.join(self.methods)}"
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


def _cosines(vectors: Matrix) -> Matrix:
    """The products of unit vectors (n, D) with one another, (n, n).

    Some rows at a time: products beyond 2¹⁸ multiplications OpenBLAS gives to threads, which then spin for longer than
    such a product takes, on the cores that the reranker wants.
    """
    rows = max(1, 2**18 // max(1, vectors.size))
    return np.concatenate([vectors[start : start + rows] @ vectors.T for start in range(0, len(vectors), rows)])


def _fused(found: Found, fusion: str, choice: SearchChoice) -> Hits:
    sparse = [(name, score) for name, score in found.sparse if score >= choice.floor * found.attainable]
    if fusion == "weighted":
        return weighted_fusion(found.dense, sparse, choice.weight)
    rankings = [[name for name, _ in found.dense], [name for name, _ in sparse]]
    return reciprocal_rank_fusion(rankings, choice.rrf_k)


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
    if dense is not None and encoder is not None and encoder.revision != dense.revision:
        raise DataError(
            f"the dense index was built with encoder {dense.revision}, but this encoder is {encoder.revision}; "
            "embed again or open the encoder it was built with"
        )
