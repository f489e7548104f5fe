"""Tells Dagster which version of each source is on disk now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from resources.sources import SOURCES

DATA_VERSION_TAG = "dagster/data_version"


def source_versions(data_dir: Path, home: Path) -> dict[str, str]:
    """The current data version of each source, by name."""
    return {source.name: source.version(data_dir, home) for source in SOURCES}


def recorded_versions(instance: dg.DagsterInstance) -> dict[str, str]:
    """The version of each source that was observed last."""
    versions = {source.name: observed_version(instance, dg.AssetKey(source.name)) for source in SOURCES}
    return {name: version for name, version in versions.items() if version is not None}


def observed_version(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """The data version that was observed last of one external asset; None before it was ever seen."""
    # SQLite's asset records leave observations out, so they are asked for one by one.
    for record in instance.fetch_observations(key, limit=1).records:
        if record.asset_observation is not None:
            return (record.asset_observation.tags or {}).get(DATA_VERSION_TAG)
    return None


def observations(current: Mapping[str, str], recorded: Mapping[str, str]) -> list[dg.AssetObservation]:
    """One observation for each source whose version is not the recorded one."""
    return [
        dg.AssetObservation(name, tags={DATA_VERSION_TAG: version})
        for name, version in current.items()
        if recorded.get(name) != version
    ]


def observe_sources(instance: dg.DagsterInstance, data_dir: Path, home: Path) -> list[str]:
    """Record what is on disk now; returns the names of the sources that changed since they were last seen."""
    changed = observations(source_versions(data_dir, home), recorded_versions(instance))
    for observation in changed:
        instance.report_runless_asset_event(observation)
    return [observation.asset_key.to_user_string() for observation in changed]
