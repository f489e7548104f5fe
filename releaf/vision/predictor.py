"""Everything that turns a decoded picture into probabilities: the network, local descriptors, and how they are joined.

Here: arrays in, arrays out, on whatever network is given. Files of a published model are in `published`, names and time
in `inference`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from releaf.parallel import each
from releaf.progress import Progress, silent
from releaf.vision.blend import Evidence, Weights, blended
from releaf.vision.data import ClassNames, Pixels
from releaf.vision.descriptor_model import DescriptorModel
from releaf.vision.network import Floats, Network
from releaf.vision.novelty import Novelty, Observed
from releaf.vision.preprocessing import MAX_PIXELS, bounded, open_picture, square
from releaf.vision.probabilities import Probabilities, label_log_probabilities

NOVELTY_LABEL = "family"  # the one label that rendered pictures and photographs both know


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture as the two models read it.

    square: (size, size, 3) uint8 for the network. vector: the Fisher vector (width,) for the other; empty without it.
    """

    square: Pixels
    vector: Floats


@dataclass(frozen=True, eq=False)
class Seen:
    """What the models make of N pictures: the evidence of both, and the network's features (N, F)."""

    evidence: Evidence
    features: Floats

    @property
    def look(self) -> Floats:
        """What pictures are compared by, (N, F + S): the network's features and all scores of the descriptors."""
        return np.concatenate([self.features, *self.evidence.descriptors.values()], axis=1)

    @property
    def widths(self) -> tuple[int, ...]:
        """Columns of `look` that belong to each of the models."""
        scores = sum(values.shape[1] for values in self.evidence.descriptors.values())
        return (self.features.shape[1], *([scores] if scores else []))


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network, a classifier on local descriptors or None, the weights by which they are joined, and what is novel."""

    names: ClassNames
    image_size: int
    network: Network
    descriptors: DescriptorModel | None
    weights: Mapping[str, Weights]
    novelty: Novelty | None = None

    def open(self, image: Path | bytes, *, max_pixels: int = MAX_PIXELS) -> Picture:
        """Decode a picture once for both models; raises InputError for one that cannot be read."""
        return self.take(open_picture(image, self.image_size, max_pixels=max_pixels))

    def take(self, decoded: Image.Image) -> Picture:
        """Return an RGB picture in the forms that the models read."""
        vector = self.descriptors.vector(bounded(decoded)) if self.descriptors else np.empty(0, np.float32)
        return Picture(square(decoded, self.image_size), vector)

    def open_all(self, paths: Sequence[str], progress: Progress = silent) -> list[Picture]:
        """Decode many pictures on all cores, in order."""
        return each(lambda path: self.open(Path(path)), paths, progress, "reading pictures")

    def take_all(self, pixels: Sequence[Pixels], progress: Progress = silent) -> list[Picture]:
        """Take many decoded pictures, each (H, W, 3) uint8, on all cores, in order."""
        return each(lambda one: self.take(Image.fromarray(one)), pixels, progress, "reading pictures")

    def see(self, pictures: Sequence[Picture]) -> Seen:
        """Return what the models make of N pictures, N at least 1."""
        outputs = self.network(np.stack([picture.square for picture in pictures]))
        scores: dict[str, Floats] = {}
        if self.descriptors:
            scores = self.descriptors.scores(np.stack([picture.vector for picture in pictures]))
        return Seen(Evidence(label_log_probabilities(outputs.logits, self.names), scores), outputs.features)

    def probabilities(self, seen: Seen) -> dict[str, Probabilities]:
        """Return p of every class of `item`, `material`, `family` and `bin`, each (N, classes)."""
        return blended(seen.evidence, self.weights, self.names)

    def observed(self, seen: Seen) -> Observed:
        """Return what novelty is judged by."""
        return Observed(seen.look, self.probabilities(seen)[NOVELTY_LABEL])

    def novel(self, seen: Seen) -> npt.NDArray[np.bool_]:
        """Return (N,) booleans: which pictures show nothing the models know; none where novelty was not fitted."""
        if self.novelty is None:
            return np.zeros(len(seen.features), dtype=np.bool_)
        observed = self.observed(seen)
        return self.novelty.is_novel(observed.features, observed.probabilities)
