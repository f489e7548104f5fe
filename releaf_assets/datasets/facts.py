"""What is made of what, can do what, and can become what."""

import dagster as dg

from releaf_assets.results import dataset_result
from releaf_assets.stage import stage
from resources.settings import Settings
from resources.warehouse import Dataset, Warehouse


@dg.asset(**stage("datasets", code="1", kinds={"polars"}, deps=["taxonomy_file", "fact_files"]))
def upcycling_facts(settings: dg.ResourceParam[Settings], warehouse: Warehouse) -> dg.MaterializeResult[Dataset]:
    """Triples with the file and line that state them, the nodes they name, and the upcycling projects."""
    from releaf.corpus.facts import read_facts
    from releaf.taxonomy import load_taxonomy

    read = read_facts(settings.data_dir / "facts", load_taxonomy(settings.data_dir / "taxonomy.yaml"))
    dataset = warehouse.write(
        {
            "facts": read.facts.frame,
            "nodes": read.nodes,
            "projects": read.projects,
            "facts_quarantine": read.facts.quarantine,
        },
        {"lost_share": read.facts.lost_share},
    )
    headline = f"{read.facts.frame.height:,} facts, {read.nodes.height} nodes, {read.projects.height} projects"
    return dataset_result(dataset, headline=headline)
