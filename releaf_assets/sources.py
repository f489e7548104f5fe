"""The left end of the lineage: files that people write or import, as external assets."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from resources.sources import SOURCES

OWNER = "team:releaf-models"


def source_specs() -> Sequence[dg.AssetSpec]:
    """One external asset for each group of input files."""
    return [
        dg.AssetSpec(
            source.name,
            group_name="sources",
            description=source.description,
            kinds={"file"},
            owners=[OWNER],
            metadata={
                "folder": f"{'imports' if source.imported else 'data'}/{source.folder}",
                "pattern": source.pattern,
            },
        )
        for source in SOURCES
    ]
