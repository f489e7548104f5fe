"""The left end of the lineage: files that people write or import, as assets that are observed and never made."""

import warnings
from collections.abc import Iterator

import dagster as dg

from resources.settings import Settings
from resources.sources import SOURCES

OWNER = "team:releaf-models"


with warnings.catch_warnings():
    # In beta since 1.8; it is the one way to several observed assets whose versions the UI compares.
    warnings.simplefilter("ignore", dg.BetaWarning)
    _observable = dg.multi_observable_source_asset(
        specs=[
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
        ],
        can_subset=True,
    )


@_observable
def sources(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.ObserveResult]:
    """Hash the files of each source, so that what was made from other content is known to be stale."""
    for source in SOURCES:
        if dg.AssetKey(source.name) in context.selected_asset_keys:
            version = source.version(settings.data_dir, settings.home)
            files = len(source.files(settings.data_dir, settings.home))
            yield dg.ObserveResult(
                asset_key=source.name, data_version=dg.DataVersion(version), metadata={"files": files}
            )
