"""The taxonomy as tables."""

import dagster as dg

from releaf_assets.results import dataset_result
from releaf_assets.stage import stage
from resources.settings import Settings
from resources.warehouse import Dataset, Warehouse


@dg.asset(**stage("datasets", code="1", kinds={"polars", "parquet"}, deps=["taxonomy_file"]))
def waste_taxonomy(settings: dg.ResourceParam[Settings], warehouse: Warehouse) -> dg.MaterializeResult[Dataset]:
    """Items, materials, families and bins: the names that every other dataset is validated against."""
    from releaf.corpus.taxonomy_tables import taxonomy_tables
    from releaf.taxonomy import load_taxonomy

    taxonomy = load_taxonomy(settings.data_dir / "taxonomy.yaml")
    headline = f"{len(taxonomy.items)} items, {len(taxonomy.materials)} materials, {len(taxonomy.bins)} bins"
    return dataset_result(warehouse.write(taxonomy_tables(taxonomy)), headline=headline)
