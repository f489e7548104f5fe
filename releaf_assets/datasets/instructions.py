"""Instructions that the language model is tuned and measured on."""

import dagster as dg

from releaf_assets.results import dataset_result, markdown_table
from releaf_assets.stage import stage
from resources.settings import Settings
from resources.sources import imports_root
from resources.warehouse import Dataset, Warehouse


@dg.asset(**stage("datasets", code="2", kinds={"polars"}, deps=["instruction_files", "imported_instructions"]))
def instructions(settings: dg.ResourceParam[Settings], warehouse: Warehouse) -> dg.MaterializeResult[Dataset]:
    """Records of an instruction and its answer, with quality figures and splits that no near duplicates straddle."""
    from releaf.corpus.instructions import quality_examples, quality_report, read_instructions

    authored = sorted((settings.data_dir / "instructions").glob("*.yaml"))
    imported = sorted((imports_root(settings.home) / "instructions").glob("*.json*"))
    read = read_instructions([*authored, *imported])
    quality = quality_report(read.frame)
    dataset = warehouse.write(
        {"instructions": read.frame, "instructions_quarantine": read.quarantine},
        {"lost_share": read.lost_share, "leaking_groups": quality["leakage"], **quality},
    )
    shares = {row["split"]: row["len"] for row in read.frame.group_by("split").len().to_dicts()}
    headline = f"{read.frame.height} records, {shares.get('test', 0)} held out for the test"
    shown = dg.MetadataValue.md(markdown_table(quality_examples(read.frame)))
    return dataset_result(dataset, headline=headline, metadata={"examples": shown})
