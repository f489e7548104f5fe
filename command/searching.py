"""Opens what a search needs, from the current artifacts of a home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from resources.settings import Settings

if TYPE_CHECKING:
    from releaf.retrieval.rerank import Reranker
    from releaf.retrieval.search import Searcher

METHOD_HELP = "sparse, dense, rrf, weighted, expanded, mmr or reranked."


@contextmanager
def open_searcher(settings: Settings, method: str | None) -> Iterator[Searcher]:
    """A searcher over the current indexes that can answer by `method`, or by the chosen one where that is None.

    Only what the method needs is opened: sparse search loads no model.
    """
    from releaf.retrieval.choice import SearchChoice
    from releaf.retrieval.search import Searcher
    from releaf.retrieval.sparse import SparseIndex
    from resources.indexes import open_dense
    from resources.models import open_served_encoder
    from resources.references import load_artifact, load_dataset

    home = settings.home
    chunks = load_dataset(home, "knowledge_chunks").read("chunks")
    sparse = SparseIndex.open(load_artifact(home, "sparse_index").path)
    if method == "sparse":
        yield Searcher(None, sparse, None, chunks)
        return
    choice = SearchChoice.load(load_artifact(home, "search_choice").path)
    reranker = open_reranker(settings) if method == "reranked" or (method is None and choice.rerank) else None
    encoder = open_served_encoder(settings, load_artifact(home, "text_encoder"))
    budget = settings.reranker.budget_ms
    with open_dense(load_artifact(home, "dense_index"), settings) as dense:
        yield Searcher(
            dense,
            sparse,
            encoder,
            chunks,
            choice=choice,
            reranker=reranker,
            budget=None if budget is None else budget / 1000,
            rerank_depth=settings.reranker.depth,
        )


def open_reranker(settings: Settings) -> Reranker:
    """The current reranker."""
    from releaf.retrieval.rerank import Reranker
    from resources.models import processors
    from resources.references import load_artifact

    return Reranker.open(load_artifact(settings.home, "reranker_checkpoint").path, threads=processors())
