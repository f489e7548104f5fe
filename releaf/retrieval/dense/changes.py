"""What changed since an index was built whole: which points are gone and which were added.

The engine's files are taken over as they are. What was added lies beside them, and both are put into the private copy
that every opening makes anyway. Changing the files themselves would have them flushed: one changed chunk among 5,000
then took 0.3 to 0.6 s on a busy disk for that alone, where the whole build on a previous index takes 0.2 s.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from releaf.artifacts import storage_errors
from releaf.errors import ArtifactError
from releaf.retrieval.dense.files import Description, Rows
from releaf.retrieval.encode import Matrix

# The greatest share of the points of the whole build that may be gone, or added: each opening puts them in again, and a
# graph over points that are gone is walked in vain.
MOST_SHARE = 0.05
# However large the index: 1,000 added points take 0.1 s of each opening.
MOST = 1_000
FILE = "changes.npz"
# What NumPy's reader raises for an archive that is cut or changed.
_DAMAGED = (
    *(LookupError, TypeError, ValueError, EOFError, RuntimeError, SyntaxError),
    *(TokenError, zipfile.BadZipFile),
)


@dataclass(frozen=True, eq=False)
class Changes:
    """Points added since the whole build, numbered from its last on: `matrix` is float32 (n, D), with `payloads`."""

    matrix: Matrix
    payloads: Sequence[dict[str, Any]]

    def write(self, directory: Path) -> None:
        """Write them into the directory of an index, where there are any."""
        if len(self.matrix):
            text = np.frombuffer(json.dumps(list(self.payloads)).encode(), dtype=np.uint8)
            with storage_errors(directory):
                np.savez(directory / FILE, matrix=self.matrix, payloads=text)

    @classmethod
    def read(cls, directory: Path, description: Description) -> Changes:
        """What `write` wrote; nothing where there is no file. Raises `ArtifactError` when it is damaged."""
        file = directory / FILE
        if not file.exists():
            return cls(np.zeros((0, description.dimension), dtype=np.float32), ())
        try:
            # Opened here: of a file that is no archive, NumPy forgets to close what it opened itself.
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                matrix, payloads = held["matrix"], json.loads(held["payloads"].tobytes())
            if matrix.shape != (len(payloads), description.dimension) or matrix.dtype != np.float32:
                raise ValueError(f"{len(payloads)} payloads and a matrix of {matrix.shape} do not fit")
        except _DAMAGED as error:
            raise ArtifactError(f"{file} is damaged ({error}); build the index again") from error
        return cls(matrix, payloads)


def place(ids: Sequence[str], marks: Sequence[bytes], old: Rows, whole: int) -> NDArray[np.int64] | None:
    """The points of these rows over an index of `whole` points that was built whole; None where too much changed.

    A row keeps its point where id and mark are the same; the others are numbered from `whole` on, in their order.
    """
    if len(old.marks) != len(old.ids):
        return None
    row_of = {name: row for row, name in enumerate(old.ids)}
    found = ((row_of.get(name, -1), mark) for name, mark in zip(ids, marks, strict=True))
    rows = np.asarray([row if row >= 0 and old.marks[row] == mark else -1 for row, mark in found], dtype=np.int64)
    points = np.where(rows >= 0, old.points[rows], whole)
    points[points >= whole] = -1
    added = int((points < 0).sum())
    if max(added, whole - (len(points) - added)) > min(MOST, MOST_SHARE * whole):
        return None
    points[points < 0] = np.arange(whole, whole + added)
    return points
