"""What is served is what was better on the queries given, and nothing else is looked at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaf.progress import Progress, silent
from releaf.retrieval import dense, sparse
from releaf.retrieval.choice import SearchChoice
from releaf.retrieval.choosing import RERANK_WEIGHTS, WRONGLY_REFUSED, Chosen, choose, fit_answerability
from releaf.retrieval.passages import passages, payloads
from releaf.retrieval.rerank import PairScorer
from releaf.retrieval.search import Searcher
from releaf.retrieval.vectors import embed

from .conftest import WordEncoder, chunk, frame

COUNT = 16
# No word tells the documents apart, so neither index can rank them.
TABLE = frame([chunk(f"d{n:02}#1", f"jar {'lid ' * n}", title="") for n in range(COUNT)])
TEXTS = {f"q{n}": f"jar {'x' * (n + 1)}" for n in range(COUNT)}
JUDGED = {f"q{n}": {f"d{(n * 7) % COUNT:02}": 3} for n in range(COUNT)}


class Oracle:
    """Knows which passage answers."""

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        number = next(name for name, text in TEXTS.items() if text == query)[1:]
        right = int(number) * 7 % COUNT
        return [float(text.count("lid") == right) for text in passages]


class Guesser:
    """Knows nothing."""

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        return [float(hashlib.sha256(f"{query}{text}".encode()).digest()[0]) for text in passages]


class Parts:
    """The collection, from which searchers with other scorers are made."""

    def __init__(self, index: dense.DenseIndex, words: sparse.SparseIndex) -> None:
        self.index, self.words = index, words

    def searcher(self, scorer: PairScorer | None = None, encoder: WordEncoder | None = None) -> Searcher:
        return Searcher(self.index, self.words, encoder or WordEncoder(), TABLE, reranker=scorer)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("choosing")
    made, _ = embed(TABLE["id"].to_list(), passages(TABLE), WordEncoder(), folder / "vectors")
    dense.build(made, payloads(TABLE), folder / "dense")
    sparse.build(TABLE, folder / "sparse")
    with dense.open_index(folder / "dense") as index:
        yield Parts(index, sparse.SparseIndex.open(folder / "sparse"))


@pytest.fixture(scope="module")
def oracled(parts: Parts) -> Chosen:
    return choose(parts.searcher(Oracle()), TEXTS, JUDGED)


def test_of_equally_good_ways_reciprocal_rank_fusion_is_taken(searcher: Searcher) -> None:
    texts = {"a": "battery bin", "b": "green cart"}
    judged = {"a": {"batteries": 3}, "b": {"seattle-food": 3}}
    chosen = choose(searcher, texts, judged)
    assert sum(candidate.ndcg == 1.0 for candidate in chosen.candidates) > 10
    assert chosen.choice.method == "rrf"
    assert chosen.candidates[0].choice == SearchChoice()
    assert chosen.choice.floor == 0.0
    assert not chosen.choice.rerank


def test_the_best_candidate_is_chosen(parts: Parts) -> None:
    chosen = choose(parts.searcher(), TEXTS, JUDGED)
    best = max(candidate.ndcg for candidate in chosen.candidates)
    first = next(candidate for candidate in chosen.candidates if candidate.ndcg == best)
    assert chosen.choice == first.choice
    assert chosen.reranking is None
    assert chosen.queries == COUNT


def test_a_figure_is_that_of_searching_so(parts: Parts) -> None:
    from releaf.metrics.ranking import ndcg_at_k

    for candidate in choose(parts.searcher(), TEXTS, JUDGED).candidates[::17]:
        searcher = Searcher(parts.index, parts.words, WordEncoder(), TABLE, choice=candidate.choice)
        values = []
        for name, text in TEXTS.items():
            found = searcher.search(text, candidate.method, 100).results
            values.append(ndcg_at_k([entry.document_id for entry in found], JUDGED[name], 10))
        assert candidate.ndcg == pytest.approx(fmean(values))


def test_a_reranker_that_knows_is_served(oracled: Chosen) -> None:
    assert oracled.choice.rerank
    assert oracled.choice.method == "reranked"
    assert oracled.reranking is not None
    assert oracled.reranking.p_value < 0.05
    assert oracled.reranking.low > 0
    best = next(
        c for c in oracled.candidates if c.choice.rerank_weight == oracled.choice.rerank_weight and c.choice.rerank
    )
    assert best.ndcg == 1.0
    assert oracled.choice.rerank_weight in RERANK_WEIGHTS


def test_a_reranker_that_guesses_is_not_served(parts: Parts) -> None:
    chosen = choose(parts.searcher(Guesser()), TEXTS, JUDGED)
    assert chosen.reranking is not None
    assert chosen.reranking.p_value >= 0.05 or chosen.reranking.difference < 0
    assert not chosen.choice.rerank
    plain = choose(parts.searcher(), TEXTS, JUDGED).choice
    assert (chosen.choice.fusion, chosen.choice.weight, chosen.choice.expand) == (
        plain.fusion,
        plain.weight,
        plain.expand,
    )


def test_a_gain_on_too_few_queries_is_no_evidence(parts: Parts) -> None:
    few = dict(list(TEXTS.items())[:3])
    chosen = choose(parts.searcher(Oracle()), few, JUDGED)
    assert chosen.reranking is not None
    assert chosen.reranking.difference > 0
    assert not chosen.choice.rerank


def test_queries_that_the_reranker_was_trained_on_are_no_evidence_for_it(parts: Parts) -> None:
    known = list(TEXTS)[: COUNT - 3]
    chosen = choose(parts.searcher(Oracle()), TEXTS, JUDGED, reranker_has_seen=known)
    assert chosen.reranking is not None
    assert not chosen.choice.rerank
    none_left = choose(parts.searcher(Oracle()), TEXTS, JUDGED, reranker_has_seen=list(TEXTS))
    assert none_left.reranking is None
    assert not none_left.choice.rerank


def test_only_the_queries_given_are_ever_asked(parts: Parts) -> None:
    encoder = WordEncoder()
    given_only = dict(list(TEXTS.items())[:4])
    searcher = parts.searcher(Oracle(), encoder)
    chosen = choose(searcher, given_only, JUDGED, ["asbestos"])
    assert set(encoder.encoded) == {*given_only.values(), "asbestos"}
    # Grades of other queries change nothing either.
    fewer = {name: grades for name, grades in JUDGED.items() if name in given_only}
    assert choose(searcher, given_only, fewer, ["asbestos"]) == chosen


def test_the_refusal_is_learned_only_from_queries_that_nothing_answers(parts: Parts) -> None:
    assert choose(parts.searcher(), TEXTS, JUDGED).choice.answerability is None
    learned = choose(parts.searcher(), TEXTS, JUDGED, ["asbestos dioxin", "lead paint"]).choice
    searcher = Searcher(parts.index, parts.words, WordEncoder(), TABLE, choice=learned)
    assert not searcher.search("asbestos dioxin", "rrf").answered
    assert searcher.search("jar lid", "rrf").answered


def test_the_choice_and_its_evidence_become_json(oracled: Chosen) -> None:
    raw = json.loads(json.dumps(oracled.to_json()))
    assert raw["choice"]["rerank"] is True
    assert len(raw["candidates"]) == len(oracled.candidates)


def test_progress_reaches_the_end(parts: Parts) -> None:
    seen: list[int] = []
    choose(parts.searcher(), TEXTS, JUDGED, progress=lambda done, total, note="": seen.append(done))
    assert seen == [1, 2, 3]


EVIDENCE = st.tuples(st.floats(-1, 1), st.floats(0, 1))


def test_two_groups_that_stand_apart_are_told_apart() -> None:
    draw = np.random.default_rng(0)
    good = [(float(c), float(s)) for c, s in zip(draw.uniform(0.5, 0.9, 60), draw.uniform(0.6, 1, 60), strict=True)]
    bad = [(float(c), float(s)) for c, s in zip(draw.uniform(0, 0.4, 40), draw.uniform(0, 0.5, 40), strict=True)]
    judge = fit_answerability(good, bad)
    assert judge.cosine > 0
    assert judge.coverage > 0
    assert all(judge.probability(*entry) < judge.threshold for entry in bad)
    assert fmean(judge.probability(*entry) < judge.threshold for entry in good) <= WRONGLY_REFUSED


@settings(max_examples=40)
@given(st.lists(EVIDENCE, min_size=1, max_size=30), st.lists(EVIDENCE, min_size=1, max_size=30))
def test_of_the_answerable_queries_few_are_refused_whatever_the_evidence(
    good: list[tuple[float, float]], bad: list[tuple[float, float]]
) -> None:
    judge = fit_answerability(good, bad)
    assert fmean(judge.probability(*entry) < judge.threshold for entry in good) <= WRONGLY_REFUSED
    assert 0 < judge.threshold < 1


def test_the_size_of_the_groups_does_not_tilt_the_judgement() -> None:
    good, bad = [(0.8, 0.9), (0.7, 0.8)], [(0.2, 0.1), (0.3, 0.3)]
    once, often = fit_answerability(good, bad), fit_answerability(good * 50, bad)
    assert (once.bias, once.cosine, once.coverage) == pytest.approx(
        (often.bias, often.cosine, often.coverage), abs=1e-3
    )
