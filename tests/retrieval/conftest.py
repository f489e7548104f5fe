"""A small collection and an encoder that needs no model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from releaf.progress import Progress, silent
from releaf.retrieval import dense, sparse
from releaf.retrieval.encode import Matrix, unit_rows
from releaf.retrieval.passages import passages, payloads
from releaf.retrieval.search import Searcher
from releaf.retrieval.sparse import analyze
from releaf.retrieval.vectors import Vectors, embed

from .small_model import save_small_model


@cache
def _direction(revision: str, word: str, dimension: int) -> Matrix:
    seed = int.from_bytes(hashlib.sha256(f"{revision}{word}".encode()).digest()[:4])
    return np.random.default_rng(seed).normal(size=dimension).astype(np.float32)


class WordEncoder:
    """Each word has a fixed random direction; a text is the sum of its words. Equal words, equal vectors."""

    def __init__(self, revision: str = "words-1", dimension: int = 64) -> None:
        self.revision = revision
        self.dimension = dimension
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        self.encoded.extend(texts)
        matrix = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in analyze(text)[:64] or ["nothing"]:
                matrix[row] += _direction(self.revision, word, self.dimension)
            progress(row + 1, len(texts))
        return unit_rows(matrix)


class WordScorer:
    """A reranker that counts the words which query and passage share."""

    def __init__(self) -> None:
        self.read: list[tuple[str, str]] = []

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        self.read.extend((query, text) for text in passages)
        return [float(len(set(analyze(query)) & set(analyze(text)))) for text in passages]


def chunk(name: str, text: str, **fields: object) -> dict[str, object]:
    """A row of the chunks table; the document is what stands before `#`."""
    document = name.split("#")[0]
    row: dict[str, object] = {
        "id": name,
        "document_id": document,
        "position": 0,
        "title": document.replace("-", " ").capitalize(),
        "text": text,
        "topic": "recycling",
        "items": [],
        "materials": [],
        "jurisdictions": [],
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return {**row, **fields}


def frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    """The rows as a chunks table."""
    lists = dict.fromkeys(("items", "materials", "jurisdictions"), pl.List(pl.String))
    return pl.DataFrame(list(rows), schema_overrides=lists)


@pytest.fixture(scope="session")
def chunks() -> pl.DataFrame:
    return frame(
        [
            chunk("pet-bottles#1", "Rinse a bottle and leave the cap on it.", items=["bottle"], materials=["pet"]),
            chunk("pet-bottles#2", "Sorted bottles are baled, washed and turned into flakes.", materials=["pet"]),
            chunk("glass-jars#1", "Rinse a jar; lids go with metal.", items=["jar"], materials=["glass", "steel"]),
            chunk("batteries#1", "Never put a battery into a bin.", topic="hazardous", items=["battery"]),
            chunk(
                "berlin-deposit#1", "A deposit bottle goes back to a shop.", topic="policy", jurisdictions=["berlin"]
            ),
            chunk("seattle-food#1", "Food scraps go into a green cart.", topic="policy", jurisdictions=["seattle"]),
        ]
    )


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture(scope="session")
def vectors(chunks: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    return embed(chunks["id"].to_list(), passages(chunks), WordEncoder(), tmp_path_factory.mktemp("vectors"))[0]


@pytest.fixture(scope="session")
def dense_folder(chunks: pl.DataFrame, vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense index of the chunks; whoever opens it gets a copy, so tests may share it."""
    folder = tmp_path_factory.mktemp("dense")
    dense.build(vectors, payloads(chunks), folder)
    return folder


@pytest.fixture(scope="session")
def sparse_folder(chunks: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sparse")
    sparse.build(chunks, folder)
    return folder


@pytest.fixture(scope="session")
def searcher(chunks: pl.DataFrame, dense_folder: Path, sparse_folder: Path) -> Iterator[Searcher]:
    """Every method can be asked for."""
    with dense.open_index(dense_folder) as index:
        words = sparse.SparseIndex.open(sparse_folder)
        yield Searcher(index, words, WordEncoder(), chunks, reranker=WordScorer())


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a BERT of two layers that pools by the mean and has prompts."""
    return save_small_model(tmp_path_factory.mktemp("small"), prompts={"query": "where ", "document": "goes "})
