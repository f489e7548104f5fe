"""The text encoder, and the vectors of chunks and of nodes that it makes."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import TORCH_SOURCE, exported_encoder, open_encoder
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "2"


@dg.asset(**stage("embeddings", code=CODE, kinds={"sentence-transformers", "onnx"}, reads=["retrieval"]))
def text_encoder(settings: dg.ResourceParam[Settings], store: ArtifactStore) -> dg.MaterializeResult[Artifact]:
    """The sentence encoder as it is served: exported for ONNX Runtime, its weights in int8, and how far that strays."""
    import shutil

    from releaf.artifacts import write_json
    from releaf.retrieval.model_source import folder_revision, resolve

    retrieval = settings.retrieval

    def write(directory: Path) -> dict[str, float]:
        if retrieval.runtime == "torch":
            described = {
                "source": retrieval.encoder,
                "revision": folder_revision(resolve(retrieval.encoder)),
                "max_tokens": retrieval.max_tokens,
            }
            write_json(directory / TORCH_SOURCE, described)
            return {"parity": 0.0}
        from releaf.retrieval.onnx_encoder import OnnxEncoder, parity

        shutil.copytree(exported_encoder(retrieval, store.cache("encoders")), directory, dirs_exist_ok=True)
        encoder = OnnxEncoder.open(directory, threads=1)
        size = (directory / "model.onnx").stat().st_size / 2**20
        return {"parity": parity(directory, encoder), "dimension": encoder.dimension, "megabytes": size}

    artifact = store.publish("text_encoder", write, code_version=CODE, inputs={})
    figures = artifact.metrics
    return artifact_result(
        artifact,
        headline=f"{retrieval.runtime}, 1 − cosine to torch at most {figures['parity']:.1e}",
        metadata={"encoder": retrieval.encoder, "runtime": retrieval.runtime, "precision": retrieval.precision},
    )


@dg.asset(**stage("embeddings", code=CODE, kinds={"sentence-transformers"}, reads=["retrieval"]))
def document_embeddings(
    context: dg.AssetExecutionContext,
    knowledge_chunks: Dataset,
    text_encoder: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """One unit vector a chunk; only chunks whose text is new are encoded, and those that are gone are dropped."""
    import shutil

    from releaf.corpus.chunking import CHUNKER
    from releaf.retrieval.passages import passages
    from releaf.retrieval.vectors import Change, Vectors, embed, text_keys, vectors_version

    chunks = knowledge_chunks.read("chunks")
    ids, texts = chunks["id"].to_list(), passages(chunks)
    chosen = hardware.choose()
    encoder = open_encoder(text_encoder, settings.retrieval, chosen)
    before = store.current("document_embeddings")
    journal = store.training_state("embeddings", encoder.revision)
    changes: list[Change] = []

    def write(directory: Path) -> dict[str, float]:
        vectors, change = embed(
            ids,
            texts,
            encoder,
            directory,
            previous=Vectors.load(before.path) if before else None,
            journal=journal,
            chunker=CHUNKER,
            progress=reporter.of(context),
        )
        changes.append(change)
        return {"vectors": len(vectors), "dimension": vectors.dimension}

    artifact = store.publish(
        "document_embeddings",
        write,
        code_version=CODE,
        inputs=versions(knowledge_chunks=knowledge_chunks, text_encoder=text_encoder),
        version=vectors_version(ids, text_keys(texts, CHUNKER, encoder.revision))[:32],
    )
    shutil.rmtree(journal, ignore_errors=True)
    change = changes[0]
    return artifact_result(
        artifact,
        headline=f"{change.encoded} encoded, {change.reused} kept, {change.dropped} dropped",
        metadata={
            "encoded": change.encoded,
            "reused": change.reused,
            "dropped": change.dropped,
            "encoder": settings.retrieval.encoder,
            "encoder_revision": encoder.revision,
            **hardware.metadata(chosen),
        },
    )


@dg.asset(**stage("embeddings", code=CODE, kinds={"sentence-transformers"}, reads=["retrieval", "graph"]))
def node_embeddings(
    knowledge_graph: Artifact,
    text_encoder: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
) -> dg.MaterializeResult[Artifact]:
    """128 features a node, from the text of its name and description and its place among the edges not held out."""
    from releaf.graph.build import load, node_texts, to_arrays
    from releaf.graph.inputs import GraphInputs, prepare_inputs

    chosen = hardware.choose()
    encoder = open_encoder(text_encoder, settings.retrieval, chosen)
    graph = load(knowledge_graph.path)
    inputs: GraphInputs = prepare_inputs(to_arrays(graph), encoder.encode(node_texts(graph)), seed=settings.graph.seed)

    def write(directory: Path) -> dict[str, float]:
        inputs.save(directory)
        return {"nodes": inputs.features.shape[0], "features": inputs.features.shape[1]}

    artifact = store.publish(
        "node_embeddings",
        write,
        code_version=CODE,
        inputs=versions(knowledge_graph=knowledge_graph, text_encoder=text_encoder),
    )
    return artifact_result(
        artifact,
        headline=f"{inputs.features.shape[0]} nodes × {inputs.features.shape[1]}",
        metadata={"held_out_edges": int(inputs.split.test.shape[1]), **hardware.metadata(chosen)},
    )
