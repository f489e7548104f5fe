"""Where a rule table contradicts itself, and the rules that are left when nothing contradictory is used.

A rule here is a plain row that names an item or material, a stream and a bin; policies are made of such rows elsewhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict

from releaf.corpus.column_map import ColumnMap, word_key
from releaf.corpus.rule_entries import RuleEntry, category_of
from releaf.taxonomy import Taxonomy

_REASON = 240
"""Characters of an entry's text that a rule's reason quotes at most."""
_HAZARDOUS = "hazardous"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

_Target: TypeAlias = tuple[str | None, str | None]
"""Item and material; None for any."""
_Named: TypeAlias = tuple[str, RuleEntry]
"""An entry, and the `word_key` of the word in it that names what is looked for."""


@dataclass(frozen=True)
class Contradiction:
    """What a table says two ways: a keyword under several categories, or an entry whose text names another stream.

    `kind` is `keyword` or `text`; for a text, `keyword` is the entry's title and `categories` are the entry's own and
    the streams named instead. `entries` are titles, `documents` the ids of what was made of these entries.
    """

    kind: Literal["keyword", "text"]
    keyword: str
    categories: tuple[str, ...]
    entries: tuple[str, ...]
    documents: tuple[str, ...]


class RuleRow(TypedDict):
    """What a table says about one thing: taxonomy ids (one of them may be None), and `place`, where it says so."""

    item: str | None
    material: str | None
    stream: str
    bin: str
    reason: str
    place: str


@dataclass(frozen=True)
class Rules:
    """The rules of a table, and for each thing it names that got none, why."""

    rows: tuple[RuleRow, ...]
    left_out: tuple[str, ...]


def find_contradictions(entries: Sequence[RuleEntry], column_map: ColumnMap) -> tuple[Contradiction, ...]:
    """Every contradiction of a table: keywords in order of appearance, then texts."""
    found = []
    for key, places in holders_of(entries).items():
        categories = tuple(dict.fromkeys(entry.category for entry in places))
        if len(categories) > 1:
            found.append(_contradiction("keyword", places[0].words[key], categories, places))
    for entry in entries:
        streams = _other_streams(entry, column_map)
        if streams:
            found.append(_contradiction("text", entry.title, (entry.category, *streams), [entry]))
    return tuple(found)


def holders_of(entries: Sequence[RuleEntry]) -> Mapping[str, list[RuleEntry]]:
    """The entries that carry each word, as keyword or title, by its `word_key`."""
    holders: dict[str, list[RuleEntry]] = defaultdict(list)
    for entry in entries:
        for key in entry.words:
            holders[key].append(entry)
    return holders


def make_rules(
    entries: Sequence[RuleEntry], contradictions: Iterable[Contradiction], column_map: ColumnMap, taxonomy: Taxonomy
) -> Rules:
    """A rule for each item of the taxonomy, and each declared target, that the table names in one way only.

    An item is named by a keyword or title that equals its id or an alias. Where the map declares keywords for an item
    or material, those alone count. There is none where one of the names is contradictory or complicated, where two
    lead to different streams, or where a name that was not declared would send what the taxonomy calls hazardous to
    another bin: an alias may name one kind only, as `alkaline battery` does.
    """
    doubtful = {word_key(found.keyword) if found.kind == "keyword" else found.documents[0] for found in contradictions}
    rows: list[RuleRow] = []
    left_out: list[str] = []
    for target, keys in _wanted(column_map, taxonomy).items():
        named = [(key, entry) for entry in entries for key in entry.words if key in keys]
        why = _obstacle(target, named, doubtful, column_map, taxonomy)
        if named and why is None:
            rows.append(_rule(target, named, column_map))
        elif named:
            left_out.append(f"{' in '.join(name for name in target if name)}: {why}")
    return Rules(tuple(rows), tuple(left_out))


def unused_names(entries: Sequence[RuleEntry], column_map: ColumnMap) -> tuple[str, ...]:
    """Keywords that the map declares and no entry of the table carries."""
    known = holders_of(entries)
    return tuple(keyword for keyword in column_map.names if word_key(keyword) not in known)


def _contradiction(
    kind: Literal["keyword", "text"], keyword: str, categories: tuple[str, ...], places: Sequence[RuleEntry]
) -> Contradiction:
    titles, documents = tuple(entry.title for entry in places), tuple(entry.id for entry in places)
    return Contradiction(kind, keyword, categories, titles, documents)


def _other_streams(entry: RuleEntry, column_map: ColumnMap) -> tuple[str, ...]:
    """The streams that an entry's text names where it does not name its own; none for a category without a bin."""
    own = category_of(entry, column_map)
    if own.complicated or not entry.text:
        return ()
    named = [
        category.stream or name
        for name, category in column_map.categories.items()
        if any(_says(entry.text, phrase) for phrase in category.named)
    ]
    return () if own.stream in named else tuple(dict.fromkeys(named))


def _says(text: str, phrase: str) -> bool:
    words = r"\s+".join(map(re.escape, phrase.split()))
    return re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE) is not None


def _wanted(column_map: ColumnMap, taxonomy: Taxonomy) -> dict[_Target, set[str]]:
    """The words that stand for each thing a rule could be about."""
    declared: dict[_Target, set[str]] = defaultdict(set)
    for key, target in column_map.targets.items():
        declared[(target.item, target.material)].add(key)
    by_alias: dict[_Target, set[str]] = {
        (item.id, None): {word_key(name) for name in (item.id, *item.aliases)} - set(column_map.targets)
        for item in taxonomy.items
    }
    return by_alias | declared


def _obstacle(
    target: _Target, named: Sequence[_Named], doubtful: set[str], column_map: ColumnMap, taxonomy: Taxonomy
) -> str | None:
    """Why what the table says about a thing makes no rule; None where it makes one."""
    bad = dict.fromkeys(entry.words[key] for key, entry in named if key in doubtful or entry.id in doubtful)
    if bad:
        return f"the table contradicts itself about {', '.join(bad)}"
    told = ", ".join(dict.fromkeys(f"{entry.words[key]!r} is under {entry.category}" for key, entry in named))
    categories = [category_of(entry, column_map) for _, entry in named]
    if any(category.complicated for category in categories):
        return f"{told}, and no one bin takes all of these"
    if len({category.stream for category in categories}) > 1:
        return told
    dangerous = target[0] is not None and taxonomy.item(target[0]).bin == _HAZARDOUS
    declared = any(key in column_map.targets for key, _ in named)
    if dangerous and not declared and any(category.bin != _HAZARDOUS for category in categories):
        return f"{told}, but the taxonomy calls it hazardous; declare the keyword if all kinds of it go there"
    return None


def _rule(target: _Target, named: Sequence[_Named], column_map: ColumnMap) -> RuleRow:
    key, first = named[0]
    category = category_of(first, column_map)
    said = f"{first.words[key]!r} is listed under {first.category}"
    lines = (line.strip(" -") for line in first.text.split("\n"))
    quoted = _beginning(" ".join(line if line[-1:] in ".!?:;" else f"{line}." for line in lines))
    return RuleRow(
        item=target[0],
        material=target[1],
        stream=str(category.stream),
        bin=str(category.bin),
        reason=f"{said}: {quoted}" if first.text else f"{said}.",
        place="; ".join(dict.fromkeys(entry.title for _, entry in named)),
    )


def _beginning(text: str) -> str:
    """Whole sentences from the start, `_REASON` characters at most, but the first one in any case."""
    kept = ""
    for sentence in _SENTENCE.split(text):
        longer = f"{kept} {sentence}".strip()
        if kept and len(longer) > _REASON:
            break
        kept = longer
    return kept
