"""Reads policy files: the published JSON Schema first, then the taxonomy's names, then contradictions.

What a policy is stands in `model`, what it decides in `rules`; which policy is active is nobody's business here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from releaf.errors import InputError
from releaf.policy.contradictions import Problem, contradictions
from releaf.policy.json_text import UnreadableError, line_of, parse_json, pointer, read_text
from releaf.policy.model import Match, Mode, Notice, Policy, Rule, Source, Stream
from releaf.taxonomy import Taxonomy

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SHOWN_CHARACTERS = 80


class Rejected(NamedTuple):
    """One row for the quarantine table; `line` counts from 1 and is None where it is not known."""

    file: str
    line: int | None
    reason: str
    content: str


def policy_schema() -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of a policy file."""
    text = resources.files("releaf.policy").joinpath("schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def find_problems(raw: object, taxonomy: Taxonomy) -> tuple[Problem, ...]:
    """Everything wrong with a parsed policy, in order of place: by the schema or, if that is kept, by meaning."""
    from jsonschema import Draft202012Validator, FormatChecker

    validator = Draft202012Validator(policy_schema(), format_checker=FormatChecker(["date"]))
    by_place: dict[str, Problem] = {}
    for error in validator.iter_errors(raw):
        place = pointer(*error.absolute_path)
        by_place.setdefault(place, Problem(place, error.instance, _explain(error)))
    if by_place or not isinstance(raw, Mapping):
        return tuple(sorted(by_place.values(), key=lambda problem: problem.pointer))
    return contradictions(raw, taxonomy)


def parse_policy(raw: object, taxonomy: Taxonomy, where: str) -> Policy:
    """Turn parsed JSON into a policy whose names are the taxonomy's ids (aliases are accepted).

    `where` names the file or form in messages. Raises `InputError` with the JSON pointer of the first problem.
    """
    _refuse(find_problems(raw, taxonomy), where)
    return _build(cast("Mapping[str, Any]", raw), taxonomy)


def load_policy(path: Path, taxonomy: Taxonomy) -> Policy:
    """Read and validate one policy file, called `<id>.json`.

    Raises `InputError` naming the file, the JSON pointer, the bad value and the way out.
    """
    raw = parse_json(read_text(path), str(path))
    policy = parse_policy(raw, taxonomy, str(path))
    _refuse(_misnamed(path, policy.id), str(path))
    return policy


def load_policies(directory: Path, taxonomy: Taxonomy) -> tuple[tuple[Policy, ...], tuple[Rejected, ...]]:
    """Read every `*.json` of a directory in order of name; a file with a problem is rejected whole.

    A policy that lost one rule could send a hazard to the wrong bin, so no part of a faulty file is used. Returns the
    policies and one quarantine row for each problem. Raises `InputError` if the directory does not exist.
    """
    if not directory.is_dir():
        raise InputError(f"no directory of policies at {directory}; the project ships one in data/policies")
    policies: list[Policy] = []
    rejected: list[Rejected] = []
    for path in sorted(directory.glob("*.json")):
        try:
            text = read_text(path)
            raw = parse_json(text, str(path))
        except UnreadableError as error:
            rejected.append(Rejected(str(path), error.line, str(error), error.content))
            continue
        problems = find_problems(raw, taxonomy) or _misnamed(path, cast("Mapping[str, str]", raw)["id"])
        rejected.extend(_row(path, text, problem) for problem in problems)
        if not problems:
            policies.append(_build(cast("Mapping[str, Any]", raw), taxonomy))
    return tuple(policies), tuple(rejected)


def _row(path: Path, text: str, problem: Problem) -> Rejected:
    content = json.dumps(problem.value, ensure_ascii=False)
    return Rejected(str(path), line_of(text, problem.pointer), f"#{problem.pointer}: {problem.message}", content)


def _refuse(problems: Sequence[Problem], where: str) -> None:
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{where}#{problems[0].pointer}: {problems[0].message}{more}")


def _misnamed(path: Path, name: str) -> tuple[Problem, ...]:
    # Where file name and id are one, no two policies of a directory can share an id.
    if path.stem == name:
        return ()
    message = f"the id {name!r} does not name its file {path.name}; rename the file to {name}.json or change the id"
    return (Problem("/id", name, message),)


def _explain(error: ValidationError) -> str:
    value: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        missing = next(name for name in schema["required"] if name not in value)
        return f"the key {missing!r} is missing; expected {schema['description']}"
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        name = next(name for name in value if name not in known)
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        return f"unknown key {name!r}; {hint}"
    shown = json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= SHOWN_CHARACTERS else shown[: SHOWN_CHARACTERS - 1] + "…"
    return f"{shown} is not {schema['description']}"


def _build(raw: Mapping[str, Any], taxonomy: Taxonomy) -> Policy:
    return Policy(
        id=raw["id"],
        name=raw["name"],
        version=raw["version"],
        effective=date.fromisoformat(raw["effective"]),
        mode=Mode(raw["mode"]),
        sources=tuple(Source(**source) for source in raw["sources"]),
        streams=tuple(Stream(stream["name"], taxonomy.bin(stream["bin"]).id) for stream in raw["streams"]),
        rules=tuple(
            Rule(
                id=rule["id"],
                match=_match(rule["match"], taxonomy),
                bin=taxonomy.bin(rule["bin"]).id,
                reason=rule["reason"],
                source=rule["source"],
                stream=rule.get("stream"),
            )
            for rule in raw["rules"]
        ),
        warnings=_notices(raw["warnings"], taxonomy),
        refusals=_notices(raw["refusals"], taxonomy),
    )


def _notices(rows: Sequence[Mapping[str, Any]], taxonomy: Taxonomy) -> tuple[Notice, ...]:
    return tuple(Notice(row["id"], _match(row["match"], taxonomy), row["message"], row["source"]) for row in rows)


def _match(raw: Mapping[str, Sequence[str]], taxonomy: Taxonomy) -> Match:
    return Match(
        items=tuple(taxonomy.item(name).id for name in raw.get("items", ())),
        materials=tuple(taxonomy.material(name).id for name in raw.get("materials", ())),
        keywords=tuple(raw.get("keywords", ())),
    )
