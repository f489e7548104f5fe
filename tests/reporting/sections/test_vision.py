from __future__ import annotations

import json
import random
from typing import Any

import pytest

from releaf.reporting.blocks import Block, Gallery, Heading, Pictures, Table, Text
from releaf.reporting.evidence import Evidence
from releaf.reporting.headlines import headlines
from releaf.reporting.page import render_page
from releaf.reporting.sections.vision import finest, majority, pictures, section
from tests.reporting.conftest import ITEMS, history, label_figures, picture
from tests.reporting.vision_evidence import FAMILIES, evaluation

MATERIALS = ("pet", "steel", "glass", "paper")


def showing(vision: dict[str, Any]) -> Evidence:
    return Evidence([], {}, vision, history("validation_score", 4), {}, {}, b"", {}, {}, {}, {}, "cpu")


def blocks_of(vision: dict[str, Any]) -> list[Block]:
    return list(section(showing(vision)).blocks)


def headings(blocks: list[Block]) -> list[tuple[str, str]]:
    return [(block.text, block.badge) for block in blocks if isinstance(block, Heading)]


def table(blocks: list[Block], title: str) -> Table:
    return next(block for block in blocks if isinstance(block, Table) and block.title == title)


def titles(blocks: list[Block]) -> list[str]:
    found = [block.title for block in blocks if isinstance(block, Table | Gallery)]
    return found + [one.title for block in blocks if isinstance(block, Pictures) for one in block.pictures]


def texts(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Text))


@pytest.fixture(scope="module")
def vision() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(evaluation(ITEMS, MATERIALS, 60)))
    return found


@pytest.fixture(scope="module")
def few(vision: dict[str, Any]) -> dict[str, Any]:
    """One label of each source, and nothing to compare it with."""
    sources = vision["sources"]
    return {"sources": {"photograph": sources["photograph"], "rendered": {"bin": sources["rendered"]["bin"]}}}


@pytest.fixture(scope="module")
def blocks(vision: dict[str, Any]) -> list[Block]:
    return blocks_of(vision)


def test_photographs_come_first_and_every_heading_of_rendered_images_has_the_badge(blocks: list[Block]) -> None:
    assert headings(blocks) == [
        ("Photographs", ""),
        ("Photographs: parts and plain classifiers", ""),
        ("Photographs: family", ""),
        ("Rendered images", "synthetic"),
        ("Rendered images: parts and plain classifiers", "synthetic"),
        *((f"Rendered images: {label}", "synthetic") for label in ("item", "material", "family", "bin")),
        ("From one source to the other", ""),
        ("Things that are no waste", ""),
        ("Explanations", ""),
        ("Training", ""),
    ]


def test_every_title_under_rendered_images_says_that_they_are_synthetic(blocks: list[Block]) -> None:
    own = [block.text for block in blocks if isinstance(block, Heading)]
    start, end = own.index("Rendered images"), own.index("From one source to the other")
    places = [place for place, block in enumerate(blocks) if isinstance(block, Heading)]
    rendered = titles(blocks[places[start] : places[end]])
    assert len(rendered) == 2 + 1 + 3 * 4  # figures, comparison, its picture; three for each label
    assert all("synthetic" in title for title in rendered)
    assert not any("synthetic" in title for title in titles(blocks[: places[start]]))


def test_figures_stand_by_label_from_the_finest(vision: dict[str, Any], blocks: list[Block]) -> None:
    found = table(blocks, "Figures by label (synthetic, rendered, test split)")
    assert [row[0].text for row in found.rows] == ["item", "material", "family", "bin"]
    item = vision["sources"]["rendered"]["item"]
    cells = [cell.text for cell in found.rows[0]]
    assert cells[1:3] == ["120", "4"]
    assert cells[3] == f"{item['accuracy']:.3f}"
    assert cells[4] == f"{majority(item):.3f}"
    assert cells[5:] == [f"{item[key]:.3f}" for key in ("top3", "macro_f1", "ece_before", "ece")]


def test_classes_are_listed_weakest_first_with_what_they_are_taken_for() -> None:
    figures = {
        **label_figures(("a_b", "c", "d", "e"), 20, 1.0, random.Random(0)),
        "confusion": [[6, 1, 3, 0], [0, 5, 0, 0], [0, 0, 4, 1], [0, 0, 0, 0]],
        "per_class": {
            "a_b": {"precision": 1.0, "recall": 0.6, "f1": 0.75, "support": 10},
            "c": {"precision": 0.83, "recall": 1.0, "f1": 0.91, "support": 5},
            "d": {"precision": 0.57, "recall": 0.8, "f1": 0.67, "support": 5},
            "e": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},
        },
    }
    found = table(
        blocks_of({"sources": {"photograph": {"family": figures}}}), "Family classes, weakest first (photographs)"
    )
    assert [(row[0].text, row[5].text.replace("\xa0", " ")) for row in found.rows] == [
        ("d", "e (1)"),
        ("a b", "d (3), c (1)"),
        ("c", "–"),
    ]


def test_a_confusion_names_the_commonest_mistakes_and_the_classes_it_leaves_out(blocks: list[Block]) -> None:
    pictures_of_family = next(
        one
        for block in blocks
        if isinstance(block, Pictures)
        for one in block.pictures
        if one.title == "Confusion of family (photographs)"
    )
    assert "Most often: " in pictures_of_family.note
    assert f"Not in this test split and never predicted: {', '.join(FAMILIES[6:])}." in pictures_of_family.note


def test_without_photographs_a_sentence_says_so_and_nothing_else_is_missing(vision: dict[str, Any]) -> None:
    only = {"sources": {"rendered": {"bin": vision["sources"]["rendered"]["bin"]}}, "transfer": []}
    blocks = blocks_of(only)
    assert "No photographs were in the test split, so nothing is claimed about them." in texts(blocks)
    assert "there are not enough images of both sources" in texts(blocks)
    assert [text for text, _ in headings(blocks)][:2] == ["Photographs", "Rendered images"]


def test_older_evidence_renders_and_says_what_was_not_measured(evidence: Evidence) -> None:
    said = texts(list(section(evidence).blocks))
    for sentence in (
        "Parts of the classifier and plain classifiers: not measured.",
        "Trained on one source and tested on the other: not measured.",
        "Images of things that are no waste: not measured.",
        "Explanations of answers: not measured.",
    ):
        assert sentence in said


def test_nothing_at_all_is_two_sentences_and_no_figure() -> None:
    blocks = blocks_of({})
    assert [text for text, _ in headings(blocks)] == ["Photographs", "Rendered images", "Training"]
    assert not any(isinstance(block, Table) for block in blocks)


def test_an_unknown_source_has_a_part_of_its_own(few: dict[str, Any]) -> None:
    drawings = {"sources": {"drawing": few["sources"]["photograph"]}}
    assert headings(blocks_of(drawings))[:5] == [
        ("Photographs", ""),
        ("Rendered images", "synthetic"),
        ("Drawing", ""),
        ("Drawing: parts and plain classifiers", ""),
        ("Drawing: family", ""),
    ]


def test_a_sheet_of_mistakes_stands_under_its_source(few: dict[str, Any]) -> None:
    found = blocks_of({**few, "pictures": {"mistakes-photograph": picture()}})
    assert titles(found).count("Surest mistakes (photographs)") == 1
    assert "Surest mistakes (synthetic, rendered)" not in titles(found)


def test_there_is_a_markdown_image_for_each_part(vision: dict[str, Any]) -> None:
    shown = {**vision, "pictures": {"mistakes-rendered": picture(), "explanations": picture()}}
    drawn = pictures(shown)
    assert list(drawn) == [
        *("comparison_photograph", "confusion_photograph_family", "calibration_photograph_family"),
        "comparison_rendered",
        *(
            f"{kind}_rendered_{label}"
            for label in ("item", "material", "family", "bin")
            for kind in ("confusion", "calibration")
        ),
        "surest_mistakes_rendered",
        *("novelty", "explanations"),
    ]
    assert all(image.startswith("![") and "](data:image/png;base64," in image for image in drawn.values())
    assert all("synthetic" in image.split("](")[0] for name, image in drawn.items() if "rendered" in name)


def test_pictures_of_what_was_not_measured_are_left_out(vision: dict[str, Any]) -> None:
    bare = {"sources": {"photograph": vision["sources"]["photograph"]}, "novelty": None}
    assert list(pictures(bare)) == ["confusion_photograph_family", "calibration_photograph_family"]
    assert pictures({}) == {}


def test_the_page_shows_the_badge_at_every_heading_and_headline_of_rendered_images(few: dict[str, Any]) -> None:
    headlines_with_it = sum(bool(headline.badge) for headline in headlines(showing(few)))
    assert headlines_with_it == 1
    badge = '<em class="badge synthetic">synthetic</em>'
    assert render_page(showing(few)).count(badge) == 3 + headlines_with_it


def test_the_finest_label_is_shown_first() -> None:
    assert finest({"bin": {}, "family": {}, "material": {}}) == "material"
    assert finest({"shape": {}, "bin": {}}) == "bin"
    assert finest({"shape": {}}) == "shape"
