"""What every asset declares, said once: group, kinds, owner, code version, automation, and the settings it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from releaf_assets.sources import OWNER
from sensors.automation import automation_condition
from sensors.on_request import ON_REQUEST, TAG

SETTINGS_KEY = "releaf/settings"


def stage(
    group: str,
    *,
    code: str,
    kinds: set[str],
    deps: Sequence[str] = (),
    reads: Sequence[str] = (),
    on_request: bool = False,
) -> dict[str, Any]:
    """Arguments for `dagster.asset`.

    `code` is raised by hand when what the asset computes changes. `reads` names the sections of the settings that it
    depends on, or what is in them: their hash becomes part of its code version, so that a changed setting makes it
    stale.
    `on_request` keeps a long study out of the default run and of everything automatic.
    """
    return {
        "group_name": group,
        "kinds": kinds,
        "owners": [OWNER],
        "code_version": code,
        "deps": list(deps),
        "metadata": {SETTINGS_KEY: ", ".join(reads) or "none"},
        "tags": {TAG: ON_REQUEST} if on_request else {},
        "automation_condition": None if on_request else automation_condition(),
    }
