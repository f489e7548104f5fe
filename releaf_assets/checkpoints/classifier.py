"""The waste-image classifier as it is served: both trained parts in one folder that needs no torch."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.images import image_table
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "1"
# Pictures of other things that the threshold of "not a waste item I know" is chosen with.
OTHERS = 240


@dg.asset(**stage("checkpoints", code=CODE, kinds={"onnx"}))
def waste_classifier(
    context: dg.AssetExecutionContext,
    vision_checkpoint: Artifact,
    descriptor_checkpoint: Artifact,
    waste_images: Dataset,
    settings: dg.ResourceParam[Settings],
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """The network as ONNX, joined with local descriptors by calibrated weights; knows what it does not know."""
    from releaf.corpus.other_pictures import other_pictures
    from releaf.vision.card import write_card
    from releaf.vision.checkpoint import load
    from releaf.vision.descriptor_model import DescriptorModel
    from releaf.vision.preprocessing import DETAIL
    from releaf.vision.publishing import Others, publish

    images, checkpoint = image_table(waste_images, settings.home), load(vision_checkpoint.path)

    def write(directory: Path) -> dict[str, float]:
        published = publish(
            checkpoint,
            DescriptorModel.load(descriptor_checkpoint.path),
            images,
            Others(*other_pictures(DETAIL, 0, OTHERS, "choose")),
            directory,
            progress=reporter.of(context),
        )
        write_card(directory, published, images, checkpoint.settings)
        return published.metrics()

    artifact = store.publish(
        "waste_classifier",
        write,
        code_version=CODE,
        inputs=versions(
            vision_checkpoint=vision_checkpoint,
            descriptor_checkpoint=descriptor_checkpoint,
            waste_images=waste_images,
        ),
    )
    described = artifact.read_json("classifier.json")
    rows = [
        {"label": label, **{part: f"{weight:.3g}" for part, weight in values.items()}}
        for label, values in described["weights"].items()
    ]
    return artifact_result(
        artifact,
        headline=f"{described['network']}, {artifact.metrics['onnx_parity']:.0e} from torch",
        metadata={
            "weights": dg.MetadataValue.md(markdown_table(rows)),
            "model_card": dg.MetadataValue.md((artifact.path / "MODEL_CARD.md").read_text()),
        },
    )
