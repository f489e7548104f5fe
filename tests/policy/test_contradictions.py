from __future__ import annotations

from typing import Any

import pytest

from releaf.policy.schema import find_problems
from releaf.taxonomy import Taxonomy


def rule(name: str, match: dict[str, list[str]], bin_id: str = "landfill", **more: str) -> dict[str, Any]:
    return {"id": name, "match": match, "bin": bin_id, "reason": "r", "source": "leaflet", **more}


def test_a_valid_policy_has_no_problem(raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    assert find_problems(raw, taxonomy) == ()


@pytest.mark.parametrize(
    ("group", "row", "place", "message"),
    [
        (
            "rules",
            rule("x", {"items": ["glass_jarr"]}),
            "/rules/3/match/items/0",
            "unknown item 'glass_jarr'; did you mean glass_jar",
        ),
        (
            "rules",
            rule("x", {"materials": ["glass", "stele"]}),
            "/rules/3/match/materials/1",
            "unknown material 'stele'; did you mean steel",
        ),
        ("rules", rule("x", {"items": ["battery"]}, "bin it"), "/rules/3/bin", "unknown bin 'bin it'"),
        ("streams", {"name": "Blue", "bin": "recyle"}, "/streams/3/bin", "unknown bin 'recyle'; did you mean recycle"),
        (
            "warnings",
            {"id": "w", "match": {"items": ["batery"]}, "message": "m", "source": "leaflet"},
            "/warnings/1/match/items/0",
            "unknown item 'batery'; did you mean battery",
        ),
        (
            "rules",
            rule("poles", {"items": ["battery"]}),
            "/warnings/0/id",
            "the id 'poles' is taken at /rules/3/id; choose another",
        ),
        (
            "streams",
            {"name": "Grey bin", "bin": "compost"},
            "/streams/3/name",
            "the name 'Grey bin' is taken at /streams/2/name",
        ),
        (
            "rules",
            rule("x", {"items": ["battery"]}) | {"source": "hearsay#1"},
            "/rules/3/source",
            "no source 'hearsay#1'; add it to 'sources' or use one of: leaflet",
        ),
        (
            "rules",
            rule("x", {"items": ["battery"]}, "recycle"),
            "/rules/3",
            "the bin 'recycle' has 2 streams; add a 'stream': Yellow bin, Glass bank",
        ),
        (
            "rules",
            rule("x", {"items": ["battery"]}, stream="Glass bank"),
            "/rules/3/stream",
            "'Glass bank' is no stream of the bin 'landfill'; its streams: Grey bin",
        ),
        (
            "rules",
            rule("x", {"items": ["battery"]}, "hazardous", stream="Depot"),
            "/rules/3/stream",
            "'Depot' is no stream of the bin 'hazardous'; its streams: none; add one to 'streams'",
        ),
        (
            "rules",
            rule("x", {"items": ["glass_jar", "plastic_bottle"], "materials": ["pet"]}),
            "/rules/3/match",
            "glass_jar never occurs in pet; it occurs in glass",
        ),
        (
            "rules",
            rule("x", {"items": ["glass_jar"], "materials": ["glass", "pet"]}),
            "/rules/3/match/materials",
            "no listed item occurs in pet, so it can be left out",
        ),
    ],
)
def test_what_the_schema_cannot_see_is_found(
    raw: dict[str, Any], taxonomy: Taxonomy, group: str, row: dict[str, Any], place: str, message: str
) -> None:
    raw[group].append(row)
    (problem,) = find_problems(raw, taxonomy)
    assert problem.pointer == place
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("match", "shared", "rival"),
    [
        ({"materials": ["paper", "ps"]}, "polystyrene", "foam"),
        ({"items": ["glass_jar", "plastic_tub"]}, "plastic_tub", "tub"),
        ({"items": ["plastic_tub"], "materials": ["polystyrene"]}, "plastic_tub, polystyrene", "foam-tub"),
    ],
)
def test_two_rules_of_one_rank_must_not_cover_the_same_object(
    raw: dict[str, Any], taxonomy: Taxonomy, match: dict[str, list[str]], shared: str, rival: str
) -> None:
    raw["rules"].append(rule("x", match))
    (problem,) = find_problems(raw, taxonomy)
    assert problem.pointer == "/rules/3/match"
    assert problem.message.startswith(f"covers {shared} as the rule {rival!r} does")


def test_rules_of_one_item_for_different_materials_do_not_compete(raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    raw["rules"].append(rule("x", {"items": ["plastic_tub"], "materials": ["polypropylene"]}))
    assert find_problems(raw, taxonomy) == ()
