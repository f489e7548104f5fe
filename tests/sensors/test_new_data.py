from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from releaf_assets.definitions import build_definitions
from resources.observing import DATA_VERSION_TAG, source_versions
from resources.settings import load_settings
from resources.sources import SOURCES, imports_root
from sensors.on_request import on_request_keys

DOCUMENTS = 3


@pytest.fixture
def data(tmp_path: Path, project_root: Path) -> Path:
    """A few authored files."""
    source, target = project_root / "data", tmp_path / "data"
    for name in ("facts", "policies", "judgements"):
        shutil.copytree(source / name, target / name)
    shutil.copy2(source / "taxonomy.yaml", target)
    (target / "knowledge").mkdir()
    for file in sorted((source / "knowledge").glob("*.md"))[:DOCUMENTS]:
        shutil.copy2(file, target / "knowledge")
    return target


class Sensor:
    """The project's sensor over a folder; each tick begins where the last one ended."""

    def __init__(self, data: Path, home: Path, instance: dg.DagsterInstance) -> None:
        definitions = build_definitions(load_settings(home=home, data_dir=data))
        self._repository = definitions.get_repository_def()
        self._instance = instance
        self.definition = self._repository.get_sensor_def("new_data")
        graph = definitions.resolve_asset_graph()
        self.everything, self.studies = graph.materializable_asset_keys, on_request_keys(graph)
        self.cursor: str | None = None

    def tick(self) -> Any:
        """What one tick came to, as the daemon gets it."""
        context = dg.build_sensor_context(
            instance=self._instance, cursor=self.cursor, repository_def=self._repository, sensor_name="new_data"
        )
        with context:
            ticked = self.definition.evaluate_tick(context)
        self.cursor = ticked.cursor or self.cursor
        return ticked


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def sensor(data: Path, home: Path, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(data, home, instance)


def asked_for(ticked: Any) -> set[str]:
    (request,) = ticked.run_requests
    return {key.to_user_string() for key in request.asset_selection}


def test_the_first_tick_asks_for_everything(sensor: Sensor) -> None:
    ticked = sensor.tick()
    assert asked_for(ticked) == {key.to_user_string() for key in sensor.everything - sensor.studies}
    assert ticked.skip_message is None
    for source in SOURCES:
        assert source.name in ticked.run_requests[0].tags["releaf/cause"]


def test_the_first_tick_observes_every_source_at_its_version(sensor: Sensor, data: Path, home: Path) -> None:
    observed = {event.asset_key.to_user_string(): event.tags[DATA_VERSION_TAG] for event in sensor.tick().asset_events}
    assert observed == source_versions(data, home)


def test_a_tick_without_a_change_asks_for_nothing_and_says_so(sensor: Sensor) -> None:
    sensor.tick()
    ticked = sensor.tick()
    assert ticked.skip_message == f"nothing changed in {len(SOURCES)} sources since the last tick"
    assert not ticked.run_requests
    assert not ticked.asset_events


def test_the_cursor_is_what_was_seen(sensor: Sensor, data: Path, home: Path) -> None:
    sensor.tick()
    seen = json.dumps(json.loads(sensor.cursor or ""))
    for version in source_versions(data, home).values():
        assert version in seen


def test_a_changed_file_asks_only_for_what_is_below_it(sensor: Sensor, data: Path) -> None:
    sensor.tick()
    file = data / "judgements" / "dev.yaml"
    file.write_text(file.read_text() + "\n")
    ticked = sensor.tick()
    assert asked_for(ticked) == {
        "text_encoder",
        "retrieval_judgements",
        "reranker_checkpoint",
        "search_choice",
        "retrieval_report",
        "encoder_report",
        "language_report",
        "evaluation_report",
        "release",
    }
    assert [event.asset_key for event in ticked.asset_events] == [dg.AssetKey("judgement_files")]
    assert ticked.run_requests[0].tags["releaf/cause"] == "changed: judgement_files"


def test_a_changed_policy_asks_for_no_model(sensor: Sensor, data: Path) -> None:
    sensor.tick()
    (data / "policies" / "seattle.json").write_text("{}")
    asked = asked_for(sensor.tick())
    assert {"disposal_policies", "release"} <= asked
    assert not [name for name in asked if "checkpoint" in name or "embeddings" in name or "index" in name]


def test_two_changes_between_two_ticks_are_one_run(sensor: Sensor, data: Path) -> None:
    sensor.tick()
    (data / "policies" / "seattle.json").write_text("{}")
    (data / "judgements" / "dev.yaml").write_text("[]")
    ticked = sensor.tick()
    assert ticked.run_requests[0].tags["releaf/cause"] == "changed: judgement_files, policy_files"
    assert {"retrieval_report", "disposal_policies"} <= asked_for(ticked)


def test_an_import_is_a_change(sensor: Sensor, home: Path) -> None:
    sensor.tick()
    folder = imports_root(home) / "documents" / "mine"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("a document")
    ticked = sensor.tick()
    assert ticked.run_requests[0].tags["releaf/cause"] == "changed: imported_documents"


def test_a_touched_file_is_no_change(sensor: Sensor, data: Path) -> None:
    sensor.tick()
    (data / "taxonomy.yaml").touch()
    assert not sensor.tick().run_requests


def test_equal_content_has_an_equal_run_key_and_changed_content_another(
    sensor: Sensor, data: Path, home: Path, instance: dg.DagsterInstance
) -> None:
    first = sensor.tick().run_requests[0].run_key
    copied = shutil.copytree(data, data.with_name("copy"))
    assert Sensor(copied, home, instance).tick().run_requests[0].run_key == first
    (copied / "taxonomy.yaml").write_text((copied / "taxonomy.yaml").read_text() + "\n")
    assert Sensor(copied, home, instance).tick().run_requests[0].run_key != first


def test_a_tick_that_is_repeated_because_its_cursor_was_lost_asks_for_the_same_run(sensor: Sensor, data: Path) -> None:
    sensor.tick()
    before = sensor.cursor
    (data / "taxonomy.yaml").write_text((data / "taxonomy.yaml").read_text() + "\n")
    keys = set()
    for _ in range(2):
        sensor.cursor = before
        keys.add(sensor.tick().run_requests[0].run_key)
    assert len(keys) == 1


def test_it_launches_the_one_job_and_is_off_until_someone_turns_it_on(sensor: Sensor) -> None:
    assert sensor.definition.default_status is dg.DefaultSensorStatus.STOPPED
    assert sensor.definition.job_name == "releaf"
    assert sensor.definition.minimum_interval_seconds == 60
