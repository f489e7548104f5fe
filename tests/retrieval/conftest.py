"""A small collection and an encoder that needs no model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
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


class WordEncoder:
    """Each word has a fixed random direction; a text is the sum of its words. Equal words, equal vectors."""

    def __init__(self, revision: str = "words-1", dimension: int = 64, max_tokens: int = 64) -> None:
        self.revision = revision
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        self.encoded.extend(texts)
        matrix = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in analyze(text)[: self.max_tokens] or ["nothing"]:
                seed = int.from_bytes(hashlib.sha256(f"{self.revision}{word}".encode()).digest()[:4])
                matrix[row] += np.random.default_rng(seed).normal(size=self.dimension).astype(np.float32)
            progress(row + 1, len(texts))
        return unit_rows(matrix)


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
def vectors(chunks: pl.DataFrame) -> Vectors:
    return embed(chunks["id"].to_list(), passages(chunks), WordEncoder())[0]


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
    with dense.DenseIndex.open(dense_folder) as index:
        yield Searcher(index, sparse.SparseIndex.open(sparse_folder), WordEncoder(), chunks)
