"""Fires when authored or imported files change; says which, and asks for one run for one change."""

from __future__ import annotations

import json
from collections.abc import Set
from pathlib import Path

import dagster as dg

from releaf.artifacts import content_hash
from resources.observing import observations, source_versions
from sensors.on_request import on_request_keys


def new_data_sensor(job: str, data_dir: Path, home: Path) -> dg.SensorDefinition:
    """A sensor over `data_dir` and the imports below `home` that launches `job` for what is downstream of a change."""

    @dg.sensor(
        name="new_data",
        job_name=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Watches authored and imported files and refreshes what depends on the ones that changed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        cursor = json.loads(context.cursor or "{}")
        seen: dict[str, str] = cursor.get("versions", {})
        current = source_versions(data_dir, home)
        changed = sorted(name for name, version in current.items() if seen.get(name) != version)
        if not changed:
            return dg.SkipReason(f"nothing changed in {len(current)} sources since the last tick")
        graph = context.repository_def.asset_graph if context.repository_def else None
        if graph is None:
            return dg.SkipReason("the code location is not loaded yet")
        below = dg.AssetSelection.assets(*changed).downstream(include_self=False)
        # What no source decides, such as an encoder, is never asked for by a change, and yet must have been made once.
        apart = below.upstream() - dg.AssetSelection.assets(*current).downstream()
        affected = below.resolve(graph) | _never_made(apart.resolve(graph), context.instance)
        affected -= on_request_keys(graph)
        # Chained to the run before: files that are put back ask for a run again, a tick that is repeated does not.
        run_key = content_hash([cursor.get("run_key"), current])
        context.log.info(f"changed: {', '.join(changed)}; refreshing {len(affected)} assets")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=run_key,
                    asset_selection=sorted(affected),
                    tags={"releaf/cause": f"changed: {', '.join(changed)}"},
                )
            ],
            asset_events=observations(current, seen),
            cursor=json.dumps({"versions": current, "run_key": run_key}, sort_keys=True),
        )

    return sensor


def _never_made(keys: Set[dg.AssetKey], instance: dg.DagsterInstance) -> set[dg.AssetKey]:
    return {key for key in keys if instance.get_latest_materialization_event(key) is None}
