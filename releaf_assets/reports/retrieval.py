"""What search reaches on judged queries."""

from pathlib import Path
from typing import Literal

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import open_encoder
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "1"
METHODS: tuple[Literal["sparse", "dense", "rrf"], ...] = ("sparse", "dense", "rrf")


@dg.asset(**stage("reports", code=CODE, kinds={"report"}, reads=["retrieval"]))
def retrieval_report(
    context: dg.AssetExecutionContext,
    dense_index: Artifact,
    sparse_index: Artifact,
    knowledge_chunks: Dataset,
    retrieval_judgements: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """NDCG, precision, recall and reciprocal rank of dense, sparse and fused search, development and test apart."""
    from releaf.artifacts import write_json
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import grouped_bars
    from releaf.retrieval.dense import DenseIndex
    from releaf.retrieval.evaluation import evaluate_methods
    from releaf.retrieval.search import Searcher
    from releaf.retrieval.sparse import SparseIndex

    chosen = hardware.choose()
    encoder = open_encoder(settings.retrieval, chosen)
    with DenseIndex.open(dense_index.path) as dense:
        searcher = Searcher(dense, SparseIndex.open(sparse_index.path), encoder, knowledge_chunks.read("chunks"))
        evaluation = evaluate_methods(
            searcher,
            retrieval_judgements.read("queries"),
            retrieval_judgements.read("qrels"),
            methods=METHODS,
            progress=reporter.of(context),
        )

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", evaluation.to_json())
        return {
            f"{split}_{method}_{metric}": figure.mean
            for split, part in evaluation.splits.items()
            for method, result in part.methods.items()
            for metric, figure in result.figures.items()
        }

    artifact = store.publish(
        "retrieval_report",
        write,
        code_version=CODE,
        inputs=versions(
            dense_index=dense_index,
            sparse_index=sparse_index,
            knowledge_chunks=knowledge_chunks,
            retrieval_judgements=retrieval_judgements,
        ),
    )
    test = evaluation.splits["test"].methods
    rows = [
        {"method": method, **{name: f"{f.mean:.3f} ({f.low:.3f}–{f.high:.3f})" for name, f in result.figures.items()}}
        for method, result in test.items()
    ]
    bars = grouped_bars(
        {metric: {method: test[method].figures[metric].mean for method in test} for metric in ("ndcg@10", "mrr@10")},
        f"{evaluation.splits['test'].queries} test queries",
    )
    return artifact_result(
        artifact,
        headline=", ".join(f"{method} NDCG@10 {test[method].figures['ndcg@10'].mean:.3f}" for method in test),
        metadata={
            "figures": dg.MetadataValue.md(markdown_table(rows)),
            "bars": dg.MetadataValue.md(markdown_image(bars, "NDCG and MRR")),
            **hardware.metadata(chosen),
        },
    )
