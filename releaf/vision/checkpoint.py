"""A trained vision model on disk: weights as safetensors, everything else as JSON.

Here: what belongs to a checkpoint, and refusing one that does not fit. Where checkpoints live is the caller's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError, InputError
from releaf.taxonomy import Taxonomy
from releaf.vision import preprocessing
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.model import VisionModel, empty_model
from releaf.vision.settings import HEADS, VisionSettings

WEIGHTS = "weights.safetensors"
DESCRIPTION = "model.json"
FORMAT = 1


@dataclass(frozen=True, eq=False)
class VisionCheckpoint:
    """A trained model with the names of its classes, the settings it was made with and a temperature for each head."""

    model: VisionModel
    names: ClassNames
    settings: VisionSettings
    temperatures: Mapping[str, float]


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
            "temperatures": dict(checkpoint.temperatures),
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
        names = ClassNames(**{key: tuple(value) for key, value in described["names"].items()})
        settings = VisionSettings(**described["settings"])
        temperatures = {head: float(described["temperatures"][head]) for head in HEADS}
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{directory / DESCRIPTION} lacks what a vision checkpoint needs: {error}") from error
    if taxonomy is not None:
        _check_names(names, ClassNames.of(taxonomy), directory)
    model = empty_model(settings, names.counts)
    try:
        model.load_state_dict(load_file(directory / WEIGHTS))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ArtifactError(f"{directory / WEIGHTS} cannot be read into {settings.backbone}: {error}") from error
    return VisionCheckpoint(model.eval(), names, settings, temperatures)


def _preprocessing() -> dict[str, Any]:
    return {"version": preprocessing.VERSION, "mean": list(preprocessing.MEAN), "std": list(preprocessing.STD)}


def _check_names(own: ClassNames, wanted: ClassNames, directory: Path) -> None:
    for label in LABELS:
        mine, theirs = own.ids(label), wanted.ids(label)
        if mine == theirs:
            continue
        gone, new = sorted(set(mine) - set(theirs)), sorted(set(theirs) - set(mine))
        difference = f"only in the checkpoint: {gone or 'none'}; only in the taxonomy: {new or 'none'}"
        if not gone and not new:
            difference = f"the order differs: {', '.join(mine)}"
        raise InputError(f"{directory} was trained for another taxonomy ({label}: {difference}); train it again")
    if own.family_of_material != wanted.family_of_material:
        moved = [
            name
            for name, old, new in zip(own.material, own.family_of_material, wanted.family_of_material, strict=True)
            if old != new
        ]
        raise InputError(f"{directory} was trained for another taxonomy (family of {', '.join(moved)}); train it again")
