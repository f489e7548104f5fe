"""Whether facts agree with each other: contradictions, nodes nobody joins, names given twice, cycles, risks unsaid.

Whether a single row can be read is settled before; these checks look at all facts together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import polars as pl

from releaf.corpus.fact_names import name_key
from releaf.relations import RELATIONS, SYMMETRIC

RISKY_WORDS = re.compile(
    r"\b(oven|iron|melted|flames?|candles?|embers?|simmer|boil(?:ing|ed)?|scald(?:ed)?|hot|solder\w*|kettle|stove"
    r"|tea light|snips|saw|drill\w*|hatchet|craft knife|cutter|mains|lamp|bulbs?|charger|blender|ladder|battery"
    r"|shards?|break(?:ing)? (?:the )?glass|broken glass|smash\w*)\b",
    re.IGNORECASE,
)
"""Heat, fire, blades, drills, mains current, cells, falls and breaking glass, in a title, a description or a tool."""
_ALIKE = 0.8
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: which check found it, the node or fact it is about, and why."""

    check: str
    about: str
    reason: str


@dataclass(frozen=True)
class FactTables:
    """The triples, nodes and projects to look at, as `facts.read_facts` gives them."""

    facts: pl.DataFrame
    nodes: pl.DataFrame
    projects: pl.DataFrame

    def triples(self, *relations: str) -> Iterator[tuple[str, str, str]]:
        """Subject, relation and object of the facts of some relations, or of all."""
        frame = self.facts.select("subject", "relation", "object")
        yield from (row for row in frame.iter_rows() if not relations or row[1] in relations)


def check_facts(tables: FactTables) -> list[Finding]:
    """Everything that is wrong with the facts as a whole, check by check in the order of `CHECKS`."""
    return [Finding(name, about, reason) for name, check in CHECKS.items() for about, reason in check(tables)]


def count_findings(findings: Iterable[Finding]) -> dict[str, int]:
    """The number of findings of each check; a check that found nothing counts 0."""
    counts = dict.fromkeys(CHECKS, 0)
    for finding in findings:
        counts[finding.check] += 1
    return counts


Found = Iterator[tuple[str, str]]


def contradictions(triples: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """The pairs (item, project) of `can_become` that cannot be, each with the reason.

    An item can become a project only if one of its materials holds every property that the project requires.
    """
    ends = _ends(triples)
    held = {material: set(found) for material, found in ends["has_property"].items()}
    wrong: dict[tuple[str, str], str] = {}
    for item, projects in ends["can_become"].items():
        materials = sorted(ends["made_of"].get(item, ()))
        for project in projects:
            required = set(ends["requires_property"].get(project, ()))
            lacking = {material: sorted(required - held.get(material, set())) for material in materials}
            if required and all(lacking.values()):
                told = "; ".join(f"{_bare(name)} lacks {', '.join(map(_bare, lack))}" for name, lack in lacking.items())
                why = told or "it has no material"
                wrong[item, project] = f"no material of {_bare(item)} holds all that {_bare(project)} requires: {why}"
    return wrong


def _ends(triples: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, list[str]]]:
    """Objects by relation and subject."""
    ends: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for subject, relation, object_ in triples:
        ends[relation][subject].append(object_)
    return ends


def _contradictions(tables: FactTables) -> Found:
    for (item, project), reason in contradictions(list(tables.triples())).items():
        yield f"{item} can_become {project}", reason


def _dangling(tables: FactTables) -> Found:
    known = set(tables.nodes["id"])
    for subject, relation, object_ in tables.triples():
        for end in (subject, object_):
            if end not in known:
                yield f"{subject} {relation} {object_}", f"{end} is in no table of nodes"


def _orphans(tables: FactTables) -> Found:
    joined = set(tables.facts["subject"]) | set(tables.facts["object"])
    for node in tables.nodes["id"]:
        if node not in joined:
            yield node, "no fact is about it"


def _unknown_relations(tables: FactTables) -> Found:
    for subject, relation, object_ in tables.triples():
        kinds = (subject.split(":")[0], object_.split(":")[0])
        if RELATIONS.get(relation) != kinds:
            yield f"{subject} {relation} {object_}", f"{relation} joins no {kinds[0]} to a {kinds[1]}"


def _self_loops(tables: FactTables) -> Found:
    for subject, relation, object_ in tables.triples():
        if subject == object_:
            yield f"{subject} {relation} {object_}", "a node is joined to itself"


def _cycles(tables: FactTables) -> Found:
    below: dict[str, list[str]] = defaultdict(list)
    for subject, _, object_ in tables.triples(*(set(RELATIONS) - SYMMETRIC)):
        below[subject].append(object_)
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        yield path[0], f"the facts lead back to it: {' → '.join(reversed(path))}"


def _respelled(tables: FactTables) -> Found:
    first: dict[tuple[str, str], str] = {}
    for node, kind, name in tables.nodes.select("id", "kind", "name").iter_rows():
        for key in {name_key(name), name_key(_bare(node))}:
            other = first.setdefault((kind, key), node)
            if other != node:
                yield node, f"it is {other} under another spelling ({key!r})"
                break


def _unsourced(tables: FactTables) -> Found:
    bare = tables.facts.filter(
        pl.col("source").fill_null("").str.strip_chars().eq("") | pl.col("file").fill_null("").eq("")
    )
    for subject, relation, object_ in FactTables(bare, tables.nodes, tables.projects).triples():
        yield f"{subject} {relation} {object_}", "nobody and no file is named as its source"


def _unsafe(tables: FactTables) -> Found:
    for row in tables.projects.iter_rows(named=True):
        told = " . ".join([row["title"], row["description"], *(row["tools"] or ())])
        risk = RISKY_WORDS.search(told)
        if risk and not row["safety"]:
            yield f"project:{row['id']}", f"{risk.group().lower()!r} comes in and no safety note is given"


CHECKS: Mapping[str, Callable[[FactTables], Found]] = {
    "contradictions": _contradictions,
    "dangling_names": _dangling,
    "orphans": _orphans,
    "unknown_relations": _unknown_relations,
    "self_loops": _self_loops,
    "cycles": _cycles,
    "respelled_names": _respelled,
    "unsourced_facts": _unsourced,
    "missing_safety_notes": _unsafe,
}
"""What is checked, by the name of its count."""


def remarks(tables: FactTables) -> list[Finding]:
    """What is no error and still worth a look.

    Titles that share nearly all words (token Jaccard 0.8 and more), symmetric facts stated one way only, and properties
    that no material holds or no project asks for.
    """
    return [*_near_titles(tables.projects), *_one_sided(tables), *_idle_properties(tables)]


def _near_titles(projects: pl.DataFrame) -> Iterator[Finding]:
    words = {
        row["id"]: frozenset(name_key(word) for word in _WORD.findall(row["title"]))
        for row in projects.iter_rows(named=True)
    }
    holders: dict[str, list[str]] = defaultdict(list)
    for identity, mine in words.items():
        close = dict.fromkeys(other for word in sorted(mine) for other in holders[word])
        for other in close:
            if len(mine & words[other]) >= _ALIKE * len(mine | words[other]):
                yield Finding("near_titles", f"project:{identity}", f"its title is nearly that of project:{other}")
        for word in mine:
            # A word that very many titles share tells nothing, and comparing all of them would never end.
            if len(holders[word]) < 200:
                holders[word].append(identity)


def _one_sided(tables: FactTables) -> Iterator[Finding]:
    stated = set(tables.triples(*SYMMETRIC))
    for subject, relation, object_ in sorted(stated):
        if (object_, relation, subject) not in stated:
            yield Finding("one_sided", f"{subject} {relation} {object_}", "it is not stated the other way round")


def _idle_properties(tables: FactTables) -> Iterator[Finding]:
    held = {object_ for _, _, object_ in tables.triples("has_property")}
    asked = {object_ for _, _, object_ in tables.triples("requires_property")}
    for node in tables.nodes.filter(pl.col("kind") == "property")["id"]:
        if node in asked - held:
            yield Finding("idle_properties", node, "projects ask for it and no material holds it")
        elif node in held - asked:
            yield Finding("idle_properties", node, "materials hold it and no project asks for it")


def _bare(node: str) -> str:
    return node.split(":", 1)[-1]
