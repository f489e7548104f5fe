"""Once a week, bring up to date whatever is not; a week in which nothing changed asks for nothing."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from sensors.on_request import on_request_keys
from sensors.staleness import AssetState

Inspect = Callable[[dg.DagsterInstance], dict[str, AssetState]]


def weekly_schedule(job: dg.JobDefinition | str, inspect: Inspect) -> dg.ScheduleDefinition:
    """Mondays at 03:00 UTC: launch `job` for what `inspect` finds stale and all that is downstream of it."""

    @dg.schedule(
        name="weekly",
        job_name=job if isinstance(job, str) else job.name,
        cron_schedule="0 3 * * 1",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Retrains what is stale, every Monday at 03:00 UTC.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        graph = context.repository_def.asset_graph
        asked_for = on_request_keys(graph)
        stale = {
            key: state.reasons
            for key, state in inspect(context.instance).items()
            if state.reasons and dg.AssetKey(key) not in asked_for
        }
        if not stale:
            return dg.SkipReason("everything is up to date")
        affected = dg.AssetSelection.assets(*stale).downstream().resolve(graph) - asked_for
        cause = "; ".join(f"{key}: {', '.join(reasons)}" for key, reasons in sorted(stale.items())[:5])
        context.log.info(f"refreshing {len(affected)} assets because {cause}")
        return dg.RunRequest(asset_selection=sorted(affected), tags={"releaf/cause": cause})

    return schedule
