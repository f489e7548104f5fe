"""What the classifier reaches on pictures it never saw."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.images import image_table
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "1"
FIGURES = ("n", "accuracy", "top3", "macro_f1", "ece_before", "ece")


@dg.asset(**stage("reports", code=CODE, kinds={"report"}))
def vision_report(
    context: dg.AssetExecutionContext,
    vision_checkpoint: Artifact,
    waste_images: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Accuracy, macro F1 and calibration per head on the test split, rendered and photographed pictures apart."""
    import polars as pl

    from releaf.artifacts import write_json
    from releaf.reporting.pictures import contact_sheet, markdown_image
    from releaf.reporting.plots import confusion
    from releaf.vision.checkpoint import load
    from releaf.vision.evaluation import evaluate

    test = image_table(waste_images, settings.home).filter(pl.col("split") == "test")
    chosen = hardware.choose()
    evaluation = evaluate(
        load(vision_checkpoint.path),
        test,
        chosen,
        cache=store.cache("pixels"),
        progress=reporter.of(context),
    )
    whole = evaluation.to_json()
    for mistakes in whole["mistakes"].values():
        for mistake in mistakes:
            mistake["path"] = mistake["path"].removeprefix(f"{settings.home}/")

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", whole)
        return evaluation.metrics()

    artifact = store.publish(
        "vision_report",
        write,
        code_version=CODE,
        inputs=versions(vision_checkpoint=vision_checkpoint, waste_images=waste_images),
    )
    shown: dict[str, dg.MetadataValue] = {}
    rows = []
    for source, labels in evaluation.sources.items():
        rows += [
            {"pictures": source, "label": label, **{name: f"{getattr(f, name):.4g}" for name in FIGURES}}
            for label, f in labels.items()
        ]
        label = "item" if "item" in labels else "family"
        picture = confusion(labels[label].confusion, labels[label].classes, f"{label}, {source} pictures")
        shown[f"confusion_{source}"] = dg.MetadataValue.md(markdown_image(picture, "confusion matrix"))
        wrong = [Path(mistake.path) for mistake in evaluation.mistakes[source]]
        if wrong:
            shown[f"surest_mistakes_{source}"] = dg.MetadataValue.md(markdown_image(contact_sheet(wrong), "mistakes"))
    first = next(iter(evaluation.sources))
    headline = ", ".join(
        f"{source} {label} accuracy {labels[label].accuracy:.3f}"
        for source, labels in evaluation.sources.items()
        for label in [("item" if "item" in labels else "family")]
    )
    return artifact_result(
        artifact,
        headline=headline or first,
        metadata={"figures": dg.MetadataValue.md(markdown_table(rows)), **shown, **hardware.metadata(chosen)},
    )
