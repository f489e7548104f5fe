"""What is made of what, can do what, and can become what."""

import dagster as dg

from releaf_assets.results import dataset_result, markdown_table
from releaf_assets.stage import stage
from resources.settings import Settings
from resources.sources import imported_files
from resources.warehouse import Dataset, Warehouse

EXAMPLES = 30


@dg.asset(**stage("datasets", code="2", kinds={"polars"}, deps=["taxonomy_file", "fact_files", "imported_facts"]))
def upcycling_facts(settings: dg.ResourceParam[Settings], warehouse: Warehouse) -> dg.MaterializeResult[Dataset]:
    """Triples with the file and line that state them, the nodes they name, and the upcycling projects."""
    from dataclasses import asdict

    from releaf.corpus.fact_checks import FactTables, check_facts, count_findings, remarks
    from releaf.corpus.fact_import import read_set_aside
    from releaf.corpus.facts import read_facts
    from releaf.taxonomy import load_taxonomy

    imported = imported_files("imported_facts", settings.data_dir, settings.home)
    read = read_facts(settings.data_dir / "facts", load_taxonomy(settings.data_dir / "taxonomy.yaml"), imported)
    tables = FactTables(read.facts.frame, read.nodes, read.projects)
    findings, noted = check_facts(tables), remarks(tables)
    counts = count_findings(findings)
    dataset = warehouse.write(
        {
            "facts": read.facts.frame,
            "nodes": read.nodes,
            "projects": read.projects,
            "facts_quarantine": read.facts.quarantine,
            "imported_facts_quarantine": read_set_aside([file.parent for file in imported]),
        },
        {
            "lost_share": read.facts.lost_share,
            "inconsistencies": sum(count for name, count in counts.items() if name != "missing_safety_notes"),
            **counts,
        },
    )
    headline = f"{read.facts.frame.height:,} facts, {read.nodes.height} nodes, {read.projects.height} projects"
    shown = {"checks": findings, "remarks": noted}
    return dataset_result(
        dataset,
        headline=headline,
        metadata={
            name: dg.MetadataValue.md(markdown_table([asdict(one) for one in found[:EXAMPLES]], width=160))
            for name, found in shown.items()
            if found
        },
    )
