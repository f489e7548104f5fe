"""Dagster's IO manager: what passes between assets is a reference to a version, never the data itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster import ConfigurableIOManager, InputContext, OutputContext

from releaf.artifacts import Artifact, open_artifact
from releaf.errors import ArtifactError, ReleafError
from resources.pointers import read_pointer, write_pointer
from resources.warehouse import Dataset, Table, Warehouse


class ReferenceIOManager(ConfigurableIOManager):
    """Stores each asset's value, an `Artifact` or a `Dataset`, as a pointer below `home`."""

    home: str
    queries: str

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Make `obj` the asset's current version; checks and the release hand over nothing."""
        if obj is None:
            return
        root = Path(self.home)
        write_pointer(root, context.asset_key.to_user_string(), to_pointer(root, obj))
        if isinstance(obj, Dataset):
            Warehouse(home=self.home, queries=self.queries).refresh_views()

    def load_input(self, context: InputContext) -> Artifact | Dataset:
        """Open the upstream asset's current version, every hash checked."""
        return load_reference(Path(self.home), context.asset_key.to_user_string())


def to_pointer(root: Path, value: Artifact | Dataset) -> dict[str, Any]:
    """The JSON form of a reference; paths are relative to the home so that it can be moved."""
    if isinstance(value, Artifact):
        return {"type": "artifact", "version": value.version, "path": value.path.relative_to(root).as_posix()}
    tables = {
        name: {"version": table.version, "path": table.path.relative_to(root).as_posix(), "rows": table.rows}
        for name, table in value.tables.items()
    }
    return {"type": "dataset", "version": value.version, "tables": tables, "metrics": dict(value.metrics)}


def load_reference(root: Path, asset: str) -> Artifact | Dataset:
    """The current value of `asset`; raises `ArtifactError` when there is none or its bytes were changed."""
    pointer = read_pointer(root, asset)
    if pointer is None:
        raise ArtifactError(f"{asset} has not been made yet; run `releaf run`")
    if pointer["type"] == "artifact":
        return open_artifact(root / pointer["path"])
    return Dataset(
        {
            name: Table(name, entry["version"], root / entry["path"], entry["rows"])
            for name, entry in pointer["tables"].items()
        },
        pointer["metrics"],
    )


def load_artifact(root: Path, asset: str) -> Artifact:
    """Like `load_reference` for an asset known to be an artifact."""
    value = load_reference(root, asset)
    if not isinstance(value, Artifact):
        raise ReleafError(f"{asset} is a dataset, not an artifact")
    return value


def load_dataset(root: Path, asset: str) -> Dataset:
    """Like `load_reference` for an asset known to be a dataset."""
    value = load_reference(root, asset)
    if not isinstance(value, Dataset):
        raise ReleafError(f"{asset} is an artifact, not a dataset")
    return value
