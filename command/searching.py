"""Opens what a search needs, from the current artifacts of a home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from resources.settings import Settings

if TYPE_CHECKING:
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
    from resources.models import open_served_encoder
    from resources.references import load_artifact, load_dataset
    from resources.searching import open_reranker, open_search

    home = settings.home
    chunks = load_dataset(home, "knowledge_chunks").read("chunks")
    sparse_index = load_artifact(home, "sparse_index")
    if method == "sparse":
        yield Searcher(None, SparseIndex.open(sparse_index.path), None, chunks)
        return
    search_choice = load_artifact(home, "search_choice")
    reranks = method == "reranked" or (method is None and SearchChoice.load(search_choice.path).rerank)
    with open_search(
        settings,
        open_served_encoder(settings, load_artifact(home, "text_encoder")),
        load_artifact(home, "dense_index"),
        sparse_index,
        chunks,
        search_choice=search_choice,
        reranker=open_reranker(load_artifact(home, "reranker_checkpoint")) if reranks else None,
        backend="numpy",
        within_budget=True,
    ) as searcher:
        yield searcher
