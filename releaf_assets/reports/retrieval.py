"""What search reaches on judged queries, and what its encoder loses to int8."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import open_encoder, open_torch_encoder
from resources.reporting import ProgressReporter
from resources.searching import measured_reranker, open_search
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "3"


@dg.asset(**stage("reports", code=CODE, kinds={"report"}, reads=["retrieval", "reranker"]))
def retrieval_report(
    context: dg.AssetExecutionContext,
    text_encoder: Artifact,
    dense_index: Artifact,
    sparse_index: Artifact,
    reranker_checkpoint: Artifact,
    search_choice: Artifact,
    knowledge_chunks: Dataset,
    retrieval_judgements: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Every method on the development and test queries, apart: figures, confidence, and questions without an answer."""
    import polars as pl

    from releaf.artifacts import write_json
    from releaf.reporting.sections.retrieval import pictures
    from releaf.retrieval.evaluation import evaluate_methods

    chosen = hardware.choose()
    with open_search(
        settings,
        open_encoder(text_encoder, settings.retrieval, chosen),
        dense_index,
        sparse_index,
        knowledge_chunks.read("chunks"),
        search_choice=search_choice,
        reranker=measured_reranker(reranker_checkpoint, search_choice),
    ) as searcher:
        evaluation = evaluate_methods(
            searcher,
            # The reranker was trained on the training queries: what it reaches there says nothing.
            retrieval_judgements.read("queries").filter(pl.col("split") != "train"),
            retrieval_judgements.read("qrels"),
            progress=reporter.of(context),
        )
    shown = evaluation.to_json() | {
        "choice": search_choice.read_json("evidence.json"),
        "served": searcher.method,
    }
    if (reranker_checkpoint.path / "history.json").is_file():  # one that was taken as it is has none
        shown["reranker"] = reranker_checkpoint.read_json("history.json")

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", shown)
        return evaluation.metrics(searcher.method, searcher.choice.fusion)

    artifact = store.publish(
        "retrieval_report",
        write,
        code_version=CODE,
        inputs=versions(
            text_encoder=text_encoder,
            dense_index=dense_index,
            sparse_index=sparse_index,
            reranker_checkpoint=reranker_checkpoint,
            search_choice=search_choice,
            knowledge_chunks=knowledge_chunks,
            retrieval_judgements=retrieval_judgements,
        ),
    )
    test = evaluation.splits["test"].methods
    return artifact_result(
        artifact,
        headline=f"serves {searcher.method}: NDCG@10 {test[searcher.method].figures['ndcg@10'].mean:.3f}, "
        + ", ".join(f"{name} {test[name].figures['ndcg@10'].mean:.3f}" for name in test if name != searcher.method),
        metadata={
            "figures": dg.MetadataValue.md(markdown_table(evaluation.rows("test"))),
            **{
                f"{split}_comparisons": dg.MetadataValue.md(markdown_table(evaluation.comparison_rows(split)))
                for split in evaluation.splits
            },
            **{name: dg.MetadataValue.md(picture) for name, picture in pictures(shown).items()},
            **hardware.metadata(chosen),
        },
    )


@dg.asset(**stage("reports", code=CODE, kinds={"report"}, reads=["retrieval"]))
def encoder_report(
    context: dg.AssetExecutionContext,
    text_encoder: Artifact,
    document_embeddings: Artifact,
    knowledge_chunks: Dataset,
    retrieval_judgements: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """What the served encoder loses beside the same model in torch, in cosine and in NDCG@10 of exact dense search."""
    from releaf.artifacts import write_json
    from releaf.retrieval.evaluation import grades_by_query, scored_queries
    from releaf.retrieval.exact import compare_encoders
    from releaf.retrieval.passages import passages
    from releaf.retrieval.vectors import Vectors, embed

    chosen = hardware.choose()
    chunks = knowledge_chunks.read("chunks")
    judged = grades_by_query(retrieval_judgements.read("qrels"))
    texts, _ = scored_queries(retrieval_judgements.read("queries"), judged)
    reference = open_torch_encoder(settings.retrieval, chosen)
    before = store.current("encoder_report")

    def write(directory: Path) -> dict[str, float]:
        known = Vectors.load(before.path / "reference") if before else None
        vectors, _ = embed(
            chunks["id"].to_list(),
            passages(chunks),
            reference,
            directory / "reference",
            previous=known,
            progress=reporter.of(context),
        )
        figures = compare_encoders(
            Vectors.load(document_embeddings.path),
            open_encoder(text_encoder, settings.retrieval, chosen),
            vectors,
            reference,
            dict(chunks.select("id", "document_id").iter_rows()),
            texts,
            judged,
        )
        write_json(directory / "evaluation.json", figures)
        return {**figures, "parity": text_encoder.metrics["parity"]}

    artifact = store.publish(
        "encoder_report",
        write,
        code_version=CODE,
        inputs=versions(
            text_encoder=text_encoder,
            document_embeddings=document_embeddings,
            knowledge_chunks=knowledge_chunks,
            retrieval_judgements=retrieval_judgements,
        ),
    )
    found = artifact.metrics
    return artifact_result(
        artifact,
        headline=f"NDCG@10 {found['served_ndcg@10']:.3f} served, {found['reference_ndcg@10']:.3f} in torch",
        metadata=hardware.metadata(chosen),
    )
