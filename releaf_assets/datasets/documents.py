"""Knowledge documents and the chunks that both indexes hold."""

import dagster as dg

from releaf_assets.results import dataset_result
from releaf_assets.stage import stage
from resources.settings import Settings
from resources.sources import imports_root
from resources.warehouse import Dataset, Warehouse


@dg.asset(
    **stage(
        "datasets",
        code="1",
        kinds={"polars", "markdown"},
        deps=["taxonomy_file", "knowledge_files", "imported_documents"],
    )
)
def knowledge_documents(settings: dg.ResourceParam[Settings], warehouse: Warehouse) -> dg.MaterializeResult[Dataset]:
    """Validated knowledge documents, authored and imported; the rest is in the quarantine with the reason."""
    from releaf.corpus.documents import read_documents
    from releaf.taxonomy import load_taxonomy

    imported = sorted(
        path for path in (imports_root(settings.home) / "documents").glob("*") if path.is_dir() and path.name[0] != "."
    )
    read = read_documents(
        [settings.data_dir / "knowledge", *imported], load_taxonomy(settings.data_dir / "taxonomy.yaml")
    )
    dataset = warehouse.write(
        {"documents": read.frame, "documents_quarantine": read.quarantine}, {"lost_share": read.lost_share}
    )
    words = int(read.frame["text"].str.count_matches(r"\S+").sum())
    return dataset_result(dataset, headline=f"{read.frame.height} documents, {words:,} words")


@dg.asset(**stage("datasets", code="1", kinds={"polars"}, reads=["corpus"]))
def knowledge_chunks(
    knowledge_documents: Dataset, settings: dg.ResourceParam[Settings], warehouse: Warehouse
) -> dg.MaterializeResult[Dataset]:
    """Documents cut on sentence boundaries with overlap; ids depend on the text alone."""
    from releaf.corpus.chunking import chunk_documents

    chunks = chunk_documents(
        knowledge_documents.read("documents"),
        max_words=settings.corpus.chunk_words,
        overlap_sentences=settings.corpus.chunk_overlap,
    )
    return dataset_result(warehouse.write({"chunks": chunks}), headline=f"{chunks.height} chunks")
