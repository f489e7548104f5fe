from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import InputError
from releaf.retrieval import dense, sparse
from releaf.retrieval.mining import held_out, judged_groups, title_groups
from releaf.retrieval.passages import passages, payloads
from releaf.retrieval.search import Searcher
from releaf.retrieval.vectors import embed

from .conftest import WordEncoder, chunk, frame

TABLE = frame(
    [
        chunk("jars#1", "Rinse a glass jar.", title="Jars"),
        chunk("jars#2", "The lid is steel.", title="Jars"),
        chunk("bottles#1", "A glass bottle has a deposit.", title="Bottles"),
        chunk("tins#1", "A tin is steel and so is its lid.", title="Tins"),
        chunk("paper#1", "Paper is pulped.", title="Paper"),
        chunk("nameless#1", "Cork floats.", title=""),
    ]
)
QUERIES = {"q1": "glass jar", "q2": "steel lid"}
JUDGED = {"q1": {"jars": 3, "bottles": 1, "paper": 0}, "q2": {"tins": 2, "jars": 2, "gone": 2}}


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    folder = tmp_path_factory.mktemp("mining")
    made, _ = embed(TABLE["id"].to_list(), passages(TABLE), WordEncoder(), folder / "vectors")
    dense.build(made, payloads(TABLE), folder / "dense")
    sparse.build(TABLE, folder / "sparse")
    with dense.open_index(folder / "dense") as index:
        yield Searcher(index, sparse.SparseIndex.open(folder / "sparse"), WordEncoder(), TABLE)


def test_positives_are_the_best_graded_and_negatives_what_no_judge_called_relevant(finder: Searcher) -> None:
    groups = judged_groups(finder, TABLE, QUERIES, JUDGED)
    assert list(groups) == ["q1", "q2"]
    assert groups["q1"].query == "glass jar"
    assert groups["q1"].positives == ("Jars Rinse a glass jar.",)
    # Bottles are relevant to a lower grade, so they are neither.
    assert set(groups["q1"].negatives) == {
        "Tins A tin is steel and so is its lid.",
        "Paper is pulped.",
        "Cork floats.",
    }


def test_passages_are_the_chunks_that_search_shows(finder: Searcher) -> None:
    # To the lids the second chunk of the jars answers, not the first; what is not in the collection is no positive.
    assert set(judged_groups(finder, TABLE, QUERIES, JUDGED)["q2"].positives) == {
        "Tins A tin is steel and so is its lid.",
        "Jars The lid is steel.",
    }


def test_a_positive_that_search_does_not_show_is_its_first_chunk(
    finder: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("releaf.retrieval.mining.NEGATIVE_DEPTH", 1)
    group = judged_groups(finder, TABLE, {"q": "paper"}, {"q": {"jars": 1}})["q"]
    assert (group.positives, group.negatives) == (("Jars Rinse a glass jar.",), ("Paper is pulped.",))


def test_without_a_dense_index_nothing_can_be_mined(tmp_path: Path) -> None:
    sparse.build(TABLE, tmp_path)
    words = Searcher(None, sparse.SparseIndex.open(tmp_path), None, TABLE)
    with pytest.raises(InputError, match="'rrf' needs a dense index and its encoder"):
        judged_groups(words, TABLE, QUERIES, JUDGED)


def test_negatives_never_hold_a_relevant_document(finder: Searcher) -> None:
    everything = {"q": dict.fromkeys(TABLE["document_id"].to_list(), 1) | {"paper": 0}}
    groups = judged_groups(finder, TABLE, {"q": "glass jar"}, everything)
    assert groups["q"].negatives == ("Paper is pulped.",)


def test_a_query_without_any_other_document_is_left_out(finder: Searcher) -> None:
    everything = {"q": dict.fromkeys(TABLE["document_id"].to_list(), 1), "p": {"elsewhere": 1}}
    assert judged_groups(finder, TABLE, {"q": "glass jar", "p": "paper"}, everything) == {}


def test_a_title_asks_for_its_own_text_which_does_not_hold_it(finder: Searcher) -> None:
    groups = {group.query: group for group in title_groups(finder, TABLE, 99)}
    assert set(groups) == {"Jars", "Bottles", "Tins", "Paper"}  # nothing can ask for the nameless one
    assert groups["Jars"].positives == ("Rinse a glass jar.", "The lid is steel.")
    assert not set(groups["Jars"].positives) & set(groups["Jars"].negatives)
    assert "Paper is pulped." in groups["Jars"].negatives


def test_a_new_title_changes_few_of_those_that_are_drawn(finder: Searcher) -> None:
    assert title_groups(finder, TABLE, 0) == []
    all_drawn = [group.query for group in title_groups(finder, TABLE, 4)]
    assert [group.query for group in title_groups(finder, TABLE, 2)] == all_drawn[:2]
    without = TABLE.filter(pl.col("title") != all_drawn[0])
    assert [group.query for group in title_groups(finder, without, 2)] == all_drawn[1:3]


NAMES = [f"d{n}" for n in range(40)]
ONE_EACH = st.lists(st.sampled_from(NAMES), max_size=60).map(
    lambda documents: {f"q{n}": {document: 1, "irrelevant": 0} for n, document in enumerate(documents)}
)


@given(ONE_EACH)
def test_queries_about_one_document_are_never_on_both_sides(judged: dict[str, dict[str, int]]) -> None:
    kept = held_out(judged, list(judged))
    about = [{next(iter(judged[name])) for name in side} for side in (kept, set(judged) - kept)]
    assert not about[0] & about[1]


@given(ONE_EACH, ONE_EACH)
def test_added_queries_move_no_other(one: dict[str, dict[str, int]], more: dict[str, dict[str, int]]) -> None:
    together = one | {f"new-{name}": grades for name, grades in more.items()}
    assert held_out(together, list(together)) & set(one) == held_out(one, list(one))


def test_a_fifth_of_the_documents_is_held_out() -> None:
    judged = {f"q{n}": {f"document-{n}": 1} for n in range(2000)}
    assert len(held_out(judged, list(judged))) / 2000 == pytest.approx(0.2, abs=0.03)
    first = next(
        name for name in judged if int(hashlib.sha256(f"document-{name[1:]}".encode()).hexdigest(), 16) % 5 == 0
    )
    assert held_out(judged, [first]) == {first}


def test_a_query_that_nothing_is_relevant_to_is_not_held_out() -> None:
    judged = {f"q{n}": {f"document-{n}": 0} for n in range(50)}
    assert held_out(judged, list(judged)) == set()
