"""The upcycling recommender's weights and node embeddings."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, curves, save_history, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.settings import Settings

CODE = "2"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch"}, reads=["graph"]))
def graph_checkpoint(
    context: dg.AssetExecutionContext,
    knowledge_graph: Artifact,
    node_embeddings: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """GraphSAGE trained to predict held-out links, and every node's embedding on the whole graph."""
    from releaf.graph.build import load, to_arrays
    from releaf.graph.checkpoint import make_checkpoint, save
    from releaf.graph.inputs import GraphInputs
    from releaf.graph.link_prediction import LinkTask, train_links

    inputs, graph, chosen = (
        GraphInputs.load(node_embeddings.path),
        to_arrays(load(knowledge_graph.path)),
        hardware.choose(),
    )
    trained = train_links(
        inputs.features,
        inputs.split,
        settings.graph,
        chosen,
        state_dir=store.training_state("graph", CODE, node_embeddings.version, settings.graph, chosen.device),
        progress=reporter.of(context),
    )

    def write(directory: Path) -> dict[str, float]:
        save(make_checkpoint(trained, settings.graph, graph, inputs.text, inputs.feature_map(graph)), directory)
        return save_history(directory, trained.history, LinkTask.monitor)

    artifact = store.publish(
        "graph_checkpoint",
        write,
        code_version=CODE,
        inputs=versions(knowledge_graph=knowledge_graph, node_embeddings=node_embeddings),
    )
    return artifact_result(
        artifact,
        headline=f"validation AUC {artifact.metrics['validation_auc']:.3f}, epoch {trained.history.best_epoch} kept",
        metadata={**curves(trained.history, LinkTask.monitor), **hardware.metadata(chosen)},
    )
