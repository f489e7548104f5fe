"""A trained vision model on disk: weights as safetensors, everything else as JSON.

Here: what belongs to a checkpoint, and refusing one that does not fit. Where checkpoints live is the caller's business.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError
from releaf.taxonomy import Taxonomy
from releaf.vision import preprocessing
from releaf.vision.data import ClassNames
from releaf.vision.model import VisionModel, empty_model
from releaf.vision.settings import VisionSettings

WEIGHTS = "weights.safetensors"
DESCRIPTION = "model.json"
FORMAT = 2


@dataclass(frozen=True, eq=False)
class VisionCheckpoint:
    """A trained network with the names of its classes and the settings it was made with."""

    model: VisionModel
    names: ClassNames
    settings: VisionSettings


def save(checkpoint: VisionCheckpoint, directory: Path) -> None:
    """Write `weights.safetensors` and `model.json` into `directory`, which must exist."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.model.state_dict().items()}
    save_file(state, directory / WEIGHTS)
    write_json(
        directory / DESCRIPTION,
        {
            "format": FORMAT,
            "names": asdict(checkpoint.names),
            "settings": asdict(checkpoint.settings),
            "preprocessing": _preprocessing(),
        },
    )


def load(directory: Path, taxonomy: Taxonomy | None = None) -> VisionCheckpoint:
    """Read a checkpoint; the model is on the CPU in evaluation mode.

    With `taxonomy` its classes must be the taxonomy's, in the same order. Raises ArtifactError for files that are
    missing, damaged, of another format or preprocessing, and InputError naming the classes that differ.
    """
    described = read_json(directory / DESCRIPTION)
    try:
        if described["format"] != FORMAT or described["preprocessing"] != _preprocessing():
            raise ArtifactError(
                f"{directory} was made by another version (format {described['format']}, preprocessing "
                f"{described['preprocessing']}); train again"
            )
        names = ClassNames.read(described["names"])
        settings = VisionSettings(**described["settings"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{directory / DESCRIPTION} lacks what a vision checkpoint needs: {error}") from error
    if taxonomy is not None:
        names.require(ClassNames.of(taxonomy), directory)
    model = empty_model(settings, names.counts)
    try:
        model.load_state_dict(load_file(directory / WEIGHTS))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ArtifactError(f"{directory / WEIGHTS} cannot be read into {settings.backbone}: {error}") from error
    return VisionCheckpoint(model.eval(), names, settings)


def _preprocessing() -> dict[str, Any]:
    return {"version": preprocessing.VERSION, "mean": list(preprocessing.MEAN), "std": list(preprocessing.STD)}
