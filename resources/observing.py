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
    records = instance.get_asset_records([dg.AssetKey(source.name) for source in SOURCES])
    found = {}
    for record in records:
        seen = record.asset_entry.last_observation
        if seen is not None and seen.asset_observation is not None:
            found[record.asset_entry.asset_key.to_user_string()] = (seen.asset_observation.tags or {})[DATA_VERSION_TAG]
    return found


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
