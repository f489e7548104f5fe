from __future__ import annotations

import gc
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from releaf.artifacts import hash_directory
from releaf.errors import ArtifactError, DataError, InputError
from releaf.retrieval.dense import DenseIndex, build, copy_sparse
from releaf.retrieval.encode import unit_rows
from releaf.retrieval.passages import Filters, Payload, payloads
from releaf.retrieval.vectors import Vectors


@pytest.fixture(autouse=True)
def _temporary_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("private")))


def copies() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("releaf-dense-*"))


def random_vectors(count: int, dimension: int = 24, seed: int = 0) -> Vectors:
    matrix = unit_rows(np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32))
    ids = tuple(f"c{row}" for row in range(count))
    return Vectors(ids, ids, matrix, "random", 8)


def everywhere(vectors: Vectors) -> dict[str, Payload]:
    return {name: Payload("recycling") for name in vectors.ids}


def test_small_collections_are_scanned_exactly_with_the_cosines_that_numpy_computes(tmp_path: Path) -> None:
    vectors = random_vectors(200)
    assert not build(vectors, everywhere(vectors), tmp_path)
    query = 3 * random_vectors(1, seed=9).matrix[0]
    cosines = vectors.matrix @ (query / 3)
    with DenseIndex.open(tmp_path) as index:
        found = index.search(query, 10)
    assert [name for name, _ in found] == [f"c{row}" for row in np.argsort(-cosines)[:10]]
    assert [score for _, score in found] == pytest.approx(np.sort(cosines)[::-1][:10], abs=1e-5)


def test_large_collections_get_a_graph_that_finds_nearly_all_neighbours(tmp_path: Path) -> None:
    vectors = random_vectors(3000)
    assert build(vectors, everywhere(vectors), tmp_path, hnsw_from=1000)
    queries = random_vectors(40, seed=9).matrix
    exact = np.argsort(-(queries @ vectors.matrix.T), axis=1)[:, :10]
    with DenseIndex.open(tmp_path) as index:
        assert index.hnsw
        found = [{name for name, _ in index.search(query, 10)} for query in queries]
    overlap = [len(names & {f"c{row}" for row in best}) for names, best in zip(found, exact, strict=True)]
    assert np.mean(overlap) / 10 > 0.9


def test_equal_vectors_come_back_in_the_order_of_their_rows(tmp_path: Path) -> None:
    one = random_vectors(1).matrix
    names = ("z", "m", "a")
    build(Vectors(names, names, np.repeat(one, 3, axis=0), "r", 8), dict.fromkeys(names, Payload("reuse")), tmp_path)
    with DenseIndex.open(tmp_path) as index:
        assert [name for name, _ in index.search(one[0], 5)] == ["z", "m", "a"]


FILTERS = [
    Filters(topics=("policy", "hazardous")),
    Filters(items=("bottle", "battery")),
    Filters(materials=("pet",)),
    Filters(items=("bottle",), materials=("glass",)),
    Filters(jurisdictions=("berlin",)),
    Filters(jurisdictions=("berlin",), general=True),
    Filters(topics=("landfill",)),
    Filters(),
]


def test_filters_mean_the_same_as_in_python(chunks: pl.DataFrame, vectors: Vectors, dense_folder: Path) -> None:
    carried = payloads(chunks)
    with DenseIndex.open(dense_folder) as index:
        for filters in FILTERS:
            found = {name for name, _ in index.search(vectors.matrix[0], 10, filters)}
            assert found == {name for name, payload in carried.items() if filters.allow(payload)}, filters


def test_a_removed_document_disappears_from_the_next_index(
    chunks: pl.DataFrame, vectors: Vectors, tmp_path: Path
) -> None:
    kept = [row for row, name in enumerate(vectors.ids) if not name.startswith("pet")]
    less = Vectors(
        tuple(vectors.ids[row] for row in kept),
        tuple(vectors.keys[row] for row in kept),
        vectors.matrix[kept],
        vectors.revision,
        vectors.max_tokens,
    )
    build(less, payloads(chunks), tmp_path)
    with DenseIndex.open(tmp_path) as index:
        assert {name for name, _ in index.search(vectors.matrix[0], 10)} == set(less.ids)


def test_readers_share_nothing_and_leave_the_published_files_alone(vectors: Vectors, dense_folder: Path) -> None:
    before = hash_directory(dense_folder)
    with DenseIndex.open(dense_folder) as one, DenseIndex.open(dense_folder) as other:
        assert one.search(vectors.matrix[3], 5) == other.search(vectors.matrix[3], 5)
        assert len(copies()) == 2
    assert copies() == []
    assert hash_directory(dense_folder) == before


def test_a_forgotten_index_removes_its_copy(dense_folder: Path) -> None:
    DenseIndex.open(dense_folder)
    gc.collect()
    assert copies() == []


def test_threads_may_share_an_index(vectors: Vectors, dense_folder: Path) -> None:
    rows = list(range(len(vectors))) * 40
    with DenseIndex.open(dense_folder) as index, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: index.search(vectors.matrix[row], 1)[0][0], rows))
    assert found == [vectors.ids[row] for row in rows]


def test_what_cannot_be_searched_is_refused(vectors: Vectors, dense_folder: Path) -> None:
    index = DenseIndex.open(dense_folder)
    with pytest.raises(InputError, match="at least 1, not 0"):
        index.search(vectors.matrix[0], 0)
    with pytest.raises(InputError, match=r"shape \(2,\), this index holds vectors of 64"):
        index.search(np.ones(2, np.float32), 1)
    with pytest.raises(InputError, match="not finite"):
        index.search(np.full(64, np.nan, np.float32), 1)
    index.close()
    index.close()
    with pytest.raises(InputError, match="closed"):
        index.search(vectors.matrix[0], 1)


def test_what_cannot_be_built_is_refused(tmp_path: Path) -> None:
    vectors = random_vectors(2)
    with pytest.raises(DataError, match="no payload is given for 'c1'"):
        build(vectors, {"c0": Payload("reuse")}, tmp_path)
    with pytest.raises(DataError, match="there are no vectors"):
        build(random_vectors(0), {}, tmp_path)
    build(vectors, everywhere(vectors), tmp_path)
    with pytest.raises(ArtifactError, match="written once"):
        build(vectors, everywhere(vectors), tmp_path)


def test_a_damaged_index_is_refused_and_leaves_no_copy(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"dense\.json is missing"):
        DenseIndex.open(tmp_path)
    vectors = random_vectors(2)
    build(vectors, everywhere(vectors), tmp_path)
    (tmp_path / "shard" / "edge_config.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"is damaged \(.*edge_config"):
        DenseIndex.open(tmp_path)
    (tmp_path / "dense.json").write_text(json.dumps({"format": 9}))
    with pytest.raises(ArtifactError, match="not a dense index of format 1"):
        DenseIndex.open(tmp_path)
    assert copies() == []


def test_a_sparse_copy_holds_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "from" / "sub").mkdir(parents=True)
    block = 1 << 20
    contents = {"a": b"", "sub/b": bytes(2 * block), "sub/c": bytes(block) + b"x" + bytes(block), "d": b"y" * 10}
    for name, content in contents.items():
        (tmp_path / "from" / name).write_bytes(content)
    (tmp_path / "to").mkdir()
    copy_sparse(tmp_path / "from", tmp_path / "to")
    assert {name: (tmp_path / "to" / name).read_bytes() for name in contents} == contents
    assert (tmp_path / "to" / "sub" / "b").stat().st_blocks == 0
