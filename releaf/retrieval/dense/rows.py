"""What both engines share: queries are checked, rows are named, equal scores stand in the order of their rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from types import TracebackType
from typing import Self

import numpy as np

from releaf.errors import InputError
from releaf.retrieval.dense.clauses import Clause, clauses
from releaf.retrieval.dense.files import Description
from releaf.retrieval.encode import Matrix
from releaf.retrieval.passages import Filters

Hits = list[tuple[int, float]]
# Queries sent, and vectors read back, at a time.
_QUERIES = 64
_VECTORS = 1000
# Where equal scores straddle the k-th place, so many more hits are asked for to find the first rows among them.
_TIES = 1000


class RowIndex(ABC):
    """A dense index over an engine that knows rows only. `ids[i]` is the chunk of row i."""

    def __init__(self, description: Description, ids: tuple[str, ...]) -> None:
        self.ids = ids
        self.dimension = description.dimension
        self.revision = description.revision
        self.hnsw = description.hnsw

    @abstractmethod
    def _nearest(self, matrix: Matrix, limit: int, passing: Sequence[Clause]) -> list[Hits]:
        """The `limit` nearest rows of every query (Q, D) and their cosines, in any order."""

    @abstractmethod
    def _stored(self, rows: Sequence[int]) -> dict[int, Sequence[float]]:
        """The stored vector of each of these rows, which are all different."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether nothing can be read any more."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held. Closing twice is no error."""

    def search(self, vector: Matrix, k: int, filters: Filters | None = None) -> list[tuple[str, float]]:
        """See `DenseIndex.search`."""
        if vector.ndim != 1:
            raise InputError(f"the query vector has shape {vector.shape}, this index holds vectors of {self.dimension}")
        return self.search_many(vector[np.newaxis], k, filters)[0]

    def search_many(self, matrix: Matrix, k: int, filters: Filters | None = None) -> list[list[tuple[str, float]]]:
        """See `DenseIndex.search_many`."""
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        if matrix.ndim != 2 or matrix.shape[1] != self.dimension:
            shape = matrix.shape[1:] if matrix.ndim == 2 else matrix.shape
            raise InputError(f"the query vector has shape {shape}, this index holds vectors of {self.dimension}")
        if not np.isfinite(matrix).all():
            raise InputError("the query vector holds values that are not finite")
        self._refuse_closed()
        passing = clauses(filters)
        found: list[list[tuple[str, float]]] = []
        for start in range(0, len(matrix), _QUERIES):
            part = np.ascontiguousarray(matrix[start : start + _QUERIES], dtype=np.float32)
            found.extend([(self.ids[row], score) for row, score in hits] for hits in self._ranked(part, k, passing))
        return found

    def vectors_of(self, ids: Sequence[str]) -> Matrix:
        """See `DenseIndex.vectors_of`."""
        self._refuse_closed()
        if unknown := next((name for name in ids if name not in self._row_of), None):
            raise InputError(f"the dense index holds no chunk {unknown!r}")
        rows = [self._row_of[name] for name in ids]
        matrix = np.empty((len(rows), self.dimension), dtype=np.float32)
        for start in range(0, len(rows), _VECTORS):
            part = rows[start : start + _VECTORS]
            stored = self._stored(sorted(set(part)))
            matrix[start : start + len(part)] = [stored[row] for row in part]
        return matrix

    def _ranked(self, matrix: Matrix, k: int, passing: Sequence[Clause]) -> list[Hits]:
        found = [_sorted(hits) for hits in self._nearest(matrix, min(k + 1, len(self.ids)), passing)]
        tied = [place for place, hits in enumerate(found) if len(hits) > k and hits[k - 1][1] == hits[k][1]]
        if tied:
            again = self._nearest(matrix[tied], min(k + _TIES, len(self.ids)), passing)
            for place, hits in zip(tied, again, strict=True):
                found[place] = _sorted(hits)
        return [hits[:k] for hits in found]

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.ids)}

    def _refuse_closed(self) -> None:
        if self.closed:
            raise InputError("this dense index is closed; open it again")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _sorted(hits: Hits) -> Hits:
    # Rounding may lift the cosine of a vector with itself above 1.
    bounded = [(row, max(-1.0, min(1.0, score))) for row, score in hits]
    return sorted(bounded, key=lambda hit: (-hit[1], hit[0]))
