"""What the parts of the retrieval section share: how methods are called, in which order, and which one is served."""

from __future__ import annotations

from releaf.reporting.blocks import Cell, words
from releaf.reporting.evidence import Json

METHODS = {
    "sparse": "sparse (BM25)",
    "dense": "dense (embeddings)",
    "rrf": "rrf (reciprocal rank fusion)",
    "weighted": "weighted fusion",
    "expanded": "expanded query",
    "mmr": "mmr (diverse results)",
    "reranked": "reranked (cross-encoder)",
}
BASELINE = "sparse"
# What every method is compared with, query by query.
BASELINES = ("sparse", "dense")
METRIC = "ndcg@10"
DRAWN = {METRIC: "NDCG@10", "recall@10": "Recall@10", "mrr@10": "MRR@10"}
FUSION = "rrf"
NOT_MEASURED = "not measured"


def title(method: str) -> str:
    """A method as a table calls it."""
    return METHODS.get(method, words(method))


def method_cell(name: str, is_served: bool) -> Cell:
    """A method's name in a table, marked where it is the one that search serves."""
    return Cell(f"▸\N{NO-BREAK SPACE}{name}", "served") if is_served else Cell(name)


def ordered(methods: Json) -> dict[str, Json]:
    """The methods from the plainest to the most elaborate; unknown ones last."""
    known = list(METHODS)
    return dict(sorted(methods.items(), key=lambda entry: known.index(entry[0]) if entry[0] in known else len(known)))


def served(retrieval: Json, methods: Json) -> str:
    """The method that search serves; where nobody said, rank fusion, or the last one where that was not measured."""
    said = retrieval.get("served", FUSION)
    return said if said in methods else list(ordered(methods))[-1]
