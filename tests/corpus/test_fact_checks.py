from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from releaf.corpus.fact_checks import (
    CHECKS,
    RISKY_WORDS,
    FactTables,
    check_facts,
    contradictions,
    count_findings,
    remarks,
)
from releaf.corpus.facts import PROJECT_SCHEMA, read_facts
from releaf.taxonomy import Taxonomy

Triple = tuple[str, str, str]
SOUND: list[Triple] = [
    ("item:bottle", "made_of", "material:pet"),
    ("item:bottle", "made_of", "material:hdpe"),
    ("material:pet", "has_property", "property:transparent"),
    ("material:hdpe", "has_property", "property:watertight"),
    ("project:lamp", "requires_property", "property:transparent"),
    ("project:bucket", "requires_property", "property:watertight"),
    ("item:bottle", "can_become", "project:lamp"),
    ("item:bottle", "can_become", "project:bucket"),
]


def tables(triples: list[Triple], more: tuple[tuple[str, str], ...] = (), **project: object) -> FactTables:
    """The tables of some triples, with a node for each end; `more` are nodes that no triple joins, with names."""
    ids = dict.fromkeys(end for start, _, stop in triples for end in (start, stop))
    nodes = [*((node, node.split(":")[1]) for node in ids), *more]
    projects = [
        {"id": node.split(":")[1], "title": name, "description": "", "tools": [], "safety": "Take care.", **project}
        for node, name in nodes
        if node.startswith("project:")
    ]
    return FactTables(
        pl.DataFrame(
            [(*triple, "authors", "facts.yaml") for triple in triples],
            schema=["subject", "relation", "object", "source", "file"],
            orient="row",
        ),
        pl.DataFrame(
            [(node, node.split(":")[0], name) for node, name in nodes], schema=["id", "kind", "name"], orient="row"
        ),
        pl.DataFrame(projects, schema=PROJECT_SCHEMA),
    )


def found(checked: FactTables) -> dict[str, int]:
    return {name: count for name, count in count_findings(check_facts(checked)).items() if count}


def test_sound_facts_pass_every_check_and_every_check_is_counted() -> None:
    assert found(tables(SOUND)) == {}
    assert set(count_findings([])) == set(CHECKS)


def test_the_authored_facts_pass_every_check(project_root: Path, taxonomy: Taxonomy) -> None:
    read = read_facts(project_root / "data" / "facts", taxonomy)
    authored = FactTables(read.facts.frame, read.nodes, read.projects)
    assert check_facts(authored) == []
    assert remarks(authored) == []


def test_a_project_whose_properties_no_single_material_holds_is_a_contradiction() -> None:
    # PET is transparent and HDPE watertight: each property is there, and no material has both.
    both: Triple = ("project:lamp", "requires_property", "property:watertight")
    assert contradictions([*SOUND, both]) == {
        ("item:bottle", "project:lamp"): "no material of bottle holds all that lamp requires: "
        "hdpe lacks transparent; pet lacks watertight"
    }
    assert found(tables([*SOUND, both])) == {"contradictions": 1}


def test_an_item_without_materials_becomes_nothing_that_requires_anything() -> None:
    assert contradictions([("item:x", "can_become", "project:y")]) == {}
    triples = [("item:x", "can_become", "project:y"), ("project:y", "requires_property", "property:z")]
    assert contradictions(triples)["item:x", "project:y"].endswith("requires: it has no material")


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (tables([*SOUND, ("item:bottle", "similar_to", "item:bottle")]), "self_loops"),
        (tables([*SOUND, ("item:bottle", "eats", "material:pet")]), "unknown_relations"),
        (tables([*SOUND, ("material:pet", "made_of", "item:bottle")]), "cycles"),
        (tables(SOUND, (("item:lost", "lost"),)), "orphans"),
        (tables(SOUND, title="Solder the joints", safety=None), "missing_safety_notes"),
        (tables(SOUND, tools=["bread knife", "craft knife"], safety=None), "missing_safety_notes"),
    ],
)
def test_each_fault_is_found_by_its_check(broken: FactTables, check: str) -> None:
    assert found(broken)[check] >= 1


def test_a_fact_about_a_node_that_is_not_there_is_dangling() -> None:
    whole = tables(SOUND)
    part = FactTables(whole.facts, whole.nodes.filter(pl.col("id") != "material:hdpe"), whole.projects)
    assert [one.reason for one in check_facts(part)] == ["material:hdpe is in no table of nodes"] * 2


def test_a_fact_without_a_source_is_told() -> None:
    whole = tables(SOUND)
    bare = whole.facts.with_columns(source=pl.when(pl.int_range(pl.len()) == 0).then(None).otherwise(pl.lit("authors")))
    (one,) = check_facts(FactTables(bare, whole.nodes, whole.projects))
    assert (one.check, one.about) == ("unsourced_facts", "item:bottle made_of material:pet")


@pytest.mark.parametrize("again", ["Lamps", "LAMP", "lámp", "lamp ", "la\u0301mp"])
def test_a_node_under_another_spelling_is_found(again: str) -> None:
    twice = tables([*SOUND, ("project:other", "requires_property", "property:transparent")])
    renamed = twice.nodes.with_columns(
        name=pl.when(pl.col("id") == "project:other").then(pl.lit(again)).otherwise("name")
    )
    assert found(FactTables(twice.facts, renamed, twice.projects)) == {"respelled_names": 1}


def test_near_titles_one_sided_facts_and_idle_properties_are_remarks() -> None:
    triples: list[Triple] = [
        *SOUND,
        ("material:pet", "compatible_with", "material:hdpe"),
        ("material:pet", "has_property", "property:shiny"),
        ("project:lamp", "requires_property", "property:edible"),
    ]
    told = {(one.check, one.about) for one in remarks(tables(triples, title="The very same old thing"))}
    assert told == {
        ("near_titles", "project:bucket"),
        ("one_sided", "material:pet compatible_with material:hdpe"),
        ("idle_properties", "property:shiny"),
        ("idle_properties", "property:edible"),
    }


def test_breaking_glass_is_a_risk() -> None:
    assert RISKY_WORDS.search("Smash the jar in a cloth")
    assert RISKY_WORDS.search("break the glass")
    assert not RISKY_WORDS.search("take a break from glass")
