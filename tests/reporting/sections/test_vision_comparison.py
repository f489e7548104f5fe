from __future__ import annotations

from typing import Any

import pytest

from releaf.reporting.blocks import Block, Heading, Pictures, Table, Text
from releaf.reporting.sections.vision_comparison import comparison, transfer
from tests.reporting.vision_evidence import classified, crossing, evaluation


def row(label: str, features: str, classifier: str, accuracy: float, source: str = "photograph") -> dict[str, Any]:
    return {
        "source": source,
        "label": label,
        "features": features,
        "classifier": classifier,
        "accuracy": accuracy,
        "macro_f1": accuracy - 0.1,
    }


@pytest.fixture
def vision() -> dict[str, Any]:
    family, bins = classified(("a", "b"), 50, 0.8, 0), classified(("x", "y"), 50, 0.8, 1)
    family |= {"accuracy": 0.8, "macro_f1": 0.75}
    bins |= {"accuracy": 0.9, "macro_f1": 0.85}
    return {
        "sources": {"photograph": {"family": family, "bin": bins}},
        "parts": {
            "photograph": {
                "family": {
                    "network": {"accuracy": 0.7, "macro_f1": 0.65},
                    "descriptors": {"accuracy": 0.78, "macro_f1": 0.7},
                    "both": {"accuracy": 0.8, "macro_f1": 0.75},
                },
                "bin": {"network": {"accuracy": 0.9, "macro_f1": 0.85}, "both": {"accuracy": 0.9, "macro_f1": 0.85}},
            }
        },
        "baselines": [
            row("family", "none", "majority_class", 0.3),
            row("family", "network", "naive_bayes", 0.5),
            row("family", "simple", "random_forest", 0.72),
            row("bin", "simple", "random_forest", 0.95),
            row("family", "simple", "random_forest", 0.99, source="rendered"),
        ],
    }


def table_of(blocks: list[Block]) -> Table:
    return next(block for block in blocks if isinstance(block, Table))


def test_one_table_holds_classifier_parts_and_baselines_by_label(vision: dict[str, Any]) -> None:
    found = table_of(comparison(vision, "photograph"))
    assert [column.name for column in found.columns] == ["Classifier", "Family", "Bin"]
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["▸\xa0network and local descriptors", "0.800", "0.900"],
        ["network alone", "0.700", "0.900"],
        ["local descriptors alone", "0.780", "–"],
        ["naive bayes", "0.500", "–"],
        ["random forest", "0.720", "0.950"],
        ["majority class", "0.300", "–"],
    ]
    assert [cell.note for cell in found.rows[4]] == ["on simple features", "F1 0.620", "F1 0.850"]
    assert [row[0].text for row in found.rows if row[1].tone == "best"] == ["▸\xa0network and local descriptors"]
    assert [row[0].text for row in found.rows if row[2].tone == "best"] == ["random forest"]


def test_the_best_plain_classifier_is_named_and_so_is_every_label_where_one_is_better(vision: dict[str, Any]) -> None:
    said = next(block.text for block in comparison(vision, "photograph") if isinstance(block, Text))
    assert said == (
        "Family: the classifier is right in 0.800 of 50 photographs, the best plain classifier (random forest on "
        "simple features) in 0.720, a difference of +0.080. A plain classifier is better at bin (random forest on "
        "simple features, 0.950 against 0.900)."
    )


def test_figures_of_another_source_are_not_taken(vision: dict[str, Any]) -> None:
    assert "0.990" not in str(comparison(vision, "photograph"))


def test_parts_without_baselines_and_baselines_without_parts_are_enough(vision: dict[str, Any]) -> None:
    parts = comparison({**vision, "baselines": []}, "photograph")
    assert [row[0].text for row in table_of(parts).rows][1:] == ["network alone", "local descriptors alone"]
    assert not any(isinstance(block, Text) for block in parts)
    plain = comparison({**vision, "parts": {}}, "photograph")
    assert "network alone" not in str(table_of(plain).rows)
    assert any(isinstance(block, Pictures) for block in plain)


def test_nothing_to_compare_is_said(vision: dict[str, Any]) -> None:
    found = comparison({"sources": vision["sources"]}, "photograph")
    assert [type(block) for block in found] == [Heading, Text]


def test_the_picture_says_whose_figures_it_shows() -> None:
    vision = evaluation(("can", "jar"), ("steel", "glass"), 30)
    shown = next(block for block in comparison(vision, "rendered") if isinstance(block, Pictures)).pictures[0]
    assert shown.title == "Classifier, its parts and plain classifiers (synthetic, rendered)"
    assert shown.note.startswith("item, n = 60, 0–1, higher is better")


def test_what_crossing_costs_is_said_in_both_directions() -> None:
    rows = [
        crossing("photograph", "photograph", 30, 0.85),
        crossing("photograph", "rendered", 60, 0.27),
        crossing("rendered", "photograph", 30, 0.31),
        crossing("rendered", "rendered", 60, 0.92),
    ]
    said, found = transfer(rows)
    assert isinstance(said, Text)
    assert said.text == (
        "Trained on photographs alone, the classifier is right in 0.270 of rendered images (synthetic); trained on "
        "these, in 0.920. Trained on rendered images (synthetic) alone, the classifier is right in 0.310 of "
        "photographs; trained on these, in 0.850."
    )
    assert isinstance(found, Table)
    assert [(row[0].text, row[1].note, row[3].text, row[4].text) for row in found.rows] == [
        ("photographs", "the same source", "30", "0.850"),
        ("photographs", "the other source", "60", "0.270"),
        ("rendered images (synthetic)", "the other source", "30", "0.310"),
        ("rendered images (synthetic)", "the same source", "60", "0.920"),
    ]


def test_a_crossing_without_its_reference_stands_alone() -> None:
    said = transfer([crossing("rendered", "photograph", 30, 0.31)])[0]
    assert isinstance(said, Text)
    assert said.text == (
        "Trained on rendered images (synthetic) alone, the classifier is right in 0.310 of photographs."
    )


@pytest.mark.parametrize(("rows", "expected"), [(None, "not measured"), ([], "not enough images of both sources")])
def test_no_crossing_is_one_sentence(rows: list[dict[str, Any]] | None, expected: str) -> None:
    (said,) = transfer(rows)
    assert isinstance(said, Text)
    assert expected in said.text
