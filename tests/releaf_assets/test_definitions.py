from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from releaf.language.settings import (
    BaseSettings,
    GenerationSettings,
    LanguageSettings,
    TokenizerSettings,
    TuningSettings,
)
from releaf_assets.checks import gate_key
from releaf_assets.definitions import build_definitions, inspect_assets
from releaf_assets.gates import GATES
from resources.pointers import write_pointer
from resources.references import to_pointer
from resources.settings import Settings, load_settings
from resources.sources import SOURCES
from resources.warehouse import Warehouse
from sensors.on_request import on_request_keys

GROUPS = ["sources", "datasets", "knowledge_graph", "embeddings", "indexes", "checkpoints", "reports", "release"]
HEAVY = (
    "torch",
    "timm",
    "transformers",
    "peft",
    "torch_geometric",
    "sentence_transformers",
    "qdrant_client",
    "qdrant_edge",
    "matplotlib",
    "numba",
    "sklearn",
)
READERS = {
    "corpus": {"knowledge_chunks", "waste_images"},
    "rendering": {"rendered_images"},
    "vision": {"vision_checkpoint", "vision_transfer"},
    "descriptors": {"descriptor_checkpoint", "vision_transfer"},
    "graph": {"node_embeddings", "graph_choice", "graph_checkpoint", "recommendation_report", "graph_study"},
    "retrieval": {
        "text_encoder",
        "document_embeddings",
        "node_embeddings",
        "reranker_checkpoint",
        "search_choice",
        "retrieval_report",
        "encoder_report",
        "reward_model",
        "aligned_adapter",
        "alignment_report",
    },
    "reranker": {"reranker_checkpoint", "search_choice", "retrieval_report"},
    "alignment": {"aligned_adapter", "alignment_report"},
}
# Of the language section each asset reads a part: another learning rate of the adapter trains no base.
PARTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"base": BaseSettings(epochs=3)}, {"language_base", "expert_base"}),
    (
        {"base": BaseSettings(tokenizer=TokenizerSettings(vocabulary=900))},
        {"language_tokenizer", "language_base", "expert_base"},
    ),
    ({"tuning": TuningSettings(epochs=3)}, {"language_adapter"}),
    ({"tuning": TuningSettings(seed=3)}, {"language_adapter", "language_report"}),
    ({"source": "hub:somebody/something"}, {"language_tokenizer", "language_base"}),
    ({"generation": GenerationSettings(seed=3)}, set()),
]
CHANGES: dict[str, dict[str, Any]] = {
    "corpus": {"chunk_words": 77},
    "rendering": {"per_item": 11},
    "vision": {"epochs": 5},
    "descriptors": {"words": 3},
    "graph": {"hidden": 32},
    "retrieval": {"batch_size": 9},
    "reranker": {"layers": 2},
    "alignment": {"steps": 3},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        for variable in [name for name in os.environ if name.startswith("RELEAF_")]:
            patch.delenv(variable)
        return load_settings(home=tmp_path_factory.mktemp("definitions"))


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> dg.Definitions:
    return build_definitions(settings)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> Any:
    return definitions.resolve_asset_graph()


def names(keys: Any) -> set[str]:
    return {key.to_user_string() for key in keys}


def group(graph: Any, name: str) -> set[str]:
    return {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).group_name == name}


def above(graph: Any, asset: str) -> set[str]:
    parents = names(graph.get(dg.AssetKey(asset)).parent_keys)
    return parents.union(*(above(graph, parent) for parent in parents))


def changed(before: Settings, after: Settings) -> set[str]:
    old, new = code_versions(before), code_versions(after)
    return {asset for asset in old if old[asset] != new[asset]}


def code_versions(settings: Settings) -> dict[str, str]:
    graph: Any = build_definitions(settings).resolve_asset_graph()
    return {key.to_user_string(): graph.get(key).code_version for key in graph.materializable_asset_keys}


# What is declared


def test_the_groups_are_the_stages_of_the_lineage(graph: Any) -> None:
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == set(GROUPS)


def test_every_asset_says_what_it_is_and_whose(graph: Any) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.kinds, key
        assert node.owners, key


def test_every_asset_that_is_made_has_a_code_version_and_is_made_anew_by_the_one_condition(graph: Any) -> None:
    for key in graph.materializable_asset_keys:
        assert graph.get(key).code_version, key
        condition = graph.get(key).automation_condition
        if key in on_request_keys(graph):
            assert condition is None, key
            continue
        assert condition.get_label() == "upstream changed and its gates are green", key


def test_the_sources_are_external_and_all_there(graph: Any) -> None:
    assert group(graph, "sources") == {source.name for source in SOURCES}
    assert not group(graph, "sources") & names(graph.materializable_asset_keys)


def test_everything_can_be_loaded_by_dagster(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


# Gates


def test_every_gate_is_a_blocking_check_on_an_asset_that_is_made(graph: Any) -> None:
    assert {gate.asset for gate in GATES} <= names(graph.materializable_asset_keys)
    assert set(graph.asset_check_keys) == {gate_key(gate) for gate in GATES}
    for key in graph.asset_check_keys:
        assert graph.get(key).blocking, key


def test_other_gates_can_be_put_in_place(settings: Settings) -> None:
    one = [replace(GATES[0], threshold=0.5)]
    checks: Any = build_definitions(settings, gates=one).resolve_asset_graph()
    assert set(checks.asset_check_keys) == {gate_key(one[0])}


def test_every_asset_with_a_gate_is_handed_to_the_release(graph: Any) -> None:
    parents = names(graph.get(dg.AssetKey("release")).parent_keys)
    assert {gate.asset for gate in GATES if gate.release} <= parents


def test_a_gate_that_no_release_waits_for_judges_a_study(graph: Any) -> None:
    assert {gate.asset for gate in GATES if not gate.release} <= names(on_request_keys(graph))
    assert not {gate.asset for gate in GATES if gate.release} & names(on_request_keys(graph))


# Studies


def test_nothing_of_the_default_run_needs_a_study(graph: Any) -> None:
    studies = on_request_keys(graph)
    for key in graph.materializable_asset_keys - studies:
        assert not graph.get(key).parent_keys & studies, key


def test_one_job_makes_the_lineage_and_another_the_studies(definitions: dg.Definitions, graph: Any) -> None:
    made = {
        name: names(definitions.resolve_job_def(name).asset_layer.executable_asset_keys)
        for name in ("releaf", "studies")
    }
    assert made["studies"] == names(on_request_keys(graph))
    assert made["releaf"] == names(graph.materializable_asset_keys) - made["studies"]


# The order of the lineage


def test_the_release_is_downstream_of_every_report_and_the_last(graph: Any) -> None:
    assert group(graph, "reports") - names(on_request_keys(graph)) <= above(graph, "release")
    assert group(graph, "release") == {"release"}
    assert not graph.get(dg.AssetKey("release")).child_keys


def test_everything_that_is_made_ends_in_the_release(graph: Any) -> None:
    studies = names(on_request_keys(graph))
    assert names(graph.materializable_asset_keys) - studies - {"release"} <= above(graph, "release")


def test_datasets_come_from_sources_and_datasets_alone(graph: Any) -> None:
    for asset in group(graph, "datasets"):
        assert above(graph, asset) <= group(graph, "sources") | group(graph, "datasets"), asset


def test_everything_else_that_is_made_has_a_dataset_and_a_source_above_it(graph: Any) -> None:
    # Which encoder serves is a setting: no data decides it.
    for asset in names(graph.materializable_asset_keys) - {"text_encoder"}:
        assert above(graph, asset) & group(graph, "sources"), asset
        if asset not in group(graph, "datasets"):
            assert above(graph, asset) & group(graph, "datasets"), asset


def test_nothing_stands_above_an_earlier_stage(graph: Any) -> None:
    stage = {name: number for number, names_ in enumerate(GROUPS) for name in group(graph, names_)}
    for asset in names(graph.materializable_asset_keys):
        later = {parent for parent in above(graph, asset) if stage[parent] > stage[asset]}
        assert not later, asset


def test_every_checkpoint_and_index_is_judged_by_a_report(graph: Any) -> None:
    judged = set().union(*(above(graph, report) for report in group(graph, "reports") - {"evaluation_report"}))
    # A mixture is never served: it is a study, judged by a gate of its own.
    assert (group(graph, "checkpoints") | group(graph, "indexes")) - {"expert_base"} <= judged


def test_no_model_depends_on_a_policy(graph: Any) -> None:
    for asset in group(graph, "checkpoints") | group(graph, "embeddings") | group(graph, "indexes"):
        assert "disposal_policies" not in above(graph, asset), asset


# Settings


@pytest.mark.parametrize("section", READERS)
def test_a_changed_section_changes_the_code_version_of_exactly_what_reads_it(settings: Settings, section: str) -> None:
    after = settings.model_copy(update={section: replace(getattr(settings, section), **CHANGES[section])})
    assert changed(settings, after) == READERS[section]


@pytest.mark.parametrize(("change", "readers"), PARTS)
def test_a_changed_part_of_the_language_section_changes_what_reads_that_part(
    settings: Settings, change: dict[str, Any], readers: set[str]
) -> None:
    before = settings.model_copy(update={"language": LanguageSettings()})
    assert changed(before, before.model_copy(update={"language": LanguageSettings(**change)})) == readers


def test_another_place_device_or_profile_name_makes_nothing_stale(settings: Settings, tmp_path: Path) -> None:
    moved = settings.model_copy(update={"home": tmp_path, "data_dir": tmp_path, "device": "cpu", "profile": "full"})
    assert code_versions(moved) == code_versions(settings)


def test_the_job_carries_the_settings_it_ran_with(definitions: dg.Definitions, settings: Settings) -> None:
    job = definitions.resolve_job_def("releaf")
    assert job.tags["releaf/profile"] == "local"
    shown: Any = job.metadata["settings"].value
    assert shown["home"] == str(settings.home)
    assert shown["vision"]["backbone"] == settings.vision.backbone


def test_what_starts_runs_without_a_person_is_off(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    sensors = {sensor.name: sensor.default_status for sensor in repository.sensor_defs}
    assert sensors == dict.fromkeys(("new_data", "automation"), dg.DefaultSensorStatus.STOPPED)
    schedules = {schedule.name: schedule.default_status for schedule in repository.schedule_defs}
    assert schedules == {"weekly": dg.DefaultScheduleStatus.STOPPED}


# Loading


def test_loading_the_definitions_imports_no_model_library(project_root: Path) -> None:
    script = (
        "import sys; from releaf_assets.definitions import code_location; "
        "repository = code_location().get_repository_def(); assert repository.asset_graph; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=project_root, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == []


# Damage


def test_a_home_without_anything_is_missing_everything(definitions: dg.Definitions, settings: Settings) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        states = inspect_assets(definitions, instance, settings.home)
    assert {state.state for state in states.values()} == {"missing"}


def test_what_the_event_log_knows_and_the_disk_does_not_is_stale(
    definitions: dg.Definitions, settings: Settings
) -> None:
    warehouse = Warehouse(home=str(settings.home), queries="")
    dataset = warehouse.write({"items": pl.DataFrame({"id": ["a"]})})
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("waste_taxonomy"))

        def why() -> tuple[str, ...]:
            return inspect_assets(definitions, instance, settings.home)["waste_taxonomy"].reasons

        assert "its files are gone" in why()
        write_pointer(settings.home, "waste_taxonomy", to_pointer(settings.home, dataset))
        assert "its files are gone" not in why()
        dataset.tables["items"].path.unlink()
        assert any(str(dataset.tables["items"].path) in reason for reason in why())
