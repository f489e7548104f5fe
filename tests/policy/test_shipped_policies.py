"""The policies in data/policies load, cover what they should, and say what their sources say."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from releaf.policy.model import Mode, Notice, Policy, Rule
from releaf.policy.moderation import screen
from releaf.policy.rules import decide
from releaf.policy.schema import load_policies
from releaf.taxonomy import Taxonomy

# What each category of the two cities' tables is called in the policy.
TORONTO = {"Garbage": "Garbage Bin", "HHW": "Household Hazardous Waste"}
SEATTLE = {"hazmat": "Hazard"}


@pytest.fixture(scope="module")
def policies(project_root: Path, taxonomy: Taxonomy) -> dict[str, Policy]:
    loaded, rejected = load_policies(project_root / "data" / "policies", taxonomy)
    assert rejected == ()
    return {policy.id: policy for policy in loaded}


def test_four_policies_ship_and_the_default_restricts_nothing(policies: dict[str, Policy]) -> None:
    assert list(policies) == ["berlin", "default", "seattle", "toronto"]
    assert [name for name, policy in policies.items() if policy.mode is Mode.UNRESTRICTED] == ["default"]


@pytest.mark.parametrize(
    ("policy", "item", "material", "bin_id", "stream"),
    [
        ("toronto", "paper_cup", "laminate", "landfill", "Garbage Bin"),
        ("seattle", "paper_cup", "laminate", "recycle", "Recycle"),
        ("berlin", "paper_cup", "laminate", "recycle", "Wertstofftonne"),
        ("toronto", "wooden_crate", "wood", "landfill", "Garbage Bin"),
        ("seattle", "wooden_crate", "wood", "compost", "Compost"),
        ("berlin", "wooden_crate", "wood", "recycle", "Recyclinghof"),
        ("toronto", "egg_carton", "polystyrene", "recycle", "Blue Bin"),
        ("seattle", "egg_carton", "polystyrene", "landfill", "Trash"),
        ("berlin", "plastic_bottle", "pet", "recycle", "Pfandrückgabe"),
        ("berlin", "plastic_bottle", "hdpe", "recycle", "Wertstofftonne"),
        ("toronto", "fruit_peel", "food_scraps", "compost", "Green Bin"),
    ],
)
def test_cities_differ_as_their_own_tables_do(
    policies: dict[str, Policy], policy: str, item: str, material: str, bin_id: str, stream: str
) -> None:
    decision = decide(policies[policy], item, material, "hazardous")
    assert (decision.bin, decision.stream) == (bin_id, stream)


@pytest.mark.parametrize("city", ["berlin", "seattle", "toronto"])
@pytest.mark.parametrize("item", ["battery", "smartphone"])
def test_what_holds_a_cell_is_hazardous_everywhere_and_comes_with_a_rule(
    policies: dict[str, Policy], taxonomy: Taxonomy, city: str, item: str
) -> None:
    for material in (*taxonomy.item(item).materials, None):
        decision = decide(policies[city], item, material, "recycle")
        assert decision.bin == "hazardous"
        assert decision.rule_id is not None


def test_only_what_a_city_left_open_has_no_rule(policies: dict[str, Policy], taxonomy: Taxonomy) -> None:
    uncovered = {
        (policy.id, item.id, material)
        for policy in policies.values()
        if policy.mode is Mode.RULES
        for item in taxonomy.items
        for material in item.materials
        if decide(policy, item.id, material, item.bin).rule_id is None
    }
    assert uncovered == {("seattle", "takeaway_tray", "polypropylene"), ("seattle", "takeaway_tray", "aluminium")}


@pytest.mark.parametrize("city", ["seattle", "toronto"])
def test_sharps_are_refused_and_pine_needles_are_not(policies: dict[str, Policy], city: str) -> None:
    assert screen(policies[city], "What can I make of a used syringe?").refused
    assert not screen(policies[city], "Can pine needles go in the compost?").refused


def cited(policy: Policy, source: str) -> Iterator[tuple[Rule | Notice, str]]:
    """Each rule and notice of a policy that cites a source, with the place cited."""
    rows: tuple[Rule | Notice, ...] = (*policy.rules, *policy.warnings, *policy.refusals)
    for row in rows:
        name, _, place = row.source.partition("#")
        if name == source:
            yield row, place


def test_torontos_rules_say_what_the_cited_entries_say(policies: dict[str, Policy], shared_data: Path) -> None:
    lines = (shared_data / "rules_toronto" / "entries_clean.jsonl").read_text(encoding="utf-8").splitlines()
    category = {row["_id"]: row["metadata"]["category"] for row in map(json.loads, lines)}
    policy = policies["toronto"]
    for row, place in cited(policy, "waste-wizard"):
        entries = re.findall(r"tor-\d{3}", place)
        assert entries
        names = [TORONTO.get(category[entry], category[entry]) for entry in entries]
        if isinstance(row, Rule):
            streams = [stream.name for stream in policy.streams if stream.bin == row.bin]
            assert names[0] == (row.stream or streams[0]), row.id


def test_seattles_rules_say_what_the_cited_entries_say(policies: dict[str, Policy], shared_data: Path) -> None:
    with (shared_data / "rules_seattle" / "seattle_items.csv").open(encoding="utf-8", newline="") as file:
        known = {(row["item"], SEATTLE.get(row["disposal"], row["disposal"])) for row in csv.DictReader(file)}
    for row, place in cited(policies["seattle"], "look-it-up"):
        for entry in place.split("; "):
            name, _, category = entry.rpartition(": ")
            assert (name, category) in known, row.id
