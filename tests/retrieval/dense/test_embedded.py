from __future__ import annotations

import gc
import json
from pathlib import Path

import numpy as np
import pytest

from releaf.artifacts import hash_directory
from releaf.errors import ArtifactError
from releaf.retrieval.dense import build, open_index
from releaf.retrieval.dense.embedded import SHARD
from releaf.retrieval.dense.files import READ_ONLY

from .conftest import copies, everywhere, random_vectors


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that is large enough, by its settings, for a graph; readers take a copy, so tests may share it."""
    folder = tmp_path_factory.mktemp("graph")
    vectors = random_vectors(3000)
    assert build(vectors, everywhere(vectors), folder, hnsw_from=1000).hnsw
    return folder


def test_large_collections_get_a_graph_that_finds_nearly_all_neighbours(graph: Path) -> None:
    vectors = random_vectors(3000)
    queries = random_vectors(40, seed=9).matrix
    exact = np.argsort(-(queries @ vectors.matrix.T), axis=1)[:, :10]
    with open_index(graph) as index:
        assert index.hnsw
        found = [{name for name, _ in hits} for hits in index.search_many(queries, 10)]
    overlap = [len(names & {f"c{row}" for row in best}) for names, best in zip(found, exact, strict=True)]
    assert np.mean(overlap) / 10 > 0.9


def test_large_files_are_linked_mapped_for_reading_only_and_never_changed(graph: Path) -> None:
    before = hash_directory(graph)
    assert {file.name for file in graph.rglob("*")} >= READ_ONLY
    with open_index(graph) as index:
        (copy,) = copies()
        links = {file.name for file in copy.rglob("*") if file.is_symlink()}
        index.search(random_vectors(1, seed=5).matrix[0], 10)
        index.vectors_of(["c1"])
        # Linux tells how a process maps its files.
        maps = Path("/proc/self/maps")
        mapped = [line for line in maps.read_text().splitlines() if str(graph) in line] if maps.exists() else []
        assert all("r--s" in line for line in mapped)
        assert not maps.exists() or any("matrix.dat" in line for line in mapped)
    assert links == READ_ONLY
    assert hash_directory(graph) == before


def test_an_open_index_outlives_its_published_files(tmp_path: Path) -> None:
    vectors = random_vectors(600)
    assert build(vectors, everywhere(vectors), tmp_path / "index", hnsw_from=200).hnsw
    index = open_index(tmp_path / "index")
    (tmp_path / "index").rename(tmp_path / "elsewhere")
    assert index.search(vectors.matrix[599], 1)[0][0] == "c599"
    assert np.abs(index.vectors_of(["c300"]) - vectors.matrix[300]).max() < 1e-6
    index.close()


def test_two_open_readers_have_a_copy_each(graph: Path) -> None:
    with open_index(graph), open_index(graph):
        assert len(copies()) == 2
    assert copies() == []


def test_a_forgotten_index_removes_its_copy(graph: Path) -> None:
    open_index(graph)
    gc.collect()
    assert copies() == []


def test_a_memory_mapped_matrix_is_indexed_like_one_in_memory(tmp_path: Path) -> None:
    vectors = random_vectors(40)
    vectors.save(tmp_path / "vectors")
    mapped = type(vectors).load(tmp_path / "vectors")
    build(vectors, everywhere(vectors), tmp_path / "one")
    build(mapped, everywhere(vectors), tmp_path / "other")
    with open_index(tmp_path / "one") as one, open_index(tmp_path / "other") as other:
        assert one.search_many(vectors.matrix, 5) == other.search_many(vectors.matrix, 5)


def test_a_damaged_index_is_refused_and_leaves_no_copy(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"dense\.json is missing"):
        open_index(tmp_path)
    vectors = random_vectors(2)
    build(vectors, everywhere(vectors), tmp_path)
    config = tmp_path / SHARD / "edge_config.json"
    config.write_text("{".ljust(config.stat().st_size))
    with pytest.raises(ArtifactError, match=r"is damaged \(.*edge_config"):
        open_index(tmp_path)
    config.write_text("{")
    with pytest.raises(ArtifactError, match=r"edge_config\.json holds 1 bytes, not \d+"):
        open_index(tmp_path)
    config.unlink()
    with pytest.raises(ArtifactError, match=r"edge_config\.json is missing"):
        open_index(tmp_path)
    assert copies() == []


def test_a_cut_file_of_vectors_is_refused_rather_than_searched_in_vain(tmp_path: Path) -> None:
    vectors = random_vectors(600)
    build(vectors, everywhere(vectors), tmp_path, hnsw_from=200)
    matrix = next(tmp_path.rglob("matrix.dat"))
    matrix.write_bytes(matrix.read_bytes()[:100])
    with pytest.raises(ArtifactError, match=r"matrix\.dat holds 100 bytes, not 57604; build it again"):
        open_index(tmp_path)


def test_a_half_written_directory_is_refused(tmp_path: Path) -> None:
    vectors = random_vectors(2)
    build(vectors, everywhere(vectors), tmp_path)
    (tmp_path / SHARD).rename(tmp_path / "aside")
    with pytest.raises(ArtifactError, match="shard is missing"):
        open_index(tmp_path)
    (tmp_path / "ids.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"ids\.parquet is missing"):
        open_index(tmp_path)


def changed(directory: Path, **fields: object) -> None:
    description = json.loads((directory / "dense.json").read_text())
    (directory / "dense.json").write_text(json.dumps({**description, **fields}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 9}, "not a dense index of format 3"),
        ({"engine": "cloud"}, "names the engine 'cloud', not embedded or server"),
        ({"size": 3}, "does not describe a dense index: .*'size'"),
        ({"count": 3}, r"ids\.parquet holds 2 ids, not 3"),
        ({"dimension": 25}, "expected vector size 25, but got 24"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path: Path, fields: dict[str, object], message: str) -> None:
    vectors = random_vectors(2)
    build(vectors, everywhere(vectors), tmp_path)
    changed(tmp_path, **fields)
    with pytest.raises(ArtifactError, match=message):
        open_index(tmp_path)
    assert copies() == []


def test_ids_of_another_index_are_refused(tmp_path: Path) -> None:
    for folder, count in (("one", 2), ("other", 3)):
        build(random_vectors(count), everywhere(random_vectors(count)), tmp_path / folder)
    (tmp_path / "one" / "ids.parquet").write_bytes((tmp_path / "other" / "ids.parquet").read_bytes())
    changed(tmp_path / "one", count=3)
    with pytest.raises(ArtifactError, match="holds 2 vectors for 3 ids"):
        open_index(tmp_path / "one")
    (tmp_path / "one" / "ids.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(ArtifactError, match=r"ids\.parquet is damaged"):
        open_index(tmp_path / "one")
    assert copies() == []


def test_an_index_of_vectors_embedded_here_needs_no_address(tmp_path: Path) -> None:
    vectors = random_vectors(2)
    build(vectors, everywhere(vectors), tmp_path)
    raw = json.loads((tmp_path / "dense.json").read_text())
    assert (raw["engine"], raw["collection"], raw["count"], raw["revision"]) == ("embedded", "", 2, "random")
