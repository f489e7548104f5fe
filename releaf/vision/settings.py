"""Everything that can be set about the two parts of the classifier, and the names of the network's heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from releaf.errors import InputError

HEADS = ("item", "material", "bin")
SOURCES = ("scratch", "path", "package", "hub")


@dataclass(frozen=True)
class VisionSettings:
    """How the vision model is built and trained. The defaults are the full profile.

    backbone: a timm model name; backbone_options: what its constructor takes beyond the defaults, such as `channels`
    for a narrower ResNet. source: where its weights start, `scratch`, `path:<file or folder>`,
    `package:<name>` or `hub:<id>`. image_size: side of the square input in pixels, 16 to 1024.
    epochs: passes over the training images when all are rendered. photograph_epochs, photograph_image_size: what is
    used instead of `epochs` and `image_size` when there are photographs among them; None means the same.
    batch_size: images a step, at least 2.
    learning_rate, weight_decay, warmup_epochs, ema_decay, patience: see `Optimization`.
    dropout: share of features dropped before the heads. label_smoothing: ε, spread evenly over all classes.
    native_bf16: train in bf16 where the CPU computes in it. seed: fixes starting weights, order and augmentation.
    """

    backbone: str = "vit_base_patch16_224"
    backbone_options: Mapping[str, Any] = field(default_factory=dict)
    source: str = "hub:timm/vit_base_patch16_224.augreg2_in21k_ft_in1k"
    image_size: int = 224
    epochs: int = 20
    photograph_epochs: int | None = None
    photograph_image_size: int | None = None
    batch_size: int = 32
    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    warmup_epochs: float = 3
    ema_decay: float | None = None
    patience: int | None = None
    dropout: float = 0.1
    label_smoothing: float = 0.1
    native_bf16: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        kind, _, place = self.source.partition(":")
        if kind not in SOURCES or (kind == "scratch") == bool(place):
            raise InputError(f"source {self.source!r} must be scratch, path:<folder>, package:<name> or hub:<id>")
        for size in (self.image_size, self.photograph_image_size or self.image_size):
            if not 16 <= size <= 1024:
                raise InputError(f"image_size {size} must be 16 to 1024 pixels")
        if self.epochs < 1 or (self.photograph_epochs is not None and self.photograph_epochs < 1):
            raise InputError(f"epochs {self.epochs} and photograph_epochs {self.photograph_epochs} must be at least 1")
        if self.batch_size < 2:
            raise InputError(f"batch_size {self.batch_size} must be at least 2: batch normalization needs a variance")
        if not 0 <= self.dropout < 1 or not 0 <= self.label_smoothing < 1:
            raise InputError(
                f"dropout {self.dropout} and label_smoothing {self.label_smoothing} must be at least 0 and below 1"
            )

    def with_photographs(self) -> VisionSettings:
        """Return the settings for pictures with photographs among them."""
        return replace(
            self,
            epochs=self.photograph_epochs or self.epochs,
            image_size=self.photograph_image_size or self.image_size,
            photograph_epochs=None,
            photograph_image_size=None,
        )


@dataclass(frozen=True)
class DescriptorSettings:
    """How the classifier on local descriptors is built.

    words: Gaussians in each vocabulary. pictures: how many, drawn evenly from the training pictures, the vocabularies
    are fitted to, and patches: how many of each. penalty: λ of the ridge, as a share of the kernel's mean diagonal.
    limit: most training pictures that are used, because time and memory grow with their square. seed: of all draws.
    """

    words: int = 128
    pictures: int = 300
    patches: int = 250
    gradient_axes: int = 64
    colour_axes: int = 48
    penalty: float = 0.1
    limit: int = 12_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("words", "pictures", "patches", "gradient_axes", "colour_axes", "limit"):
            if getattr(self, name) < 1:
                raise InputError(f"descriptors.{name} must be at least 1, not {getattr(self, name)}")
        if self.penalty <= 0:
            raise InputError(f"descriptors.penalty must be above 0, not {self.penalty}")
