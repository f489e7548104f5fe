"""`incremental` and `query`: the parts put together, as a run and as serving put them together."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from releaf.retrieval.choice import SearchChoice
from releaf.retrieval.settings import RerankerSettings
from retrieval_parts.measure import Row, Table, milliseconds_each, seconds
from retrieval_parts.models import knowledge, questions
from retrieval_parts.workshop import Workshop

if TYPE_CHECKING:
    from releaf.retrieval.encode import TextEncoder
    from releaf.retrieval.rerank import PairScorer
    from releaf.retrieval.vectors import Vectors

_STAGES = ("embedding", "dense index", "sparse index")
_K = 5


def incremental(workshop: Workshop, folder: Path, *, count: int = 5_000, rounds: int = 3) -> Table:
    """Embed so many chunks and build both indexes; change one, and do it again with what was made before at hand."""
    encoder = workshop.encoder("int8")
    encoder.encode(["one text, so that the first run does not pay for waking"])
    table = grown(knowledge(), count)
    before, first = _run(table, encoder, folder / "first")
    again: list[dict[str, float]] = []
    for turn in range(rounds):
        changed = table.with_columns(
            pl.when(pl.int_range(pl.len()) == turn)
            .then(pl.col("text") + f" Changed in round {turn}.")
            .otherwise("text")
            .alias("text")
        )
        again.append(_run(changed, encoder, folder / f"again-{turn}", before, folder / "first")[1])
    second = {name: statistics.median(spent[name] for spent in again) for name in _STAGES}
    words = np.mean([len(text.split()) for text in table["text"].to_list()])
    whole, total = sum(first.values()), statistics.median(sum(spent.values()) for spent in again)
    return Table(
        "incremental",
        f"{count:,} chunks of {words:.0f} words, then one of them changed",
        (
            Row("first run", (whole,), "s", note=_shares(first)),
            Row("second run", (total,), "s", note=_shares(second)),
            Row("second over first", (100 * total / whole,), "%", at_most=2, note=f"median of {rounds}"),
            *(Row(f"{name} over the first run", (100 * second[name] / whole,), "%") for name in _STAGES),
            Row("embedding over embedding", (100 * second["embedding"] / first["embedding"],), "%"),
        ),
    )


def grown(chunks: pl.DataFrame, count: int) -> pl.DataFrame:
    """So many chunks of real words: those that are there, then the same again with their words moved round."""
    repeats = -(-count // len(chunks))
    parts = []
    for turn in range(repeats):
        words = [text.split() for text in chunks["text"].to_list()]
        moved = [" ".join(row[(7 * turn) % len(row) :] + row[: (7 * turn) % len(row)]) for row in words]
        names = (chunks["id"] + f"-r{turn}").alias("id")
        parts.append(chunks.with_columns(names, pl.Series("text", moved)))
    return pl.concat(parts).head(count)


def _run(
    table: pl.DataFrame,
    encoder: TextEncoder,
    folder: Path,
    previous: Vectors | None = None,
    former: Path | None = None,
) -> tuple[Vectors, dict[str, float]]:
    """What a run does from chunks to indexes, over the vectors and in `former` the indexes of another run.

    Gives the vectors and the seconds of each stage.
    """
    from releaf.retrieval import dense, sparse
    from releaf.retrieval.passages import passages, payloads
    from releaf.retrieval.vectors import embed

    made: list[Vectors] = []
    stages: dict[str, Callable[[], Any]] = {
        "embedding": lambda: made.append(
            embed(
                table["id"].to_list(),
                passages(table),
                encoder,
                folder / "vectors",
                previous=previous,
                journal=folder / "journal",
            )[0]
        ),
        "dense index": lambda: dense.build(
            made[0], payloads(table), folder / "dense", previous=former and former / "dense"
        ),
        "sparse index": lambda: sparse.build(table, folder / "sparse", former and former / "sparse"),
    }
    for name in ("dense", "sparse"):
        (folder / name).mkdir(parents=True)
    spent = {name: seconds(stages[name]) for name in _STAGES}
    return made[0], spent


def _shares(spent: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} s" for name, value in spent.items())


@dataclass
class Counting:
    """A reranker that counts its pairs."""

    scorer: PairScorer
    pairs: int = 0

    def score(self, query: str, passages: Any, *rest: Any) -> list[float]:
        """See `PairScorer.score`."""
        self.pairs += len(passages)
        return self.scorer.score(query, passages, *rest)


@dataclass(frozen=True)
class Served:
    """What a query needs, wherever it comes from; `budget_ms` and `depth` are what reranking may take."""

    dense: Path
    sparse: Path
    encoder: TextEncoder
    reranker: PairScorer
    chunks: pl.DataFrame
    choice: SearchChoice
    budget_ms: float | None
    depth: int
    origin: str


def query(workshop: Workshop, folder: Path, *, count: int = 100) -> Table:
    """A whole query over the knowledge documents, reranked within its budget, one at a time.

    With a finished run in `RELEAF_HOME` its artifacts are asked; without one the same is made here.
    """
    from releaf.retrieval.dense import open_index
    from releaf.retrieval.search import Searcher
    from releaf.retrieval.sparse import SparseIndex

    served = _of_home() or _made_here(workshop, folder)
    reranker = Counting(served.reranker)
    budget = None if served.budget_ms is None else served.budget_ms / 1000
    asked = questions(served.chunks)
    asked = (asked * -(-count // len(asked)))[:count]
    with open_index(served.dense) as dense:
        searcher = Searcher(
            dense,
            SparseIndex.open(served.sparse, backend="numba"),
            served.encoder,
            served.chunks,
            choice=served.choice,
            reranker=reranker,
            budget=budget,
            rerank_depth=served.depth,
        )
        for text in asked[:5]:
            searcher.search(text, "reranked", _K)
        reranker.pairs = 0
        spent = milliseconds_each(lambda text: searcher.search(text, "reranked", _K), asked)
        pairs = reranker.pairs / len(asked)
        plain = milliseconds_each(lambda text: searcher.search(text, served.choice.fusion, _K), asked)
    return Table(
        "query",
        f"{len(served.chunks):,} chunks, {count} authored queries, {_K} results, reranking has {served.budget_ms:g} ms",
        (
            Row("p50", (float(np.percentile(spent, 50)),), "ms", at_most=200),
            Row("p95", (float(np.percentile(spent, 95)),), "ms"),
            Row("pairs read within the budget", (pairs,), note=f"mean; {served.depth} at most"),
            Row("p50 without reranking", (float(np.percentile(plain, 50)),), "ms"),
            Row("p95 without reranking", (float(np.percentile(plain, 95)),), "ms"),
        ),
        remarks=(served.origin,),
    )


def _of_home() -> Served | None:
    """What the run in `RELEAF_HOME` made; None where there is none or it is not finished."""
    from releaf.errors import ArtifactError
    from releaf.retrieval.rerank import Reranker
    from resources.models import open_served_encoder, processors
    from resources.references import load_artifact, load_dataset
    from resources.settings import load_settings

    if "RELEAF_HOME" not in os.environ:
        return None
    settings = load_settings()
    home = settings.home
    try:
        return Served(
            load_artifact(home, "dense_index").path,
            load_artifact(home, "sparse_index").path,
            open_served_encoder(settings, load_artifact(home, "text_encoder")),
            Reranker.open(load_artifact(home, "reranker_checkpoint").path, threads=processors()),
            load_dataset(home, "knowledge_chunks").read("chunks"),
            SearchChoice.load(load_artifact(home, "search_choice").path),
            settings.reranker.budget_ms,
            settings.reranker.depth,
            "the artifacts of the run in RELEAF_HOME",
        )
    except ArtifactError:
        return None


def _made_here(workshop: Workshop, folder: Path) -> Served:
    chunks, encoder = knowledge(), workshop.encoder("int8")
    _run(chunks, encoder, folder)
    trained = workshop.open_given()
    return Served(
        folder / "dense",
        folder / "sparse",
        encoder,
        trained or workshop.open_reranker("int8"),
        chunks,
        SearchChoice(fusion="weighted"),
        RerankerSettings().budget_ms,
        RerankerSettings().depth,
        "no finished run in RELEAF_HOME: indexes made here, "
        + ("the given reranker" if trained else "a reranker that was not trained, which takes as long"),
    )
