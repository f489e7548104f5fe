"""The dense and the sparse index over the same chunks."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact, content_hash
from releaf_assets.results import artifact_result, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.warehouse import Dataset

CODE = "1"


@dg.asset(**stage("indexes", code=CODE, kinds={"qdrant"}))
def dense_index(
    document_embeddings: Artifact, knowledge_chunks: Dataset, store: ArtifactStore
) -> dg.MaterializeResult[Artifact]:
    """Chunk vectors in the embedded Qdrant engine, with what they can be filtered by."""
    from releaf.retrieval.dense import build
    from releaf.retrieval.passages import payloads
    from releaf.retrieval.vectors import Vectors

    vectors = Vectors.load(document_embeddings.path)
    chunks = knowledge_chunks.read("chunks")

    def write(directory: Path) -> dict[str, float]:
        graph = build(vectors, payloads(chunks), directory)
        return {"vectors": len(vectors), "hnsw": float(graph)}

    inputs = versions(document_embeddings=document_embeddings, knowledge_chunks=knowledge_chunks)
    # The engine names its files at random, so the version is that of what went in.
    artifact = store.publish(
        "dense_index", write, code_version=CODE, inputs=inputs, version=content_hash([CODE, inputs])[:32]
    )
    return artifact_result(artifact, headline=f"{len(vectors)} vectors")


@dg.asset(**stage("indexes", code=CODE, kinds={"bm25s"}))
def sparse_index(
    knowledge_chunks: Dataset, document_embeddings: Artifact, store: ArtifactStore
) -> dg.MaterializeResult[Artifact]:
    """BM25 over the very chunks that the dense index holds."""
    from releaf.retrieval.sparse import build
    from releaf.retrieval.vectors import Vectors

    chunks = knowledge_chunks.read("chunks")
    dense_ids = set(Vectors.load(document_embeddings.path).ids)

    def write(directory: Path) -> dict[str, float]:
        build(chunks, directory)
        own = set(chunks["id"])
        return {"chunks": len(own), "shared_chunks": len(own & dense_ids) / max(1, len(own | dense_ids))}

    artifact = store.publish(
        "sparse_index",
        write,
        code_version=CODE,
        inputs=versions(knowledge_chunks=knowledge_chunks, document_embeddings=document_embeddings),
    )
    return artifact_result(artifact, headline=f"{chunks.height} chunks")
