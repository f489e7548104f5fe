"""Vectors of a collection of texts, kept from one run to the next: only what is new is encoded (D12).

A vector is found again by its key, the hash of the normalized text, the encoder's revision and the number of tokens it
reads; so vectors of two models never mix. Searching them is the index's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from releaf.artifacts import content_hash, read_json, storage_errors, write_json
from releaf.errors import ArtifactError, DataError
from releaf.progress import Progress, silent
from releaf.retrieval.encode import Matrix, TextEncoder
from releaf.retrieval.passages import normalize

FORMAT = 1
_MATRIX = "vectors.npy"
_DESCRIPTION = "vectors.json"


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit vectors of texts: `matrix` is float32 (N, D), row i belongs to `ids[i]` and was made for `keys[i]`.

    `revision` and `max_tokens` are those of the one encoder that made all of them. Raises `DataError` where the lengths
    differ, an id stands twice, or a value is not finite.
    """

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    matrix: Matrix
    revision: str
    max_tokens: int

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or not len(self.ids) == len(self.keys) == len(self.matrix):
            raise DataError(
                f"{len(self.ids)} ids, {len(self.keys)} keys and a matrix of shape {self.matrix.shape} do not fit"
            )
        if len(set(self.ids)) != len(self.ids):
            twice = next(name for place, name in enumerate(self.ids) if name in self.ids[:place])
            raise DataError(f"ids must be unique, but {twice!r} stands twice")
        if not np.isfinite(self.matrix).all():
            bad = int(np.flatnonzero(~np.isfinite(self.matrix).all(axis=1))[0])
            raise DataError(f"the vector of {self.ids[bad]!r} is not finite; the encoder's precision may be too low")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    @property
    def version(self) -> str:
        """Hash of ids and keys: what the vectors are of, free of the last bits that batching can change."""
        return content_hash([self.dimension, list(self.ids), list(self.keys)])

    def save(self, directory: Path) -> None:
        """Write the matrix (.npy) and its description (JSON) into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        with storage_errors(directory):
            np.save(directory / _MATRIX, self.matrix, allow_pickle=False)
        description = {
            "format": FORMAT,
            "revision": self.revision,
            "max_tokens": self.max_tokens,
            "ids": list(self.ids),
            "keys": list(self.keys),
        }
        write_json(directory / _DESCRIPTION, description)

    @classmethod
    def load(cls, directory: Path) -> Vectors:
        """Read what `save` wrote. Raises `ArtifactError` for missing, damaged or contradictory files."""
        description = read_json(directory / _DESCRIPTION)
        try:
            if description["format"] != FORMAT:
                raise ArtifactError(
                    f"{directory} has vector format {description['format']}, this version reads {FORMAT}; embed again"
                )
            matrix = np.load(directory / _MATRIX, allow_pickle=False).astype(np.float32, copy=False)
            ids, keys = tuple(description["ids"]), tuple(description["keys"])
            return cls(ids, keys, matrix, str(description["revision"]), int(description["max_tokens"]))
        except FileNotFoundError as error:
            raise ArtifactError(f"{directory / _MATRIX} is missing; embed again") from error
        except (KeyError, TypeError, ValueError, EOFError, DataError) as error:
            raise ArtifactError(f"{directory} does not hold vectors: {error}; embed again") from error


@dataclass(frozen=True)
class Change:
    """What an incremental run did: rows reused, texts encoded, and former vectors that nothing needs any more."""

    reused: int
    encoded: int
    dropped: int


def vector_key(text: str, encoder: TextEncoder) -> str:
    """Hex sha256 that decides a vector: normalized text, encoder revision, tokens read."""
    return content_hash([normalize(text), encoder.revision, encoder.max_tokens])


def embed(
    ids: Sequence[str],
    texts: Sequence[str],
    encoder: TextEncoder,
    previous: Vectors | None = None,
    progress: Progress = silent,
) -> tuple[Vectors, Change]:
    """Vectors of `texts` under `ids`, taking from `previous` every vector whose key is the same.

    Texts that are new are encoded, equal ones once; what is gone is left out. Vectors of another encoder have other
    keys and are never taken over. Raises `DataError` when ids and texts do not pair or an id stands twice.
    """
    if len(ids) != len(texts):
        raise DataError(f"{len(ids)} ids and {len(texts)} texts do not pair")
    keys = [vector_key(text, encoder) for text in texts]
    known = {} if previous is None else {key: row for row, key in enumerate(previous.keys)}
    fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    encoded = encoder.encode(list(fresh.values()), progress) if fresh else np.zeros((0, encoder.dimension), np.float32)
    rows = {key: row for row, key in enumerate(fresh)}
    matrix = np.zeros((len(keys), encoder.dimension), dtype=np.float32)
    for place, key in enumerate(keys):
        matrix[place] = encoded[rows[key]] if previous is None or key in rows else previous.matrix[known[key]]
    wanted = set(keys)
    change = Change(
        reused=sum(key in known for key in keys),
        encoded=len(fresh),
        dropped=0 if previous is None else sum(key not in wanted for key in previous.keys),
    )
    return Vectors(tuple(ids), tuple(keys), matrix, encoder.revision, encoder.max_tokens), change
