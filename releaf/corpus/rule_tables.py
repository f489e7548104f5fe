"""A municipal rule table, read by its column map, as knowledge documents and plain rows of rules.

How rows become entries is in `rule_entries`, what contradicts what in `rule_conflicts`. A policy is made of the rows
by whoever imports the table: this package knows none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from releaf.corpus.column_map import ColumnMap, word_key
from releaf.corpus.documents import Header
from releaf.corpus.front_matter import write_document
from releaf.corpus.rule_conflicts import (
    Contradiction,
    RuleRow,
    find_contradictions,
    holders_of,
    make_rules,
    unused_names,
)
from releaf.corpus.rule_entries import RuleEntry, category_of, read_entries
from releaf.corpus.validation import Quarantine
from releaf.taxonomy import Taxonomy

_TOGETHER = 40
"""Keywords of one sentence: with what says where they go, they fill a passage."""


@dataclass(frozen=True, eq=False)
class RuleTable:
    """What a table came to.

    `documents` are Markdown files by id, `rules` plain rows for a policy; `left_out` says why a named item has no rule,
    `unused_names` which declared keywords no row carries. Of the rows `read`, `repeated` said what an earlier one says.
    """

    documents: dict[str, str]
    rules: tuple[RuleRow, ...]
    left_out: tuple[str, ...]
    contradictions: tuple[Contradiction, ...]
    unused_names: tuple[str, ...]
    quarantine: pl.DataFrame
    read: int
    repeated: int


def read_rule_table(path: Path, column_map: ColumnMap, taxonomy: Taxonomy) -> RuleTable:
    """Read a table of disposal rules.

    Every usable row becomes a document, also where the table contradicts itself; rules come from unambiguous names
    alone. Quarantined: rows with a column or category that the map does not know, without a title, with an id that an
    earlier row has, and what cannot be parsed. Raises `InputError` for a missing file and for a column that the map
    declares and the table does not have.
    """
    quarantine = Quarantine("rules")
    found = read_entries(path, column_map, quarantine)
    contradictions = find_contradictions(found.entries, column_map)
    rules = make_rules(found.entries, contradictions, column_map, taxonomy)
    rivals = _rivals(found.entries, contradictions)
    return RuleTable(
        documents={entry.id: _document(entry, rivals[entry.id], column_map, taxonomy) for entry in found.entries},
        rules=rules.rows,
        left_out=rules.left_out,
        contradictions=contradictions,
        unused_names=unused_names(found.entries, column_map),
        quarantine=quarantine.frame(),
        read=found.read,
        repeated=found.repeated,
    )


def _rivals(entries: Sequence[RuleEntry], contradictions: Iterable[Contradiction]) -> dict[str, list[str]]:
    """For each document the sentences about keywords that another entry puts elsewhere."""
    holders = holders_of(entries)
    sentences: dict[str, list[str]] = defaultdict(list)
    for keyword in (found.keyword for found in contradictions if found.kind == "keyword"):
        places = holders[word_key(keyword)]
        for entry in places:
            others = {other.category: other.title for other in places if other.category != entry.category}
            told = ", ".join(f"{category} (“{title}”)" for category, title in others.items())
            sentences[entry.id].append(f"The same table also lists “{keyword}” under {told}.")
    return sentences


def _document(entry: RuleEntry, rivals: Sequence[str], column_map: ColumnMap, taxonomy: Taxonomy) -> str:
    category, place, source = category_of(entry, column_map), column_map.jurisdiction, column_map.source
    items = [item.id for item in taxonomy.items if _names(item.id, item.aliases) & set(entry.words)]
    materials = [found.id for found in taxonomy.materials if _names(found.id, found.aliases) & set(entry.words)]
    for key in entry.words:
        target = column_map.targets.get(key)
        items += [target.item] if target and target.item else []
        materials += [target.material] if target and target.material else []
    header = Header(
        id=entry.id,
        title=f"{place.name}: {entry.title}",
        topic=category.topic,
        items=list(dict.fromkeys(items)),
        materials=list(dict.fromkeys(materials)),
        jurisdictions=list(dict.fromkeys([*place.within, place.id])),
        source=", ".join([f"{source.publisher}, {source.title} ({source.date})", *entry.addresses]),
    )
    # In one paragraph, so that a passage that names a thing says what to do with it.
    said = "\n".join(part for part in (_where(entry, column_map), category.note, entry.text) if part)
    links = "\n".join(["Links:", *(f"- {link.label}: {link.address}" for link in entry.links)]) if entry.links else ""
    return write_document(header, "\n\n".join(part for part in (said, *rivals, links) if part))


def _names(name: str, aliases: Iterable[str]) -> set[str]:
    return {word_key(name), *map(word_key, aliases)}


def _where(entry: RuleEntry, column_map: ColumnMap) -> str:
    """What goes where, in sentences of a passage's length, so that none has to be read without the bin."""
    category, place = category_of(entry, column_map), column_map.jurisdiction.name
    name = category.stream or entry.category
    known_as = f"category {entry.category}" if entry.category.casefold() not in name.casefold() else None
    if category.complicated:
        label = f"No single bin takes these in {place} ({', '.join(part for part in (name, known_as) if part)})"
    else:
        bin_id = category.bin if str(category.bin).casefold() != name.casefold() else None
        aside = ", ".join(part for part in (known_as, bin_id) if part)
        label = f"Goes to {name}{f' ({aside})' if aside else ''} in {place}"
    words = entry.keywords or (entry.title,)
    pieces = [words[start : start + _TOGETHER] for start in range(0, len(words), _TOGETHER)]
    return " ".join(f"{label}: {', '.join(piece)}." for piece in pieces)
