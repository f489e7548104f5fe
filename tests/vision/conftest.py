"""A tiny taxonomy-labelled table of coloured squares, and a model that is trained on it once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from releaf.artifacts import sha256_file
from releaf.progress import silent
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.blend import Weights
from releaf.vision.data import LABELS, ClassNames, encode_labels
from releaf.vision.descriptor_model import DescriptorModel, train_descriptors
from releaf.vision.prediction import TorchNetwork
from releaf.vision.predictor import Predictor
from releaf.vision.publishing import Others, PublishedClassifier, publish
from releaf.vision.settings import DescriptorSettings, VisionSettings
from releaf.vision.training import TrainedVision, train

COLOURS = {
    "plastic_bottle": (40, 90, 220),
    "t_shirt": (220, 60, 50),
    "newspaper": (230, 230, 220),
    "battery": (20, 90, 30),
}
MATERIALS = {"plastic_bottle": "pet", "t_shirt": "textile", "newspaper": "paper", "battery": "steel"}
SCHEMA = {
    **dict.fromkeys(("id", "path"), pl.String),
    **dict.fromkeys(("width", "height"), pl.Int64),
    **dict.fromkeys(("source", "dataset", "item", "material", "family", "bin", "sha256", "split"), pl.String),
}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def hardware() -> Hardware:
    return Hardware("cpu", "fp32", 1 << 30, 1)


@pytest.fixture(scope="session")
def tiny_settings() -> VisionSettings:
    return VisionSettings(
        backbone="resnet10t",
        backbone_options={"channels": (8, 8, 16, 16), "stem_type": ""},
        source="scratch",
        image_size=32,
        epochs=8,
        batch_size=8,
        learning_rate=1e-2,
        warmup_epochs=0,
        native_bf16=False,
        seed=3,
    )


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> pl.DataFrame:
    """80 rendered squares with all labels, and 16 photographed ones that know only a family."""
    folder = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    rows = []
    for item, colour in COLOURS.items():
        for number in range(24):
            path = folder / f"{item}-{number:02d}.png"
            noise = rng.integers(-20, 21, size=(40, 40, 3))
            Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(path)
            photographed = number >= 20
            material = taxonomy.material(MATERIALS[item])
            rows.append(
                {
                    "id": path.stem,
                    "path": str(path),
                    "width": 40,
                    "height": 40,
                    "source": "photograph" if photographed else "rendered",
                    "dataset": "squares",
                    "item": None if photographed else item,
                    "material": None if photographed else material.id,
                    "family": material.family,
                    "bin": None if photographed else taxonomy.item(item).bin,
                    "sha256": sha256_file(path),
                    "split": ("train", "train", "validation", "test")[number % 4],
                }
            )
    return pl.DataFrame(rows, schema=SCHEMA)


@pytest.fixture(scope="session")
def trained(
    squares: pl.DataFrame, taxonomy: Taxonomy, tiny_settings: VisionSettings, hardware: Hardware
) -> TrainedVision:
    return train(squares, taxonomy, tiny_settings, hardware)


@pytest.fixture(scope="session")
def descriptors(squares: pl.DataFrame, taxonomy: Taxonomy) -> DescriptorModel:
    names, train_rows = ClassNames.of(taxonomy), squares.filter(pl.col("split") == "train")
    small = DescriptorSettings(words=4, pictures=20, patches=40, gradient_axes=8, colour_axes=6)
    return train_descriptors(
        train_rows["path"].to_list(), encode_labels(train_rows, names), names.counts, small, silent
    )


@pytest.fixture(scope="session")
def predictor(trained: TrainedVision, descriptors: DescriptorModel, hardware: Hardware) -> Predictor:
    """Both models joined by hand-set weights, run by torch."""
    checkpoint = trained.checkpoint
    return Predictor(
        checkpoint.names,
        checkpoint.settings.image_size,
        TorchNetwork(checkpoint.model, hardware),
        descriptors,
        dict.fromkeys(LABELS, Weights(0.5, 5.0)),
    )


@dataclass(frozen=True)
class Published:
    folder: Path
    result: PublishedClassifier


@pytest.fixture(scope="session")
def published(
    trained: TrainedVision,
    descriptors: DescriptorModel,
    squares: pl.DataFrame,
    tmp_path_factory: pytest.TempPathFactory,
) -> Published:
    """The whole classifier, exported once; other things are pure noise."""
    folder = tmp_path_factory.mktemp("published")
    noise = np.random.default_rng(5).integers(0, 256, size=(30, 40, 40, 3), dtype=np.uint8)
    result = publish(trained.checkpoint, descriptors, squares, Others(noise, ("noise",) * 30), folder)
    return Published(folder, result)


@pytest.fixture
def square_paths(squares: pl.DataFrame) -> list[Path]:
    """One test picture of each colour, in the order of COLOURS."""
    test = squares.filter((pl.col("split") == "test") & (pl.col("source") == "rendered"))
    return [Path(test.filter(pl.col("item") == item)["path"][0]) for item in COLOURS]
