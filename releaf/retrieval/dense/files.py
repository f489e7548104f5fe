"""The files of a dense index: its description, the ids of its rows, and the private copy that an engine may write to.

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

import polars as pl

from releaf.artifacts import read_json, storage_errors, write_json
from releaf.errors import ArtifactError

FORMAT = 2
DESCRIPTION = "dense.json"
IDS = "ids.parquet"
# The vectors and the graph, nine tenths of a large index. Qdrant maps both for reading only.
READ_ONLY = frozenset({"matrix.dat", "links_compressed.bin"})
_ZEROS = bytes(1 << 18)


@dataclass(frozen=True)
class Description:
    """What stands in `dense.json`, but for its format.

    `engine` holds the `count` vectors of length `dimension` that the encoder `revision` made; `hnsw` says whether it
    built a graph. `files` are the engine's files by path and size in bytes (embedded), `collection` is the
    collection's name (server). No address and no key stands here.
    """

    engine: Literal["embedded", "server"]
    dimension: int
    revision: str
    count: int
    hnsw: bool
    files: dict[str, int] = field(default_factory=dict)
    collection: str = ""


def write_description(directory: Path, description: Description, ids: Sequence[str]) -> None:
    """Finish an index: the ids of its rows, then its description."""
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        # A column: a JSON list of 100,000 ids takes 55 ms to read, this takes 9.
        pl.DataFrame({"id": pl.Series(ids, dtype=pl.String)}).write_parquet(directory / IDS)
    write_json(directory / DESCRIPTION, {"format": FORMAT, **asdict(description)})


def read_description(directory: Path) -> tuple[Description, tuple[str, ...]]:
    """What `write_description` wrote. Raises `ArtifactError` when it is missing, damaged or of another format."""
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
    ids = _read_ids(directory / IDS)
    if len(ids) != description.count:
        raise ArtifactError(f"{directory / IDS} holds {len(ids)} ids, not {description.count}; build the index again")
    return description, ids


def _read_ids(file: Path) -> tuple[str, ...]:
    try:
        return tuple(pl.read_parquet(file)["id"].to_list())
    except FileNotFoundError as error:
        raise ArtifactError(f"{file} is missing; build the index again") from error
    except pl.exceptions.PolarsError as error:
        raise ArtifactError(f"{file} is damaged ({error}); build the index again") from error


def sizes(folder: Path) -> dict[str, int]:
    """The size in bytes of every file below a folder, by POSIX path relative to it."""
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size for file in sorted(folder.rglob("*")) if file.is_file()
    }


def refuse_damage(folder: Path, expected: dict[str, int]) -> None:
    """Raise `ArtifactError` for a file that is missing or was cut: the engine itself would find nothing, silently."""
    found = sizes(folder)
    for name, size in expected.items():
        if name not in found:
            raise ArtifactError(f"{folder / name} is missing; build the dense index again")
        if found[name] != size:
            raise ArtifactError(
                f"the dense index is damaged: {folder / name} holds {found[name]} bytes, not {size}; build it again"
            )


@contextmanager
def private_copy(source: Path) -> Iterator[Path]:
    """A copy of a shard in the temporary directory; kept when the block ends well, removed when it raises.

    What the engine only reads is linked, not copied, so that a large index neither takes time nor fills a temporary
    directory in memory. The engine maps all files when it loads them: removing the source later does not hurt.
    """
    copy = Path(tempfile.mkdtemp(prefix="releaf-dense-"))
    try:
        with storage_errors(copy):
            copy_sparse(source.resolve(), copy, linked=READ_ONLY)
        yield copy
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise


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
