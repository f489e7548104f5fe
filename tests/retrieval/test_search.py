from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from releaf.errors import DataError, InputError
from releaf.retrieval import dense, sparse
from releaf.retrieval.passages import Filters, passages, payloads
from releaf.retrieval.search import METHODS, Method, Searcher
from releaf.retrieval.vectors import Vectors, embed

from .conftest import WordEncoder, chunk, frame


@pytest.mark.parametrize("method", METHODS)
def test_each_document_comes_back_once_by_its_best_chunk(searcher: Searcher, method: Method) -> None:
    found = searcher.search("washed flakes of sorted bottles", method, 10)
    documents = [entry.document_id for entry in found.results]
    assert len(set(documents)) == len(documents)
    assert found.results[0].id == "pet-bottles#2"
    assert found.results[0].text.startswith("Sorted bottles")
    assert found.results[0].title == "Pet bottles"
    scores = [entry.score for entry in found.results]
    # Diversity changes the order and leaves the scores of the fusion.
    assert scores == sorted(scores, reverse=True) or method == "mmr"


def test_k_documents_come_back_even_when_one_document_has_most_of_the_best_chunks(tmp_path: Path) -> None:
    table = frame(
        [chunk(f"long#{n}", f"cork cork {n}") for n in range(30)] + [chunk("short#1", "a bag with a cork in")]
    )
    sparse.build(table, tmp_path)
    searcher = Searcher(None, sparse.SparseIndex.open(tmp_path), None, table)
    assert [entry.document_id for entry in searcher.search("cork", "sparse", 2).results] == ["long", "short"]


def test_rrf_scores_come_from_the_ranks_of_documents(searcher: Searcher) -> None:
    ranks: dict[str, float] = {}
    for method in ("sparse", "dense"):
        for rank, entry in enumerate(searcher.search("rinse a jar", method, 10).results, start=1):
            ranks[entry.document_id] = ranks.get(entry.document_id, 0) + 1 / (60 + rank)
    fused = {entry.document_id: entry.score for entry in searcher.search("rinse a jar", "rrf", 10).results}
    assert fused == pytest.approx(ranks)


def test_confidence_is_that_of_all_results_even_when_one_is_asked_for(searcher: Searcher) -> None:
    assert searcher.search("bottle", "sparse", 1).confidence == searcher.search("bottle", "sparse", 9).confidence


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("filters", [Filters(topics=("policy",)), Filters(jurisdictions=("berlin",), general=True)])
def test_filters_hold_for_every_method(
    searcher: Searcher, chunks: pl.DataFrame, method: Method, filters: Filters
) -> None:
    allowed = {name for name, payload in payloads(chunks).items() if filters.allow(payload)}
    found = {entry.id for entry in searcher.search("food scraps or a bottle", method, 10, filters).results}
    assert found
    assert found <= allowed


def test_many_queries_are_answered_like_each_alone(searcher: Searcher) -> None:
    queries = ["battery", "rinse a jar", "green cart"]
    assert searcher.search_all(queries, "rrf", 3) == [searcher.search(query, "rrf", 3) for query in queries]


def test_results_become_json(searcher: Searcher) -> None:
    raw = json.loads(json.dumps(searcher.search("battery", "rrf", 1).to_json()))
    assert set(raw) == {"query", "method", "confidence", "results", "answerable", "answered"}
    assert set(raw["results"][0]) == {"id", "document_id", "title", "text", "score"}


@pytest.mark.parametrize("query", ["", "   ", "\x00\x07\n"])
@pytest.mark.parametrize("method", METHODS)
def test_an_empty_query_is_refused(searcher: Searcher, query: str, method: Method) -> None:
    with pytest.raises(InputError, match="empty"):
        searcher.search(query, method)


def test_a_query_of_stop_words_finds_nothing_by_words_and_something_by_meaning(searcher: Searcher) -> None:
    nothing = searcher.search("to be or not to be", "sparse")
    assert nothing.results == ()
    assert nothing.confidence.level == "low"
    assert searcher.search("the and of", "dense").results
    assert [entry.id for entry in searcher.search("the and of", "rrf").results] == [
        entry.id for entry in searcher.search("the and of", "dense").results
    ]


def test_control_characters_do_not_change_what_is_found(searcher: Searcher) -> None:
    clean = searcher.search("rinse a jar", "rrf").results
    assert searcher.search("\x07rinse\x00a\ud800 jar\r\n", "rrf").results == clean


def test_a_query_of_100_kilobytes_is_refused_with_the_limit(searcher: Searcher) -> None:
    with pytest.raises(InputError, match="may hold 10,000 characters, this one holds 102,400"):
        searcher.search("bottle " * 14_628 + "1234", "sparse")
    assert searcher.search("bottle " * 1_400, "rrf").results


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_refused(searcher: Searcher, k: int) -> None:
    with pytest.raises(InputError, match=f"at least 1, not {k}"):
        searcher.search("bottle", "rrf", k)


def test_more_results_than_documents_may_be_asked_for(searcher: Searcher) -> None:
    assert len(searcher.search("bottle", "dense", 1000).results) == 5


def test_an_unknown_method_is_refused_with_the_known_ones(searcher: Searcher) -> None:
    with pytest.raises(InputError, match="'bm42'; choose one of sparse, dense, rrf, weighted"):
        searcher.search("bottle", "bm42")  # type: ignore[arg-type]


def test_without_a_dense_index_only_sparse_search_is_offered(chunks: pl.DataFrame, sparse_folder: Path) -> None:
    searcher = Searcher(None, sparse.SparseIndex.open(sparse_folder), None, chunks)
    assert searcher.methods == ("sparse",)
    assert searcher.search("battery", "sparse").results
    assert searcher.search("battery").method == "sparse"
    for method in ("rrf", "expanded", "mmr", "reranked"):
        with pytest.raises(InputError, match=f"'{method}' needs a dense index and its encoder, .* use sparse"):
            searcher.search("battery", method)  # type: ignore[arg-type]


def test_indexes_chunks_and_encoder_of_different_origin_are_refused(
    chunks: pl.DataFrame, encoder: WordEncoder, dense_folder: Path, sparse_folder: Path
) -> None:
    words = sparse.SparseIndex.open(sparse_folder)
    with dense.open_index(dense_folder) as index:
        with pytest.raises(DataError, match="built with encoder words-1, but this encoder is words-2; embed again"):
            Searcher(index, words, WordEncoder("words-2"), chunks)
        with pytest.raises(DataError, match=r"the sparse index is of other chunks than the table \('batteries#1'"):
            Searcher(index, words, encoder, chunks.filter(pl.col("topic") != "hazardous"))
        with pytest.raises(DataError, match="both or neither"):
            Searcher(index, words, None, chunks)
        with pytest.raises(DataError, match="both or neither"):
            Searcher(None, words, encoder, chunks)


def test_a_changed_chunk_is_found_by_its_new_words_only(
    chunks: pl.DataFrame, vectors: Vectors, encoder: WordEncoder, tmp_path: Path
) -> None:
    text = pl.when(pl.col("id") == "batteries#1").then(pl.lit("Tape the poles.")).otherwise(pl.col("text"))
    changed = chunks.with_columns(text.alias("text"), title=pl.lit(""))
    after, _ = embed(changed["id"].to_list(), passages(changed), encoder, tmp_path / "vectors", previous=vectors)
    dense.build(after, payloads(changed), tmp_path / "dense")
    sparse.build(changed, tmp_path / "sparse")
    with dense.open_index(tmp_path / "dense") as index:
        searcher = Searcher(index, sparse.SparseIndex.open(tmp_path / "sparse"), encoder, changed)
        assert searcher.search("tape poles", "rrf").results[0].document_id == "batteries"
        assert searcher.search("never put battery", "sparse").results == ()
