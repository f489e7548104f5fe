"""The authored facts agree with the taxonomy and with each other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from releaf.taxonomy import Taxonomy

Row = dict[str, Any]


@pytest.fixture(scope="module")
def facts(project_root: Path) -> dict[str, list[Row]]:
    folder = project_root / "data" / "facts"
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}


def test_every_id_stands_once(facts: dict[str, list[Row]]) -> None:
    for name, rows in facts.items():
        twice = [key for key, count in Counter(row["id"] for row in rows).items() if count > 1]
        assert not twice, name


def test_materials_and_items_are_the_taxonomys_in_its_order(facts: dict[str, list[Row]], taxonomy: Taxonomy) -> None:
    assert tuple(row["id"] for row in facts["materials"]) == taxonomy.material_ids
    assert tuple(row["id"] for row in facts["items"]) == taxonomy.item_ids


def test_every_property_is_held_by_a_material_and_asked_for_by_a_project(facts: dict[str, list[Row]]) -> None:
    known = {row["id"] for row in facts["properties"]}
    assert {name for row in facts["materials"] for name in row["properties"]} == known
    assert {name for row in facts["projects"] for name in row["requires"]} == known


@pytest.mark.parametrize(("table", "relation"), [("materials", "compatible_with"), ("items", "similar_to")])
def test_symmetric_relations_are_written_on_both_sides(facts: dict[str, list[Row]], table: str, relation: str) -> None:
    pairs = {(row["id"], other) for row in facts[table] for other in row[relation]}
    assert pairs == {(other, name) for name, other in pairs}
    assert not [pair for pair in pairs if pair[0] == pair[1]]


def test_a_projects_properties_are_held_by_one_material_of_each_of_its_items(
    facts: dict[str, list[Row]], taxonomy: Taxonomy
) -> None:
    held = {row["id"]: set(row["properties"]) for row in facts["materials"]}
    for project in facts["projects"]:
        for name in project["items"]:
            materials = taxonomy.item(name).materials
            assert any(held[material].issuperset(project["requires"]) for material in materials), (project["id"], name)


def test_every_item_has_at_least_four_projects_and_every_project_one_to_four_items(
    facts: dict[str, list[Row]], taxonomy: Taxonomy
) -> None:
    count = Counter(name for project in facts["projects"] for name in project["items"])
    assert min(count[name] for name in taxonomy.item_ids) >= 4
    assert all(1 <= len(project["items"]) <= 4 and 3 <= len(project["requires"]) <= 5 for project in facts["projects"])


def test_descriptions_have_twenty_to_forty_words(facts: dict[str, list[Row]]) -> None:
    lengths = {project["id"]: len(project["description"].split()) for project in facts["projects"]}
    assert not {name: length for name, length in lengths.items() if not 20 <= length <= 40}
