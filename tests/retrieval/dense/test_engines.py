"""What a dense index promises, whichever engine holds it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaf.artifacts import hash_directory
from releaf.errors import ArtifactError, DataError, InputError
from releaf.retrieval.dense import Block, build_index, golden_queries, open_index
from releaf.retrieval.encode import unit_rows
from releaf.retrieval.passages import Filters, Payload
from releaf.retrieval.vectors import Vectors

from .conftest import Engine, copies, everywhere, named, random_vectors

PAYLOADS = {
    "pet#1": Payload("recycling", ("bottle",), ("pet",)),
    "pet#2": Payload("recycling", (), ("pet",)),
    "jar#1": Payload("recycling", ("jar",), ("glass", "steel")),
    "battery#1": Payload("hazardous", ("battery",)),
    "deposit#1": Payload("policy", jurisdictions=("berlin",)),
    "food#1": Payload("policy", jurisdictions=("seattle", "berlin")),
}
FILTERS = [
    Filters(topics=("policy", "hazardous")),
    Filters(items=("bottle", "battery")),
    Filters(materials=("pet",)),
    Filters(items=("bottle",), materials=("glass",)),
    Filters(jurisdictions=("berlin",)),
    Filters(jurisdictions=("seattle",), general=True),
    Filters(topics=("recycling",), jurisdictions=("berlin",), general=True),
    Filters(topics=("landfill",)),
    Filters(),
    None,
]


def labelled() -> Vectors:
    return named(list(PAYLOADS), random_vectors(len(PAYLOADS), 8).matrix)


def test_the_nearest_come_back_with_the_cosines_that_numpy_computes(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(200)
    assert not engine.build(vectors, everywhere(vectors), tmp_path).hnsw
    query = 3 * random_vectors(1, seed=9).matrix[0]
    cosines = vectors.matrix @ (query / 3)
    with engine.open(tmp_path) as index:
        found = index.search(query, 10)
        assert (index.ids, index.dimension, index.revision, index.hnsw) == (vectors.ids, 24, "random", False)
    assert [name for name, _ in found] == [f"c{row}" for row in np.argsort(-cosines)[:10]]
    assert [score for _, score in found] == pytest.approx(np.sort(cosines)[::-1][:10], abs=1e-5)


def test_vectors_that_are_no_unit_vectors_are_found_by_cosine_and_come_back_as_unit_vectors(
    engine: Engine, tmp_path: Path
) -> None:
    vectors = named(["long", "short"], np.array([[30, 40], [0.5, 0]], np.float32))
    engine.build(vectors, everywhere(vectors), tmp_path)
    with engine.open(tmp_path) as index:
        assert index.search(np.array([0.6, 0.8], np.float32), 2) == [
            ("long", pytest.approx(1.0)),
            ("short", pytest.approx(0.6)),
        ]
        assert index.vectors_of(["long"]) == pytest.approx(np.array([[0.6, 0.8]]))


def test_many_queries_are_answered_like_each_alone(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(150)
    engine.build(vectors, everywhere(vectors), tmp_path)
    queries = random_vectors(130, seed=4).matrix
    with engine.open(tmp_path) as index:
        together = index.search_many(queries, 3)
        assert index.search_many(queries[:0], 3) == []
        for alone, shared in zip((index.search(query, 3) for query in queries), together, strict=True):
            assert [name for name, _ in alone] == [name for name, _ in shared]
            assert [score for _, score in alone] == pytest.approx([score for _, score in shared], abs=1e-6)


def test_equal_vectors_come_back_in_the_order_of_their_rows_even_at_the_cut(engine: Engine, tmp_path: Path) -> None:
    one, other = random_vectors(2).matrix
    names = [f"n{place}" for place in range(40)]
    vectors = named(names, np.stack([other, *[one] * 39]))
    engine.build(vectors, everywhere(vectors), tmp_path)
    with engine.open(tmp_path) as index:
        assert [name for name, _ in index.search(one, 5)] == names[1:6]
        assert [name for name, _ in index.search(one, 100)] == [*names[1:], "n0"]


def test_stored_vectors_come_back_in_the_order_asked_for(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(1100)
    engine.build(vectors, everywhere(vectors), tmp_path)
    rows = [7, 1099, 7, *range(1050)]
    with engine.open(tmp_path) as index:
        found = index.vectors_of([f"c{row}" for row in rows])
        assert found.dtype == np.float32
        assert np.abs(found - vectors.matrix[rows]).max() < 1e-6
        assert index.vectors_of([]).shape == (0, 24)
        with pytest.raises(InputError, match="holds no chunk 'elsewhere'"):
            index.vectors_of(["c1", "elsewhere"])


def test_filters_mean_the_same_as_in_python(engine: Engine, tmp_path: Path) -> None:
    vectors = labelled()
    engine.build(vectors, PAYLOADS, tmp_path)
    with engine.open(tmp_path) as index:
        for filters in FILTERS:
            found = {name for name, _ in index.search(vectors.matrix[0], 10, filters)}
            allowed = {name for name, payload in PAYLOADS.items() if filters is None or filters.allow(payload)}
            assert found == allowed, filters


WORDS = st.sampled_from(["a", "b", "c"])
CARRIED = st.lists(WORDS, max_size=2, unique=True).map(tuple)
SOME_PAYLOADS = st.lists(st.builds(Payload, WORDS, CARRIED, CARRIED, CARRIED), min_size=1, max_size=12)


@st.composite
def some_filters(draw: st.DrawFn) -> Filters:
    topics, items, materials, places = (draw(CARRIED) for _ in range(4))
    return Filters(topics, items, materials, places, general=bool(places) and draw(st.booleans()))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    carried=SOME_PAYLOADS,
    asked=st.lists(st.tuples(some_filters(), st.integers(1, 15)), min_size=8, max_size=12),
    seed=st.integers(0, 9),
)
def test_a_filtered_search_is_a_search_among_what_passes(
    engine: Engine, carried: list[Payload], asked: list[tuple[Filters, int]], seed: int
) -> None:
    # Few directions, so that many vectors are equal.
    rows = np.random.default_rng(seed).integers(0, 4, len(carried))
    vectors = named([f"n{place}" for place in range(len(carried))], np.eye(4, dtype=np.float32)[rows])
    query = unit_rows(np.array([[0.5, 0.1, 0.3, 0.2]], np.float32))[0]
    cosines = vectors.matrix @ query
    with tempfile.TemporaryDirectory() as folder:
        engine.build(vectors, dict(zip(vectors.ids, carried, strict=True)), Path(folder))
        with engine.open(Path(folder)) as index:
            for filters, k in asked:
                passing = [place for place, payload in enumerate(carried) if filters.allow(payload)]
                expected = sorted(passing, key=lambda place: (-cosines[place], place))[:k]
                assert [name for name, _ in index.search(query, k, filters)] == [f"n{place}" for place in expected]


def test_readers_share_nothing_and_leave_the_published_files_alone(engine: Engine, tmp_path: Path) -> None:
    vectors = labelled()
    engine.build(vectors, PAYLOADS, tmp_path)
    before = hash_directory(tmp_path)
    with engine.open(tmp_path) as one, engine.open(tmp_path) as other:
        assert one.search(vectors.matrix[3], 5) == other.search(vectors.matrix[3], 5)
        one.close()
        assert len(other.search(vectors.matrix[3], 5)) == 5
    assert copies() == []
    assert hash_directory(tmp_path) == before


def test_threads_may_share_an_index(engine: Engine, tmp_path: Path) -> None:
    vectors = labelled()
    engine.build(vectors, PAYLOADS, tmp_path)
    rows = list(range(len(vectors))) * 20
    with engine.open(tmp_path) as index, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: index.search(vectors.matrix[row], 1)[0][0], rows))
    assert found == [vectors.ids[row] for row in rows]


def test_what_cannot_be_searched_is_refused(engine: Engine, tmp_path: Path) -> None:
    vectors = labelled()
    engine.build(vectors, PAYLOADS, tmp_path)
    index = engine.open(tmp_path)
    with pytest.raises(InputError, match="at least 1, not 0"):
        index.search(vectors.matrix[0], 0)
    with pytest.raises(InputError, match=r"shape \(2,\), this index holds vectors of 8"):
        index.search(np.ones(2, np.float32), 1)
    with pytest.raises(InputError, match=r"shape \(1, 8\), this index holds vectors of 8"):
        index.search(vectors.matrix[:1], 1)
    with pytest.raises(InputError, match=r"shape \(8,\), this index holds"):
        index.search_many(vectors.matrix[0], 1)
    with pytest.raises(InputError, match="not finite"):
        index.search(np.full(8, np.nan, np.float32), 1)
    index.close()
    index.close()
    for use in (lambda: index.search(vectors.matrix[0], 1), lambda: index.vectors_of(["pet#1"])):
        with pytest.raises(InputError, match="closed"):
            use()


def test_what_cannot_be_built_is_refused(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(2)
    with pytest.raises(DataError, match="no payload is given for 'c1'"):
        engine.build(vectors, {"c0": Payload("reuse")}, tmp_path)
    with pytest.raises(DataError, match="there are no vectors"):
        engine.build(random_vectors(0), {}, tmp_path)
    engine.build(vectors, everywhere(vectors), tmp_path)
    with pytest.raises(ArtifactError, match="written once"):
        engine.build(vectors, everywhere(vectors), tmp_path)
    with engine.open(tmp_path) as index:
        assert len(index.search(vectors.matrix[0], 5)) == 2


def test_ids_of_any_letters_come_back_as_they_were(engine: Engine, tmp_path: Path) -> None:
    vectors = named(["Glas & Müll#ä", 'quote"\n', "", "猫"], random_vectors(4).matrix)
    engine.build(vectors, everywhere(vectors), tmp_path)
    with engine.open(tmp_path) as index:
        assert [index.search(vector, 1)[0][0] for vector in vectors.matrix] == list(vectors.ids)


def blocks_of(vectors: Vectors, size: int) -> Iterator[Block]:
    for start in range(0, len(vectors), size):
        ids = vectors.ids[start : start + size]
        yield Block(ids, vectors.matrix[start : start + size], [Payload("reuse")] * len(ids))


def from_blocks(engine: Engine, blocks: Iterator[Block], vectors: Vectors, directory: Path) -> bool:
    golden = golden_queries(vectors)
    version = "" if engine.server is None else "blocks"
    return build_index(
        blocks,
        directory,
        golden,
        revision="random",
        server=engine.server,
        version=version,
        client=engine.client,
    )


def test_blocks_of_any_size_make_the_same_index(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(50)
    from_blocks(engine, blocks_of(vectors, 7), vectors, tmp_path / "blocks")
    engine.build(vectors, everywhere(vectors), tmp_path / "whole")
    queries = random_vectors(5, seed=2).matrix
    with engine.open(tmp_path / "blocks") as one, engine.open(tmp_path / "whole") as other:
        assert one.ids == other.ids == vectors.ids
        assert one.search_many(queries, 10) == other.search_many(queries, 10)


def test_blocks_are_read_once_and_one_at_a_time(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(3000)
    waiting: list[int] = []

    def counted() -> Iterator[Block]:
        for block in blocks_of(vectors, 500):
            waiting.append(1)
            yield block
            # Whoever asks for the next block has handed on the one before.
            assert len(waiting) == 1
            waiting.clear()

    from_blocks(engine, counted(), vectors, tmp_path)
    with engine.open(tmp_path) as index:
        assert index.search(vectors.matrix[2999], 1)[0][0] == "c2999"


def test_a_build_that_is_killed_publishes_nothing_and_may_be_repeated(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(30)

    def killed() -> Iterator[Block]:
        for place, block in enumerate(blocks_of(vectors, 10)):
            if place == 2:
                raise KeyboardInterrupt
            yield block

    with pytest.raises(KeyboardInterrupt):
        from_blocks(engine, killed(), vectors, tmp_path)
    with pytest.raises(ArtifactError, match=r"dense\.json is missing"):
        engine.open(tmp_path)
    if engine.client is not None:
        assert engine.client.get_collections().collections == []
        assert engine.client.get_aliases().aliases == []
    from_blocks(engine, blocks_of(vectors, 10), vectors, tmp_path)
    with engine.open(tmp_path) as index:
        assert len(index.search(vectors.matrix[0], 50)) == 30


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([Block(["a"], np.ones((1, 3), np.float32), [Payload("x")])], r"shape \(1, 3\) does not fit .* of 24"),
        ([Block(["a", "b"], np.ones((1, 24), np.float32), [Payload("x")])], "block of 2 ids, 1 payloads"),
        ([Block(["a"], np.ones((1, 24), np.float32), [])], "1 ids, 0 payloads"),
        ([Block(["a"], np.full((1, 24), np.inf, np.float32), [Payload("x")])], "vector of 'a' is not finite"),
        ([Block(["a"], np.ones((1, 24), np.float32), [Payload("x")])], "hold 1 vectors, but .* made of 2"),
        ([Block(["a", "a"], np.ones((2, 24), np.float32), [Payload("x")] * 2)], "'a' stands twice"),
    ],
)
def test_blocks_that_contradict_themselves_are_refused(
    engine: Engine, tmp_path: Path, blocks: list[Block], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        from_blocks(engine, iter(blocks), random_vectors(2), tmp_path)
    assert not (tmp_path / "dense.json").exists()
    assert copies() == []


def test_an_index_that_finds_too_little_is_not_published(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(200)
    shuffled = named([*vectors.ids[100:], *vectors.ids[:100]], vectors.matrix)
    with pytest.raises(DataError, match=r"finds 0\.\d+ of the exact 10 nearest, less than 0\.95"):
        from_blocks(engine, blocks_of(shuffled, 50), vectors, tmp_path)
    with pytest.raises(ArtifactError, match="missing"):
        open_index(tmp_path)


def test_progress_counts_vectors(engine: Engine, tmp_path: Path) -> None:
    vectors = random_vectors(25)
    told: list[tuple[int, int]] = []
    build_index(
        blocks_of(vectors, 10),
        tmp_path,
        golden_queries(vectors),
        revision="random",
        server=engine.server,
        version="v1" if engine.server else "",
        client=engine.client,
        progress=lambda done, total, note="": told.append((done, total)),
    )
    assert told == [(10, 25), (20, 25), (25, 25)]
