"""Not a waste item I know: how far a picture is from everything the network was trained on, and when that is too far.

Three published scores and the sum of two, all higher for stranger pictures:

    probability   1 − the largest calibrated probability (Hendrycks and Gimpel 2017)
    mahalanobis   distance to the nearest class mean under one covariance (Lee et al. 2018), shrunk (Ledoit, Wolf 2004)
    neighbours    distance to the k-th nearest training picture on the unit sphere (Sun et al. 2022)
    distances     sum of the logarithms of the two distances, each in standard deviations over validation pictures

Which one is used is chosen by evidence when it is fitted. Arrays alone; where the pictures come from is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError, DataError, InputError
from releaf.vision.data import MISSING, Labels
from releaf.vision.network import Floats

Scores = npt.NDArray[np.float64]

SCORES = ("probability", "mahalanobis", "neighbours", "distances")
WEIGHTS = "novelty.safetensors"
DESCRIPTION = "novelty.json"
_MOST_FEATURES = 2048  # whitening takes width² numbers to keep and width³ operations to fit
_BLOCK = 512  # rows scored at a time
_SMALLEST = 1e-6  # distance below which two pictures are one


@dataclass(frozen=True, eq=False)
class Observed:
    """What is known of N pictures: features (N, F) float32 and calibrated probabilities (N, C) of one label.

    Features are the network's, or several blocks side by side; see `widths` of `fit_novelty`.
    """

    features: Floats
    probabilities: npt.NDArray[np.floating]

    def __post_init__(self) -> None:
        shapes = self.features.shape, self.probabilities.shape
        if len(shapes[0]) != 2 or len(shapes[1]) != 2 or shapes[0][0] != shapes[1][0]:
            raise InputError(f"features {shapes[0]} and probabilities {shapes[1]} must be (N, F) and (N, C)")


@dataclass(frozen=True)
class KindFigures:
    """AUROC and share detected among the unknown pictures of one kind, and how many there are."""

    auroc: float
    detection_rate: float
    pictures: int


@dataclass(frozen=True)
class NoveltyFigures:
    """How well scores tell unknown from known pictures; all in [0, 1].

    auroc: probability that an unknown picture scores above a known one, a tie counting one half. detection_rate: share
    of unknown pictures above the threshold. Both are means over kinds. false_alarm_rate: share of known ones above it.
    """

    auroc: float
    detection_rate: float
    false_alarm_rate: float
    by_kind: Mapping[str, KindFigures]


@dataclass(frozen=True, eq=False)
class Mahalanobis:
    """Means of K classes (K, V), whitened, and what whitens features of which V vary.

    centre, inverse_scale (F,) standardize; whitening (F, V) makes the covariance within classes the identity.
    """

    centre: Floats
    inverse_scale: Floats
    whitening: Floats
    means: Floats

    def distance(self, features: Floats) -> Scores:
        """Return (N,) distances to the nearest class mean."""
        white = (((features - self.centre) * self.inverse_scale) @ self.whitening).astype(np.float64)
        return np.asarray(np.sqrt(_squared_distances(white, self.means.astype(np.float64)).min(axis=1)))


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Training pictures (B, F), each of its blocks of `widths` columns scaled to one length, the whole row to 1."""

    bank: Floats
    widths: tuple[int, ...]
    k: int

    def distance(self, features: Floats) -> Scores:
        """Return (N,) distances to the k-th nearest picture of the bank, 0 to 2."""
        nearness = unit_rows(features, self.widths) @ self.bank.T
        kth = np.partition(nearness, -self.k, axis=1)[:, -self.k].astype(np.float64)
        return np.sqrt(np.maximum(2 - 2 * kth, 0.0))


@dataclass(frozen=True, eq=False)
class Novelty:
    """A fitted score and the threshold above which a picture shows nothing known.

    score_name: one of SCORES. figures: the AUROC of every score on the pictures it was chosen with, by name. scales:
    mean and standard deviation of each logarithm that `distances` adds up. Parts the score does not need are None.
    """

    score_name: str
    threshold: float
    figures: Mapping[str, float]
    mahalanobis: Mahalanobis | None = None
    neighbours: Neighbours | None = None
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def score(self, features: Floats, probabilities: npt.NDArray[np.floating]) -> Scores:
        """Return how strange each picture is, (N,), from features (N, F) and probabilities (N, C)."""
        observed = Observed(features, probabilities)
        rows = [
            self._score(features[start : start + _BLOCK], probabilities[start : start + _BLOCK])
            for start in range(0, len(observed.features), _BLOCK)
        ]
        return np.concatenate(rows) if rows else np.empty(0)

    def is_novel(self, features: Floats, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return (N,) booleans: which pictures score above the threshold. A score that is no number does."""
        return np.asarray(~(self.score(features, probabilities) <= self.threshold))

    def save(self, directory: Path) -> None:
        """Write `novelty.safetensors` and `novelty.json` into `directory`, which must exist."""
        arrays: dict[str, Floats] = {}
        if self.mahalanobis is not None:
            arrays |= {f"mahalanobis.{name}": values for name, values in vars(self.mahalanobis).items()}
        if self.neighbours is not None:
            arrays["neighbours.bank"] = self.neighbours.bank
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, directory / WEIGHTS)
        write_json(directory / DESCRIPTION, self.described())

    def described(self) -> dict[str, Any]:
        """Return everything but the arrays, as JSON can hold it."""
        near = self.neighbours
        return {
            "score": self.score_name,
            "threshold": self.threshold,
            "figures": dict(self.figures),
            "scales": {name: list(values) for name, values in self.scales.items()},
            "neighbours": None if near is None else {"widths": list(near.widths), "k": near.k},
        }

    @classmethod
    def load(cls, directory: Path) -> Novelty:
        """Read what `save` wrote; raises ArtifactError for a file that is missing, damaged or lacks a part."""
        described = read_json(directory / DESCRIPTION)
        try:
            arrays: dict[str, Floats] = load_file(directory / WEIGHTS)
            near, parts = described["neighbours"], ("centre", "inverse_scale", "whitening", "means")
            needs = _needs(described["score"])
            return cls(
                described["score"],
                float(described["threshold"]),
                {name: float(value) for name, value in described["figures"].items()},
                Mahalanobis(*(arrays[f"mahalanobis.{part}"] for part in parts)) if "mahalanobis" in needs else None,
                Neighbours(arrays["neighbours.bank"], tuple(near["widths"]), int(near["k"]))
                if "neighbours" in needs
                else None,
                {name: (float(mean), float(deviation)) for name, (mean, deviation) in described["scales"].items()},
            )
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError(f"{directory / DESCRIPTION} and {WEIGHTS} are no novelty score: {error}") from error

    def _score(self, features: Floats, probabilities: npt.NDArray[np.floating]) -> Scores:
        if self.score_name == "probability":
            return np.asarray(1.0 - probabilities.max(axis=1).astype(np.float64))
        found = {
            name: part.distance(features)
            for name, part in (("mahalanobis", self.mahalanobis), ("neighbours", self.neighbours))
            if part is not None and name in _needs(self.score_name)
        }
        if self.score_name != "distances":
            return found[self.score_name]
        return np.asarray(sum((_log(found[name]) - mean) / spread for name, (mean, spread) in self.scales.items()))


def fit_novelty(
    train: Observed,
    classes: Labels,
    validation: Observed,
    others: Observed,
    kinds: Sequence[str],
    *,
    weights: npt.ArrayLike | None = None,
    refused: float = 0.05,
    widths: Sequence[int] | None = None,
    k: int = 10,
    bank: int = 4000,
    seed: int = 0,
    candidates: Sequence[str] = SCORES,
) -> Novelty:
    """Fit all scores to training pictures and keep the candidate that best tells validation pictures from `others`.

    classes: (N,) of the training pictures, -1 where unknown; pictures that look unlike one another, such as rendered
    and photographed ones, should be classes of their own. others, kinds: unknown pictures to choose with, and the kind
    of each; the mean AUROC over kinds decides, of equals the earlier candidate. weights: (N,) of validation pictures,
    equal by default; at most the share `refused` of their weight lies above the threshold. widths: columns of each
    block of features, which count equally among neighbours whatever their scale. k: the neighbour that is measured;
    bank: most training pictures that are kept for it, drawn by `seed`.

    Raises InputError for arrays that do not fit each other, DataError for training pictures that are all alike or
    without a class.
    """
    chosen_widths = tuple(widths or (train.features.shape[1],))
    _check(train, classes, validation, others, kinds, chosen_widths)
    if not candidates or not set(candidates) <= set(SCORES):
        raise InputError(f"candidates {', '.join(candidates) or 'none'} must be some of {', '.join(SCORES)}")
    if not 0 < refused < 1 or not 1 <= k <= min(bank, len(train.features)):
        raise InputError(f"refused {refused} must lie in (0, 1) and k {k} in 1 to {min(bank, len(train.features))}")
    mass = _mass(weights, len(validation.features))
    rows = np.sort(np.random.default_rng(seed).permutation(len(train.features))[:bank])
    near = Neighbours(unit_rows(train.features[rows], chosen_widths), chosen_widths, k)
    far = fit_mahalanobis(train.features, classes)
    scales = {
        name: _moments(_log(part.distance(validation.features)), mass)
        for name, part in (("mahalanobis", far), ("neighbours", near))
    }
    bare, figures = {}, {}
    for name in SCORES:
        needs = _needs(name)
        one = Novelty(
            name,
            np.inf,
            {},
            far if "mahalanobis" in needs else None,
            near if "neighbours" in needs else None,
            scales if len(needs) > 1 else {},
        )
        known, unknown = (one.score(part.features, part.probabilities) for part in (validation, others))
        bare[name] = replace(one, threshold=threshold_for(known, refused, mass))
        figures[name] = novelty_figures(known, unknown, np.inf, kinds=kinds, weights=mass).auroc
    return replace(bare[max(candidates, key=figures.__getitem__)], figures=figures)


def novelty_figures(
    known: npt.ArrayLike,
    others: npt.ArrayLike,
    threshold: float,
    *,
    kinds: Sequence[str] | None = None,
    weights: npt.ArrayLike | None = None,
) -> NoveltyFigures:
    """Measure scores of known (N,) against those of unknown pictures (M,); kinds (M,) names the latter, else "all".

    weights: (N,) of the known pictures, equal by default. Raises DataError without scores or for one that is no number.
    """
    inside, outside = np.asarray(known, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if not inside.size or not outside.size or np.isnan(inside).any() or np.isnan(outside).any():
        raise DataError(f"{inside.size} known and {outside.size} unknown scores must be at least one each, all numbers")
    mass = _mass(weights, len(inside))
    names = np.array(["all"] * len(outside) if kinds is None else list(kinds))
    if len(names) != len(outside):
        raise InputError(f"{len(names)} kinds were given for {len(outside)} unknown pictures")
    order = np.argsort(inside)
    ordered, below = inside[order], np.concatenate([[0.0], np.cumsum(mass[order])])
    below /= below[-1]  # sums of shares miss 1 by rounding
    left, right = np.searchsorted(ordered, outside, side="left"), np.searchsorted(ordered, outside, side="right")
    wins, found = (below[left] + below[right]) / 2, outside > threshold
    by_kind = {
        str(kind): KindFigures(
            float(wins[names == kind].mean()), float(found[names == kind].mean()), int((names == kind).sum())
        )
        for kind in np.unique(names)
    }
    return NoveltyFigures(
        float(np.mean([one.auroc for one in by_kind.values()])),
        float(np.mean([one.detection_rate for one in by_kind.values()])),
        float(mass[inside > threshold].sum()),
        by_kind,
    )


def threshold_for(scores: Scores, refused: float, weights: npt.ArrayLike | None = None) -> float:
    """Return the smallest of the scores above which at most the share `refused` of the weight lies."""
    mass = _mass(weights, len(scores))
    order = np.argsort(scores)
    # Sums of shares miss 1 by rounding.
    enough = np.cumsum(mass[order]) >= 1 - refused - 1e-9
    return float(scores[order][np.argmax(enough)])


def fit_mahalanobis(features: Floats, classes: Labels) -> Mahalanobis:
    """Fit class means and one covariance to features (N, F) of N pictures; a class of -1 is left out.

    Features are standardized first, so their units do not matter; one that never varies is dropped. Raises DataError
    when no picture has a class or none differs from its class's mean.
    """
    rows = classes != MISSING
    if not rows.any():
        raise DataError("no training picture has a class, so there are no class means")
    own, index = features[rows].astype(np.float64), np.unique(classes[rows], return_inverse=True)[1]
    centre, deviation = own.mean(axis=0), own.std(axis=0)
    varies = deviation > 1e-6 * np.abs(own).max(axis=0)
    inverse = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies)
    x = ((own - centre) * inverse)[:, varies]
    count = np.bincount(index)
    means = np.zeros((len(count), x.shape[1]))
    np.add.at(means, index, x)
    means /= count[:, None]
    if not np.abs(x - means[index]).max(initial=0.0) > 1e-6:
        raise DataError(f"all {len(own)} training pictures equal their class's mean; there is no spread to measure by")
    values, axes = np.linalg.eigh(ledoit_wolf(x - means[index]))
    narrow = axes / np.sqrt(np.maximum(values, 1e-6 * values[-1]))
    whitening = np.zeros((len(varies), x.shape[1]))
    whitening[varies] = narrow
    kept = [values.astype(np.float32) for values in (centre, inverse, whitening, means @ narrow)]
    return Mahalanobis(*kept)


def ledoit_wolf(centred: Scores) -> Scores:
    """Return the covariance (F, F) of centred rows (N, F), shrunk towards the mean variance times the identity.

    Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", Lemma 3.3 ff.
    """
    n, width = centred.shape
    sample = centred.T @ centred / n
    mean_variance = float(np.trace(sample)) / width
    spread = float((sample**2).sum()) / width - mean_variance**2
    noise = (float(((centred**2).sum(axis=1) ** 2).sum()) / n - float((sample**2).sum())) / (width * n)
    share = 0.0 if spread <= 0 else min(max(noise, 0.0), spread) / spread
    return np.asarray((1 - share) * sample + share * mean_variance * np.eye(width))


def unit_rows(features: Floats, widths: Sequence[int]) -> Floats:
    """Return rows of length 1 whose blocks of `widths` columns have equal lengths; a block of zeros stays zero."""
    blocks = np.split(features.astype(np.float32), np.cumsum(widths)[:-1], axis=1)
    scaled = [block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12) for block in blocks]
    return np.asarray(np.concatenate(scaled, axis=1) / np.sqrt(len(widths)), dtype=np.float32)


def _needs(score_name: str) -> tuple[str, ...]:
    if score_name not in SCORES:
        raise ValueError(f"score {score_name!r} is none of {', '.join(SCORES)}")
    if score_name == "distances":
        return "mahalanobis", "neighbours"
    return (score_name,)


def _log(distance: Scores) -> Scores:
    return np.asarray(np.log(np.maximum(distance, _SMALLEST)))


def _moments(values: Scores, mass: Scores) -> tuple[float, float]:
    mean = float(mass @ values)
    return mean, max(float(np.sqrt(mass @ (values - mean) ** 2)), _SMALLEST)


def _mass(weights: npt.ArrayLike | None, n: int) -> Scores:
    """Return weights (n,) that sum to 1."""
    values = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.shape != (n,) or not np.all(values >= 0) or not values.sum() > 0:
        raise InputError(f"weights of shape {values.shape} must be {n} numbers of at least 0, not all of them 0")
    return np.asarray(values / values.sum())


def _squared_distances(rows: Scores, points: Scores) -> Scores:
    squares = (rows**2).sum(axis=1)[:, None] + (points**2).sum(axis=1)[None, :]
    return np.asarray(np.maximum(squares - 2 * rows @ points.T, 0.0))


def _check(
    train: Observed,
    classes: Labels,
    validation: Observed,
    others: Observed,
    kinds: Sequence[str],
    widths: Sequence[int],
) -> None:
    width = train.features.shape[1]
    for name, part in (("training", train), ("validation", validation), ("other", others)):
        if part.features.shape[1] != width or not len(part.features):
            raise InputError(f"{name} features {part.features.shape} must be at least one row of {width} columns")
        if not np.isfinite(part.features).all():
            raise DataError(f"{name} features hold values that are no numbers")
    if width > _MOST_FEATURES:
        raise InputError(f"{width} features are more than {_MOST_FEATURES:,}; reduce them first, or leave a block out")
    if sum(widths) != width or min(widths) < 1:
        raise InputError(f"blocks of {', '.join(map(str, widths))} columns do not make {width} features")
    if len(classes) != len(train.features) or len(kinds) != len(others.features):
        raise InputError(
            f"{len(classes)} classes and {len(kinds)} kinds were given for {len(train.features)} training and "
            f"{len(others.features)} other pictures"
        )
