"""Declarative automation: when an asset may be made anew without a person, and the switch for it."""

from __future__ import annotations

from typing import Any

import dagster as dg


def automation_condition() -> dg.AutomationCondition[Any]:
    """Eager, but never below a blocking check that did not pass: plain `eager` would go round a failed gate."""
    condition = dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()
    return condition.with_label("upstream changed and its gates are green")


def automation_sensor() -> dg.AutomationConditionSensorDefinition:
    """The switch in the UI; off until someone turns it on."""
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=60,
        description="Makes an asset anew when what it depends on changed and every gate above it is green.",
    )
