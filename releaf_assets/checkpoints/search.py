"""Which way of searching is served, chosen on the development queries."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import open_encoder
from resources.reporting import ProgressReporter
from resources.searching import measured_reranker, open_search
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "2"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"choice"}, reads=["retrieval", "reranker"]))
def search_choice(
    context: dg.AssetExecutionContext,
    text_encoder: Artifact,
    dense_index: Artifact,
    sparse_index: Artifact,
    reranker_checkpoint: Artifact,
    knowledge_chunks: Dataset,
    retrieval_judgements: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Fusion, weight, expansion, reranking and when to say that nothing answers, each with what it rests on."""
    import polars as pl

    from releaf.artifacts import write_json
    from releaf.retrieval.choosing import choose
    from releaf.retrieval.evaluation import grades_by_query, scored_queries

    chosen = hardware.choose()
    queries = retrieval_judgements.read("queries").filter(pl.col("split") != "test")
    judged = grades_by_query(retrieval_judgements.read("qrels"))
    texts, unanswerable = scored_queries(queries, judged)
    learned = set(queries.filter(pl.col("split") == "train")["id"])
    asked = dict(queries.select("id", "query").iter_rows())
    reranker = measured_reranker(reranker_checkpoint)
    with open_search(
        settings,
        open_encoder(text_encoder, settings.retrieval, chosen),
        dense_index,
        sparse_index,
        knowledge_chunks.read("chunks"),
        reranker=reranker,
    ) as searcher:
        found = choose(
            searcher,
            texts,
            judged,
            [asked[name] for name in unanswerable],
            reranker_has_seen=learned,
            progress=reporter.of(context),
        )
    best = {c.method: c for c in sorted(found.candidates, key=lambda c: c.ndcg)}

    def write(directory: Path) -> dict[str, float]:
        found.choice.save(directory)
        reranker.save(directory)
        write_json(directory / "evidence.json", found.to_json())
        gain = found.reranking.difference if found.reranking else 0.0
        return {"queries": found.queries, "rerank": float(found.choice.rerank), "rerank_gain": gain}

    artifact = store.publish(
        "search_choice",
        write,
        code_version=CODE,
        inputs=versions(
            text_encoder=text_encoder,
            dense_index=dense_index,
            sparse_index=sparse_index,
            reranker_checkpoint=reranker_checkpoint,
            knowledge_chunks=knowledge_chunks,
            retrieval_judgements=retrieval_judgements,
        ),
    )
    rows = [
        {
            "method": c.method,
            "fusion": c.choice.fusion,
            "weight": c.choice.weight,
            "floor": c.choice.floor,
            "ndcg@10": f"{c.ndcg:.3f}",
        }
        for c in found.candidates
    ]
    return artifact_result(
        artifact,
        headline=f"{found.choice.method} ({found.choice.fusion}), development NDCG@10 "
        f"{best[found.choice.method].ndcg:.3f}",
        metadata={"candidates": dg.MetadataValue.md(markdown_table(rows)), **hardware.metadata(chosen)},
    )
