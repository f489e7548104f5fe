"""The waste-image classifier's weights and temperatures."""

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

CODE = "1"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch", "timm"}, reads=["vision"]))
def vision_checkpoint(
    context: dg.AssetExecutionContext,
    waste_images: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """One backbone with heads for item, material and bin, and a temperature for each fitted on validation."""
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
        calibrated = {f"validation_ece_{head}": value for head, value in trained.calibration.ece_after.items()}
        return {**save_history(directory, trained.history, VisionTask.monitor), **calibrated}

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
