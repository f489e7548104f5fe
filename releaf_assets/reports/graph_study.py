"""Whether what the recommendation report says holds on other splits: five of them, and edges of all kinds as one."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.settings import Settings

CODE = "1"
SEEDS = 5


@dg.asset(**stage("reports", code=CODE, kinds={"report"}, reads=["graph"], on_request=True))
def graph_study(
    context: dg.AssetExecutionContext,
    knowledge_graph: Artifact,
    node_embeddings: Artifact,
    graph_choice: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Mean and deviation over five splits, weights and negatives, pooled gains, and a split blind to kinds of node."""
    from releaf.artifacts import write_json
    from releaf.graph.build import load, to_arrays
    from releaf.graph.choice import GraphChoice
    from releaf.graph.inputs import GraphInputs
    from releaf.graph.project_study import study
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import grouped_bars

    graph, text = to_arrays(load(knowledge_graph.path)), GraphInputs.load(node_embeddings.path).text
    choice, chosen = GraphChoice.load(graph_choice.path), hardware.choose()
    found = study(
        graph,
        text,
        choice.settings(settings.graph),
        chosen,
        blend=choice.blend,
        seeds=range(SEEDS),
        progress=reporter.of(context),
    )

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", found)
        ours = found["projects"]["figures"]
        return {
            f"item_{metric}_{pool}": ours[pool]["model"][metric]["mean"]
            for pool in ours
            for metric in ("mrr", "hits_at_10", "ndcg_at_10")
        } | {"model_auc": found["links"]["model"]["auc"]["mean"], "hard_auc": found["hard"]["model"]["auc"]["mean"]}

    artifact = store.publish(
        "graph_study",
        write,
        code_version=CODE,
        inputs=versions(knowledge_graph=knowledge_graph, node_embeddings=node_embeddings, graph_choice=graph_choice),
    )
    tables = {"links": found["links"], "hard_links": found["hard"], "homogeneous_links": found["homogeneous"]}
    tables |= {f"links_{relation}": figures for relation, figures in found["per_relation"].items()}
    tables |= {f"projects_{pool}": figures for pool, figures in found["projects"]["figures"].items()}
    heights, errors = {}, {}
    for name, by_figure in found["projects"]["figures"]["all"].items():
        heights[name] = {key: by_figure[key]["mean"] for key in ("mrr", "hits_at_10")}
        errors[name] = {
            key: (by_figure[key]["mean"] - by_figure[key]["sd"], by_figure[key]["mean"] + by_figure[key]["sd"])
            for key in ("mrr", "hits_at_10")
        }
    picture = grouped_bars(heights, f"held-out projects, mean and deviation of {SEEDS} splits", errors=errors)
    metrics = artifact.metrics
    return artifact_result(
        artifact,
        headline=f"{SEEDS} splits: AUC {metrics['model_auc']:.3f}, "
        f"projects' Hits@10 {metrics['item_hits_at_10_all']:.3f}",
        metadata={
            **{name: dg.MetadataValue.md(markdown_table(_rows(figures))) for name, figures in tables.items()},
            "bars": dg.MetadataValue.md(markdown_image(picture, "held-out projects")),
            **hardware.metadata(chosen),
        },
    )


def _rows(figures: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, str]]:
    return [
        {"scorer": name, **{key: f"{one['mean']:.3f} ± {one['sd']:.3f}" for key, one in by_figure.items()}}
        for name, by_figure in figures.items()
    ]
