"""The authored instructions are whole, rest on documents that ship, and their cards agree with the taxonomy.

How records are read, refused and split in general is in `test_instructions`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from releaf.corpus.instructions import quality_report, read_instructions
from releaf.corpus.validation import Validated
from releaf.taxonomy import Item, Taxonomy

Row = dict[str, Any]
FIELDS = {
    "sorting_cards": ("Bin", "Material", "Prepare", "Why"),
    "project_cards": ("Make", "Need", "Do", "Safety"),
    "hazard_cards": ("Bin", "Danger", "Do", "Take it to"),
}
AT_LEAST = {"sorting_cards": 300, "project_cards": 120, "hazard_cards": 55, "unanswerable": 40}
UNANSWERABLE = re.compile(r"I do not know\. The passages say nothing about [^.]+\. Ask [^.]+\.")
PLACES = re.compile(r"\b(seattle|toronto|berlin)\b", re.IGNORECASE)
CHANGED = re.compile(r"\b(foam|soggy|cap of|capsule|with mb|chemical stains)\b", re.IGNORECASE)
"""What makes a thing go elsewhere than its kind: another material, a part of it, or what it has been through."""


@pytest.fixture(scope="module")
def read(project_root: Path) -> Validated:
    return read_instructions(sorted((project_root / "data" / "instructions").glob("*.yaml")))


@pytest.fixture(scope="module")
def files(read: Validated) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in read.frame.iter_rows(named=True):
        rows.setdefault(Path(row["file"]).stem, []).append(row)
    return rows


def card_of(row: Row, labels: tuple[str, ...]) -> dict[str, str]:
    """The fields of a card by label; the answer holds them in this order and nothing else."""
    pattern = " ".join(rf"{label}: (?P<{label.replace(' ', '_')}>(?:(?!\. ).)+)\." for label in labels)
    match = re.fullmatch(pattern, row["output"])
    assert match, (row["id"], row["output"])
    return match.groupdict()


def item_named_in(text: str, taxonomy: Taxonomy) -> Item | None:
    """The one item that the text names by its id or an alias; None for none and for several."""
    found = {
        item.id
        for item in taxonomy.items
        for name in (item.id.replace("_", " "), *item.aliases)
        if re.search(rf"\b{re.escape(name)}s?\b", text, re.IGNORECASE)
    }
    return taxonomy.item(found.pop()) if len(found) == 1 else None


def test_there_are_enough_records_and_none_is_refused(read: Validated, files: dict[str, list[Row]]) -> None:
    assert read.quarantine.rows() == []
    assert read.frame.height >= 900
    assert {name: count for name, count in AT_LEAST.items() if len(files[name]) < count} == {}


def test_hardly_any_record_is_near_another_and_none_leaks(read: Validated) -> None:
    report = quality_report(read.frame)
    assert report["near_duplicates"] <= 0.03
    assert report["leakage"] == 0


def test_every_source_is_a_document_that_ships(read: Validated, project_root: Path) -> None:
    documents = {f"knowledge/{path.stem}" for path in (project_root / "data" / "knowledge").glob("*.md")}
    assert set(read.frame["source"]) - documents == set()


def test_every_topic_has_records_in_every_split(read: Validated) -> None:
    splits = read.frame.group_by("topic").agg(pl.col("split").n_unique())
    assert splits.height == 10
    assert splits.filter(pl.col("split") < 3).rows() == []


@pytest.mark.parametrize("name", FIELDS)
def test_cards_have_their_four_fields_in_order(files: dict[str, list[Row]], name: str) -> None:
    for row in files[name]:
        assert all(card_of(row, FIELDS[name]).values()), row["id"]
        assert 15 <= len(row["output"].split()) <= 60, row["id"]


def test_sorting_cards_name_a_bin_and_a_material_of_the_taxonomy(
    files: dict[str, list[Row]], taxonomy: Taxonomy
) -> None:
    seen: dict[str, set[str]] = {"bins": set(), "materials": set()}
    for row in files["sorting_cards"]:
        card = card_of(row, FIELDS["sorting_cards"])
        seen["bins"].add(taxonomy.bin(card["Bin"]).id)
        seen["materials"].add(taxonomy.material(card["Material"]).id)
    assert seen == {"bins": set(taxonomy.bin_ids), "materials": set(taxonomy.material_ids)}


def test_where_only_the_item_is_given_its_bin_and_material_are_the_taxonomys(
    files: dict[str, list[Row]], taxonomy: Taxonomy
) -> None:
    compared = 0
    for row in files["sorting_cards"]:
        text = row["instruction"]
        item = item_named_in(text, taxonomy)
        if item is None or row["input"] or PLACES.search(text) or CHANGED.search(text):
            continue
        card = card_of(row, FIELDS["sorting_cards"])
        assert card["Bin"] == item.bin, row["id"]
        assert taxonomy.material(card["Material"]).id in item.materials, row["id"]
        compared += 1
    assert compared >= 40


def test_hazard_cards_all_name_the_hazardous_bin(files: dict[str, list[Row]]) -> None:
    assert {card_of(row, FIELDS["hazard_cards"])["Bin"] for row in files["hazard_cards"]} == {"hazardous"}


def test_what_cannot_be_answered_says_so_in_one_form(files: dict[str, list[Row]]) -> None:
    odd = [row["id"] for row in files["unanswerable"] if not UNANSWERABLE.fullmatch(row["output"])]
    assert odd == []
