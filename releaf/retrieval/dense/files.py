"""The files of a dense index: its description, its rows, and the private copy that an engine may write to.

`dense.json` is written last: a directory without it was never finished.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from releaf.artifacts import read_json, storage_errors, write_json
from releaf.errors import ArtifactError

FORMAT = 3
DESCRIPTION = "dense.json"
ROWS = "ids.parquet"
# The vectors and the graph, nine tenths of a large index. Qdrant maps both for reading only.
READ_ONLY = frozenset({"matrix.dat", "links_compressed.bin"})
# Linux's folder in memory. The engine flushes its files when it is closed: that and their removal take 30 ms there and
# 0.3 to 0.7 s on a busy disk (5,000 vectors). Copies up to so many bytes go there, where four times as much is free.
MEMORY = Path("/dev/shm")
_IN_MEMORY = 64 * 2**20
_ZEROS = bytes(1 << 18)


@dataclass(frozen=True)
class Description:
    """What stands in `dense.json`, but for its format.

    `engine` holds the `count` vectors of length `dimension` that the encoder `revision` made; `hnsw` says whether it
    built a graph. Embedded: `files` are the engine's files by path and size in bytes, `points` is how many points they
    hold, `engine_version` wrote them. On a server, `collection` is the collection's name. No address and no key stands
    here.
    """

    engine: Literal["embedded", "server"]
    dimension: int
    revision: str
    count: int
    hnsw: bool
    files: dict[str, int] = field(default_factory=dict)
    collection: str = ""
    points: int = 0
    engine_version: str = ""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a collection in its order: row i is chunk `ids[i]`, and the engine knows it as `points[i]`.

    `marks` are those of `Block`, empty where none were given.
    """

    ids: tuple[str, ...]
    points: NDArray[np.int64]
    marks: tuple[bytes, ...] = ()

    @staticmethod
    def whole(ids: Sequence[str], marks: Sequence[bytes] = ()) -> Rows:
        """Rows that the engine numbers as they stand, as it does where an index is built whole."""
        return Rows(tuple(ids), np.arange(len(ids), dtype=np.int64), tuple(marks))


def write_description(directory: Path, description: Description, rows: Rows) -> None:
    """Finish an index: its rows, then its description."""
    # Columns: a JSON list of 100,000 ids takes 55 ms to read, this takes 9.
    columns = [pl.Series("id", rows.ids, dtype=pl.String), pl.Series("point", rows.points, dtype=pl.UInt32)]
    if rows.marks:
        columns.append(pl.Series("mark", rows.marks, dtype=pl.Binary))
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(columns).write_parquet(directory / ROWS)
    write_json(directory / DESCRIPTION, {"format": FORMAT, **asdict(description)})


def read_description(directory: Path, *, marks: bool = False) -> tuple[Description, Rows]:
    """What `write_description` wrote, `marks` only where asked for.

    Raises `ArtifactError` when it is missing, damaged or of another format.
    """
    file = directory / DESCRIPTION
    raw = read_json(file)
    if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
        raise ArtifactError(f"{file} is not a dense index of format {FORMAT}; build it again")
    try:
        description = Description(**raw)
    except TypeError as error:
        raise ArtifactError(f"{file} does not describe a dense index: {error}; build it again") from error
    if description.engine not in ("embedded", "server"):
        raise ArtifactError(f"{file} names the engine {description.engine!r}, not embedded or server; build it again")
    rows = _read_rows(directory / ROWS, marks)
    if len(rows.ids) != description.count:
        raise ArtifactError(
            f"{directory / ROWS} holds {len(rows.ids)} ids, not {description.count}; build the index again"
        )
    return description, rows


def _read_rows(file: Path, marks: bool) -> Rows:
    try:
        table = pl.read_parquet(file, columns=None if marks else ["id", "point"])
        points = table["point"].to_numpy().astype(np.int64)
        return Rows(tuple(table["id"]), points, tuple(table["mark"]) if "mark" in table.columns else ())
    except FileNotFoundError as error:
        raise ArtifactError(f"{file} is missing; build the index again") from error
    except pl.exceptions.PolarsError as error:
        raise ArtifactError(f"{file} is damaged ({error}); build the index again") from error


def sizes(folder: Path) -> dict[str, int]:
    """The size in bytes of every file below a folder, by POSIX path relative to it."""
    return {name: status.st_size for name, status in sorted(_files(folder))}


def _files(folder: Path | str, inside: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder by its POSIX path relative to it, in a fifth of the time that `Path.rglob` takes."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, f"{inside}{entry.name}/")
            elif entry.is_file():
                yield f"{inside}{entry.name}", entry.stat()


def refuse_damage(folder: Path, expected: dict[str, int]) -> None:
    """Raise `ArtifactError` for a file that is missing or was cut: the engine itself would find nothing, silently."""
    found = sizes(folder) if folder.is_dir() else {}
    for name, size in expected.items():
        if name not in found:
            raise ArtifactError(f"{folder / name} is missing; build the dense index again")
        if found[name] != size:
            raise ArtifactError(
                f"the dense index is damaged: {folder / name} holds {found[name]} bytes, not {size}; build it again"
            )


@contextmanager
def private_copy(source: Path) -> Iterator[Path]:
    """A copy of a shard in memory or the temporary directory; kept when the block ends well, removed when it raises.

    What the engine only reads is linked, not copied, so that a large index neither takes time nor fills a temporary
    directory in memory. The engine maps all files when it loads them: removing the source later does not hurt.
    """
    copy = Path(tempfile.mkdtemp(prefix="releaf-dense-", dir=_in_memory(source)))
    try:
        with storage_errors(copy):
            copy_sparse(source.resolve(), copy, linked=READ_ONLY)
        yield copy
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise


def _in_memory(source: Path) -> Path | None:
    """The folder in memory, where there is one and a copy does not fill it."""
    copied = (status for name, status in _files(source) if name.split("/")[-1] not in READ_ONLY)
    size = sum(status.st_blocks * 512 for status in copied)
    if size > _IN_MEMORY or not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= 4 * size else None


def copy_sparse(source: Path, target: Path, *, linked: Collection[str] = ()) -> None:
    """Copy the files below `source` to `target`, leaving holes where a whole block is zero.

    Files named in `linked` become symbolic links. The engine reserves 32 MB a file, nearly all of it never written: a
    small index seems to hold 80 MB and uses 1.
    """
    for file in sorted(source.rglob("*")):
        copy = target / file.relative_to(source)
        if file.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif file.name in linked:
            copy.symlink_to(file)
        else:
            _copy_file(file, copy)


def _copy_file(file: Path, copy: Path) -> None:
    with file.open("rb", buffering=0) as reader, copy.open("wb") as writer:
        size = os.fstat(reader.fileno()).st_size
        place = _next_data(reader.fileno(), 0)
        while place < size:
            block = os.pread(reader.fileno(), len(_ZEROS), place)
            if block != _ZEROS[: len(block)]:
                writer.seek(place)
                writer.write(block)
            place = _next_data(reader.fileno(), place + len(block))
        writer.truncate(size)


def _next_data(handle: int, place: int) -> int:
    """Where a file next holds something from `place` on; holes are not even read."""
    try:
        return os.lseek(handle, place, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:  # only a hole is left
            raise
        return sys.maxsize
