"""The sparse index: BM25 over stemmed words (R2). Storage comes from bm25s; masks and order are here.

An index is never changed: with the previous one at hand, the next is built of what stands there, and only chunks whose
text is new are stemmed.
"""

from __future__ import annotations

import unicodedata
import zipfile
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from releaf.artifacts import read_json, storage_errors, write_json
from releaf.errors import ArtifactError, DataError, InputError
from releaf.retrieval.passages import Filters, Payload, passages, refuse_twice
from releaf.retrieval.sparse_forward import K1, STOP_WORDS, B, Forward, analyze, bm25_scores, forward

if TYPE_CHECKING:
    import bm25s

__all__ = ["STOP_WORDS", "SparseIndex", "analyze", "build"]

FORMAT = 3
Backend = Literal["numpy", "numba"]
_DESCRIPTION = "sparse.json"
_ENGINE = "bm25s"
_TERMS = "terms.npz"
_ROWS = "chunks.parquet"
_ROWS_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "topic": pl.String,
    "items": pl.List(pl.String),
    "materials": pl.List(pl.String),
    "jurisdictions": pl.List(pl.String),
}
# What the readers of archives, arrays, JSON and tables raise for files that are cut or changed.
_DAMAGED = (
    *(LookupError, TypeError, ValueError, EOFError, RuntimeError, SyntaxError),
    *(TokenError, zipfile.BadZipFile, pl.exceptions.PolarsError),
)


def build(chunks: pl.DataFrame, directory: Path, previous: Path | None = None) -> int:
    """Write a BM25 index (k1 = 1.5, b = 0.75, IDF = ln((N − n + ½)/(n + ½) + 1)) of a `chunks` table into a directory.

    `previous` is the directory of another index: chunks whose text stands there are not stemmed again. Whatever is
    wrong with it, it is left alone, and the files are the same with it and without. Returns how many chunks were
    stemmed. Raises `DataError` when the table is empty, holds an id twice, or no chunk holds a word.
    """
    import bm25s

    refuse_twice(chunks)
    former = None if previous is None else _former(previous)
    held, stemmed = forward(passages(chunks), former)
    if not held.stems:
        raise DataError(f"cannot build a sparse index: {len(chunks)} chunks hold no word but stop words")
    scores = bm25_scores(held)
    engine = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numpy")
    engine.scores = {**scores._asdict(), "num_docs": len(held)}
    engine.nonoccurrence_array = None  # of no use to this method
    engine.vocab_dict = {stem: number for number, stem in enumerate(held.stems)}
    rows = chunks.select(pl.col(name).cast(kind) for name, kind in _ROWS_SCHEMA.items())
    with storage_errors(directory):
        engine.save(str(directory / _ENGINE), allow_pickle=False, show_progress=False)
        held.save(directory / _TERMS)
        rows.write_parquet(directory / _ROWS)
    write_json(directory / _DESCRIPTION, {"format": FORMAT, "analyzer": _analyzer()})
    return stemmed


def _analyzer() -> dict[str, str]:
    """What decides the stems of a text besides this code, which `FORMAT` stands for."""
    return {"stemmer": version("PyStemmer"), "unicode": unicodedata.unidata_version}


def _former(directory: Path) -> Forward | None:
    """The forward index of a directory; None where it cannot be used."""
    try:
        if read_json(directory / _DESCRIPTION) != {"format": FORMAT, "analyzer": _analyzer()}:
            return None
        return Forward.load(directory / _TERMS)
    except (ArtifactError, OSError, *_DAMAGED):
        return None


class SparseIndex:
    """A BM25 index held in memory. Reading it changes nothing, so threads may share one."""

    def __init__(
        self,
        engine: bm25s.BM25,
        terms: Forward,
        ids: tuple[str, ...],
        carried: tuple[Payload, ...],
        backend: Backend,
    ) -> None:
        self._data: NDArray[np.float32] = engine.scores["data"]
        self._indices: NDArray[np.int32] = engine.scores["indices"]
        self._indptr: NDArray[np.int64] = engine.scores["indptr"].astype(np.int64)
        self._vocabulary: dict[str, int] = engine.vocab_dict
        self._terms = terms
        self._rows = {name: row for row, name in enumerate(ids)}
        self._payloads = carried
        self._backend = backend
        self.ids = ids

    @classmethod
    def open(cls, directory: Path, *, backend: Backend = "numpy") -> SparseIndex:
        """Read an index that `build` wrote. Raises `ArtifactError` for missing, damaged or contradictory files.

        `numba` adds scores up six times as fast (50,000 chunks), and takes half a second to start.
        """
        import bm25s

        description = read_json(directory / _DESCRIPTION)
        try:
            if description["format"] != FORMAT:
                raise ValueError(f"its format is {description['format']!r}, this version reads {FORMAT}")
            rows = pl.read_parquet(directory / _ROWS)
            ids = tuple(rows["id"].to_list())
            carried = tuple(Payload.from_json(row) for row in rows.drop("id").iter_rows(named=True))
            engine = bm25s.BM25.load(str(directory / _ENGINE), backend="numpy", allow_pickle=False, show_progress=False)
            terms = Forward.load(directory / _TERMS)
            _check_rows(engine.scores, terms, len(ids))
            _check_words(engine.scores, engine.vocab_dict, terms)
            return cls(engine, terms, ids, carried, backend)
        except FileNotFoundError as error:
            # polars does not say which file it looked for.
            missing = error.filename or directory / _ROWS
            raise ArtifactError(f"{missing} is missing; build the sparse index again") from error
        except _DAMAGED as error:
            raise ArtifactError(f"{directory} does not hold a sparse index: {error}; build it again") from error

    def search(self, text: str, k: int, filters: Filters | None = None) -> list[tuple[str, float]]:
        """The k best chunks that pass the filters: (chunk id, BM25 score > 0), best first, ties by row.

        A chunk that shares no word with the query never comes back, nor does one that the filters hold off. A word that
        the query repeats counts as often. Raises `InputError` for k < 1.
        """
        return self.search_terms(Counter(analyze(text)), k, filters)

    def search_terms(
        self, weights: Mapping[str, float], k: int, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """`search` for stems with weights, each of which multiplies the BM25 score of its stem."""
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        scores = self._scores(weights)
        if filters:
            scores[self._held_off(filters)] = 0
        best = _first(scores, k)
        return [(self.ids[row], float(scores[row])) for row in best]

    def terms_of(self, chunk: str) -> dict[str, int]:
        """How often each stem stands in a chunk. Raises `KeyError` for a chunk that is not in the index."""
        start, end = self._terms.starts[self._rows[chunk] : self._rows[chunk] + 2]
        words, counts = self._terms.words[start:end], self._terms.counts[start:end]
        return {self._terms.stems[word]: int(count) for word, count in zip(words, counts, strict=True)}

    def document_frequency(self, stem: str) -> int:
        """How many chunks hold a stem; 0 for one that none holds."""
        number = self._vocabulary.get(stem)
        return 0 if number is None else int(self._indptr[number + 1] - self._indptr[number])

    def _scores(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        scores = np.zeros(len(self.ids), dtype=np.float32)
        known = [(self._vocabulary[stem], weight) for stem, weight in weights.items() if stem in self._vocabulary]
        if not known:
            return scores
        numbers = np.asarray([number for number, _ in known], dtype=np.int64)
        factors = np.asarray([weight for _, weight in known], dtype=np.float32)
        starts, ends = self._indptr[numbers], self._indptr[numbers + 1]
        if self._backend == "numba":
            from releaf.retrieval.sparse_kernel import add_up

            add_up(self._data, self._indices, starts, ends, factors, scores)
            return scores
        for start, end, factor in zip(starts, ends, factors, strict=True):
            scores[self._indices[start:end]] += factor * self._data[start:end]
        return scores

    def _held_off(self, filters: Filters) -> NDArray[np.bool_]:
        return np.asarray([not filters.allow(payload) for payload in self._payloads])


def _check_rows(scores: dict[str, Any], terms: Forward, rows: int) -> None:
    if scores["num_docs"] != rows or (
        len(scores["indices"]) and not 0 <= int(scores["indices"].min()) <= int(scores["indices"].max()) < rows
    ):
        raise ValueError(f"scores are for {scores['num_docs']} chunks, but {rows} are described")
    if len(terms) != rows:
        raise ValueError(f"words are for {len(terms)} chunks, but {rows} are described")


def _check_words(scores: dict[str, Any], vocabulary: Mapping[str, int], terms: Forward) -> None:
    starts, held = scores["indptr"], len(scores["indices"])
    if len(starts) != len(vocabulary) + 1 or vocabulary != dict(zip(terms.stems, range(len(terms.stems)), strict=True)):
        raise ValueError(f"scores are for {len(starts) - 1} words, but {len(vocabulary)} are listed")
    if starts[0] != 0 or starts[-1] != held or (np.diff(starts) < 0).any() or len(scores["data"]) != held:
        raise ValueError(f"{len(scores['data'])} scores of {held} chunks do not fit where each word's begin")


def _first(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """The rows of the k greatest positive scores, best first, ties by row."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > k:
        # Everything that ties with the k-th score stays until the order is decided, so ties do not depend on luck.
        kth = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
        rows = rows[scores[rows] >= kth]
    return rows[np.lexsort((rows, -scores[rows]))][:k]
