"""Judged candidate lists: what search found for a query, to be ordered anew by whatever scores pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from releaf.errors import DataError, InputError
from releaf.metrics.ranking import ndcg_at_k
from releaf.retrieval.passages import passage
from releaf.retrieval.rerank import PairScorer
from releaf.retrieval.search import Searcher

# As many as NDCG@10 sees. In longer lists documents also move across the tenth place, so that a query's figure moves
# ten times as much, and the queries at hand could no longer tell a loss of a hundredth from none.
DEPTH = 10
PAIRS = 600


@dataclass(frozen=True)
class CandidateList:
    """A query, the documents that search found for it with their passages, best first, and all its judgements."""

    query: str
    documents: tuple[str, ...]
    passages: tuple[str, ...]
    grades: Mapping[str, int]

    def ndcg(self, scorer: PairScorer) -> float:
        """NDCG@10 of the list ordered by `scorer` alone; equal scores keep the order of search."""
        scores = scorer.score(self.query, self.passages)
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        return ndcg_at_k([self.documents[place] for place in order], self.grades, k=10)


def candidate_lists(
    searcher: Searcher,
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
    *,
    depth: int = DEPTH,
    pairs: int = PAIRS,
) -> list[CandidateList]:
    """The first `depth` documents for each query by the searcher's fusion; as many lists as `pairs` pairs allow.

    Lists in which nothing is relevant are left out, since every order of them is worth the same. Queries are drawn by
    the hash of their text, so that an added one moves few others. Raises `InputError` for a depth below 1.
    """
    if depth < 1:
        raise InputError(f"a candidate list needs a depth of at least 1, not {depth}")
    if not texts:
        return []
    drawn = sorted(texts, key=lambda name: hashlib.sha256(texts[name].encode()).digest())
    found = searcher.search_all([texts[name] for name in drawn], searcher.choice.fusion, depth)
    lists: list[CandidateList] = []
    for name, result in zip(drawn, found, strict=True):
        documents = tuple(entry.document_id for entry in result.results)
        if any(judged[name].get(document, 0) > 0 for document in documents):
            passages = tuple(passage(entry.title, entry.text) for entry in result.results)
            pairs -= len(passages)
            if pairs < 0:
                break
            lists.append(CandidateList(texts[name], documents, passages, judged[name]))
    return lists


def mean_ndcg(lists: Sequence[CandidateList], scorer: PairScorer) -> float:
    """Mean NDCG@10 over the lists, each ordered by `scorer` alone. Raises `DataError` without a list."""
    if not lists:
        raise DataError("there is no candidate list to order; NDCG needs judged queries")
    return fmean(entry.ndcg(scorer) for entry in lists)
