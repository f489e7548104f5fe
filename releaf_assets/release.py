"""The right end of the lineage: a bundle of everything that is served, published only behind green gates.

Dagster stops what is below a failed check only within one run. So the release re-reads the recorded verdict of every
gate for exactly the versions in its hands, and launching it alone gets round nothing.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf.errors import GateError
from releaf_assets.checks import gate_key, standing_in_the_way
from releaf_assets.gates import Gate, gates_hash
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.releases import current_release, set_current
from resources.warehouse import Dataset
from sensors.staleness import latest_evaluations

# What is served; the reports are evidence and go along.
SERVED_TABLES = ("waste_taxonomy", "upcycling_facts", "knowledge_chunks")


def build_release(gates: Sequence[Gate]) -> dg.AssetsDefinition:
    """The release asset behind those of `gates` that a release waits for."""
    gates = [gate for gate in gates if gate.release]

    @dg.asset(**stage("release", code=f"3+{gates_hash(gates)}", kinds={"bundle"}))
    def release(
        context: dg.AssetExecutionContext,
        store: ArtifactStore,
        waste_taxonomy: Dataset,
        waste_images: Dataset,
        knowledge_documents: Dataset,
        knowledge_chunks: Dataset,
        upcycling_facts: Dataset,
        instructions: Dataset,
        preferences: Dataset,
        retrieval_judgements: Dataset,
        disposal_policies: Artifact,
        knowledge_graph: Artifact,
        node_embeddings: Artifact,
        text_encoder: Artifact,
        dense_index: Artifact,
        sparse_index: Artifact,
        reranker_checkpoint: Artifact,
        search_choice: Artifact,
        vision_checkpoint: Artifact,
        descriptor_checkpoint: Artifact,
        waste_classifier: Artifact,
        graph_checkpoint: Artifact,
        language_base: Artifact,
        language_adapter: Artifact,
        vision_transfer: Artifact,
        vision_report: Artifact,
        retrieval_report: Artifact,
        encoder_report: Artifact,
        recommendation_report: Artifact,
        language_report: Artifact,
        evaluation_report: Artifact,
    ) -> dg.MaterializeResult[Artifact]:
        """The bundle that is served, with hashes and data versions; replaces the last one only behind green gates."""
        tables = {
            "waste_taxonomy": waste_taxonomy,
            "waste_images": waste_images,
            "knowledge_documents": knowledge_documents,
            "knowledge_chunks": knowledge_chunks,
            "upcycling_facts": upcycling_facts,
            "instructions": instructions,
            "preferences": preferences,
            "retrieval_judgements": retrieval_judgements,
        }
        artifacts = {
            "disposal_policies": disposal_policies,
            "knowledge_graph": knowledge_graph,
            "node_embeddings": node_embeddings,
            "text_encoder": text_encoder,
            "dense_index": dense_index,
            "sparse_index": sparse_index,
            "reranker_checkpoint": reranker_checkpoint,
            "search_choice": search_choice,
            "vision_checkpoint": vision_checkpoint,
            "descriptor_checkpoint": descriptor_checkpoint,
            "waste_classifier": waste_classifier,
            "graph_checkpoint": graph_checkpoint,
            "language_base": language_base,
            "language_adapter": language_adapter,
            "vision_transfer": vision_transfer,
            "vision_report": vision_report,
            "retrieval_report": retrieval_report,
            "encoder_report": encoder_report,
            "recommendation_report": recommendation_report,
            "language_report": language_report,
            "evaluation_report": evaluation_report,
        }
        held = versions(**tables, **artifacts)
        recorded = latest_evaluations(context.instance, [gate_key(gate) for gate in gates])
        reasons = standing_in_the_way(gates, recorded, held) + mismatches(artifacts, held)
        if reasons:
            before = current_release(store.root)
            kept = f"release {before['version'][:12]} stays" if before else "nothing is released yet"
            raise GateError(f"not released, {kept}: {'; '.join(reasons)}")
        bundle = store.publish(
            "release",
            lambda directory: copy_members(directory, artifacts, {name: tables[name] for name in SERVED_TABLES}),
            code_version="1",
            inputs=held,
            root="releases",
        )
        set_current(store.root, bundle.version)
        rows = [{"asset": name, "version": version} for name, version in held.items()]
        return artifact_result(
            bundle,
            headline=f"version {bundle.version[:12]}, {len(gates)} gates green",
            metadata={"versions": dg.MetadataValue.md(markdown_table(rows))},
        )

    built: dg.AssetsDefinition = release
    return built


def mismatches(artifacts: Mapping[str, Artifact], held: Mapping[str, str]) -> list[str]:
    """Members that were made from another version of a member than the one beside them, one line each.

    A report is evidence only for the checkpoint it judged, an index only for the chunks it holds.
    """
    return [
        f"{name} was made from another {source} than the one to be released; run `releaf run`"
        for name, artifact in artifacts.items()
        for source, version in artifact.manifest.inputs.items()
        if source in held and held[source] != version
    ]


def copy_members(directory: Path, artifacts: Mapping[str, Artifact], tables: Mapping[str, Dataset]) -> dict[str, float]:
    """Copy every member into the bundle, so that it lives on whatever happens to the home's artifacts."""
    from releaf.retrieval.dense import copy_sparse

    for name, artifact in artifacts.items():
        # The vector engine's files are mostly holes: a plain copy would write eighty megabytes of zeros.
        (directory / name).mkdir()
        copy_sparse(artifact.path, directory / name)
    for name, dataset in tables.items():
        for table in dataset.tables.values():
            (directory / name).mkdir(exist_ok=True)
            shutil.copy2(table.path, directory / name / f"{table.name}.parquet")
    return {"members": len(artifacts) + len(tables)}
