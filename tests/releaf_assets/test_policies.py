from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from releaf.artifacts import Artifact
from releaf_assets.datasets.policies import disposal_policies
from resources.artifacts import ArtifactStore
from resources.settings import Settings, load_settings
from resources.sources import imports_root


@pytest.fixture
def settings(tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over the authored policies and an empty home."""
    for variable in [name for name in os.environ if name.startswith("RELEAF_")]:
        monkeypatch.delenv(variable)
    data = tmp_path / "data"
    shutil.copytree(project_root / "data" / "policies", data / "policies")
    shutil.copy2(project_root / "data" / "taxonomy.yaml", data)
    return load_settings(home=tmp_path / "home", data_dir=data)


def made(settings: Settings) -> Artifact:
    """The asset's value."""
    resources: dict[str, Any] = {
        "settings": settings,
        "store": ArtifactStore(home=str(settings.home)),
        "io_manager": dg.InMemoryIOManager(),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([disposal_policies], resources=resources, instance=instance)
    value: Artifact = done.output_for_node("disposal_policies")
    return value


def imported(settings: Settings, policy: str, **changes: Any) -> None:
    """Import Berlin's policy under another id."""
    raw = json.loads((settings.data_dir / "policies" / "berlin.json").read_text()) | {"id": policy} | changes
    folder = imports_root(settings.home) / "policies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{policy}.json").write_text(json.dumps(raw))


def policies(artifact: Artifact) -> set[str]:
    return {path.stem for path in artifact.path.glob("*.json")} - {"manifest", "quarantine"}


def test_imported_policies_stand_beside_the_authored_ones(settings: Settings) -> None:
    before = made(settings)
    imported(settings, "testville")
    after = made(settings)
    assert policies(after) - policies(before) == {"testville"}
    assert before.metrics["lost_share"] == after.metrics["lost_share"] == 0
    assert after.metrics["policies"] == before.metrics["policies"] + 1


def test_an_imported_policy_with_an_authored_id_never_takes_its_place_and_fails_the_gate(settings: Settings) -> None:
    imported(settings, "toronto", name="Another Toronto")
    artifact = made(settings)
    assert artifact.metrics["lost_share"] > 0
    kept = json.loads((artifact.path / "toronto.json").read_text())
    assert kept == json.loads((settings.data_dir / "policies" / "toronto.json").read_text())
    (row,) = artifact.read_json("quarantine.json")
    assert row[2] == "an authored policy has the id 'toronto'; import the table for another jurisdiction id"


def test_a_broken_import_is_told_and_loses_nothing_else(settings: Settings) -> None:
    imported(settings, "testville", version="one")
    artifact = made(settings)
    assert "testville" not in policies(artifact)
    assert {"berlin", "toronto"} <= policies(artifact)
    assert artifact.read_json("quarantine.json")[0][2].startswith("#/version: ")
