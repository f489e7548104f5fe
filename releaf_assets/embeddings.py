"""Vectors of chunks and of nodes, made with one text encoder."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import encoder_batch_size, open_encoder
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "1"


@dg.asset(**stage("embeddings", code=CODE, kinds={"sentence-transformers"}, reads=["retrieval"]))
def document_embeddings(
    context: dg.AssetExecutionContext,
    knowledge_chunks: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """One unit vector a chunk; only chunks whose text is new are encoded, and those that are gone are dropped."""
    from releaf.retrieval.passages import passages
    from releaf.retrieval.vectors import Vectors, embed

    chunks = knowledge_chunks.read("chunks")
    chosen = hardware.choose()
    encoder = open_encoder(settings.retrieval, chosen)
    before = store.current("document_embeddings")
    vectors, change = embed(
        chunks["id"].to_list(),
        passages(chunks),
        encoder,
        Vectors.load(before.path) if before else None,
        reporter.of(context),
    )

    def write(directory: Path) -> dict[str, float]:
        vectors.save(directory)
        return {"vectors": len(vectors), "dimension": vectors.dimension}

    artifact = store.publish(
        "document_embeddings",
        write,
        code_version=CODE,
        inputs=versions(knowledge_chunks=knowledge_chunks),
        version=vectors.version[:32],
    )
    return artifact_result(
        artifact,
        headline=f"{change.encoded} encoded, {change.reused} kept, {change.dropped} dropped",
        metadata={
            "encoded": change.encoded,
            "reused": change.reused,
            "dropped": change.dropped,
            "encoder": settings.retrieval.encoder,
            "encoder_revision": encoder.revision,
            "batch_size": encoder_batch_size(settings.retrieval, chosen),
            **hardware.metadata(chosen),
        },
    )


@dg.asset(**stage("embeddings", code=CODE, kinds={"sentence-transformers"}, reads=["retrieval", "graph"]))
def node_embeddings(
    knowledge_graph: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
) -> dg.MaterializeResult[Artifact]:
    """128 features a node, from the text of its name and description and its place among the edges not held out."""
    from releaf.graph.build import load, node_texts, to_arrays
    from releaf.graph.inputs import GraphInputs, prepare_inputs

    chosen = hardware.choose()
    encoder = open_encoder(settings.retrieval, chosen)
    graph = load(knowledge_graph.path)
    inputs: GraphInputs = prepare_inputs(to_arrays(graph), encoder.encode(node_texts(graph)), seed=settings.graph.seed)

    def write(directory: Path) -> dict[str, float]:
        inputs.save(directory)
        return {"nodes": inputs.features.shape[0], "features": inputs.features.shape[1]}

    artifact = store.publish(
        "node_embeddings", write, code_version=CODE, inputs=versions(knowledge_graph=knowledge_graph)
    )
    return artifact_result(
        artifact,
        headline=f"{inputs.features.shape[0]} nodes × {inputs.features.shape[1]}",
        metadata={"held_out_edges": int(inputs.split.test.shape[1]), **hardware.metadata(chosen)},
    )
