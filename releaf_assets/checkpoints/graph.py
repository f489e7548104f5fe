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

CODE = "3"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch"}, reads=["graph"]))
def graph_checkpoint(
    context: dg.AssetExecutionContext,
    knowledge_graph: Artifact,
    node_embeddings: Artifact,
    graph_choice: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """The chosen model trained to predict held-out links, every node's embedding, and the scores of all projects."""
    from releaf.graph.build import load, to_arrays
    from releaf.graph.checkpoint import make_checkpoint, save
    from releaf.graph.choice import GraphChoice
    from releaf.graph.inputs import GraphInputs
    from releaf.graph.link_prediction import LinkTask, train_links
    from releaf.graph.scorer_fit import fit_scorer

    inputs, graph, chosen = (
        GraphInputs.load(node_embeddings.path),
        to_arrays(load(knowledge_graph.path)),
        hardware.choose(),
    )
    choice = GraphChoice.load(graph_choice.path)
    model = choice.settings(settings.graph)
    trained = train_links(
        inputs.features,
        inputs.split,
        model,
        chosen,
        state_dir=store.training_state("graph", CODE, node_embeddings.version, model, chosen.device),
        progress=reporter.of(context),
    )

    def write(directory: Path) -> dict[str, float]:
        checkpoint = make_checkpoint(trained, model, graph, inputs.text, inputs.feature_map(graph))
        save(checkpoint, directory)
        fit_scorer(
            graph,
            inputs.text,
            inputs.split,
            checkpoint.embeddings.z,
            trained.z,
            blend=choice.blend,
            serves=choice.serves,
            serves_new=choice.serves_new,
            seed=settings.graph.seed,
        ).save(directory)
        return save_history(directory, trained.history, LinkTask.monitor)

    artifact = store.publish(
        "graph_checkpoint",
        write,
        code_version=CODE,
        inputs=versions(knowledge_graph=knowledge_graph, node_embeddings=node_embeddings, graph_choice=graph_choice),
    )
    return artifact_result(
        artifact,
        headline=f"{choice.model}, validation AUC {artifact.metrics['validation_auc']:.3f}, "
        f"epoch {trained.history.best_epoch} kept",
        metadata={**curves(trained.history, LinkTask.monitor), **hardware.metadata(chosen)},
    )
