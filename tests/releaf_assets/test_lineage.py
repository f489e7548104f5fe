"""The whole lineage at a size of seconds: what a run makes, what it leaves alone, and what stops it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from releaf.artifacts import open_artifact
from releaf_assets.definitions import build_definitions
from resources.releases import current_release, open_release
from resources.settings import Settings
from tests.lineage import failing, passing, run, small_data, tiny_settings


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which everything was made once."""
    root = tmp_path_factory.mktemp("lineage")
    settings = tiny_settings(root / "home", small_data(root / "data"))
    outcome, states = run(settings)
    assert outcome.failed == []
    assert {state.state for state in states.values()} == {"fresh"}
    return settings


@pytest.fixture
def made(first: Settings, tmp_path: Path) -> Settings:
    """A copy of that home which a test may change."""
    shutil.copytree(first.home, tmp_path / "home")
    shutil.copytree(first.data_dir, tmp_path / "data")
    return first.model_copy(update={"home": tmp_path / "home", "data_dir": tmp_path / "data"})


def test_a_second_run_with_nothing_changed_makes_nothing(made: Settings) -> None:
    outcome, states = run(made)
    assert outcome.materialized == []
    assert outcome.ok
    assert set(outcome.skipped) == set(states)


def test_editing_one_document_encodes_its_chunks_alone_and_leaves_other_subjects_alone(made: Settings) -> None:
    file = sorted((made.data_dir / "knowledge").glob("*.md"))[0]
    file.write_text(file.read_text() + "\nOne more sentence stands at the end of this document now.\n")
    outcome, _ = run(made)
    changed = set(outcome.materialized)
    untouched = {"vision_checkpoint", "knowledge_graph", "node_embeddings", "graph_checkpoint", "rendered_images"}
    assert not changed & untouched
    assert {"knowledge_documents", "document_embeddings", "dense_index", "release"} <= changed
    with dg.DagsterInstance.from_config(str(made.home / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("document_embeddings"))
    assert event is not None
    assert event.asset_materialization is not None
    counts = {name: event.asset_materialization.metadata[name].value for name in ("encoded", "reused", "dropped")}
    assert counts["encoded"] == 1
    assert counts["reused"] > 10


def test_changing_the_white_space_of_a_fact_file_makes_the_facts_again_and_nothing_below_them(made: Settings) -> None:
    file = made.data_dir / "facts" / "properties.yaml"
    file.write_text(file.read_text() + "\n\n")
    assert run(made)[0].materialized == ["upcycling_facts"]


def test_a_changed_setting_makes_only_what_reads_it_again(made: Settings) -> None:
    changed = made.model_copy(update={"graph": made.graph.__class__(epochs=2, hidden=32, output=16)})
    outcome, _ = run(changed)
    assert {"node_embeddings", "graph_checkpoint"} <= set(outcome.materialized)
    assert not set(outcome.materialized) & {"vision_checkpoint", "document_embeddings", "language_base"}


def test_a_failing_gate_keeps_the_last_release_and_is_named_with_value_and_threshold(made: Settings) -> None:
    before = current_release(made.home)
    outcome, states = run(made, failing("item_accuracy"))
    assert not outcome.ok
    (gate,) = [gate for gate in outcome.gates if gate["passed"] is False]
    assert (gate["asset"], gate["name"], gate["threshold"]) == ("vision_report", "item_accuracy", 1e9)
    assert 0 <= gate["value"] <= 1
    assert current_release(made.home) == before
    assert states["vision_report"].state == "failed"


def test_launching_the_release_alone_does_not_get_round_a_failed_gate(made: Settings) -> None:
    gates = failing("link_auc")
    run(made, gates)
    before = current_release(made.home)
    definitions = build_definitions(made, gates=gates)
    with dg.DagsterInstance.from_config(str(made.home / "dagster")) as instance:
        job = definitions.resolve_job_def("releaf")
        result = job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("release")], raise_on_error=False
        )
    assert not result.success
    error = result.failure_data_for_node("release")
    assert error is not None
    assert "recommendation_report.link_auc fails: model_auc = " in str(error.error)
    assert current_release(made.home) == before


def test_a_threshold_that_was_tightened_is_judged_again_before_a_release(made: Settings) -> None:
    outcome, _ = run(made, failing("adapter_helps"))
    assert [gate["name"] for gate in outcome.gates if gate["passed"] is False] == ["adapter_helps"]
    again, states = run(made, passing())
    assert again.ok
    assert {state.state for state in states.values()} == {"fresh"}


def test_a_damaged_artifact_is_named_and_made_again(made: Settings) -> None:
    pointer = json.loads((made.home / "assets" / "knowledge_graph.json").read_text())
    (made.home / pointer["path"] / "nodes.parquet").write_bytes(b"other bytes")
    outcome, states = run(made)
    assert "knowledge_graph" in outcome.materialized
    assert outcome.ok
    assert states["knowledge_graph"].state == "fresh"


def test_a_release_is_whole_names_its_inputs_and_outlives_the_artifacts(made: Settings) -> None:
    bundle = open_release(made.home)
    assert bundle is not None
    shutil.rmtree(made.home / "artifacts")
    again = open_artifact(bundle.path, kind="release")
    assert set(again.manifest.inputs) >= {"vision_checkpoint", "dense_index", "knowledge_chunks", "evaluation_report"}
    assert "vision_checkpoint/manifest.json" in again.manifest.files


def test_bad_rows_are_quarantined_with_file_and_reason_and_too_many_stop_what_is_below(made: Settings) -> None:
    (made.data_dir / "knowledge" / "broken.md").write_text("no front matter at all\n")
    outcome, states = run(made)
    (gate,) = [gate for gate in outcome.gates if gate["passed"] is False]
    assert (gate["asset"], gate["name"]) == ("knowledge_documents", "rows_kept")
    assert "knowledge_chunks" not in outcome.materialized
    assert states["knowledge_documents"].state == "failed"


def test_an_error_in_an_asset_stops_what_is_below_it_and_nothing_else(made: Settings) -> None:
    (made.data_dir / "facts" / "materials.yaml").unlink()
    file = sorted((made.data_dir / "knowledge").glob("*.md"))[0]
    file.write_text(file.read_text() + "\nAnother sentence.\n")
    outcome, _ = run(made)
    assert not outcome.ok
    assert "document_embeddings" in outcome.materialized
    assert not {"knowledge_graph", "release"} & set(outcome.materialized)


def test_a_moved_home_is_read_where_it_stands_now(made: Settings, tmp_path: Path) -> None:
    moved = made.model_copy(update={"home": tmp_path / "elsewhere"})
    made.home.rename(moved.home)
    assert run(moved)[0].materialized == []
