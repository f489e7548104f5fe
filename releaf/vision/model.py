"""One backbone, three heads: what an object is, what it is made of and which bin it goes to, in one forward pass.

Here: the network and where its starting weights come from. Losses are in `losses`, sizes and epochs in `settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

from releaf.errors import InputError, ModelSourceError
from releaf.vision.settings import HEADS, VisionSettings


class VisionModel(nn.Module):
    """A feature extractor and one linear layer a head.

    `backbone` maps (B, 3, H, W) to (B, features). `classes` gives the number of classes of each head.
    """

    def __init__(self, backbone: nn.Module, features: int, classes: Mapping[str, int], dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({head: nn.Linear(features, classes[head]) for head in HEADS})

    def features(self, pixels: Tensor) -> Tensor:
        """Map normalized pixels (B, 3, H, W) to the pooled features (B, features) that all heads read."""
        pooled: Tensor = self.backbone(pixels)
        return pooled

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """Map normalized pixels (B, 3, H, W) to logits (B, classes) of the heads `item`, `material` and `bin`."""
        pooled = self.dropout(self.features(pixels))
        return {head: layer(pooled) for head, layer in self.heads.items()}


def build_model(settings: VisionSettings, classes: Mapping[str, int]) -> VisionModel:
    """Return a model whose backbone starts from `settings.source` and whose heads are new.

    Weights depend on `settings.seed` alone; the global random state is left as it was. Raises InputError for a backbone
    timm does not know and ModelSourceError for weights that cannot be had.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return _with_heads(open_backbone(settings), settings, classes)


def empty_model(settings: VisionSettings, classes: Mapping[str, int]) -> VisionModel:
    """Return a model of the same shape for weights that are about to be loaded; opens no source."""
    return _with_heads(_create(settings), settings, classes)


def _with_heads(backbone: nn.Module, settings: VisionSettings, classes: Mapping[str, int]) -> VisionModel:
    model = VisionModel(backbone, _feature_count(backbone, settings.image_size), classes, settings.dropout)
    # Convolutions run faster so; always the same layout, because another one sums in another order.
    return model.to(memory_format=torch.channels_last)


def open_backbone(settings: VisionSettings) -> nn.Module:
    """Return the timm model `settings.backbone` without its classifier, with the weights that `source` names.

    `scratch` draws them; `path:` names a safetensors file or a folder with one; `package:` an installed Python package
    that carries one; `hub:` a repository of the model hub. Raises ModelSourceError when the weights cannot be had or
    belong to another network.
    """
    kind, _, place = settings.source.partition(":")
    if kind == "hub":
        return _from_hub(settings, place)
    backbone = _create(settings)
    if kind != "scratch":
        _load_weights(backbone, _package_folder(place) if kind == "package" else Path(place), settings.backbone)
    return backbone


def _create(settings: VisionSettings, **options: Any) -> nn.Module:
    name = settings.backbone
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"{name.split('_')[0]}*")[:5])
        raise InputError(f"timm has no backbone {name!r}; names that start alike: {close or 'none'}")
    configuration = get_pretrained_cfg(name)
    if configuration is not None and configuration.fixed_input_size:
        options["img_size"] = settings.image_size
    try:
        model: nn.Module = timm.create_model(name, num_classes=0, **options, **settings.backbone_options)
    except TypeError as error:
        raise InputError(f"{name} does not take backbone_options {dict(settings.backbone_options)}: {error}") from error
    return model


def _from_hub(settings: VisionSettings, repository: str) -> nn.Module:
    try:
        return _create(settings, pretrained=True, pretrained_cfg_overlay={"hf_hub_id": repository})
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelSourceError(
            f"cannot take {settings.backbone!r} from the hub repository {repository!r}: {reason}. Without a network, "
            "download its safetensors file once and use path:<folder>, or train from scratch"
        ) from error


def _package_folder(package: str) -> Path:
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelSourceError(f"package {package!r} is not installed; install it or choose another source")
    return Path(next(iter(spec.submodule_search_locations)))


def _load_weights(backbone: nn.Module, place: Path, name: str) -> None:
    files = sorted(place.rglob("*.safetensors")) if place.is_dir() else [place]
    if len(files) != 1 or not files[0].is_file():
        raise ModelSourceError(f"{place} must be, or hold, exactly one safetensors file; found {len(files)}")
    try:
        state = load_file(files[0])
    except (SafetensorError, OSError) as error:
        raise ModelSourceError(f"{files[0]} is not a readable safetensors file: {error}") from error
    state = {key.removeprefix("backbone."): value for key, value in state.items()}
    try:
        missing = backbone.load_state_dict(state, strict=False).missing_keys
    except RuntimeError as error:
        raise ModelSourceError(f"{files[0]} does not fit {name!r}: {error}") from error
    if missing:
        raise ModelSourceError(
            f"{files[0]} does not hold a whole {name!r}: {len(missing)} missing, first {missing[0]!r}"
        )


def _feature_count(backbone: nn.Module, image_size: int) -> int:
    # timm's `num_features` is not the width after pooling for every family, so the backbone is asked.
    training = backbone.training
    backbone.eval()
    with torch.no_grad():
        width = int(backbone(torch.zeros(1, 3, image_size, image_size)).shape[1])
    backbone.train(training)
    return width
