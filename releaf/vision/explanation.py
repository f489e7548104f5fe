"""Where in a picture the network saw what it says: a saliency map, how to draw it, and whether it is faithful.

The network is asked and never opened, so a map works for any architecture and any runtime. RISE (Petsiuk, Das and
Saenko 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models"): parts of the picture are hidden by
random smooth masks, and a place matters by how much the score of the class rises where it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from releaf.errors import InputError
from releaf.metrics.ranking import bootstrap_interval
from releaf.vision.data import ClassNames, Pixels
from releaf.vision.network import Floats, Network
from releaf.vision.probabilities import label_probabilities

Scorer = Callable[[Pixels], npt.NDArray[np.floating]]
"""Maps (N, S, S, 3) uint8 pixels to (N,): the probability of one class, or any score that is higher for it."""

CELLS = 8
MASKS = 400
_BATCH = 64
_FLAT = 1e-4  # a score that moves less is taken to move by rounding: shown at full contrast, that would look like sense
_CONTOUR = 0.15


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the deletion and insertion curves of a map and of chance, and how many pictures they are means of.

    Scores are on the scale of the network's, probabilities in [0, 1]. A faithful map has a deletion below and an
    insertion above chance.
    """

    deletion: float
    insertion: float
    chance_deletion: float
    chance_insertion: float

    @property
    def gain(self) -> float:
        """Insertion above chance plus deletion below chance; 0 for a map that knows nothing."""
        return (self.insertion - self.chance_insertion) + (self.chance_deletion - self.deletion)


@dataclass(frozen=True)
class FaithfulnessSummary:
    """Mean areas over pictures, the 95 % bootstrap interval of the mean gain, and the share with a gain above 0."""

    mean: Faithfulness
    low: float
    high: float
    better_share: float
    pictures: int


def class_scorer(network: Network, names: ClassNames, label: str, index: int) -> Scorer:
    """Return what gives the network's own probability, uncalibrated, of class `index` of `label`."""

    def score(pixels: Pixels) -> npt.NDArray[np.float64]:
        return label_probabilities(network(pixels).logits, names)[label][:, index]

    return score


def saliency(network: Scorer, pixels: Pixels, *, masks: int = MASKS, seed: int = 0, cells: int = CELLS) -> Floats:
    """Return how much each place of (S, S, 3) uint8 pixels speaks for the class, (S, S) float32 in [0, 1].

    0 is the place that speaks least for it in this picture and 1 the one that speaks most; all 0 where no mask moves
    the score by 0.0001. Hidden places show the picture's mean colour. Masks are `cells` x `cells` coin
    flips, enlarged smoothly and shifted at random, each used with its opposite: the difference of the two scores is
    free of what they share, which leaves less noise than the paper's plain mean. They depend on S, `masks`, `cells` and
    `seed` alone. Raises InputError for pixels of another form and fewer than 2 or an odd number of masks.
    """
    size = _check(pixels)
    if masks < 2 or masks % 2 or cells < 2:
        raise InputError(f"masks {masks} must be an even number from 2 on, and cells {cells} at least 2")
    shown = pixels.astype(np.float32)
    hidden = shown.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    rng = np.random.default_rng(seed)
    total, largest = np.zeros((size, size)), 0.0
    for start in range(0, masks // 2, _BATCH // 2):
        cover = smooth_masks(rng, min(_BATCH // 2, masks // 2 - start), size, cells)
        both = np.concatenate([cover, 1 - cover])[:, :, :, None]
        scores = np.asarray(network(np.rint(hidden + both * (shown - hidden)).astype(np.uint8)), dtype=np.float64)
        difference = scores[: len(cover)] - scores[len(cover) :]
        total += np.tensordot(difference, cover - 0.5, axes=1)
        largest = max(largest, float(np.abs(difference).max()))
    low, high = float(total.min()), float(total.max())
    if largest < _FLAT or not low < high:
        return np.zeros((size, size), dtype=np.float32)
    return np.asarray((total - low) / (high - low), dtype=np.float32)


def smooth_masks(rng: np.random.Generator, count: int, size: int, cells: int) -> Floats:
    """Return `count` masks (count, size, size) in [0, 1] with mean ½: coin flips on a grid, enlarged linearly."""
    coins = rng.integers(0, 2, size=(count, cells + 2, cells + 2)).astype(np.float32)
    step = size / cells
    shifts = rng.uniform(0.0, 1.0, size=(2, count))
    rows, columns = (_enlarging(shift, size, step, cells + 2) for shift in shifts)
    return np.asarray(rows @ coins @ columns.transpose(0, 2, 1), dtype=np.float32)


def overlay(picture: Image.Image, saliency: Floats) -> Image.Image:
    """Return an RGB picture with the map laid over it and a line around the 15 % that matter most.

    Magma, whose brightness rises steadily, over the picture in grey, the stronger the further a place lies above the
    map's median; the line is white in black, so that it is seen without telling colours apart. A map that is 0
    everywhere gives the picture unchanged. The map covers the whole picture, whatever its sides.
    """
    from matplotlib import colormaps

    plain = picture.convert("RGB")
    if not float(saliency.max()) > 0:
        return plain
    heat = Image.fromarray(np.asarray(saliency, dtype=np.float32)).resize(plain.size, Image.Resampling.BICUBIC)
    values = np.clip(np.asarray(heat, dtype=np.float32), 0.0, 1.0)
    middle = float(np.median(values))
    strength = np.maximum(values - middle, 0.0) / max(1 - middle, 1e-6)
    colours = colormaps["magma"](strength)[:, :, :3] * 255
    grey = np.asarray(plain.convert("L"), dtype=np.float32)[:, :, None]
    share = 0.7 * np.sqrt(strength)[:, :, None]
    mixed = Image.fromarray(np.rint((1 - share) * grey + share * colours).astype(np.uint8))
    best = Image.fromarray((values >= np.quantile(values, 1 - _CONTOUR)).astype(np.uint8) * 255)
    width = 2 * max(1, round(min(plain.size) / 200)) + 1
    line = ImageChops.difference(best, best.filter(ImageFilter.MinFilter(width)))
    mixed.paste((0, 0, 0), mask=line.filter(ImageFilter.MaxFilter(width)))
    mixed.paste((255, 255, 255), mask=line)
    return mixed


def deletion_insertion(
    network: Scorer, pixels: Pixels, saliency: Floats, *, steps: int = 16, chances: int = 4, seed: int = 0
) -> Faithfulness:
    """Return how the score falls as the most salient places go, and rises as they come (Petsiuk et al. 2018, sec. 4.3).

    In each of `steps` steps an equal number of pixels changes between the picture and its blur, which is not how
    `saliency` hides: a map must stand up to another way of hiding than it was made with. Chance is the mean of
    `chances` random maps as smooth as the masks: single random pixels would be hidden noise, and easier to beat.
    Raises InputError for pixels or a map of another form.
    """
    size = _check(pixels)
    if saliency.shape != (size, size) or steps < 2 or chances < 1:
        raise InputError(
            f"a map {saliency.shape} must be {(size, size)}, steps {steps} at least 2, chances {chances} 1"
        )
    rng = np.random.default_rng(seed)
    # Their sum has far fewer equal values than one mask.
    maps = [smooth_masks(rng, 16, size, CELLS).sum(axis=0) for _ in range(chances)]
    areas = [_areas(network, pixels, one, steps) for one in (saliency, *maps)]
    chance = np.mean(areas[1:], axis=0)
    return Faithfulness(*areas[0], float(chance[0]), float(chance[1]))


def mean_faithfulness(figures: Sequence[Faithfulness], *, seed: int = 0) -> FaithfulnessSummary:
    """Average the figures of several pictures; raises InputError without any."""
    gains = [one.gain for one in figures]
    low, high = bootstrap_interval(gains, seed=seed)
    names = ("deletion", "insertion", "chance_deletion", "chance_insertion")
    mean = Faithfulness(*(float(np.mean([getattr(one, name) for one in figures])) for name in names))
    return FaithfulnessSummary(mean, low, high, float(np.mean([gain > 0 for gain in gains])), len(figures))


def blurred(pixels: Pixels) -> Pixels:
    """Return (S, S, 3) pixels under a Gaussian of an eighth of their side: colours stay, shapes and grain go."""
    radius = pixels.shape[0] / 8
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)), dtype=np.uint8)


def _areas(network: Scorer, pixels: Pixels, ranking: Floats, steps: int) -> tuple[float, float]:
    """Return the areas under the deletion and the insertion curve, by the trapezoidal rule over shares 0 to 1."""
    size = len(pixels)
    place = np.empty(size * size, dtype=np.int64)
    place[np.argsort(-ranking.ravel(), kind="stable")] = np.arange(size * size)
    counts = np.rint(np.linspace(0, size * size, steps + 1))
    salient = place.reshape(1, size, size, 1) < counts[:, None, None, None]
    blur = blurred(pixels)[None]
    batch = np.concatenate([np.where(salient, blur, pixels[None]), np.where(salient, pixels[None], blur)])
    scores = np.asarray(network(batch), dtype=np.float64)
    shares = counts / (size * size)
    return float(np.trapezoid(scores[: steps + 1], shares)), float(np.trapezoid(scores[steps + 1 :], shares))


def _enlarging(shifts: npt.NDArray[np.float64], size: int, step: float, points: int) -> Floats:
    """Return (N, size, points) weights of linear interpolation between grid points that lie `step` pixels apart."""
    at = (np.arange(size)[None, :] + 0.5) / step + shifts[:, None]
    weights = 1 - np.abs(at[:, :, None] - np.arange(points)[None, None, :])
    return np.asarray(np.maximum(weights, 0.0), dtype=np.float32)


def _check(pixels: Pixels) -> int:
    if pixels.ndim != 3 or pixels.shape[0] != pixels.shape[1] or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise InputError(f"pixels {pixels.shape} of {pixels.dtype} must be (S, S, 3) of uint8")
    return len(pixels)
