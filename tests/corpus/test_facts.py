from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from releaf.corpus.facts import FACT_SCHEMA, NODE_SCHEMA, PROJECT_SCHEMA, read_facts
from releaf.errors import InputError

FILES = {
    "properties.yaml": """
- {id: transparent, description: Lets light through.}
- {id: watertight, description: Keeps water in.}
""",
    "materials.yaml": """
- id: pet
  properties: [transparent, watertight]
  compatible_with: [hdpe]
  source: authors
""",
    "items.yaml": """
- id: plastic_bottle
  similar_to: [glass_bottle]
  source: authors
""",
    "projects.yaml": """
- id: self_watering_planter
  title: Self-watering planter
  description: A pot that waters itself.
  items: [plastic_bottle]
  requires: [watertight]
  tools: [knife]
  difficulty: easy
  minutes: 30
  source: authors
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    facts = tmp_path / "facts"
    facts.mkdir()
    for name, content in FILES.items():
        (facts / name).write_text(content.lstrip("\n"))
    return facts


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def triples(frame: pl.DataFrame) -> list[tuple[str, str, str]]:
    return [row for row in frame.select("subject", "relation", "object").iter_rows() if row[1] != "made_of"]


def test_every_statement_becomes_a_triple_with_its_place(folder, taxonomy):
    result = read_facts(folder, taxonomy)
    assert result.facts.quarantine.rows() == []
    assert triples(result.facts.frame) == [
        ("material:pet", "has_property", "property:transparent"),
        ("material:pet", "has_property", "property:watertight"),
        ("material:pet", "compatible_with", "material:hdpe"),
        ("item:plastic_bottle", "similar_to", "item:glass_bottle"),
        ("project:self_watering_planter", "requires_property", "property:watertight"),
        ("item:plastic_bottle", "can_become", "project:self_watering_planter"),
    ]
    places = result.facts.frame.filter(pl.col("relation") != "made_of").select("file", "line", "source").rows()
    assert places[:3] == [
        ("facts/materials.yaml", 2, "authors"),
        ("facts/materials.yaml", 2, "authors"),
        ("facts/materials.yaml", 3, "authors"),
    ]


def test_what_items_are_made_of_comes_from_the_taxonomy(folder, taxonomy):
    made_of = read_facts(folder, taxonomy).facts.frame.filter(pl.col("relation") == "made_of")
    assert made_of.height == sum(len(item.materials) for item in taxonomy.items)
    assert made_of.row(0) == (
        "item:plastic_bottle", "item", "made_of", "material:pet", "material", "ReleAF taxonomy", "taxonomy.yaml", None,
    )  # fmt: skip


def test_tables_have_the_columns_of_the_contract_and_nodes_cover_all_triples(folder, taxonomy):
    result = read_facts(folder, taxonomy)
    assert result.facts.frame.schema == pl.Schema(FACT_SCHEMA)
    assert result.nodes.schema == pl.Schema(NODE_SCHEMA)
    assert result.projects.schema == pl.Schema(PROJECT_SCHEMA)
    ends = set(result.facts.frame["subject"]) | set(result.facts.frame["object"])
    assert ends <= set(result.nodes["id"])
    assert result.nodes["id"].is_unique().all()
    assert result.nodes.filter(pl.col("id") == "item:plastic_bottle")["name"].to_list() == ["plastic bottle"]
    assert result.projects.row(0, named=True) == {
        "id": "self_watering_planter",
        "title": "Self-watering planter",
        "description": "A pot that waters itself.",
        "tools": ["knife"],
        "difficulty": "easy",
        "minutes": 30,
        "safety": None,
        "source": "authors",
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "reason"),
    [
        ("materials.yaml", "[hdpe]", "[mithril]", 3, "unknown material 'mithril'"),
        ("materials.yaml", "[hdpe]", "[PET]", 3, "material:pet is joined to itself"),
        ("materials.yaml", "watertight]", "watertigt]", 2, "unknown property 'watertigt'; did you mean watertight"),
        ("materials.yaml", "watertight]", "Transparent]", 2, "was stated before, at facts/materials.yaml:2"),
        ("materials.yaml", "[hdpe]", "[hdpe, High-Density Polyethylene]", 3, "material:hdpe was stated before"),
        ("items.yaml", "[glass_bottle]", "[wine botle]", 2, "unknown item 'wine botle'"),
        ("items.yaml", "[glass_bottle]", "[soda_bottle]", 2, "item:plastic_bottle is joined to itself"),
        ("projects.yaml", "requires: [watertight]", "requires: [edible]", 5, "unknown property 'edible'"),
        ("projects.yaml", "items: [plastic_bottle]", "items: [sofa]", 4, "unknown item 'sofa'"),
    ],
)
def test_a_statement_that_cannot_stand_is_quarantined_alone(folder, taxonomy, name, old, new, line, reason):
    change(folder, name, old, new)
    result = read_facts(folder, taxonomy).facts
    row, *follows = result.quarantine.to_dicts()
    # Without that property the planter cannot be made of PET, and HDPE has none here.
    assert all("no material of plastic_bottle holds all" in one["reason"] for one in follows)
    assert reason in row["reason"]
    assert (row["dataset"], row["file"], row["line"]) == ("facts", f"facts/{name}", line)
    assert result.read == result.frame.height + 1 + len(follows)


def test_an_entry_that_does_not_fit_its_schema_is_quarantined(folder, taxonomy):
    change(folder, "projects.yaml", "difficulty: easy", "difficulty: trivial")
    result = read_facts(folder, taxonomy)
    assert result.projects.height == 0
    assert "project" not in result.facts.frame["subject_kind"].to_list()
    row = result.facts.quarantine.row(0, named=True)
    assert (row["line"], row["reason"].startswith("difficulty: ")) == (7, True)


def test_a_project_given_twice_counts_once(folder, taxonomy):
    path = folder / "projects.yaml"
    path.write_text(path.read_text() * 2)
    result = read_facts(folder, taxonomy)
    assert result.projects.height == 1
    assert result.facts.quarantine.rows()[0][1:4] == (
        "facts/projects.yaml", 10, "'self_watering_planter' was given before, at line 1",
    )  # fmt: skip


def test_an_unknown_material_loses_all_its_statements(folder, taxonomy):
    change(folder, "materials.yaml", "id: pet", "id: petg")
    reasons = read_facts(folder, taxonomy).facts.quarantine["reason"].to_list()
    assert [reason.startswith("unknown material 'petg'") for reason in reasons] == [True, True, True, False]
    assert reasons[3] == (
        "no material of plastic_bottle holds all that self_watering_planter requires: "
        "hdpe lacks watertight; pet lacks watertight"
    )


def test_a_missing_file_is_named(folder, taxonomy):
    (folder / "items.yaml").unlink()
    with pytest.raises(InputError, match=r"items\.yaml"):
        read_facts(folder, taxonomy)


def test_no_authored_fact_is_lost(project_root, taxonomy):
    result = read_facts(project_root / "data" / "facts", taxonomy)
    assert result.facts.quarantine.rows() == []
    assert set(result.facts.frame["relation"]) == {
        "made_of", "has_property", "requires_property", "can_become", "compatible_with", "similar_to",
    }  # fmt: skip
