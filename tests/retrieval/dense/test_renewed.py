"""An index built on a previous one: as good as one built whole, and built whole where the previous one is no ground."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from releaf.artifacts import hash_directory
from releaf.errors import ArtifactError
from releaf.retrieval.dense import MOST_SHARE, build, golden_queries, golden_recall, open_index
from releaf.retrieval.dense.build import build_index
from releaf.retrieval.dense.embedded import SHARD
from releaf.retrieval.dense.files import READ_ONLY
from releaf.retrieval.dense.interface import Block, Built
from releaf.retrieval.passages import Filters, Payload
from releaf.retrieval.vectors import Vectors

from .conftest import copies, random_vectors

COUNT = 400
TOPICS = ("recycling", "policy", "hazardous")
Collection = dict[str, tuple[str, np.ndarray, Payload]]


def collection(count: int = COUNT, seed: int = 0) -> Collection:
    """Rows by id: key, vector, payload."""
    vectors = random_vectors(count, seed=seed)
    return {
        name: (f"key of {name}", vectors.matrix[row], Payload(TOPICS[row % 3], items=(f"item-{row % 7}",)))
        for row, name in enumerate(vectors.ids)
    }


def edited(rows: Collection, seed: int, changed: int = 4, removed: int = 3, added: int = 2) -> Collection:
    """Some rows with another text, some without, some new ones, all in another order."""
    draw = np.random.default_rng([seed, 1])
    names = draw.permutation(list(rows)).tolist()
    result = {name: rows[name] for name in names[removed:]}
    fresh = random_vectors(changed + added, seed=100 + seed).matrix
    for row, name in enumerate([*names[removed : removed + changed], *(f"new-{seed}-{n}" for n in range(added))]):
        result[name] = (f"text {seed} of {name}", fresh[row], Payload(TOPICS[row % 3], jurisdictions=("berlin",)))
    return {name: result[name] for name in draw.permutation(list(result)).tolist()}


def vectors_of(rows: Collection, revision: str = "random") -> Vectors:
    matrix = np.stack([vector for _, vector, _ in rows.values()])
    return Vectors(tuple(rows), tuple(key for key, _, _ in rows.values()), matrix, revision)


def put(rows: Collection, directory: Path, previous: Path | None = None, hnsw_from: int = 10_000) -> Built:
    payloads = {name: payload for name, (_, _, payload) in rows.items()}
    return build(vectors_of(rows), payloads, directory, previous=previous, hnsw_from=hnsw_from)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that tests must leave as it is."""
    folder = tmp_path_factory.mktemp("base")
    put(collection(), folder)
    return folder


FILTERS = (None, Filters(topics=("policy",)), Filters(items=("item-3",)), Filters(jurisdictions=("berlin",)))


def assert_same(one: Path, other: Path, rows: Collection) -> None:
    """Both give the same rows with the same scores for everything that can be asked."""
    queries = random_vectors(12, seed=77).matrix
    with open_index(one) as first, open_index(other) as second:
        assert first.ids == second.ids == tuple(rows)
        assert (first.dimension, first.revision, first.hnsw) == (second.dimension, second.revision, second.hnsw)
        for filters in FILTERS:
            assert first.search_many(queries, len(rows), filters) == second.search_many(queries, len(rows), filters)
        assert np.array_equal(first.vectors_of(first.ids[::-1]), second.vectors_of(second.ids[::-1]))


@pytest.mark.parametrize("seed", range(6))
def test_it_answers_as_one_that_is_built_whole_through_many_edits(tmp_path: Path, base: Path, seed: int) -> None:
    before, rows, previous = hash_directory(base), collection(), base
    for turn in range(3):
        former, rows = rows, edited(rows, 10 * seed + turn, *np.random.default_rng([seed, turn]).integers(0, 3, 3))
        built = put(rows, tmp_path / f"on-{turn}", previous)
        assert built.added is not None
        assert built.recall == 1
        put(rows, tmp_path / f"whole-{turn}")
        assert_same(tmp_path / f"on-{turn}", tmp_path / f"whole-{turn}", rows)
        with open_index(tmp_path / f"on-{turn}") as index:
            found = {name for name, _ in index.search(np.ones(24, np.float32), COUNT * 2)}
        assert found == set(rows)
        assert not found & (set(former) - set(rows))
        previous = tmp_path / f"on-{turn}"
    assert hash_directory(base) == before
    assert copies() == []


def test_only_what_changed_is_written(tmp_path: Path, base: Path) -> None:
    built = put(edited(collection(), 1), tmp_path, base)
    assert built == Built(hnsw=False, recall=1.0, added=6)
    ours, theirs = hash_directory(tmp_path), hash_directory(base)
    assert {name for name in ours if ours[name] != theirs.get(name)} == {"changes.npz", "dense.json", "ids.parquet"}
    assert not any(file.is_symlink() for file in tmp_path.rglob("*"))
    assert all((tmp_path / name).stat().st_ino != (base / name).stat().st_ino for name in theirs)


def test_the_same_collection_again_changes_nothing(tmp_path: Path, base: Path) -> None:
    assert put(collection(), tmp_path, base) == Built(hnsw=False, recall=1.0, added=0)
    assert not (tmp_path / "changes.npz").exists()


def test_a_payload_that_changed_alone_is_a_change(tmp_path: Path, base: Path) -> None:
    rows = collection()
    key, vector, _ = rows["c7"]
    rows["c7"] = (key, vector, Payload("landfill"))
    assert put(rows, tmp_path, base).added == 1
    with open_index(tmp_path) as index:
        assert [name for name, _ in index.search(vector, 9, Filters(topics=("landfill",)))] == ["c7"]
        assert "c7" not in {name for name, _ in index.search(vector, COUNT, Filters(topics=(TOPICS[7 % 3],)))}


def test_equal_scores_stand_in_the_order_of_the_rows(tmp_path: Path, base: Path) -> None:
    rows = collection()
    twins = {name: (f"twin {name}", rows["c5"][1], Payload("recycling")) for name in ("z", "b", "y")}
    rows = {**{"z": twins["z"]}, **rows, "b": twins["b"], "y": twins["y"]}
    assert put(rows, tmp_path, base).added == 3
    with open_index(tmp_path) as index:
        assert [name for name, _ in index.search(rows["c5"][1], 3)] == ["z", "c5", "b"]


def test_a_graph_is_kept_and_finds_what_was_added(tmp_path: Path) -> None:
    rows = collection(1500)
    assert put(rows, tmp_path / "base", hnsw_from=500).hnsw
    after = edited(rows, 3, changed=20, removed=30, added=25)
    built = put(after, tmp_path / "on", tmp_path / "base", hnsw_from=500)
    assert (built.hnsw, built.added) == (True, 45)
    with open_index(tmp_path / "on") as index:
        (copy,) = copies()
        assert {file.name for file in copy.rglob("*") if file.is_symlink()} == READ_ONLY
        assert golden_recall(index, golden_queries(vectors_of(after), n=200, seed=5)) >= 0.95
        for name in (name for name in after if rows.get(name) is not after[name]):
            assert index.search(after[name][1], 1)[0][0] == name
        everything = index.search_many(random_vectors(30, seed=8).matrix, 300)
    assert {name for hits in everything for name, _ in hits} <= set(after)


def test_as_much_as_the_share_allows_is_laid_over_and_one_more_is_built_whole(tmp_path: Path, base: Path) -> None:
    most = int(MOST_SHARE * COUNT)
    for name, edit, added in (
        ("changed", {"changed": most, "removed": 0, "added": 0}, most),
        ("changed-more", {"changed": most + 1, "removed": 0, "added": 0}, None),
        ("added-more", {"changed": 0, "removed": 0, "added": most + 1}, None),
        ("removed", {"changed": 0, "removed": most, "added": 0}, 0),
        ("removed-more", {"changed": 0, "removed": most + 1, "added": 0}, None),
    ):
        assert put(edited(collection(), 4, **edit), tmp_path / name, base).added == added


def test_what_was_changed_by_builds_before_counts_too(tmp_path: Path, base: Path) -> None:
    rows, previous, added = collection(), base, []
    for turn in range(3):
        rows = edited(rows, turn, changed=9, removed=0, added=0)
        added.append(put(rows, tmp_path / str(turn), previous).added)
        previous = tmp_path / str(turn)
    assert added[0] == 9
    assert added[1] is None or 9 <= added[1] <= 18
    assert None in added


def rewritten(**fields: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        description = json.loads((folder / "dense.json").read_text())
        (folder / "dense.json").write_text(json.dumps({**description, **fields}))

    return spoil


def cut(pattern: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = next(folder.rglob(pattern))
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return spoil


def removed(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = next(folder.rglob(name))
        shutil.rmtree(file) if file.is_dir() else file.unlink()

    return spoil


def zeroed(folder: Path) -> None:
    """Vectors that are whole in size and wrong in content."""
    file = next(folder.rglob("chunk_0.mmap"))
    size = COUNT * 24 * 4
    with file.open("r+b") as stream:
        stream.write(np.random.default_rng(3).normal(size=size // 4).astype(np.float32).tobytes())


SPOILS: dict[str, Callable[[Path], None]] = {
    "missing": shutil.rmtree,
    "no description": removed("dense.json"),
    "no rows": removed("ids.parquet"),
    "no shard": removed(SHARD),
    "a cut description": cut("dense.json"),
    "cut rows": cut("ids.parquet"),
    "cut vectors": cut("chunk_0.mmap"),
    "a cut configuration": cut("edge_config.json"),
    "other vectors": zeroed,
    "another format": rewritten(format=2),
    "another encoder": rewritten(revision="words-2"),
    "another dimension": rewritten(dimension=23),
    "another version of the engine": rewritten(engine_version="0.0.1"),
    "another engine": rewritten(engine="server", collection="c"),
    "another count of points": rewritten(points=COUNT - 1),
}


@pytest.mark.parametrize("name", SPOILS)
def test_it_is_built_whole_where_the_previous_one_is_no_ground(tmp_path: Path, base: Path, name: str) -> None:
    previous, rows = tmp_path / "previous", edited(collection(), 2)
    shutil.copytree(base, previous)
    SPOILS[name](previous)
    before = hash_directory(previous) if previous.exists() else {}
    assert put(rows, tmp_path / "new", previous).added is None
    assert not (tmp_path / "new" / "changes.npz").exists()
    put(rows, tmp_path / "whole")
    assert_same(tmp_path / "new", tmp_path / "whole", rows)
    assert (hash_directory(previous) if previous.exists() else {}) == before
    assert copies() == []


def test_damaged_changes_of_the_previous_one_are_of_no_account(tmp_path: Path, base: Path) -> None:
    put(edited(collection(), 1), tmp_path / "previous", base)
    cut("changes.npz")(tmp_path / "previous")
    rows = edited(collection(), 2)
    assert put(rows, tmp_path / "new", tmp_path / "previous").added is not None
    put(rows, tmp_path / "whole")
    assert_same(tmp_path / "new", tmp_path / "whole", rows)


def test_rows_without_marks_are_no_ground(tmp_path: Path) -> None:
    vectors, rows = vectors_of(collection()), collection()
    blocks = [Block(vectors.ids, vectors.matrix, [payload for _, _, payload in rows.values()])]
    build_index(blocks, tmp_path / "unmarked", golden_queries(vectors), revision="random")
    assert put(rows, tmp_path / "new", tmp_path / "unmarked").added is None


def test_a_graph_that_is_due_is_built(tmp_path: Path, base: Path) -> None:
    built = put(edited(collection(), 2), tmp_path / "new", base, hnsw_from=100)
    assert (built.hnsw, built.added) == (True, None)


def test_changes_that_are_damaged_or_missing_are_refused(tmp_path: Path, base: Path) -> None:
    put(edited(collection(), 1), tmp_path, base)
    file = tmp_path / "changes.npz"
    sound = file.read_bytes()
    for length in (0, 10, len(sound) // 2, len(sound) - 3):
        file.write_bytes(sound[:length])
        with pytest.raises(ArtifactError, match=r"changes\.npz is damaged"):
            open_index(tmp_path)
    middle = len(sound) // 3
    file.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
    with pytest.raises(ArtifactError, match=r"changes\.npz is damaged"):
        open_index(tmp_path)
    file.unlink()
    with pytest.raises(ArtifactError, match=f"holds {COUNT - 7} vectors for {COUNT - 1} ids"):
        open_index(tmp_path)
    assert copies() == []


def test_a_build_that_is_stopped_leaves_nothing_and_the_previous_one_whole(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = hash_directory(base)
    monkeypatch.setattr("releaf.retrieval.dense.renewed.refuse_low_recall", stop)
    with pytest.raises(KeyboardInterrupt):
        put(edited(collection(), 1), tmp_path, base)
    assert list(tmp_path.iterdir()) == []
    assert hash_directory(base) == before
    assert copies() == []
