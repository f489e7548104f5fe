"""What the classifier reaches on pictures it never saw, and what one source of pictures teaches about the other."""

from pathlib import Path
from typing import Any

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

CODE = "2"
TRANSFER_CODE = "1"
FIGURES = ("n", "accuracy", "top3", "macro_f1", "ece_before", "ece")
# Pictures of other things that refusals are counted on; none of them took part in the choice of the threshold.
OTHERS = 240


@dg.asset(**stage("reports", code=TRANSFER_CODE, kinds={"report"}, reads=["vision", "descriptors"]))
def vision_transfer(
    context: dg.AssetExecutionContext,
    waste_images: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Trained on rendered pictures and tested on photographs, and the reverse; empty while there is but one source."""
    from dataclasses import asdict

    from releaf.artifacts import write_json
    from releaf.taxonomy import load_taxonomy
    from releaf.vision.transfer import transfer

    chosen = hardware.choose()
    rows = [
        asdict(row)
        for row in transfer(
            image_table(waste_images, settings.home),
            load_taxonomy(settings.data_dir / "taxonomy.yaml"),
            settings.vision,
            settings.descriptors,
            chosen,
            cache=store.cache("pixels"),
            state_dir=store.training_state(
                "vision_transfer", TRANSFER_CODE, waste_images.version, settings.vision, chosen.device
            ),
            progress=reporter.of(context),
        )
    ]

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "transfer.json", rows)
        return {f"{row['trained_on']}_to_{row['tested_on']}_accuracy": float(row["accuracy"]) for row in rows}

    artifact = store.publish(
        "vision_transfer", write, code_version=TRANSFER_CODE, inputs=versions(waste_images=waste_images)
    )
    return artifact_result(
        artifact,
        headline=f"{len(rows)} pairs of sources" if rows else "one source of pictures, nothing to compare",
        metadata={"figures": dg.MetadataValue.md(markdown_table(rows))},
    )


@dg.asset(**stage("reports", code=CODE, kinds={"report"}))
def vision_report(
    context: dg.AssetExecutionContext,
    waste_classifier: Artifact,
    vision_transfer: Artifact,
    waste_images: Dataset,
    settings: dg.ResourceParam[Settings],
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Every figure on the test split, rendered and photographed pictures apart, beside baselines."""
    from releaf.artifacts import atomic_write_bytes, write_json
    from releaf.corpus.other_pictures import other_pictures
    from releaf.reporting.sections.vision import pictures
    from releaf.reporting.vision_sheets import Explained, explanation_sheet, mistakes_sheet
    from releaf.vision.judging import judge
    from releaf.vision.preprocessing import DETAIL
    from releaf.vision.published import open_published
    from releaf.vision.publishing import Others

    judged = judge(
        open_published(waste_classifier.path),
        image_table(waste_images, settings.home),
        Others(*other_pictures(DETAIL, 0, OTHERS, "report")),
        cache=store.cache("pixels"),
        progress=reporter.of(context),
    )
    whole: dict[str, Any] = {**judged.to_json(), "transfer": vision_transfer.read_json("transfer.json")}
    for mistakes in whole["mistakes"].values():
        for mistake in mistakes:
            mistake["path"] = mistake["path"].removeprefix(f"{settings.home}/")

    explained = [Explained(**vars(example)) for example in judged.examples]

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", whole)
        atomic_write_bytes(directory / "explanations.png", explanation_sheet(explained))
        for source, mistakes in whole["mistakes"].items():
            if mistakes:
                sheet = mistakes_sheet(mistakes, source, settings.home)
                atomic_write_bytes(directory / f"mistakes-{source}.png", sheet)
        return judged.metrics()

    artifact = store.publish(
        "vision_report",
        write,
        code_version=CODE,
        inputs=versions(waste_classifier=waste_classifier, vision_transfer=vision_transfer, waste_images=waste_images),
    )
    rows = [
        {"pictures": source, "label": label, **{name: f"{getattr(f, name):.4g}" for name in FIGURES}}
        for source, labels in judged.evaluation.sources.items()
        for label, f in labels.items()
    ]
    headline = ", ".join(
        f"{source} {label} accuracy {labels[label].accuracy:.3f}"
        for source, labels in judged.evaluation.sources.items()
        for label in [("item" if "item" in labels else "family")]
    )
    drawn = {name: dg.MetadataValue.md(picture) for name, picture in pictures(read_vision(artifact)).items()}
    return artifact_result(
        artifact, headline=headline, metadata={"figures": dg.MetadataValue.md(markdown_table(rows)), **drawn}
    )


def read_vision(vision_report: Artifact) -> dict[str, Any]:
    """The figures of a vision report, and under `pictures` its pictures by name."""
    images = {file.stem: file.read_bytes() for file in sorted(vision_report.path.glob("*.png"))}
    return {**vision_report.read_json("evaluation.json"), "pictures": images}
