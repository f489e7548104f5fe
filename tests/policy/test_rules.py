from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.policy.model import Mode, Policy
from releaf.policy.rules import Decision, audit_record, compare, decide
from releaf.policy.schema import parse_policy
from releaf.taxonomy import Taxonomy

UNRESTRICTED = Policy("default", "Default", "1.0.0", date(2000, 1, 1), Mode.UNRESTRICTED)


@pytest.fixture
def policy(raw: dict[str, Any], taxonomy: Taxonomy) -> Policy:
    return parse_policy(raw, taxonomy, "form")


@given(item=st.none() | st.text(), material=st.none() | st.text(), model_bin=st.text())
def test_an_unrestricted_policy_leaves_every_bin_as_the_model_chose_it(
    item: str | None, material: str | None, model_bin: str
) -> None:
    assert decide(UNRESTRICTED, item, material, model_bin) == Decision(model_bin)


@pytest.mark.parametrize(
    ("item", "material", "rule", "bin_id", "stream"),
    [
        ("plastic_tub", "polystyrene", "foam-tub", "landfill", "Grey bin"),
        ("plastic_tub", "polypropylene", "tub", "recycle", "Yellow bin"),
        ("plastic_tub", None, "tub", "recycle", "Yellow bin"),
        ("egg_carton", "polystyrene", "foam", "landfill", "Grey bin"),
        (None, "polystyrene", "foam", "landfill", "Grey bin"),
    ],
)
def test_item_with_material_beats_item_and_item_beats_material(
    policy: Policy, item: str | None, material: str | None, rule: str, bin_id: str, stream: str
) -> None:
    decision = decide(policy, item, material, "compost")
    assert (decision.rule_id, decision.bin, decision.stream) == (rule, bin_id, stream)


def test_a_decision_says_why_and_from_which_source(policy: Policy) -> None:
    decision = decide(policy, "plastic_tub", "polystyrene", "recycle")
    assert decision.reason == "Tubs of foam are not."
    assert decision.source == "Leaflet, Town hall (2024), page 3"


def test_where_no_rule_fits_the_models_bin_stands(policy: Policy) -> None:
    assert decide(policy, "fruit_peel", "food_scraps", "landfill") == Decision("landfill", "Grey bin")
    assert decide(policy, None, None, "compost") == Decision("compost", None)


def test_a_bin_with_several_local_names_gets_none_without_a_rule(policy: Policy) -> None:
    assert decide(policy, "glass_jar", "glass", "recycle") == Decision("recycle", None)


def test_warnings_come_with_the_decision_even_where_no_rule_fits(policy: Policy) -> None:
    decision = decide(policy, "battery", "steel", "hazardous")
    assert decision.rule_id is None
    assert [notice.message for notice in decision.warnings] == ["Tape the poles."]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_rules_does_not_matter(policy: Policy, order: tuple[int, ...]) -> None:
    shuffled = replace(policy, rules=tuple(policy.rules[index] for index in order))
    for item in ("plastic_tub", "egg_carton", None):
        for material in ("polystyrene", "polypropylene", None):
            assert decide(shuffled, item, material, "compost") == decide(policy, item, material, "compost")


def test_an_audit_record_is_json_and_says_which_rule_changed_which_bin(policy: Policy) -> None:
    decision = decide(policy, "plastic_tub", "polystyrene", "recycle")
    record = audit_record(policy, "plastic_tub", "polystyrene", "recycle", decision)
    assert json.loads(json.dumps(record)) == {
        "policy": "testville",
        "version": "1.2.3",
        "item": "plastic_tub",
        "material": "polystyrene",
        "model_bin": "recycle",
        "bin": "landfill",
        "changed": True,
        "rule": "foam-tub",
        "warnings": [],
    }


def test_a_rule_that_agrees_with_the_model_changes_nothing(policy: Policy) -> None:
    decision = decide(policy, "plastic_tub", "polypropylene", "recycle")
    assert audit_record(policy, "plastic_tub", "polypropylene", "recycle", decision)["changed"] is False


def test_comparing_a_policy_with_itself_shows_no_change(policy: Policy, taxonomy: Taxonomy) -> None:
    assert compare(policy, policy, taxonomy) == ()


def test_comparing_shows_the_items_whose_bin_or_stream_differs(policy: Policy, taxonomy: Taxonomy) -> None:
    without = replace(policy, rules=policy.rules[:2])
    (change,) = compare(policy, without, taxonomy)
    assert (change.item, change.material) == ("plastic_tub", "polystyrene")
    assert (change.before.bin, change.after.bin) == ("landfill", "recycle")
