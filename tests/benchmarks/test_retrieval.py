from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import retrieval
import shared
from retrieval_parts import child, engines, made, measure, models, whole
from retrieval_parts.measure import Row, Table
from retrieval_parts.scale import scale

from releaf.errors import ReleafError
from releaf.progress import Progress, silent
from releaf.retrieval.sparse import analyze

LIMIT = 4 * 2**30


def test_a_row_is_met_when_every_value_is_what_was_asked() -> None:
    assert Row("speed", (50.0, 60.0), "×", at_least=50).met is True
    assert Row("speed", (50.0, 49.9), "×", at_least=50).met is False
    assert Row("time", (1.0, None), "s", at_most=2).met is True
    assert Row("time", (None,), "s", at_most=2).met is None
    assert Row("time", (1.0,), "s").met is None


def test_what_is_asked_is_written_with_its_unit() -> None:
    assert Row("speed", (1.0,), "×", at_least=2.5).asked == "≥ 2.5 ×"
    assert Row("share", (1.0,), at_most=2).asked == "≤ 2"
    assert Row("share", (1.0,)).asked == ""


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    # The rounds give 2, 10 and 3; the ratio of the medians would be 4.
    assert measure.median_ratio([2.0, 10.0, 12.0], [1.0, 1.0, 4.0]) == (3.0, "2.0 to 10.0 in 3 rounds")


def test_sides_take_turns_and_the_order_is_reversed_in_every_other_round() -> None:
    called: list[str] = []

    def side(name: str) -> float:
        called.append(name)
        return float(len(called))

    given = measure.in_turns({"a": lambda: side("a"), "b": lambda: side("b")}, 3)
    assert called == ["a", "b", "b", "a", "a", "b"]
    assert given == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}


def test_exact_nearest_by_blocks_is_the_whole_product_sorted() -> None:
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(20_000, 8)).astype(np.float32)
    queries = draw.normal(size=(5, 8)).astype(np.float32)
    found = measure.exact_nearest(queries, matrix, 7)
    whole_product = np.argsort(-(queries @ matrix.T), axis=1)[:, :7]
    assert [set(row) for row in found.tolist()] == [set(row) for row in whole_product.tolist()]


def test_recall_is_the_mean_share_of_the_exact_rows() -> None:
    assert measure.recall([[1, 2], [3, 9]], np.asarray([[2, 1], [3, 4]])) == 0.75


def test_disk_bytes_leave_holes_out(tmp_path: Path) -> None:
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(10 * 2**20)
    assert measure.disk_bytes(tmp_path) < 2**20
    (tmp_path / "full").write_bytes(np.random.default_rng(0).bytes(2**20))
    assert 2**20 <= measure.disk_bytes(tmp_path) < 2**21


def test_made_vectors_are_unit_vectors_and_the_same_from_the_same_seed(tmp_path: Path) -> None:
    for name in ("one.npy", "two.npy"):
        made.write_vectors(tmp_path / name, 300)
    one = np.load(tmp_path / "one.npy")
    assert one.shape == (300, 384)
    assert one.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(one, np.load(tmp_path / "two.npy"))
    assert not np.isin(made.query_vectors(20)[:, 0], one[:, 0]).any()


def test_made_vectors_stand_in_clusters(tmp_path: Path) -> None:
    made.write_vectors(tmp_path / "vectors.npy", 2_000)
    matrix = np.load(tmp_path / "vectors.npy")
    cosines = matrix @ matrix.T
    np.fill_diagonal(cosines, -1)
    assert float(np.median(cosines)) < 0.15
    assert float(np.median(cosines.max(axis=1))) > 0.4


def test_made_chunks_are_a_chunks_table_of_about_sixty_words(tmp_path: Path) -> None:
    made.write_chunks(tmp_path / "chunks", 500)
    table = made.read_chunks(tmp_path / "chunks")
    assert table["id"].n_unique() == 500
    words = [len(text.split()) for text in table["text"].to_list()]
    assert min(words) >= 30
    assert max(words) <= 90
    assert 55 < float(np.mean(words)) < 65


def test_the_commonest_made_word_stands_in_about_a_quarter_of_the_chunks() -> None:
    stems = [set(analyze(text)) for text in made.chunks(0, 1_000)["text"].to_list()]
    counts: dict[str, int] = {}
    for stem in (stem for chunk in stems for stem in chunk):
        counts[stem] = counts.get(stem, 0) + 1
    assert 0.15 < max(counts.values()) / 1_000 < 0.35


def test_scale_measures_both_indexes(tmp_path: Path) -> None:
    said: list[str] = []
    dense, sparse = scale([200], tmp_path, said.append, limit_bytes=LIMIT)
    assert (dense.columns, sparse.columns) == (("200",), ("200",))
    assert len(said) == 2
    figures = {row.what: row.values[0] for row in dense.rows}
    assert figures["recall@10 against exact"] == 1.0
    assert figures["graph (1) or scan (0)"] == 0.0
    for table in (dense, sparse):
        assert not table.remarks
        assert all(value is not None for row in table.rows for value in row.values if "mapped" not in row.what)
    assert not list(tmp_path.glob("*"))


def test_a_build_that_holds_too_much_is_stopped_and_said_so(tmp_path: Path) -> None:
    if not Path("/proc/self/status").is_file():
        pytest.skip("what a process holds is looked up in /proc")
    (table,) = scale([200], tmp_path, lambda _: None, indexes=("sparse",), limit_bytes=2**20)
    assert all(row.values == (None,) for row in table.rows)
    assert "raise --memory-gib" in table.remarks[0]


def test_a_child_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ReleafError, match=r"vectors\.npy"):
        measure.run_child("build_dense", str(tmp_path))


def test_both_engines_are_compared_with_their_peers(tmp_path: Path) -> None:
    pytest.importorskip("rank_bm25")
    dense = engines.dense(tmp_path / "dense", count=300, ours=5, theirs=2, rounds=2)
    sparse = engines.sparse(tmp_path / "sparse", count=300, ours=5, theirs=2, rounds=2)
    found = {row.what: row for row in dense.rows}
    assert found["recall@10 against exact"].values == (1.0,)
    assert found["recall@10 of qdrant-client"].values == (1.0,)
    assert found["times as fast"].asked == "≥ 50 ×"
    assert next(row for row in sparse.rows if row.what == "times as many").asked == "≥ 300 ×"


def test_without_rank_bm25_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rank_bm25", None)
    with pytest.raises(measure.BenchmarkError, match="extra `dev`"):
        engines._rank_bm25()


def test_grown_chunks_have_other_ids_and_texts_of_the_same_words() -> None:
    chunks = made.chunks(0, 10)
    grown = whole.grown(chunks, 25)
    assert len(grown) == 25
    assert grown["id"].n_unique() == 25
    assert grown["text"].n_unique() == 25
    assert sorted(grown["text"][12].split()) == sorted(chunks["text"][2].split())


def test_a_reranker_is_counted_by_its_pairs() -> None:
    class Lengths:
        def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
            return [float(len(text)) for text in passages]

    counting = whole.Counting(Lengths())
    assert counting.score("q", ["a", "bb"]) == [1.0, 2.0]
    counting.score("q", ["ccc"])
    assert counting.pairs == 3


def test_the_knowledge_and_its_questions_are_read() -> None:
    chunks = models.knowledge()
    assert len(chunks) > 100
    assert all(models.questions(chunks))


def test_every_step_of_a_child_has_a_name() -> None:
    assert set(child.STEPS) == {"build_dense", "build_sparse", "ask_dense", "ask_sparse"}


def test_the_command_line_measures_everything_at_small_sizes_by_default() -> None:
    chosen = retrieval.arguments([])
    assert chosen.part == []
    assert chosen.sizes == [1_000, 10_000, 100_000]
    assert retrieval.arguments(["scale", "--sizes", "500,1000000", "--index", "dense"]).sizes == [500, 1_000_000]


@pytest.mark.parametrize("given", [["nothing"], ["--sizes", "5"], ["--index", "graph"]])
def test_a_wrong_argument_is_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        retrieval.arguments(given)
    assert "error" in capsys.readouterr().err


def test_only_what_is_named_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_table = Table("rerank", "a title", (Row("figure", (1.0,)),))
    monkeypatch.setattr(models, "rerank", lambda workshop: made_table)
    assert retrieval.measure(retrieval.arguments(["rerank"]), tmp_path, lambda _: None) == [made_table]
    assert "a title" in capsys.readouterr().out


def test_a_table_shows_what_is_asked_beside_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    row = Row("times as fast", (2.0,), "×", at_least=2.5, note="a note")
    shared.show(Table("encode", "a title", (row, Row("other", (None,)))))
    told = capsys.readouterr().out
    assert [told.count(text) for text in ("≥ 2.5 ×", "│ no ", "–", "a note")] == [1, 1, 1, 1]
    assert json.loads(json.dumps(shared.row_json(row)))["met"] is False


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.99952, "0.9995"), (1.0, "1"), (155.4, "155"), (8905.0, "8,905"), (0.0711, "0.0711")],
)
def test_figures_have_three_digits_that_count(value: float | None, shown: str) -> None:
    assert shared.figure(value) == shown
