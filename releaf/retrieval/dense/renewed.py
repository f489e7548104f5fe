"""An embedded index built on a previous one, of which little has changed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from releaf.artifacts import storage_errors
from releaf.errors import ArtifactError, DataError
from releaf.retrieval.dense.changes import FILE, Changes, place
from releaf.retrieval.dense.embedded import SHARD, engine_version, open_shard
from releaf.retrieval.dense.files import Description, Rows, copy_sparse, read_description, refuse_damage
from releaf.retrieval.dense.files import write_description as finish
from releaf.retrieval.dense.golden import Golden, refuse_low_recall
from releaf.retrieval.dense.interface import Built
from releaf.retrieval.passages import Payload
from releaf.retrieval.vectors import Vectors


def build_on(
    previous: Path,
    vectors: Vectors,
    payloads: Mapping[str, Payload],
    marks: Sequence[bytes],
    directory: Path,
    golden: Golden,
    hnsw_from: int,
) -> Built | None:
    """Write an index of the vectors over the engine's files of a previous one; checked as one that is built whole.

    `marks` are those of `Block`, row by row. None, with nothing written, where the previous index is no ground to build
    on: too much changed, it is missing, damaged, of another encoder or engine, lacks a graph that is due by now, or
    what is built on it finds too little.
    """
    try:
        old, rows = read_description(previous, marks=True)
        points = _points(old, rows, vectors, marks, hnsw_from)
        if points is None:
            return None
        refuse_damage(previous / SHARD, old.files)
        return _write(previous, old, points, vectors, payloads, marks, directory, golden)
    except (ArtifactError, DataError):
        _clear(directory)
        return None
    except BaseException:
        _clear(directory)
        raise


def _points(
    old: Description, rows: Rows, vectors: Vectors, marks: Sequence[bytes], hnsw_from: int
) -> NDArray[np.int64] | None:
    """The point of each vector over the previous index; None where it cannot be built on."""
    same = (old.engine, old.engine_version, old.dimension, old.revision) == (
        *("embedded", engine_version()),
        *(vectors.dimension, vectors.revision),
    )
    if not same or (not old.hnsw and len(vectors) > hnsw_from):
        return None
    return place(vectors.ids, marks, rows, old.points)


def _write(
    previous: Path,
    old: Description,
    points: NDArray[np.int64],
    vectors: Vectors,
    payloads: Mapping[str, Payload],
    marks: Sequence[bytes],
    directory: Path,
    golden: Golden,
) -> Built:
    added = np.flatnonzero(points >= old.points)
    with storage_errors(directory):
        (directory / SHARD).mkdir(parents=True)
        copy_sparse(previous / SHARD, directory / SHARD)
    matrix = np.asarray(vectors.matrix[added], dtype=np.float32)
    Changes(matrix, [payloads[vectors.ids[row]].to_json() for row in added]).write(directory)
    description = Description(
        *("embedded", old.dimension, old.revision, len(vectors), old.hnsw),
        files=old.files,
        points=old.points,
        engine_version=old.engine_version,
    )
    rows = Rows(vectors.ids, points, tuple(marks))
    with open_shard(directory, description, rows) as index:
        recall = refuse_low_recall(index, golden)
    finish(directory, description, rows)
    return Built(old.hnsw, recall, len(added))


def _clear(directory: Path) -> None:
    shutil.rmtree(directory / SHARD, ignore_errors=True)
    (directory / FILE).unlink(missing_ok=True)
