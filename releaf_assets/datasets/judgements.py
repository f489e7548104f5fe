"""Queries with graded relevance, development and test apart."""

import dagster as dg

from releaf_assets.results import dataset_result
from releaf_assets.stage import stage
from resources.settings import Settings
from resources.warehouse import Dataset, Warehouse


@dg.asset(**stage("datasets", code="1", kinds={"polars"}, deps=["judgement_files"]))
def retrieval_judgements(
    knowledge_documents: Dataset, settings: dg.ResourceParam[Settings], warehouse: Warehouse
) -> dg.MaterializeResult[Dataset]:
    """Judged queries; a judgement of a document that does not exist is in the quarantine."""
    from releaf.corpus.judgements import read_judgements

    documents = set(knowledge_documents.read("documents")["id"])
    read = read_judgements(settings.data_dir / "judgements", documents)
    dataset = warehouse.write(
        {"queries": read.queries, "qrels": read.qrels, "judgements_quarantine": read.quarantine},
        {"lost_share": read.lost_share},
    )
    return dataset_result(dataset, headline=f"{read.queries.height} queries, {read.qrels.height:,} judgements")
