"""Both indexes built on the versions before them, as a run does it after one document was edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest

from releaf.artifacts import Artifact, hash_directory
from releaf.corpus.chunking import CHUNKER
from releaf.retrieval.dense import open_index
from releaf.retrieval.encode import unit_rows
from releaf.retrieval.passages import passages
from releaf.retrieval.vectors import Vectors, text_keys
from releaf_assets.indexes import dense_index, sparse_index
from resources.artifacts import ArtifactStore
from resources.pointers import write_pointer
from resources.references import to_pointer
from resources.settings import Settings
from resources.warehouse import Dataset, Warehouse

COUNT = 60


def chunks(changed: int = 0) -> pl.DataFrame:
    """Sixty chunks of different words, the first of them edited."""
    texts = [f"Rinse jar{row} and bottle{row % 7}." + " Edited." * (row < changed) for row in range(COUNT)]
    lists = {
        name: pl.Series([[]] * COUNT, dtype=pl.List(pl.String)) for name in ("items", "materials", "jurisdictions")
    }
    names = [f"d{row}#1" for row in range(COUNT)]
    return pl.DataFrame({"id": names, "title": "Jars", "text": texts, "topic": "recycling", **lists})


@dataclass
class Home:
    """Runs one asset after the other and makes what they give the current version, as Dagster does."""

    path: Path
    settings: Settings

    def run(self, table: pl.DataFrame) -> dict[str, Any]:
        store = ArtifactStore(home=str(self.path))
        dataset = Warehouse(home=str(self.path), queries=str(self.path)).write({"chunks": table})
        keys = text_keys(passages(table), CHUNKER, "words-1")
        matrix = np.stack([np.random.default_rng(list(key.encode())).normal(size=16) for key in keys])
        vectors = Vectors(tuple(table["id"]), tuple(keys), unit_rows(matrix.astype(np.float32)), "words-1")

        def write(directory: Path) -> dict[str, float]:
            vectors.save(directory)
            return {}

        embeddings = store.publish(
            "document_embeddings", write, code_version="1", inputs={}, version=vectors.version[:32]
        )
        given = {"knowledge_chunks": dataset, "document_embeddings": embeddings, "store": store}
        return {
            "dense_index": self._made("dense_index", lambda: dense_index(settings=self.settings, **given)),
            "sparse_index": self._made("sparse_index", lambda: sparse_index(**given)),
        }

    def _made(self, asset: str, call: Callable[[], Any]) -> dg.MaterializeResult[Artifact | Dataset]:
        result = call()
        write_pointer(self.path, asset, to_pointer(self.path, result.value))
        return result


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, Settings(home=tmp_path))


def test_after_one_edit_one_chunk_is_stemmed_and_laid_over_the_published_index(home: Home) -> None:
    first = home.run(chunks())
    before = hash_directory(first["dense_index"].value.path)
    second = home.run(chunks(changed=1))
    assert [made["dense_index"].metadata["added"] for made in (first, second)] == [COUNT, 1]
    assert [made["sparse_index"].metadata["stemmed"] for made in (first, second)] == [COUNT, 1]
    assert second["dense_index"].value.version != first["dense_index"].value.version
    assert second["sparse_index"].value.metrics["same_text"] == 1
    assert hash_directory(first["dense_index"].value.path) == before
    with open_index(second["dense_index"].value.path) as index:
        assert len(index.ids) == COUNT


def test_what_is_built_on_a_former_version_has_the_version_of_what_is_built_from_nothing(
    home: Home, tmp_path: Path
) -> None:
    home.run(chunks())
    ours = home.run(chunks(changed=2))
    theirs = Home(tmp_path / "other", home.settings).run(chunks(changed=2))
    for name, made in ours.items():
        assert made.value.version == theirs[name].value.version
    ours_files, theirs_files = (hash_directory(made["sparse_index"].value.path) for made in (ours, theirs))
    assert ours_files == theirs_files


def test_a_damaged_version_is_no_ground(home: Home) -> None:
    made = home.run(chunks())
    for asset, name in (("dense_index", "ids.parquet"), ("sparse_index", "terms.npz")):
        file = made[asset].value.path / name
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(bytes(content))
    again = home.run(chunks(changed=1))
    assert again["dense_index"].metadata["added"] == COUNT
    assert again["sparse_index"].metadata["stemmed"] == COUNT
