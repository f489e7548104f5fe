"""Pictures of waste: rendered here, photographed and imported, split without near duplicates straddling."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.images import relative_paths
from releaf_assets.results import artifact_result, dataset_result
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.sources import imports_root
from resources.warehouse import Dataset, Warehouse


@dg.asset(**stage("datasets", code="2", kinds={"image"}, deps=["taxonomy_file"], reads=["rendering"]))
def rendered_images(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Synthetic pictures of every item in each of its materials, deterministic per seed; always labelled `rendered`."""
    from releaf.corpus.rendering import render_images
    from releaf.reporting.pictures import contact_sheet, markdown_image
    from releaf.taxonomy import load_taxonomy

    taxonomy = load_taxonomy(settings.data_dir / "taxonomy.yaml")
    wanted = settings.rendering

    def write(directory: Path) -> dict[str, float]:
        frame = render_images(
            directory / "images",
            taxonomy,
            per_item=wanted.per_item,
            size=wanted.size,
            seed=wanted.seed,
            progress=reporter.of(context),
        )
        relative = frame.with_columns(path=frame["path"].str.strip_prefix(f"{directory}/"))
        relative.write_parquet(directory / "images.parquet")
        return {"images": relative.height}

    artifact = store.publish("rendered_images", write, code_version="2", inputs={})
    sheet = contact_sheet(sorted((artifact.path / "images").rglob("*.png"))[:: max(1, wanted.per_item // 3)])
    return artifact_result(
        artifact,
        headline=f"{artifact.metrics['images']:.0f} synthetic images",
        metadata={"contact_sheet": dg.MetadataValue.md(markdown_image(sheet, "contact sheet"))},
    )


@dg.asset(**stage("datasets", code="2", kinds={"polars", "image"}, deps=["imported_images"], reads=["corpus"]))
def waste_images(
    rendered_images: Artifact, settings: dg.ResourceParam[Settings], warehouse: Warehouse
) -> dg.MaterializeResult[Dataset]:
    """Every labelled picture, rendered and photographed, in splits that no near-duplicate group straddles."""
    import polars as pl

    from releaf.corpus.images import assemble_images, read_imports
    from releaf.corpus.splits import straddling_pairs
    from releaf.taxonomy import load_taxonomy

    taxonomy = load_taxonomy(settings.data_dir / "taxonomy.yaml")
    imported = read_imports(imports_root(settings.home) / "images", taxonomy)
    rendered = pl.read_parquet(rendered_images.path / "images.parquet").with_columns(
        path=pl.lit(f"{rendered_images.path}/") + pl.col("path")
    )
    images = assemble_images(rendered, imported)
    counts = dict(images.frame["source"].value_counts().iter_rows())
    metrics = {
        # Of what was imported: rendered pictures are good by construction and would dilute the share.
        "lost_share": imported.lost_share,
        "photographs": counts.get("photograph", 0),
        "leaking_pairs": straddling_pairs(images.frame),
    }
    tables = {"images": relative_paths(images.frame, settings.home), "images_quarantine": images.quarantine}
    headline = f"{counts.get('rendered', 0):,} rendered, {counts.get('photograph', 0):,} photographs"
    return dataset_result(warehouse.write(tables, metrics), headline=headline)
