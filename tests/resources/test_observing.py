from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from resources.observing import observe_sources, observed_version, recorded_versions, source_versions
from resources.sources import SOURCES


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "facts").mkdir(parents=True)
    (folder / "taxonomy.yaml").write_text("items: []")
    (folder / "facts" / "items.yaml").write_text("[]")
    return folder


def test_what_was_never_observed_has_no_version(instance: dg.DagsterInstance) -> None:
    assert recorded_versions(instance) == {}
    assert observed_version(instance, dg.AssetKey("fact_files")) is None


def test_the_first_look_reports_every_source_and_records_what_is_on_disk(
    instance: dg.DagsterInstance, data: Path, home: Path
) -> None:
    assert sorted(observe_sources(instance, data, home)) == sorted(source.name for source in SOURCES)
    assert recorded_versions(instance) == source_versions(data, home)


def test_a_second_look_reports_nothing(instance: dg.DagsterInstance, data: Path, home: Path) -> None:
    observe_sources(instance, data, home)
    assert observe_sources(instance, data, home) == []


def test_a_changed_file_reports_exactly_its_source(instance: dg.DagsterInstance, data: Path, home: Path) -> None:
    observe_sources(instance, data, home)
    (data / "facts" / "items.yaml").write_text("[]\n")
    assert observe_sources(instance, data, home) == ["fact_files"]
    assert recorded_versions(instance) == source_versions(data, home)
    assert observe_sources(instance, data, home) == []


def test_a_file_put_back_as_it_was_is_a_change_like_any_other(
    instance: dg.DagsterInstance, data: Path, home: Path
) -> None:
    observe_sources(instance, data, home)
    before = recorded_versions(instance)
    for text in ("[]\n", "[]"):
        (data / "facts" / "items.yaml").write_text(text)
        assert observe_sources(instance, data, home) == ["fact_files"]
    assert recorded_versions(instance) == before
