"""What a dense index is, whichever engine holds its vectors. Points are numbered by row, so ids cannot collide."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Protocol

from releaf.retrieval.encode import Matrix
from releaf.retrieval.passages import Filters, Payload

# Scanning 10,000 vectors of 384 floats takes 0.4 ms on one core and is exact and repeatable; a graph pays beyond that.
HNSW_FROM = 10_000
HNSW_M = 16
HNSW_EF_CONSTRUCT = 100
# Candidates kept while a graph is searched. With the engine's own breadth golden queries found 0.92 among a million
# made vectors; how much this finds there is not measured yet.
HNSW_EF = 256


class Block(NamedTuple):
    """Consecutive rows of a collection: `matrix` is float32 (n, D), row i belongs to `ids[i]` and `payloads[i]`.

    `marks`, where given, has for each row what decides its vector and payload: the next build tells by it what changed.
    """

    ids: Sequence[str]
    matrix: Matrix
    payloads: Sequence[Payload]
    marks: Sequence[bytes] = ()


class Built(NamedTuple):
    """Whether an index has an HNSW graph, and its recall@10 of the golden queries against exact search.

    `added` is how many points lie over what was built whole before; None for an index that was built whole now.
    """

    hnsw: bool
    recall: float
    added: int | None = None


class DenseIndex(Protocol):
    """An index opened for reading. Close it, or use it in a `with`."""

    @property
    def ids(self) -> Sequence[str]:
        """The chunk of every row."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def revision(self) -> str:
        """Revision of the encoder that made the vectors; vectors of another are not comparable."""

    @property
    def hnsw(self) -> bool:
        """Whether a graph is searched, which is approximate; without one every vector is compared."""

    def search(self, vector: Matrix, k: int, filters: Filters | None = None) -> list[tuple[str, float]]:
        """The k nearest chunks that pass the filters: (chunk id, cosine in [−1, 1]), best first, ties by row.

        Fewer than k come back when fewer pass. Raises `InputError` for k < 1, a vector of another dimension or with
        values that are not finite, and for a closed index.
        """

    def search_many(self, matrix: Matrix, k: int, filters: Filters | None = None) -> list[list[tuple[str, float]]]:
        """`search` for every row of a (Q, D) matrix, in its order."""

    def vectors_of(self, ids: Sequence[str]) -> Matrix:
        """The stored unit vectors of these chunks, float32 (n, D), in their order. Raises `InputError` for others."""

    def close(self) -> None:
        """Release what is held. Closing twice is no error."""

    def __enter__(self) -> DenseIndex:
        """The index itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""


def kilobytes_of(vectors: int, dimension: int) -> int:
    """So many vectors as Qdrant counts them, in KB."""
    return max(1, vectors * dimension * 4 // 1024)
