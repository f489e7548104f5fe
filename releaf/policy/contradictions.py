"""What no JSON Schema can say about a policy: unknown names, citations that lead nowhere, rules that contradict.

Works on parsed JSON that keeps the schema; shapes and types are the schema's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from releaf.errors import UnknownNameError
from releaf.policy.json_text import pointer
from releaf.taxonomy import Taxonomy

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a policy: its JSON pointer, the value found there, and what to do about it."""

    pointer: str
    value: object
    message: str


def contradictions(raw: Row, taxonomy: Taxonomy) -> tuple[Problem, ...]:
    """Everything that a schema-conforming policy says wrongly; names first, since the rest relies on them."""
    unknown = tuple(_unknown_names(raw, taxonomy))
    if unknown:
        return unknown
    return (
        *_twins(raw),
        *_dangling_citations(raw),
        *_wrong_streams(raw, taxonomy),
        *_impossible_pairs(raw, taxonomy),
        *_rival_rules(raw, taxonomy),
    )


def _unknown_names(raw: Row, taxonomy: Taxonomy) -> Iterator[Problem]:
    for place, value, find in _names(raw, taxonomy):
        try:
            find(value)
        except UnknownNameError as error:
            yield Problem(place, value, str(error))


def _names(raw: Row, taxonomy: Taxonomy) -> Iterator[tuple[str, str, Callable[[str], object]]]:
    for group in ("streams", "rules"):
        for index, row in enumerate(raw[group]):
            yield pointer(group, index, "bin"), row["bin"], taxonomy.bin
    for group in ("rules", "warnings", "refusals"):
        for index, row in enumerate(raw[group]):
            for kind, find in (("items", taxonomy.item), ("materials", taxonomy.material)):
                for position, name in enumerate(row["match"].get(kind, ())):
                    yield pointer(group, index, "match", kind, position), name, find


def _twins(raw: Row) -> Iterator[Problem]:
    groups: Sequence[tuple[tuple[str, ...], str]] = (
        (("rules", "warnings", "refusals"), "id"),
        (("sources",), "id"),
        (("streams",), "name"),
    )
    for names, key in groups:
        seen: dict[str, str] = {}
        for group in names:
            for index, row in enumerate(raw[group]):
                place, value = pointer(group, index, key), row[key]
                first = seen.setdefault(value, place)
                if first != place:
                    yield Problem(place, value, f"the {key} {value!r} is taken at {first}; choose another")


def _dangling_citations(raw: Row) -> Iterator[Problem]:
    known = [source["id"] for source in raw["sources"]]
    for group in ("rules", "warnings", "refusals"):
        for index, row in enumerate(raw[group]):
            if row["source"].partition("#")[0] not in known:
                message = f"no source {row['source']!r}; add it to 'sources' or use one of: {', '.join(known)}"
                yield Problem(pointer(group, index, "source"), row["source"], message)


def _wrong_streams(raw: Row, taxonomy: Taxonomy) -> Iterator[Problem]:
    bin_of = {stream["name"]: taxonomy.bin(stream["bin"]).id for stream in raw["streams"]}
    for index, rule in enumerate(raw["rules"]):
        wanted, stream = taxonomy.bin(rule["bin"]).id, rule.get("stream")
        fitting = [name for name, bin_id in bin_of.items() if bin_id == wanted]
        if stream is None and len(fitting) > 1:
            message = f"the bin {wanted!r} has {len(fitting)} streams; add a 'stream': {', '.join(fitting)}"
            yield Problem(pointer("rules", index), rule["id"], message)
        elif stream is not None and stream not in fitting:
            options = ", ".join(fitting) or "none; add one to 'streams'"
            message = f"{stream!r} is no stream of the bin {wanted!r}; its streams: {options}"
            yield Problem(pointer("rules", index, "stream"), stream, message)


def _impossible_pairs(raw: Row, taxonomy: Taxonomy) -> Iterator[Problem]:
    for index, rule in enumerate(raw["rules"]):
        items, materials = _ids(rule["match"], taxonomy)
        if not items or not materials:
            continue
        for name in sorted(items):
            made_of = taxonomy.item(name).materials
            if materials.isdisjoint(made_of):
                message = f"{name} never occurs in {', '.join(sorted(materials))}; it occurs in {', '.join(made_of)}"
                yield Problem(pointer("rules", index, "match"), rule["match"], message)
        idle = materials.difference(*(taxonomy.item(name).materials for name in items))
        for name in sorted(idle):
            message = f"no listed item occurs in {name}, so it can be left out"
            yield Problem(pointer("rules", index, "match", "materials"), rule["match"]["materials"], message)


def _rival_rules(raw: Row, taxonomy: Taxonomy) -> Iterator[Problem]:
    keyed = [(rule["id"], *_ids(rule["match"], taxonomy)) for rule in raw["rules"]]
    for (_, one), (second, other) in combinations(enumerate(keyed), 2):
        (rival, items, materials), (_, other_items, other_materials) = one, other
        same_rank = (bool(items), bool(materials)) == (bool(other_items), bool(other_materials))
        shared = [(items, items & other_items), (materials, materials & other_materials)]
        if same_rank and all(not mine or common for mine, common in shared):
            both = ", ".join(name for _, common in shared for name in sorted(common))
            message = f"covers {both} as the rule {rival!r} does, so neither is more specific; narrow one of them"
            yield Problem(pointer("rules", second, "match"), raw["rules"][second]["match"], message)


def _ids(match: Row, taxonomy: Taxonomy) -> tuple[set[str], set[str]]:
    return (
        {taxonomy.item(name).id for name in match.get("items", ())},
        {taxonomy.material(name).id for name in match.get("materials", ())},
    )
