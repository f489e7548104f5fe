"""Fisher vectors: a picture as one vector, the gradient of how likely its local descriptors are under a mixture.

Perronnin, Sánchez and Mensink 2010, "Improving the Fisher Kernel for Large-Scale Image Classification": diagonal
Gaussian mixture over descriptors reduced by principal components, means and variances, square root, unit length. The
place of a patch is part of its descriptor: Sánchez, Perronnin and de Campos 2012.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from releaf.vision.descriptors import Descriptors

Floats = npt.NDArray[np.float32]
_FLOOR = 1e-5  # added to variances while fitting, so that a component never collapses onto one point


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Principal components of one kind of descriptor, and a mixture of K Gaussians over those and the place.

    centre (D,), axes (R, D); weights (K,), means and deviations (K, R + 2).
    """

    centre: Floats
    axes: Floats
    weights: Floats
    means: Floats
    deviations: Floats

    @property
    def width(self) -> int:
        """Length of the Fisher vector of one picture: 2·K·(R + 2)."""
        return 2 * self.means.size

    def encode(self, descriptors: Floats, place: Floats) -> Floats:
        """Return the Fisher vector (width,), of unit length, of descriptors (P, D) at places (P, 2)."""
        terms = self._terms(descriptors, place)
        shares = self._shares(terms)
        count, width, weights = len(terms), self.means.shape[1], self.weights[:, None]
        sums = shares.T @ terms
        first, second, zeroth = sums[:, :width], sums[:, width:-1], sums[:, -1:]
        of_mean = (first - self.means * zeroth) / (self.deviations * count * np.sqrt(weights))
        spread = (second - 2 * self.means * first + self.means**2 * zeroth) / self.deviations**2 - zeroth
        vector = np.concatenate([of_mean.ravel(), (spread / (count * np.sqrt(2 * weights))).ravel()])
        vector = np.sign(vector) * np.sqrt(np.abs(vector))
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)

    def _terms(self, descriptors: Floats, place: Floats) -> Floats:
        """Return x, x² and 1 of each reduced descriptor x, (P, 2·(R + 2) + 1): one product with them gives all sums."""
        axes, width = len(self.axes), self.means.shape[1]
        terms = np.empty((len(descriptors), 2 * width + 1), dtype=np.float32)
        np.matmul(descriptors, self.axes.T, out=terms[:, :axes])
        terms[:, :axes] -= self.axes @ self.centre
        terms[:, axes:width] = place
        np.square(terms[:, :width], out=terms[:, width:-1])
        terms[:, -1] = 1
        return terms

    def _shares(self, terms: Floats) -> Floats:
        """Return how much of each descriptor belongs to each Gaussian, (P, K); rows sum to 1."""
        shares: Floats = terms @ self._log_densities
        shares -= shares.max(axis=1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    @cached_property
    def _log_densities(self) -> Floats:
        """What maps x, x² and 1 to the logarithm of each weighted Gaussian, (2·(R + 2) + 1, K), but for a constant."""
        inverse = 1 / self.deviations**2
        constant = np.log(self.weights) - np.log(self.deviations).sum(axis=1) - 0.5 * (self.means**2 * inverse).sum(1)
        parts = [self.means * inverse, -0.5 * inverse, constant[:, None]]
        return np.ascontiguousarray(np.concatenate(parts, axis=1).T, dtype=np.float32)

    def arrays(self, prefix: str) -> dict[str, Floats]:
        """Return all arrays by name, for a file."""
        return {f"{prefix}.{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Floats], prefix: str) -> Vocabulary:
        """Return the vocabulary that `arrays` holds under `prefix`; raises KeyError for one that is missing."""
        return cls(**{field.name: arrays[f"{prefix}.{field.name}"] for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class FisherEncoder:
    """Vocabularies of gradients and of colours; a picture's vector is the one beside the other."""

    gradient: Vocabulary
    colour: Vocabulary

    @property
    def width(self) -> int:
        """Length of a picture's vector."""
        return self.gradient.width + self.colour.width

    def encode(self, descriptors: Descriptors) -> Floats:
        """Return the vector (width,) of one picture."""
        return np.concatenate(
            [
                self.gradient.encode(descriptors.gradient, descriptors.place),
                self.colour.encode(descriptors.colour, descriptors.place),
            ]
        )


def fit_encoder(sample: Descriptors, *, words: int, gradient_axes: int, colour_axes: int, seed: int) -> FisherEncoder:
    """Fit both vocabularies, `words` Gaussians each, to a sample of descriptors from many pictures."""
    return FisherEncoder(
        _fit(sample.gradient, sample.place, words, gradient_axes, seed),
        _fit(sample.colour, sample.place, words, colour_axes, seed),
    )


def joined(parts: Sequence[Descriptors]) -> Descriptors:
    """Return the descriptors of several pictures as one sample."""
    return Descriptors(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _fit(descriptors: Floats, place: Floats, words: int, axes: int, seed: int) -> Vocabulary:
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    # One BLAS thread: sums in another order would give another vocabulary on a machine with other cores.
    with threadpool_limits(1):
        components = PCA(min(axes, *descriptors.shape), svd_solver="covariance_eigh").fit(descriptors)
        reduced = np.concatenate([components.transform(descriptors), place], axis=1)
        mixture = GaussianMixture(
            min(words, len(reduced)),
            covariance_type="diag",
            init_params="k-means++",
            reg_covar=_FLOOR,
            max_iter=40,
            tol=1e-2,
            random_state=seed,
        ).fit(reduced)
    found = (components.mean_, components.components_, mixture.weights_, mixture.means_, np.sqrt(mixture.covariances_))
    return Vocabulary(*(np.ascontiguousarray(values, dtype=np.float32) for values in found))
