"""Where artifacts live below the home, and how an asset publishes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dagster import ConfigurableResource

from releaf.artifacts import Artifact, content_hash, open_artifact, publish, staged_directory
from releaf.errors import ArtifactError
from resources.pointers import read_pointer


class ArtifactStore(ConfigurableResource):  # type: ignore[type-arg]
    """Publishes immutable directories as `home/artifacts/<kind>/<version>`."""

    home: str

    @property
    def root(self) -> Path:
        """The home as a path."""
        return Path(self.home)

    def publish(
        self,
        kind: str,
        write: Callable[[Path], Mapping[str, float]],
        *,
        code_version: str,
        inputs: Mapping[str, str],
        version: str | None = None,
        root: str | None = None,
    ) -> Artifact:
        """Let `write` fill a fresh directory, and publish it with the metrics it returns.

        `inputs` maps upstream asset names to their versions. See `releaf.artifacts.publish` for `version`. `root` is
        another folder of the home than `artifacts/<kind>`.
        """
        parent = self.root / (root or f"artifacts/{kind}")
        with staged_directory(parent) as staging:
            metrics = write(staging)
            return publish(
                staging, parent, kind=kind, code_version=code_version, inputs=inputs, metrics=metrics, version=version
            )

    def training_state(self, kind: str, *parts: object) -> Path:
        """Where a training run keeps what it needs to be resumed: one folder for each distinct input and setting."""
        return self.root / "training" / kind / content_hash([str(part) for part in parts])[:16]

    def cache(self, name: str) -> Path:
        """A folder whose loss costs time only."""
        path = self.root / "cache" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def current(self, asset: str) -> Artifact | None:
        """The current artifact of an asset, checked against its manifest, or None when it was never made or is damaged.

        For an asset that builds on its own previous version; everything else takes its upstream's value.
        """
        try:
            pointer = read_pointer(self.root, asset)
            if pointer is None or pointer["type"] != "artifact":
                return None
            return open_artifact(self.root / pointer["path"])
        except ArtifactError:
            return None
