from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from releaf.errors import InputError
from releaf.policy.model import Mode, Source, Stream
from releaf.policy.schema import find_problems, load_policies, load_policy, parse_policy, policy_schema
from releaf.taxonomy import Taxonomy

REMOVED = object()


def bend(raw: dict[str, Any], place: str, value: object) -> dict[str, Any]:
    """A copy with one value replaced, added or (REMOVED) taken out."""
    bent: Any = deepcopy(raw)
    *parents, last = place.split("/")[1:]
    target = bent
    for part in parents:
        target = target[int(part)] if isinstance(target, list) else target[part]
    if value is REMOVED:
        del target[last]
    elif isinstance(target, list):
        target[int(last)] = value
    else:
        target[last] = value
    return bent  # type: ignore[no-any-return]


def write(directory: Path, name: str, raw: object) -> Path:
    path = directory / name
    path.write_text(json.dumps(raw, indent=2), encoding="utf-8")
    return path


def test_the_published_schema_is_a_valid_draft_2020_12_schema() -> None:
    schema = policy_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_valid_policy_becomes_frozen_values(raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    policy = parse_policy(raw, taxonomy, "form")
    assert (policy.id, policy.version, policy.effective, policy.mode) == (
        "testville",
        "1.2.3",
        date(2024, 7, 1),
        Mode.RULES,
    )
    assert policy.sources == (Source("leaflet", "Leaflet", "Town hall", "2024"),)
    assert policy.streams[2] == Stream("Grey bin", "landfill")
    assert [rule.match.specificity for rule in policy.rules] == [1, 2, 3]


def test_aliases_become_the_ids_of_the_taxonomy(raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    policy = parse_policy(bend(raw, "/rules/1/match", {"items": ["Yogurt Pot"]}), taxonomy, "form")
    assert policy.rules[1].match.items == ("plastic_tub",)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("/mode", "strict", "#/mode: \"strict\" is not 'unrestricted' (models answer as they are) or 'rules'"),
        ("/version", "2", '#/version: "2" is not a version of three numbers such as 1.0.0'),
        ("/effective", "2024-02-30", '#/effective: "2024-02-30" is not an ISO date such as 2025-01-31'),
        ("/effective", "20240201", '#/effective: "20240201" is not an ISO date'),
        ("/effective", 2024, "#/effective: 2024 is not an ISO date"),
        ("/name", "  ", '#/name: "  " is not a non-empty text'),
        ("/id", "Test Ville", "#/id: \"Test Ville\" is not an id in kebab case such as 'glass-jar'"),
        ("/rules", [], "#/rules: [] is not filled, as mode 'rules' demands"),
        ("/streams", REMOVED, "#: the key 'streams' is missing; expected a mapping with the keys of a disposal policy"),
        ("/rules/0/bin", REMOVED, "#/rules/0: the key 'bin' is missing; expected a rule with id, match, bin"),
        ("/rules/0/raeson", "x", "#/rules/0: unknown key 'raeson'; did you mean 'reason'?"),
        ("/rules/0/xyz", "x", "#/rules/0: unknown key 'xyz'; known: id, match, bin, stream, reason, source"),
        ("/rules/0/match", {}, "#/rules/0/match: {} is not a match with items, materials or both"),
        ("/rules/0/match/items", [], "#/rules/0/match/items: [] is not a non-empty list of different"),
        ("/rules/0/match/keywords", ["x"], "#/rules/0/match: unknown key 'keywords'"),
        ("/warnings/0/match/items", ["battery", "battery"], "#/warnings/0/match/items: "),
    ],
)
def test_a_breach_of_the_schema_names_place_value_and_way_out(
    raw: dict[str, Any], taxonomy: Taxonomy, place: str, value: object, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(bend(raw, place, value), taxonomy, "form")
    assert str(caught.value).startswith(f"form{message}")


def test_an_unrestricted_policy_must_not_carry_rules(raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    problems = find_problems(bend(raw, "/mode", "unrestricted"), taxonomy)
    assert [problem.pointer for problem in problems] == ["/refusals", "/rules", "/streams", "/warnings"]
    assert "remove the entries or set mode to 'rules'" in problems[1].message


@pytest.mark.parametrize("value", [None, 3, "text", [], [{}]])
def test_json_that_is_no_mapping_is_refused(taxonomy: Taxonomy, value: object) -> None:
    with pytest.raises(InputError, match="is not a mapping with the keys of a disposal policy"):
        parse_policy(value, taxonomy, "form")


def test_a_long_bad_value_is_shortened_in_the_message(raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(bend(raw, "/version", "9" * 500), taxonomy, "form")
    assert "9…" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_further_problems_are_counted(raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    bent = bend(bend(raw, "/version", "2"), "/mode", "strict")
    with pytest.raises(InputError, match=r"#/mode: .*\(and 1 more\)$"):
        parse_policy(bent, taxonomy, "form")


def test_a_file_must_be_called_after_its_id(tmp_path: Path, raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    assert load_policy(write(tmp_path, "testville.json", raw), taxonomy).id == "testville"
    with pytest.raises(InputError, match=r"other.json#/id: the id 'testville' does .* rename the file to testville"):
        load_policy(write(tmp_path, "other.json", raw), taxonomy)


def test_a_missing_file_and_a_missing_directory_say_where_policies_are(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(InputError, match=r"no file at .*none.json; the project ships policies in data/policies"):
        load_policy(tmp_path / "none.json", taxonomy)
    with pytest.raises(InputError, match=r"no directory of policies at .*none; the project ships one"):
        load_policies(tmp_path / "none", taxonomy)


def test_an_empty_directory_holds_no_policies(tmp_path: Path, taxonomy: Taxonomy) -> None:
    assert load_policies(tmp_path, taxonomy) == ((), ())


def test_a_faulty_file_is_quarantined_with_reason_file_and_line_and_the_others_load(
    tmp_path: Path, raw: dict[str, Any], taxonomy: Taxonomy
) -> None:
    write(tmp_path, "testville.json", raw)
    bad = write(tmp_path, "bad.json", bend(bend(raw, "/id", "bad"), "/rules/1/bin", "recycel"))
    policies, rejected = load_policies(tmp_path, taxonomy)
    assert [policy.id for policy in policies] == ["testville"]
    (row,) = rejected
    line = next(n for n, text in enumerate(bad.read_text().splitlines(), 1) if "recycel" in text)
    assert (row.file, row.line, row.content) == (str(bad), line, '"recycel"')
    assert row.reason == "#/rules/1/bin: unknown bin 'recycel'; did you mean recycle?"


def test_a_second_file_with_a_taken_id_is_refused(tmp_path: Path, raw: dict[str, Any], taxonomy: Taxonomy) -> None:
    write(tmp_path, "testville.json", raw)
    write(tmp_path, "a-copy.json", raw)
    policies, (row,) = load_policies(tmp_path, taxonomy)
    assert [policy.id for policy in policies] == ["testville"]
    assert row.file.endswith("a-copy.json")
    assert row.line == 2
    assert "rename the file to testville.json or change the id" in row.reason


def test_unreadable_files_are_quarantined_too(tmp_path: Path, taxonomy: Taxonomy) -> None:
    (tmp_path / "a.json").write_text('{\n  "id": "a",\n  "name": oops\n}')
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.json").write_text("")
    policies, rejected = load_policies(tmp_path, taxonomy)
    assert policies == ()
    assert [(Path(row.file).name, row.line, row.content) for row in rejected] == [
        ("a.json", 3, '  "name": oops'),
        ("b.json", None, ""),
        ("c.json", 1, ""),
    ]
