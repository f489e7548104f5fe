"""The dense and the sparse index over the same chunks."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact, content_hash
from releaf_assets.results import artifact_result, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.indexes import qdrant_server
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "3"
# Versions of the index that stay on a server: the current one, and the one that readers may still hold.
KEPT = 2


@dg.asset(**stage("indexes", code=CODE, kinds={"qdrant"}, reads=["qdrant_url"]))
def dense_index(
    document_embeddings: Artifact,
    knowledge_chunks: Dataset,
    settings: dg.ResourceParam[Settings],
    store: ArtifactStore,
) -> dg.MaterializeResult[Artifact]:
    """Chunk vectors in Qdrant, embedded or on a server, with what they can be filtered by; checked before use."""
    from releaf.retrieval.dense import Built, build, prune
    from releaf.retrieval.passages import payloads
    from releaf.retrieval.vectors import Vectors

    vectors = Vectors.load(document_embeddings.path)
    chunks = knowledge_chunks.read("chunks")
    inputs = versions(document_embeddings=document_embeddings, knowledge_chunks=knowledge_chunks)
    server = qdrant_server(settings)
    results: list[Built] = []
    before = store.current("dense_index")
    # The engine names its files at random, so the version is that of what went in, and of where it went.
    version = content_hash([CODE, inputs, settings.qdrant_url])[:32]

    def write(directory: Path) -> dict[str, float]:
        built = build(
            vectors,
            payloads(chunks),
            directory,
            server=server,
            version=version,
            previous=before.path if before else None,
        )
        results.append(built)
        return {"vectors": len(vectors), "hnsw": float(built.hnsw), "recall@10": built.recall}

    artifact = store.publish("dense_index", write, code_version=CODE, inputs=inputs, version=version)
    pruned = prune(server, KEPT) if server else ()
    added = results[0].added
    place = "embedded" if server is None else "server"
    return artifact_result(
        artifact,
        headline=f"{len(vectors)} vectors, {place}",
        # Points laid over what stood before; all of them where it was built whole.
        metadata={"engine": place, "pruned": len(pruned), "added": len(vectors) if added is None else added},
    )


@dg.asset(**stage("indexes", code=CODE, kinds={"bm25s"}))
def sparse_index(
    knowledge_chunks: Dataset, document_embeddings: Artifact, store: ArtifactStore
) -> dg.MaterializeResult[Artifact]:
    """BM25 over the very texts that the dense index holds."""
    from releaf.corpus.chunking import CHUNKER
    from releaf.retrieval.passages import passages
    from releaf.retrieval.sparse import build
    from releaf.retrieval.vectors import Vectors, text_keys

    chunks = knowledge_chunks.read("chunks")
    vectors = Vectors.load(document_embeddings.path)
    before = store.current("sparse_index")
    stemmed: list[int] = []

    def write(directory: Path) -> dict[str, float]:
        stemmed.append(build(chunks, directory, before.path if before else None))
        keys = text_keys(passages(chunks), CHUNKER, vectors.revision)
        own = set(zip(chunks["id"].to_list(), keys, strict=True))
        theirs = set(zip(vectors.ids, vectors.keys, strict=True))
        return {"chunks": len(own), "same_text": len(own & theirs) / max(1, len(own | theirs))}

    artifact = store.publish(
        "sparse_index",
        write,
        code_version=CODE,
        inputs=versions(knowledge_chunks=knowledge_chunks, document_embeddings=document_embeddings),
    )
    return artifact_result(artifact, headline=f"{chunks.height} chunks", metadata={"stemmed": stemmed[0]})
