"""The classifier as it is published and served: an exported network, local descriptors, their weights, one folder.

Opening it imports no torch. What it answers is in `predictor`, how it is exported in `export`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError
from releaf.taxonomy import Taxonomy
from releaf.vision import preprocessing
from releaf.vision.blend import Weights
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.descriptor_model import FILE as DESCRIPTORS
from releaf.vision.descriptor_model import DescriptorModel
from releaf.vision.novelty import DESCRIPTION as NOVELTY
from releaf.vision.novelty import Novelty
from releaf.vision.onnx_network import OnnxNetwork
from releaf.vision.predictor import Predictor

DESCRIPTION = "classifier.json"
FORMAT = 1


def describe(directory: Path, names: ClassNames, image_size: int, network: str, weights: Mapping[str, Weights]) -> None:
    """Write `classifier.json` beside the files it names; `network` is the ONNX file to be served."""
    write_json(
        directory / DESCRIPTION,
        {
            "format": FORMAT,
            "names": asdict(names),
            "image_size": image_size,
            "preprocessing": preprocessing.VERSION,
            "network": network,
            "weights": {label: asdict(values) for label, values in weights.items()},
        },
    )


def open_published(directory: Path, taxonomy: Taxonomy | None = None, *, threads: int | None = None) -> Predictor:
    """Open a published classifier on the CPU.

    With `taxonomy` its classes must be the taxonomy's, in the same order. Raises ArtifactError for files that are
    missing, damaged or of another format, and InputError naming the classes that differ.
    """
    described = read_json(directory / DESCRIPTION)
    try:
        if described["format"] != FORMAT or described["preprocessing"] != preprocessing.VERSION:
            raise ArtifactError(
                f"{directory} was made by another version (format {described['format']}, preprocessing "
                f"{described['preprocessing']}); run the pipeline again"
            )
        names = ClassNames.read(described["names"])
        weights = {label: Weights(**described["weights"][label]) for label in LABELS}
        network, size = directory / str(described["network"]), int(described["image_size"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{directory / DESCRIPTION} lacks what a classifier needs: {error}") from error
    if taxonomy is not None:
        names.require(ClassNames.of(taxonomy), directory)
    descriptors = DescriptorModel.load(directory) if (directory / DESCRIPTORS).is_file() else None
    novelty = Novelty.load(directory) if (directory / NOVELTY).is_file() else None
    return Predictor(names, size, OnnxNetwork(network, threads), descriptors, weights, novelty)
