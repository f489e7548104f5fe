"""Assembles everything Dagster sees. `build_definitions` is the seam that tests and the command use.

No heavy library is imported here or in any module this one imports: loading the definitions takes as long as Dagster.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg

from releaf.errors import ArtifactError
from releaf_assets import embeddings, indexes, knowledge_graph
from releaf_assets.checkpoints import alignment as alignment_checkpoints
from releaf_assets.checkpoints import classifier as classifier_checkpoints
from releaf_assets.checkpoints import experts as expert_checkpoints
from releaf_assets.checkpoints import graph as graph_checkpoints
from releaf_assets.checkpoints import graph_choice as graph_choices
from releaf_assets.checkpoints import language as language_checkpoints
from releaf_assets.checkpoints import reranker as reranker_checkpoints
from releaf_assets.checkpoints import search as search_checkpoints
from releaf_assets.checkpoints import vision as vision_checkpoints
from releaf_assets.checks import build_checks, gate_key
from releaf_assets.datasets import documents, facts, images, instructions, judgements, policies, preferences, taxonomy
from releaf_assets.gates import GATES, Gate
from releaf_assets.release import build_release
from releaf_assets.reports import alignment as alignment_reports
from releaf_assets.reports import graph_study as graph_studies
from releaf_assets.reports import language as language_reports
from releaf_assets.reports import recommendation
from releaf_assets.reports import retrieval as retrieval_reports
from releaf_assets.reports import scaling as scaling_reports
from releaf_assets.reports import vision as vision_reports
from releaf_assets.reports.evaluation import build_evaluation_report
from releaf_assets.sources import sources
from releaf_assets.stage import SETTINGS_KEY
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.observing import observe_sources
from resources.pointers import read_pointer
from resources.references import ReferenceIOManager, load_reference
from resources.reporting import Listener, ProgressReporter
from resources.settings import PROJECT_ROOT, Settings, load_settings
from resources.warehouse import Dataset, Warehouse
from sensors.automation import automation_sensor
from sensors.new_data import new_data_sensor
from sensors.on_request import on_request_selection
from sensors.staleness import AssetState, inspect
from sensors.weekly import weekly_schedule

JOB = "releaf"
STUDIES = "studies"
MODULES: tuple[ModuleType, ...] = (
    taxonomy,
    images,
    documents,
    facts,
    instructions,
    preferences,
    judgements,
    policies,
    knowledge_graph,
    embeddings,
    indexes,
    vision_checkpoints,
    classifier_checkpoints,
    graph_choices,
    graph_checkpoints,
    language_checkpoints,
    expert_checkpoints,
    alignment_checkpoints,
    reranker_checkpoints,
    search_checkpoints,
    vision_reports,
    retrieval_reports,
    recommendation,
    graph_studies,
    language_reports,
    scaling_reports,
    alignment_reports,
)


def build_definitions(
    settings: Settings | None = None,
    *,
    gates: Sequence[Gate] = GATES,
    listener: Listener | None = None,
) -> dg.Definitions:
    """Everything Dagster sees, for these settings, gates and listener of progress."""
    settings = settings or load_settings()
    assets = [
        asset.map_asset_specs(lambda spec: _with_settings(spec, settings))
        for asset in [*dg.load_assets_from_modules(MODULES), build_evaluation_report(gates), build_release(gates)]
        if isinstance(asset, dg.AssetsDefinition)
    ]
    jobs = [
        _job(JOB, dg.AssetSelection.all() - on_request_selection(), "From datasets to the release.", settings),
        _job(STUDIES, on_request_selection(), "What takes long and is never served: made when asked for.", settings),
    ]
    return dg.Definitions(
        assets=[sources, *assets],
        asset_checks=build_checks(gates),
        jobs=jobs,
        schedules=[weekly_schedule(JOB, lambda instance: _observe_and_inspect(settings, gates, instance))],
        sensors=[new_data_sensor(JOB, settings.data_dir, settings.home), automation_sensor()],
        resources=_resources(settings, listener),
        # A step in a process of its own costs four seconds of imports; in this one, milliseconds.
        executor=dg.in_process_executor,
    )


def _job(name: str, selection: dg.AssetSelection, description: str, settings: Settings) -> Any:
    return dg.define_asset_job(
        name,
        selection=selection,
        description=description,
        tags={"releaf/profile": settings.profile, "releaf/settings": settings.section_hash(*Settings.model_fields)},
        metadata={"settings": dg.MetadataValue.json(settings.model_dump(mode="json"))},
        executor_def=dg.in_process_executor,
    )


def _with_settings(spec: dg.AssetSpec, settings: Settings) -> dg.AssetSpec:
    sections = [name for name in str(spec.metadata.get(SETTINGS_KEY, "none")).split(", ") if name != "none"]
    if not sections:
        return spec
    return spec.replace_attributes(code_version=f"{spec.code_version}+{settings.section_hash(*sections)}")


def _resources(settings: Settings, listener: Listener | None) -> dict[str, object]:
    home, queries = str(settings.home), str(PROJECT_ROOT / "duckdb")
    return {
        "io_manager": ReferenceIOManager(home=home, queries=queries),
        "settings": settings,
        "store": ArtifactStore(home=home),
        "warehouse": Warehouse(home=home, queries=queries),
        "hardware": HardwareResource(device=settings.device, precision=settings.precision),
        "reporter": ProgressReporter(listener),
    }


def _observe_and_inspect(
    settings: Settings, gates: Sequence[Gate], instance: dg.DagsterInstance
) -> dict[str, AssetState]:
    observe_sources(instance, settings.data_dir, settings.home)
    return inspect_assets(build_definitions(settings, gates=gates), instance, settings.home, gates)


def inspect_assets(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path, gates: Sequence[Gate] = GATES
) -> dict[str, AssetState]:
    """Where every asset stands: see `sensors.staleness.inspect`."""

    def damage(asset: str) -> str | None:
        try:
            if read_pointer(home, asset) is None:
                return "its files are gone"
            reference = load_reference(home, asset)
            for table in reference.tables.values() if isinstance(reference, Dataset) else ():
                table.verify()
        except ArtifactError as error:
            return str(error)
        return None

    return inspect(
        definitions.resolve_asset_graph(),
        instance,
        damage=damage,
        rules={gate_key(gate): gate.rule for gate in gates},
    )


@dg.definitions
def code_location() -> dg.Definitions:
    """What the UI and the daemon load: the definitions for the effective settings."""
    return build_definitions()
