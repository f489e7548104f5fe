"""The page on which a person sees how good everything is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.checks import gate_key
from releaf_assets.gates import Gate, gates_hash
from releaf_assets.reports.vision import read_vision
from releaf_assets.results import artifact_result, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.settings import Settings
from resources.warehouse import Dataset
from sensors.staleness import latest_evaluations

CODE = "3"


def build_evaluation_report(gates: Sequence[Gate]) -> dg.AssetsDefinition:
    """The report asset that shows how those of `gates` stand that a release waits for."""
    gates = [gate for gate in gates if gate.release]

    @dg.asset(**stage("reports", code=f"{CODE}+{gates_hash(gates)}", kinds={"report", "html"}))
    def evaluation_report(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        hardware: HardwareResource,
        store: ArtifactStore,
        waste_images: Dataset,
        knowledge_chunks: Dataset,
        upcycling_facts: Dataset,
        instructions: Dataset,
        preferences: Dataset,
        retrieval_judgements: Dataset,
        knowledge_graph: Artifact,
        dense_index: Artifact,
        sparse_index: Artifact,
        vision_checkpoint: Artifact,
        waste_classifier: Artifact,
        graph_checkpoint: Artifact,
        language_base: Artifact,
        language_adapter: Artifact,
        vision_report: Artifact,
        retrieval_report: Artifact,
        encoder_report: Artifact,
        recommendation_report: Artifact,
        language_report: Artifact,
    ) -> dg.MaterializeResult[Artifact]:
        """One self-contained HTML page with every figure, plot and example, and the figures as JSON beside it."""
        from releaf.artifacts import atomic_write_bytes, write_json
        from releaf.graph.build import load
        from releaf.reporting.page import Evidence, headline_figures, render_page
        from releaf.reporting.plots import graph_picture

        datasets = {
            "waste_images": waste_images,
            "knowledge_chunks": knowledge_chunks,
            "upcycling_facts": upcycling_facts,
            "instructions": instructions,
            "preferences": preferences,
            "retrieval_judgements": retrieval_judgements,
        }
        artifacts = {
            "knowledge_graph": knowledge_graph,
            "dense_index": dense_index,
            "sparse_index": sparse_index,
            "vision_checkpoint": vision_checkpoint,
            "waste_classifier": waste_classifier,
            "graph_checkpoint": graph_checkpoint,
            "language_base": language_base,
            "language_adapter": language_adapter,
            "vision_report": vision_report,
            "retrieval_report": retrieval_report,
            "encoder_report": encoder_report,
            "recommendation_report": recommendation_report,
            "language_report": language_report,
        }
        evidence = Evidence(
            gates=gate_rows(context.instance, gates, versions(**datasets, **artifacts)),
            data=table_counts(datasets),
            vision=read_vision(vision_report),
            vision_history=vision_checkpoint.read_json("history.json"),
            retrieval=retrieval_report.read_json("evaluation.json")
            | {"encoder": encoder_report.read_json("evaluation.json")},
            graph=knowledge_graph.read_json("statistics.json"),
            graph_picture=graph_picture(load(knowledge_graph.path)),
            recommendation={
                **recommendation_report.read_json("evaluation.json"),
                "history": graph_checkpoint.read_json("history.json"),
            },
            language=language_evidence(language_base, language_adapter, language_report),
            provenance=versions(**datasets, **artifacts),
            settings=settings.model_dump(
                mode="json", exclude={"home", "data_dir", "lanes", "qdrant_url", "qdrant_api_key"}
            ),
            hardware=_without_memory(hardware),
        )

        def write(directory: Path) -> dict[str, float]:
            figures = headline_figures(evidence)
            atomic_write_bytes(directory / "report.html", render_page(evidence).encode())
            write_json(
                directory / "figures.json", {name: dict(a.metrics) for name, a in artifacts.items() if a.metrics}
            )
            return figures

        artifact = store.publish(
            "evaluation_report", write, code_version=CODE, inputs=versions(**datasets, **artifacts)
        )
        page = artifact.path / "report.html"
        return artifact_result(
            artifact,
            headline=f"{page.stat().st_size / 2**20:.1f} MiB page",
            metadata={"page": dg.MetadataValue.url(page.as_uri())},
        )

    built: dg.AssetsDefinition = evaluation_report
    return built


def _without_memory(hardware: HardwareResource) -> str:
    """The hardware as the page shows it: free memory changes by the second, and with it the page's version."""
    chosen = hardware.choose()
    return f"{chosen.device}, {chosen.precision}, {chosen.threads} threads"


def gate_rows(instance: dg.DagsterInstance, gates: Sequence[Gate], held: dict[str, str]) -> list[Any]:
    """How every gate stands for the versions that the page shows; None where there is no verdict for them yet."""
    from releaf.reporting.page import GateRow

    recorded = latest_evaluations(instance, [gate_key(gate) for gate in gates])
    rows = []
    for gate in gates:
        evaluation = recorded.get(gate_key(gate))
        found = {name: entry.value for name, entry in evaluation.metadata.items()} if evaluation else {}
        current = gate.asset not in held or found.get("data_version") == held[gate.asset]
        passed = evaluation.passed if evaluation and current else None
        value = found.get("value") if current else None
        rows.append(
            GateRow(
                gate.asset, gate.name, gate.metric, value, gate.comparison, gate.threshold, passed, gate.description
            )
        )
    return rows


def table_counts(datasets: dict[str, Dataset]) -> dict[str, dict[str, float | str]]:
    """Rows of every table, and how many of them were set aside."""
    counts: dict[str, dict[str, float | str]] = {}
    for asset, dataset in datasets.items():
        for name, table in dataset.tables.items():
            counts[name] = {"asset": asset, "rows": table.rows, "version": table.version[:12]}
    return counts


def language_evidence(base: Artifact, adapter: Artifact, report: Artifact) -> dict[str, Any]:
    """Figures, curves and the masked example of the language model."""
    example = adapter.read_json("example.json")
    history = base.path / "history.json"
    return {
        **report.read_json("evaluation.json"),
        "base_history": base.read_json("history.json") if history.is_file() else None,
        "adapter_history": adapter.read_json("history.json"),
        "example": example["decoded"],
        "counts": example["counts"],
    }
