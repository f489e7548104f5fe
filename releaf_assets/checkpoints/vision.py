"""The two trained parts of the waste-image classifier: a network, and a classifier on local descriptors."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.images import image_table
from releaf_assets.results import artifact_result, curves, save_history, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "2"
DESCRIPTORS_CODE = "1"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch", "timm"}, reads=["vision"]))
def vision_checkpoint(
    context: dg.AssetExecutionContext,
    waste_images: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """The network: one backbone with heads for item, material and bin."""
    from releaf.taxonomy import load_taxonomy
    from releaf.vision.checkpoint import save
    from releaf.vision.training import VisionTask, train

    chosen = hardware.choose()
    trained = train(
        image_table(waste_images, settings.home),
        load_taxonomy(settings.data_dir / "taxonomy.yaml"),
        settings.vision,
        chosen,
        cache=store.cache("pixels"),
        state_dir=store.training_state("vision", CODE, waste_images.version, settings.vision, chosen.device),
        progress=reporter.of(context),
    )

    def write(directory: Path) -> dict[str, float]:
        save(trained.checkpoint, directory)
        return save_history(directory, trained.history, VisionTask.monitor)

    artifact = store.publish(
        "vision_checkpoint",
        write,
        code_version=CODE,
        inputs=versions(waste_images=waste_images),
    )
    return artifact_result(
        artifact,
        headline=f"validation score {artifact.metrics['validation_score']:.3f}, "
        f"epoch {trained.history.best_epoch} kept",
        metadata={**curves(trained.history, VisionTask.monitor), **hardware.metadata(chosen)},
    )


@dg.asset(**stage("checkpoints", code=DESCRIPTORS_CODE, kinds={"scikitlearn"}, reads=["descriptors"]))
def descriptor_checkpoint(
    context: dg.AssetExecutionContext,
    waste_images: Dataset,
    settings: dg.ResourceParam[Settings],
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Fisher vectors of local descriptors and a ridge onto each label: what the network does not see of a surface."""
    import polars as pl

    from releaf.taxonomy import load_taxonomy
    from releaf.vision.data import ClassNames, encode_labels
    from releaf.vision.descriptor_model import train_descriptors

    names = ClassNames.of(load_taxonomy(settings.data_dir / "taxonomy.yaml"))
    train = image_table(waste_images, settings.home).filter(pl.col("split") == "train")

    def write(directory: Path) -> dict[str, float]:
        trained = train_descriptors(
            train["path"].to_list(),
            encode_labels(train, names),
            names.counts,
            settings.descriptors,
            reporter.of(context),
        )
        trained.save(directory)
        return {"pictures": float(min(train.height, settings.descriptors.limit)), "width": trained.encoder.width}

    artifact = store.publish(
        "descriptor_checkpoint",
        write,
        code_version=DESCRIPTORS_CODE,
        inputs=versions(waste_images=waste_images),
    )
    return artifact_result(
        artifact, headline=f"{train.height:,} pictures, {artifact.metrics['width']:,.0f} numbers each"
    )
