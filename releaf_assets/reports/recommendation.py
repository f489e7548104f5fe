"""What link prediction reaches on held-out edges, beside baselines that learn nothing."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore

CODE = "1"
# Items whose recommendations are shown as examples.
SHOWN = ("plastic_bottle", "glass_jar", "t_shirt")


@dg.asset(**stage("reports", code=CODE, kinds={"report"}))
def recommendation_report(
    knowledge_graph: Artifact, node_embeddings: Artifact, graph_checkpoint: Artifact, store: ArtifactStore
) -> dg.MaterializeResult[Artifact]:
    """AUC, average precision, Hits@k and MRR, overall and per relation, against common neighbours and others."""
    from dataclasses import asdict

    from releaf.artifacts import write_json
    from releaf.graph.build import load, to_arrays
    from releaf.graph.checkpoint import load_embeddings
    from releaf.graph.evaluation import evaluate_links
    from releaf.graph.inputs import GraphInputs
    from releaf.graph.recommend import Recommender
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import grouped_bars

    graph, inputs = load(knowledge_graph.path), GraphInputs.load(node_embeddings.path)
    embeddings = load_embeddings(graph_checkpoint.path)
    evaluation = evaluate_links(to_arrays(graph), inputs.split, embeddings.z_message, inputs.text)
    recommender = Recommender(embeddings, graph)
    examples = {item: [asdict(r) for r in recommender.recommend(item, 5)] for item in SHOWN if f"item:{item}" in graph}

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", {**evaluation.as_json(), "examples": examples})
        figures = {
            f"{name}_{field}": value for name, f in evaluation.overall.items() for field, value in asdict(f).items()
        }
        common = evaluation.overall["common_neighbours"].auc
        return {
            **{k.replace(" ", "_"): float(v) for k, v in figures.items()},
            "auc_gain": evaluation.model.auc - common,
        }

    artifact = store.publish(
        "recommendation_report",
        write,
        code_version=CODE,
        inputs=versions(
            knowledge_graph=knowledge_graph, node_embeddings=node_embeddings, graph_checkpoint=graph_checkpoint
        ),
    )
    rows = [
        {"scorer": name, **{k: v if isinstance(v, int) else f"{v:.3f}" for k, v in asdict(f).items()}}
        for name, f in evaluation.overall.items()
    ]
    bars = grouped_bars(
        {name: {"AUC": f.auc, "AP": f.average_precision} for name, f in evaluation.overall.items()}, "held-out edges"
    )
    model = evaluation.model
    return artifact_result(
        artifact,
        headline=f"AUC {model.auc:.3f}, AP {model.average_precision:.3f}, Hits@10 {model.hits_at_10:.3f}",
        metadata={
            "figures": dg.MetadataValue.md(markdown_table(rows)),
            "bars": dg.MetadataValue.md(markdown_image(bars, "AUC and AP")),
            "against_baselines": dg.MetadataValue.md("\n".join(f"- {line}" for line in evaluation.statements)),
        },
    )
