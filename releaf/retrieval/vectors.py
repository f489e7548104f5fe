"""Vectors of a collection of texts, kept from one run to the next: only what is new is encoded (D12).

A vector is found again by its key, the hash of the normalized text, the chunker and the encoder's revision (model,
prefixes, precision, tokens read); so vectors of two models never mix. Searching them is the index's business.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from releaf.artifacts import content_hash, read_json, storage_errors
from releaf.errors import ArtifactError, DataError
from releaf.progress import Progress, silent
from releaf.retrieval.encode import Matrix, TextEncoder
from releaf.retrieval.passages import normalize

FORMAT = 2
# Texts between two savings: seconds of work on two cores, and small beside the matrix.
BLOCK = 512
_MATRIX = "vectors.npy"
_DESCRIPTION = "vectors.json"


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit vectors of texts: `matrix` is float32 (N, D), row i belongs to `ids[i]` and was made for `keys[i]`.

    `revision` is that of the one encoder that made all of them. Raises `DataError` where the lengths differ, an id
    stands twice, or a value is not finite.
    """

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    matrix: Matrix
    revision: str

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or not len(self.ids) == len(self.keys) == len(self.matrix):
            raise DataError(
                f"{len(self.ids)} ids, {len(self.keys)} keys and a matrix of shape {self.matrix.shape} do not fit"
            )
        _refuse_twice(self.ids)
        for start in range(0, len(self.matrix), BLOCK):
            finite = np.isfinite(self.matrix[start : start + BLOCK]).all(axis=1)
            if not finite.all():
                bad = self.ids[start + int(np.flatnonzero(~finite)[0])]
                raise DataError(f"the vector of {bad!r} is not finite; the encoder's precision may be too low")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    @property
    def version(self) -> str:
        """Hash of ids and keys: what the vectors are of, free of the last bits that batching can change."""
        return vectors_version(self.ids, self.keys)

    def save(self, directory: Path) -> None:
        """Write the matrix (.npy) and its description (JSON) into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        with storage_errors(directory):
            np.save(directory / _MATRIX, self.matrix, allow_pickle=False)
        _describe(directory, self.ids, self.keys, self.revision)

    @classmethod
    def load(cls, directory: Path) -> Vectors:
        """Open what `save` or `embed` wrote; the matrix stays on disk until it is read.

        Raises `ArtifactError` for missing, damaged or contradictory files.
        """
        description = read_json(directory / _DESCRIPTION)
        try:
            if description["format"] != FORMAT:
                raise ArtifactError(
                    f"{directory} has vector format {description['format']}, this version reads {FORMAT}; embed again"
                )
            matrix = np.load(directory / _MATRIX, allow_pickle=False, mmap_mode="r")
            if matrix.dtype != np.float32:
                raise ValueError(f"its matrix holds {matrix.dtype}, not float32")
            return cls(tuple(description["ids"]), tuple(description["keys"]), matrix, str(description["revision"]))
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


def text_key(text: str, chunker: str, revision: str) -> str:
    """Hex sha256 that decides a vector: normalized text, chunker, encoder revision."""
    return content_hash([normalize(text), chunker, revision])


def text_keys(texts: Sequence[str], chunker: str, revision: str) -> list[str]:
    """`text_key` of each text, in less time than one by one."""
    # What `content_hash` hashes, without an encoder made anew for every text.
    end = f",{encode_basestring(chunker)},{encode_basestring(revision)}]"
    return [hashlib.sha256(f"[{encode_basestring(normalize(text))}{end}".encode()).hexdigest() for text in texts]


def vectors_version(ids: Sequence[str], keys: Sequence[str]) -> str:
    """The version that vectors under these ids and keys have, known before they are made."""
    return content_hash([list(ids), list(keys)])


def embed(
    ids: Sequence[str],
    texts: Sequence[str],
    encoder: TextEncoder,
    directory: Path,
    *,
    previous: Vectors | None = None,
    journal: Path | None = None,
    chunker: str = "",
    progress: Progress = silent,
) -> tuple[Vectors, Change]:
    """Write vectors of `texts` under `ids` into a directory, taking from `previous` every one whose key is the same.

    Texts that are new are encoded, equal ones once; what is gone is left out. Vectors of another encoder have other
    keys and are never taken over. With `journal`, a folder, each block of encoded texts is kept there at once, so that
    a run that was killed encodes only what is left; it may be deleted afterwards. The matrix is written as it is made
    and never held twice. Raises `DataError` when ids and texts do not pair or an id stands twice.
    """
    if len(ids) != len(texts):
        raise DataError(f"{len(ids)} ids and {len(texts)} texts do not pair")
    _refuse_twice(ids)
    keys = text_keys(texts, chunker, encoder.revision)
    known = {} if previous is None else {key: row for row, key in enumerate(previous.keys)}
    taken = np.asarray([known.get(key, -1) for key in keys], dtype=np.int64)
    fresh: dict[str, str] = {}
    rows: dict[str, list[int]] = {}
    for row in np.flatnonzero(taken < 0).tolist():
        fresh.setdefault(keys[row], texts[row])
        rows.setdefault(keys[row], []).append(row)
    directory.mkdir(parents=True, exist_ok=True)
    with storage_errors(directory):
        _write_taken(directory / _MATRIX, taken, previous, encoder.dimension)
        if fresh:
            matrix = np.lib.format.open_memmap(directory / _MATRIX, mode="r+")
            for found, vectors in _encoded(fresh, encoder, journal, progress):
                for key, vector in zip(found, vectors, strict=True):
                    matrix[rows[key]] = vector
    _describe(directory, ids, keys, encoder.revision)
    wanted = set(keys)
    change = Change(
        reused=int((taken >= 0).sum()),
        encoded=len(fresh),
        dropped=0 if previous is None else sum(key not in wanted for key in previous.keys),
    )
    return Vectors.load(directory), change


def _write_taken(file: Path, taken: NDArray[np.int64], previous: Vectors | None, dimension: int) -> None:
    """Write a matrix whose row i is row `taken[i]` of the former one, or zero where that is -1.

    Written, not mapped: that takes two thirds of the time, and a full disk is an error instead of a signal.
    """
    with file.open("wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(taken), dimension)}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, len(taken), BLOCK):
            wanted = taken[start : start + BLOCK]
            block = np.zeros((len(wanted), dimension), dtype="<f4")
            if previous is not None and (wanted >= 0).any():
                block[wanted >= 0] = previous.matrix[wanted[wanted >= 0]]
            stream.write(block.data)


def _encoded(
    fresh: dict[str, str], encoder: TextEncoder, journal: Path | None, progress: Progress
) -> Iterator[tuple[list[str], Matrix]]:
    """Vectors by key, block by block: first what a killed run left in the journal, then what is encoded now."""
    left = dict(fresh)
    if journal is not None:
        for block in sorted(journal.glob("*.npz")) if journal.is_dir() else []:
            for keys, vectors in _read_block(block, encoder.dimension):
                wanted = [place for place, key in enumerate(keys) if left.pop(key, None) is not None]
                yield [keys[place] for place in wanted], vectors[wanted]
    done = len(fresh) - len(left)
    waiting = list(left.items())
    for start in range(0, len(waiting), BLOCK):
        names, texts = zip(*waiting[start : start + BLOCK], strict=True)
        vectors = encoder.encode(texts)
        if journal is not None:
            _write_block(journal, names, vectors)
        done += len(names)
        progress(done, len(fresh), "texts encoded")
        yield list(names), vectors


def _write_block(journal: Path, keys: Sequence[str], vectors: Matrix) -> None:
    journal.mkdir(parents=True, exist_ok=True)
    part = journal / f".{keys[0][:16]}.part"
    with storage_errors(journal):
        with part.open("wb") as file:
            np.savez(file, keys=np.asarray(keys, dtype="S64"), vectors=vectors)
        part.replace(journal / f"{keys[0][:16]}.npz")


def _read_block(file: Path, dimension: int) -> Iterator[tuple[list[str], Matrix]]:
    """The keys and vectors of a block; nothing where it cannot be read: its texts are encoded again."""
    try:
        # Opened here: of a file that is no archive, NumPy forgets to close what it opened itself.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as block:
            keys, vectors = [key.decode() for key in block["keys"].tolist()], block["vectors"]
    # RuntimeError: damage may look like an encrypted archive, or one of a kind that is not supported.
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
        return
    if vectors.dtype == np.float32 and vectors.shape == (len(keys), dimension):
        yield keys, vectors


def _describe(directory: Path, ids: Sequence[str], keys: Sequence[str], revision: str) -> None:
    description = {"format": FORMAT, "revision": revision, "ids": list(ids), "keys": list(keys)}
    # On one line: indented JSON is written by Python, which takes seven times as long.
    with storage_errors(directory):
        (directory / _DESCRIPTION).write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")


def _refuse_twice(ids: Sequence[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise DataError(f"ids must be unique, but {name!r} stands twice")
        seen.add(name)
