from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from releaf.corpus.column_map import read_column_map
from releaf.corpus.rule_tables import read_rule_table
from releaf.errors import InputError
from releaf.policy.from_rows import policy_from_rows
from releaf.policy.rules import decide
from releaf.policy.schema import find_problems, load_policy, parse_policy
from releaf.taxonomy import Taxonomy

ROWS: list[dict[str, str | None]] = [
    {
        "item": "glass_jar",
        "material": None,
        "stream": "Glass bank",
        "bin": "recycle",
        "reason": "Listed.",
        "place": "p. 1",
    },
    {"item": "egg_carton", "material": "polystyrene", "stream": "Grey", "bin": "landfill", "reason": "R.", "place": ""},
    {"item": None, "material": "paper", "stream": "Blue", "bin": "recycle", "reason": "R.", "place": "p. 2"},
]


def policy(taxonomy: Taxonomy, rows: list[dict[str, str | None]] = ROWS, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "policy_id": "testville",
        "name": "Testville",
        "version": "1.0.0",
        "effective": date(2024, 7, 1),
        "source": {"id": "leaflet", "title": "Leaflet", "publisher": "Town hall", "date": "2024", "url": None},
        "streams": {"Glass bank": "recycle", "Blue": "recycle", "Grey": "landfill"},
        "rows": rows,
        "taxonomy": taxonomy,
    }
    return policy_from_rows(**(given | changes))


def test_a_policy_of_rows_keeps_the_schema_and_decides_as_they_say(taxonomy: Taxonomy) -> None:
    raw = policy(taxonomy)
    assert find_problems(raw, taxonomy) == ()
    built = parse_policy(raw, taxonomy, "test")
    assert [rule.id for rule in built.rules] == ["glass-jar", "egg-carton-polystyrene", "other-paper"]
    jar = decide(built, "glass_jar", "glass", "landfill")
    assert (jar.bin, jar.stream, jar.reason) == ("recycle", "Glass bank", "Listed.")
    assert jar.source == "Leaflet, Town hall (2024), p. 1"
    assert decide(built, "newspaper", "paper", "landfill").stream == "Blue"
    assert decide(built, "egg_carton", "polystyrene", "recycle").bin == "landfill"
    assert decide(built, "egg_carton", "cardboard", "recycle").rule_id is None
    assert "url" not in raw["sources"][0]


def test_rows_that_contradict_each_other_or_name_what_is_unknown_are_refused(taxonomy: Taxonomy) -> None:
    with pytest.raises(InputError, match=r"policy testville#/rules/1/id: the id 'glass-jar' is taken"):
        policy(taxonomy, [ROWS[0], ROWS[0]])
    with pytest.raises(InputError, match=r"policy testville#/rules/0/match/items/0: unknown item 'glas_jar'"):
        policy(taxonomy, [ROWS[0] | {"item": "glas_jar"}])
    with pytest.raises(InputError, match="'Purple' is no stream of the bin 'recycle'"):
        policy(taxonomy, [ROWS[0] | {"stream": "Purple"}])


def test_a_policy_has_rules(taxonomy: Taxonomy) -> None:
    with pytest.raises(InputError, match="no rule for policy 'testville'"):
        policy(taxonomy, [])


@pytest.mark.parametrize(
    ("city", "map_name", "file", "share"),
    [
        ("toronto", "toronto_waste_wizard", "rules_toronto/swm_waste_wizard_APR.json", 0.9),
        ("seattle", "seattle_look_it_up", "rules_seattle/seattle_items.csv", 0.6),
    ],
)
def test_what_is_made_of_a_citys_table_never_differs_from_the_policy_a_person_wrote(
    project_root: Path, shared_data: Path, taxonomy: Taxonomy, city: str, map_name: str, file: str, share: float
) -> None:
    column_map = read_column_map(project_root / "data" / "column_maps" / f"{map_name}.yaml", taxonomy)
    table = read_rule_table(shared_data / file, column_map, taxonomy)
    raw = policy(taxonomy, [dict(row) for row in table.rules], streams=column_map.streams)
    made = parse_policy(raw, taxonomy, city)
    authored = load_policy(project_root / "data" / "policies" / f"{city}.json", taxonomy)
    pairs = [(item.id, material, item.bin) for item in taxonomy.items for material in item.materials]
    decided = [pair for pair in pairs if decide(made, *pair).rule_id is not None]
    differing = {
        (item, material): (decide(made, item, material, model).stream, decide(authored, item, material, model).stream)
        for item, material, model in decided
        if decide(made, item, material, model).bin != decide(authored, item, material, model).bin
    }
    assert differing == {}
    assert len(decided) >= share * len(pairs)
