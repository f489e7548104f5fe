from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from releaf.reporting.blocks import Block, Heading, Pictures, Table, Text
from releaf.reporting.evidence import Evidence
from releaf.reporting.headlines import headlines
from releaf.reporting.sections.retrieval import pictures, section
from releaf.reporting.sections.search_methods import METHODS, ordered, served
from tests.reporting.search_evidence import older, search


def tables(blocks: list[Block]) -> dict[str, Table]:
    """Tables by title; of equal titles the first."""
    found: dict[str, Table] = {}
    for block in blocks:
        if isinstance(block, Table):
            found.setdefault(block.title, block)
    return found


def texts(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Text | Heading))


@pytest.fixture(scope="module")
def blocks(evidence: Evidence) -> list[Block]:
    return list(section(evidence).blocks)


@pytest.fixture(scope="module")
def old(evidence: Evidence) -> Evidence:
    return replace(evidence, retrieval=older(6, random.Random(0)))


def test_test_queries_come_before_development_queries_and_the_choice_after_both(blocks: list[Block]) -> None:
    headings = [block.text for block in blocks if isinstance(block, Heading)]
    parts = (
        "methods",
        "against sparse search alone",
        "against dense search alone",
        "confidence",
        "questions that nothing answers",
    )
    assert headings == [
        *(f"Test queries: {part}" for part in parts),
        *(f"Development queries: {part}" for part in parts),
        "How the served search was chosen",
        "Encoder",
    ]


def test_methods_stand_from_the_plainest_to_the_most_elaborate(blocks: list[Block]) -> None:
    table = tables(blocks)["Figures by method (n = 6 queries)"]
    assert [row[0].text.removeprefix("▸\xa0") for row in table.rows] == list(METHODS.values())
    assert [column.name for column in table.columns[1:]] == ["NDCG@10", "P@5", "R@10", "R@100", "MRR@10"]


def test_the_evidence_says_which_method_is_served(evidence: Evidence) -> None:
    for name in ("weighted", "reranked"):
        found = section(replace(evidence, retrieval={**evidence.retrieval, "served": name}))
        rows = tables(list(found.blocks))["Figures by method (n = 6 queries)"].rows
        assert [row[0].text for row in rows if row[0].note == "served"] == [f"▸\xa0{METHODS[name]}"]


@pytest.mark.parametrize(
    ("said", "methods", "expected"),
    [
        ({"served": "weighted"}, ("sparse", "rrf", "weighted"), "weighted"),
        ({}, ("sparse", "rrf", "weighted"), "rrf"),
        ({"served": "reranked"}, ("sparse", "dense"), "dense"),
        ({}, ("sparse",), "sparse"),
    ],
)
def test_where_nobody_said_rank_fusion_is_served(said: dict[str, str], methods: tuple[str, ...], expected: str) -> None:
    assert served(said, {name: {} for name in methods}) == expected


def test_an_unknown_method_comes_last() -> None:
    assert list(ordered({"splade": {}, "rrf": {}, "sparse": {}})) == ["sparse", "rrf", "splade"]


@pytest.mark.parametrize(("method", "baseline"), [("dense", "sparse"), ("sparse", "dense"), ("rrf", "dense")])
def test_wins_ties_and_losses_are_counted_by_ndcg_at_ten(method: str, baseline: str) -> None:
    retrieval = search(4, random.Random(0))
    test = retrieval["splits"]["test"]["methods"]
    for query, (ours, theirs) in enumerate([(0.9, 0.5), (0.7, 0.5), (0.5, 0.5), (0.1, 0.5)]):
        test[method]["per_query"][f"q-{query:03}"]["ndcg@10"] = ours
        test[baseline]["per_query"][f"q-{query:03}"]["ndcg@10"] = theirs
    table = against(retrieval, baseline)
    found = next(row for row in table.rows if row[0].text == METHODS[method])
    assert [cell.text for cell in found[4:]] == ["2", "1", "1"]
    assert METHODS[baseline] not in {row[0].text for row in table.rows}
    assert len(table.rows) == len(METHODS) - 1


def against(retrieval: dict[str, Any], baseline: str = "sparse") -> Table:
    blocks = list(section(bare(retrieval)).blocks)
    queries = retrieval["splits"]["test"]["queries"]
    return tables(blocks)[f"NDCG@10 against {baseline} search (n = {queries} pairs)"]


def test_gain_interval_and_p_are_those_against_the_method_of_the_table() -> None:
    retrieval = search(4, random.Random(0))
    rrf = retrieval["splits"]["test"]["methods"]["rrf"]
    rrf["against_sparse"]["ndcg@10"] = {"difference": 0.151, "low": 0.1, "high": 0.2, "p_value": 0.0001}
    rrf["against_dense"]["ndcg@10"] = {"difference": -0.012, "low": -0.02, "high": 0.01, "p_value": 0.271}
    shown = {}
    for baseline in ("sparse", "dense"):
        row = next(row for row in against(retrieval, baseline).rows if row[0].text == METHODS["rrf"])
        shown[baseline] = [cell.text for cell in row[1:4]]
    assert shown["sparse"] == ["+0.151", "0.0001", "better"]
    assert shown["dense"] == ["-0.012", "0.2710", "no clear difference"]


def bare(retrieval: dict[str, Any]) -> Evidence:
    return Evidence([], {}, {}, {}, retrieval, {}, b"", {}, {}, {}, {}, "")


def test_a_difference_is_a_verdict_only_where_its_interval_excludes_zero() -> None:
    retrieval = search(4, random.Random(0))
    bounds = {"dense": (0.01, 0.05), "rrf": (-0.05, -0.01), "mmr": (-0.01, 0.05)}
    for name, (low, high) in bounds.items():
        retrieval["splits"]["test"]["methods"][name]["against_sparse"]["ndcg@10"] |= {"low": low, "high": high}
    verdicts = {row[0].text: row[3].text for row in against(retrieval).rows}
    assert [verdicts[METHODS[name]] for name in bounds] == ["better", "worse", "no clear difference"]


def test_where_sparse_search_is_served_the_others_are_still_compared_with_it() -> None:
    retrieval = search(4, random.Random(0), served="sparse")
    assert len(against(retrieval).rows) == len(METHODS) - 1
    drawn = pictures(retrieval)
    assert "query_by_query_against_sparse" not in drawn
    assert "query_by_query_against_dense" in drawn


def test_older_evidence_renders_and_says_what_was_not_measured(old: Evidence) -> None:
    said = texts(list(section(old).blocks))
    for sentence in (
        "NDCG and recall over k: not measured.",
        "Confidence: not measured.",
        "Questions that nothing answers: not measured.",
        "How the served search was chosen: not measured.",
        "The served encoder against the same model in torch: not measured.",
    ):
        assert sentence in said


def test_there_is_a_markdown_image_for_each_part(evidence: Evidence, old: Evidence) -> None:
    drawn = pictures(evidence.retrieval)
    against_both = ["query_by_query_against_sparse", "query_by_query_against_dense"]
    assert list(drawn) == ["methods", "ndcg_over_k", *against_both, "confidence", "choice"]
    assert all(image.startswith("![") and "](data:image/png;base64," in image for image in drawn.values())
    assert list(pictures(old.retrieval)) == ["methods", "query_by_query_against_sparse"]
    assert pictures({}) == {}


def test_the_pictures_are_those_of_the_page(evidence: Evidence, blocks: list[Block]) -> None:
    on_page = [picture.uri for block in blocks if isinstance(block, Pictures) for picture in block.pictures]
    assert all(any(uri in image for uri in on_page) for image in pictures(evidence.retrieval).values())


def test_headlines_are_of_the_served_method(evidence: Evidence, old: Evidence) -> None:
    assert [h.title for h in headlines(evidence) if h.section == "retrieval"] == [
        "NDCG@10, reranked",
        "Recall@10, reranked",
    ]
    assert [h.title for h in headlines(old) if h.section == "retrieval"] == ["NDCG@10, rrf", "Recall@10, rrf"]
