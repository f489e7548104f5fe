"""Puts a searcher together from artifacts: the one door for assets, reports and the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import polars as pl

from releaf.artifacts import Artifact
from resources.indexes import open_dense
from resources.models import processors
from resources.settings import Settings

if TYPE_CHECKING:
    from releaf.retrieval.encode import TextEncoder
    from releaf.retrieval.remembered import Remembering
    from releaf.retrieval.rerank import PairScorer, Reranker
    from releaf.retrieval.search import Searcher


@contextmanager
def open_search(
    settings: Settings,
    encoder: TextEncoder,
    dense_index: Artifact,
    sparse_index: Artifact,
    chunks: pl.DataFrame,
    *,
    search_choice: Artifact | None = None,
    reranker: PairScorer | None = None,
    backend: Literal["numpy", "numba"] = "numba",
    within_budget: bool = False,
) -> Iterator[Searcher]:
    """A searcher over these indexes; without a choice it searches by the defaults, without a reranker never reranks.

    `backend` adds up the sparse scores: `numba` for many queries, `numpy` for one. `within_budget` holds reranking to
    the milliseconds of the settings, which makes results depend on the machine: for serving, not for measuring.
    """
    from releaf.retrieval.choice import SearchChoice
    from releaf.retrieval.search import Searcher
    from releaf.retrieval.sparse import SparseIndex

    budget = settings.reranker.budget_ms if within_budget else None
    with open_dense(dense_index, settings) as dense:
        yield Searcher(
            dense,
            SparseIndex.open(sparse_index.path, backend=backend),
            encoder,
            chunks,
            choice=SearchChoice.load(search_choice.path) if search_choice else None,
            reranker=reranker,
            budget=None if budget is None else budget / 1000,
            rerank_depth=settings.reranker.depth,
        )


def open_reranker(reranker_checkpoint: Artifact) -> Reranker:
    """The reranker of an artifact, with a pair on every processor at once."""
    from releaf.retrieval.rerank import Reranker

    return Reranker.open(reranker_checkpoint.path, threads=processors())


def measured_reranker(reranker_checkpoint: Artifact, search_choice: Artifact | None = None) -> Remembering:
    """`open_reranker` for measuring: pairs that the checkpoint's own trial or the choice has read are not read again.

    A choice that was made with another checkpoint adds nothing.
    """
    from releaf.retrieval.remembered import Remembering

    folders = [reranker_checkpoint.path]
    if search_choice and search_choice.manifest.inputs.get("reranker_checkpoint") == reranker_checkpoint.version:
        folders.append(search_choice.path)
    return Remembering(open_reranker(reranker_checkpoint), *folders)
