"""The authored facts agree with the taxonomy and with each other."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from releaf.corpus.fact_checks import RISKY_WORDS
from releaf.corpus.facts import Facts, read_facts
from releaf.taxonomy import Taxonomy

Row = dict[str, Any]
WORKED_WITH_BARE_HANDS = {"folded_caddy_liner", "layered_lunch_jar"}
OPENING_TOOLS = re.compile(r"\b(snips|saw|drill|nails?|awl|hammer|punch|knife|oven|hot-air gun|stove)\b")


@pytest.fixture(scope="module")
def facts(project_root: Path) -> dict[str, list[Row]]:
    folder = project_root / "data" / "facts"
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}


@pytest.fixture(scope="module")
def loaded(project_root: Path, taxonomy: Taxonomy) -> Facts:
    return read_facts(project_root / "data" / "facts", taxonomy)


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


def test_the_graph_has_the_promised_size(loaded: Facts, facts: dict[str, list[Row]]) -> None:
    assert loaded.projects.height == len(facts["projects"]) >= 250
    assert loaded.facts.frame.height >= 2_500
    assert len(facts["properties"]) >= 50
    assert loaded.facts.quarantine.is_empty()


def test_every_node_is_joined_to_another(loaded: Facts) -> None:
    frame = loaded.facts.frame
    assert set(loaded.nodes["id"]) == set(frame["subject"]) | set(frame["object"])


def test_every_item_has_many_projects_and_hazardous_ones_fewer(facts: dict[str, list[Row]], taxonomy: Taxonomy) -> None:
    count = Counter(name for project in facts["projects"] for name in project["items"])
    few = {
        item.id: count[item.id] for item in taxonomy.items if count[item.id] < (8 if item.bin == "hazardous" else 14)
    }
    assert not few


def test_every_project_has_one_to_six_items_and_three_to_seven_properties_each_once(
    facts: dict[str, list[Row]],
) -> None:
    for project in facts["projects"]:
        assert 1 <= len(project["items"]) <= 6, project["id"]
        assert 3 <= len(project["requires"]) <= 7, project["id"]
        for key in ("items", "requires", "tools"):
            assert len(set(project[key])) == len(project[key]), (project["id"], key)


def test_every_project_says_how_it_is_done(facts: dict[str, list[Row]]) -> None:
    for project in facts["projects"]:
        assert project["difficulty"] in {"easy", "medium", "hard"}, project["id"]
        assert 1 <= project["minutes"] <= 24 * 60, project["id"]
        assert project["source"].strip(), project["id"]
    assert {project["id"] for project in facts["projects"] if not project["tools"]} == WORKED_WITH_BARE_HANDS


def test_descriptions_have_twenty_to_forty_five_words(facts: dict[str, list[Row]]) -> None:
    lengths = {project["id"]: len(project["description"].split()) for project in facts["projects"]}
    assert not {name: length for name, length in lengths.items() if not 20 <= length <= 45}


def test_heat_cutting_drilling_and_electricity_carry_a_safety_note(facts: dict[str, list[Row]]) -> None:
    missing = {}
    for project in facts["projects"]:
        risks = RISKY_WORDS.findall(" . ".join([project["title"], project["description"], *project["tools"]]))
        if risks and not project.get("safety"):
            missing[project["id"]] = risks
    assert not missing


@pytest.mark.parametrize("bare", ["plain", "Saw a slat.", "Warm it in the OVEN", "craft knife", "use a hot-air gun"])
def test_risky_words_are_found_as_whole_words_in_any_case(bare: str) -> None:
    assert bool(RISKY_WORDS.search(bare)) == (bare != "plain")
    assert not RISKY_WORDS.search("sawdust, hotel, ironic, shot, seesaw")


def test_metal_cans_and_hazardous_items_carry_a_safety_note(facts: dict[str, list[Row]], taxonomy: Taxonomy) -> None:
    with_note = {"beverage_can", "food_can"} | {item.id for item in taxonomy.items if item.bin == "hazardous"}
    bare = [row["id"] for row in facts["projects"] if with_note & set(row["items"]) and not row.get("safety")]
    assert not bare


def test_aerosols_are_never_opened(facts: dict[str, list[Row]]) -> None:
    for project in facts["projects"]:
        if "aerosol_can" in project["items"]:
            assert not OPENING_TOOLS.search(" . ".join(project["tools"])), project["id"]
            assert re.search(r"\b(empty|pierced?)\b", project["safety"]), project["id"]


@pytest.mark.parametrize("key", ["title", "description"])
def test_no_two_projects_are_near_duplicates(facts: dict[str, list[Row]], key: str) -> None:
    words = {row["id"]: frozenset(re.findall(r"\w+", row[key].lower())) for row in facts["projects"]}
    alike = [
        (first, second)
        for (first, a), (second, b) in combinations(words.items(), 2)
        if len(a & b) >= 0.7 * len(a | b)  # token Jaccard
    ]
    assert not alike
