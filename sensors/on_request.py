"""Studies: assets that take long and that nothing served depends on. They are made when someone asks, and only then."""

from __future__ import annotations

from typing import Any

import dagster as dg

TAG = "releaf/made"
ON_REQUEST = "on_request"


def on_request_selection() -> dg.AssetSelection:
    """Every asset that is made on request only."""
    return dg.AssetSelection.tag(TAG, ON_REQUEST)


def on_request_keys(graph: Any) -> set[dg.AssetKey]:
    """The same as keys of an asset graph."""
    return {key for key in graph.materializable_asset_keys if graph.get(key).tags.get(TAG) == ON_REQUEST}
