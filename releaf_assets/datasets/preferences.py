"""Preferences that reward models are trained and measured on."""

import dagster as dg

from releaf_assets.results import dataset_result, markdown_table
from releaf_assets.stage import stage
from resources.settings import Settings
from resources.sources import imports_root
from resources.warehouse import Dataset, Warehouse


@dg.asset(**stage("datasets", code="1", kinds={"polars"}, deps=["preference_files", "imported_preferences"]))
def preferences(settings: dg.ResourceParam[Settings], warehouse: Warehouse) -> dg.MaterializeResult[Dataset]:
    """Pairs of a better and a worse answer, with quality figures and splits that no near duplicates straddle."""
    from releaf.corpus.preference_quality import quality_examples, quality_report
    from releaf.corpus.preferences import read_preferences

    authored = sorted((settings.data_dir / "preferences").glob("*.yaml"))
    imported = sorted((imports_root(settings.home) / "preferences").glob("*.json*"))
    read = read_preferences([*authored, *imported])
    quality = quality_report(read.frame)
    dataset = warehouse.write(
        {"preferences": read.frame, "preferences_quarantine": read.quarantine},
        {"lost_share": read.lost_share, "leaking_groups": quality["leakage"], **quality},
    )
    test = read.frame.filter(split="test").height
    longer = f"chosen is the longer one in {quality['chosen_longer']:.0%}"
    shown = dg.MetadataValue.md(markdown_table(quality_examples(read.frame)))
    return dataset_result(
        dataset,
        headline=f"{read.frame.height} pairs, {test} held out for the test; {longer}",
        metadata={"examples": shown},
    )
