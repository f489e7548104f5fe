from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from releaf.reporting.page import Evidence, GateRow, headline_figures, render_page


@pytest.fixture(scope="module")
def page(evidence: Evidence) -> str:
    return render_page(evidence)


def text_of(page: str) -> str:
    """What a reader sees: no style, no tags, no pictures."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def empty(evidence: Evidence) -> Evidence:
    return replace(
        evidence,
        gates=[],
        data={},
        vision={},
        vision_history={},
        retrieval={},
        graph={},
        graph_picture=b"",
        recommendation={},
        language={},
        provenance={},
        settings={},
        hardware="",
    )


def test_the_same_evidence_gives_the_same_page(evidence: Evidence, page: str) -> None:
    assert render_page(evidence) == page


def test_what_others_wrote_is_escaped(page: str) -> None:
    assert "Bird feeder &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "&lt;&lt;To a collection point.&gt;&gt;" in page


def test_the_page_loads_nothing(page: str) -> None:
    addresses = re.findall(r"""(?:src|href|action|data|poster)\s*=\s*["']([^"']*)""", page)
    assert addresses
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_every_link_leads_to_a_part_of_the_page(page: str) -> None:
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_every_gate_is_shown_with_its_value_and_threshold(page: str) -> None:
    text = text_of(page)
    assert "waste_images rows kept Few images may be lost. lost_share 0.0125 ≤ 0.05" in text
    assert "vision_report item accuracy Items are right. rendered_item_accuracy 0.914 ≥ 0.85" in text
    assert "test_rrf_ndcg@10 0.741 ≥ 0.6" in text
    assert "All 3 quality gates are green" in text


def test_a_red_gate_is_named_first(evidence: Evidence) -> None:
    red = GateRow("language_report", "perplexity", "perplexity_ratio", 1.2, "<=", 0.9, False, "The adapter helps.")
    text = text_of(render_page(replace(empty(evidence), gates=[*evidence.gates, red])))
    assert "1 of 4 quality gates is red language_report / perplexity." in text
    assert text.index("perplexity_ratio") < text.index("lost_share")


def test_a_gate_without_a_verdict_makes_no_page_green(evidence: Evidence) -> None:
    waiting = GateRow("release", "better", "gain", None, ">=", 0, None, "Better than before.")
    text = text_of(render_page(replace(empty(evidence), gates=[waiting])))
    assert "1 of 1 quality gates have no verdict yet" in text
    assert "gain not measured ≥ 0" in text


def test_rendered_images_are_named_synthetic_wherever_their_figures_stand(page: str) -> None:
    text = text_of(page)
    assert "Item accuracy, rendered synthetic" in text
    assert "Rendered images synthetic Figures by label (synthetic, rendered, test split)" in text
    assert "Surest mistakes (synthetic, rendered)" in text
    assert text.index("Surest mistakes (photographs)") < text.index("Rendered images synthetic")


def test_missing_photographs_are_said_to_be_missing(without_photographs: Evidence) -> None:
    text = text_of(render_page(without_photographs))
    assert "No photographs were in the test split, so nothing is claimed about them." in text
    assert "accuracy, photographs" not in text
    assert "Calibration error, rendered synthetic" in text


def test_a_page_about_nothing_says_so_everywhere(evidence: Evidence) -> None:
    text = text_of(render_page(empty(evidence)))
    for sentence in (
        "No quality gates",
        "No tables were counted.",
        "Search was not measured.",
        "The graph was not described.",
        "Link prediction was not measured.",
        "The language model was not measured.",
        "Hardware: not recorded.",
    ):
        assert sentence in text


def test_a_base_from_elsewhere_has_no_training_curves(page: str) -> None:
    assert "Training curves of the base: no curves were recorded." in text_of(page)


def test_settings_are_shown_by_dotted_name(page: str) -> None:
    assert "seed 0 vision.epochs 20 vision.sizes 96, 128 retrieval.model –" in text_of(page)


def test_headline_figures_carry_their_baselines(evidence: Evidence) -> None:
    figures = headline_figures(evidence)
    assert figures["recommendation_auc"] == 0.884
    assert figures["recommendation_auc_baseline"] == 0.802  # degree, the best of the four
    assert figures["language_perplexity"] == 12.0
    assert figures["language_perplexity_baseline"] == 50.0
    assert figures["gates_passed"] == 3.0
    assert figures["gates_failed"] == 0.0
    test = evidence.retrieval["splits"]["test"]["methods"]
    assert figures["retrieval_test_reranked_ndcg_at_10"] == test["reranked"]["figures"]["ndcg@10"]["mean"]
    assert figures["retrieval_test_reranked_ndcg_at_10_baseline"] == test["sparse"]["figures"]["ndcg@10"]["mean"]


def test_the_vision_baseline_is_the_share_of_the_commonest_class(evidence: Evidence) -> None:
    matrix = evidence.vision["sources"]["photograph"]["family"]["confusion"]
    expected = max(sum(row) for row in matrix) / 60
    assert headline_figures(evidence)["vision_photograph_family_accuracy_baseline"] == pytest.approx(expected)
