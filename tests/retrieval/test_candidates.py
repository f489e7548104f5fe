from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from releaf.errors import DataError, InputError
from releaf.progress import Progress, silent
from releaf.retrieval.candidates import CandidateList, candidate_lists, mean_ndcg
from releaf.retrieval.search import Searcher

TEXTS = {"q1": "battery bin", "q2": "rinse a jar", "q3": "green cart"}
JUDGED = {
    "q1": {"batteries": 3},
    "q2": {"pet-bottles": 1, "glass-jars": 3, "no-such-document": 0},
    "q3": {"seattle-food": 2},
}


class Scores:
    """Scores written down by passage."""

    def __init__(self, **scores: float) -> None:
        self.scores = scores

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        return [self.scores[text] for text in passages]


LIST = CandidateList("jar", ("a", "b", "c"), ("one", "two", "three"), {"a": 1, "c": 3, "elsewhere": 2})


def test_ndcg_of_the_new_order_by_hand() -> None:
    # Order c, b, a: gains 7, 0, 1 at discounts 1, log2 3, 2; the best order is c, elsewhere, a: 7, 3, 1.
    expected = (7 + 1 / 2) / (7 + 3 / math.log2(3) + 1 / 2)
    assert LIST.ndcg(Scores(one=-1.0, two=0.0, three=2.0)) == pytest.approx(expected)


def test_equal_scores_keep_the_order_of_search() -> None:
    assert LIST.ndcg(Scores(one=0.0, two=0.0, three=0.0)) == LIST.ndcg(Scores(one=3.0, two=2.0, three=1.0))


def test_the_mean_is_over_the_lists() -> None:
    scorer = Scores(one=-1.0, two=0.0, three=2.0)
    other = CandidateList("jar", ("x", "y"), ("one", "two"), {"y": 1})  # the best order, 1
    assert mean_ndcg([LIST, other], scorer) == pytest.approx((LIST.ndcg(scorer) + 1) / 2)
    with pytest.raises(DataError, match="no candidate list to order"):
        mean_ndcg([], scorer)


def test_a_list_holds_what_the_fusion_found_in_its_order(searcher: Searcher) -> None:
    lists = {entry.query: entry for entry in candidate_lists(searcher, TEXTS, JUDGED)}
    assert set(lists) == set(TEXTS.values())
    found = searcher.search("rinse a jar", "rrf", 10).results
    jar = lists["rinse a jar"]
    assert jar.documents == tuple(entry.document_id for entry in found)
    assert all(entry.text in text for entry, text in zip(found, jar.passages, strict=True))
    assert jar.grades == JUDGED["q2"]


def test_lists_without_anything_relevant_are_left_out(searcher: Searcher) -> None:
    judged = {**JUDGED, "q1": {"no-such-document": 3}, "q3": {"seattle-food": 0}}
    assert [entry.query for entry in candidate_lists(searcher, TEXTS, judged)] == ["rinse a jar"]


@pytest.mark.parametrize(("pairs", "lists"), [(2, 0), (3, 1), (5, 1), (6, 2), (9, 3)])
def test_only_whole_lists_within_the_pairs_are_taken(searcher: Searcher, pairs: int, lists: int) -> None:
    everything = {name: dict.fromkeys(("batteries", "glass-jars", "pet-bottles"), 1) for name in TEXTS}
    everything["q3"] |= {"seattle-food": 1, "berlin-deposit": 1}
    found = candidate_lists(searcher, TEXTS, everything, depth=3, pairs=pairs)
    assert [len(entry.passages) for entry in found] == [3] * lists


def test_an_added_query_leaves_the_others_in_their_order(searcher: Searcher) -> None:
    before = [entry.query for entry in candidate_lists(searcher, TEXTS, JUDGED)]
    more = candidate_lists(searcher, {"q0": "a bottle", **TEXTS}, {"q0": {"pet-bottles": 1}, **JUDGED})
    assert [entry.query for entry in more if entry.query != "a bottle"] == before
    assert len(more) == 4


def test_without_queries_there_is_no_list(searcher: Searcher) -> None:
    assert candidate_lists(searcher, {}, JUDGED) == []


def test_a_depth_below_one_is_refused(searcher: Searcher) -> None:
    with pytest.raises(InputError, match="depth of at least 1, not 0"):
        candidate_lists(searcher, TEXTS, JUDGED, depth=0)
