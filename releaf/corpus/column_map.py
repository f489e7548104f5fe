"""Column maps: a YAML file that says what the columns and categories of a municipal rule table mean.

The tables themselves are read by `rule_tables`. Nothing about a table is guessed: what its map does not name is an
error or goes to the quarantine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from releaf.corpus.delimited import TableFormat
from releaf.corpus.documents import Topic
from releaf.corpus.html_text import clean
from releaf.corpus.reading import Entry, check_row, display_name, parse_yaml, read_text
from releaf.corpus.validation import KebabId, LineError, Row, Text
from releaf.errors import UnknownNameError
from releaf.taxonomy import Taxonomy, normalize

_S_STAYS = re.compile(r"(ss|us|is)$")
_ES_GOES = re.compile(r"(ch|sh|x|z|ss)es$")


def _day(value: Any) -> Any:
    # YAML reads an unquoted date as one; a quoted one means the same.
    return date.fromisoformat(value) if isinstance(value, str) else value


class Columns(Row):
    """Which column of the table holds what; only title and category must be there."""

    title: Text
    category: Text
    body: Text | None = None
    keywords: Text | None = None
    id: Text | None = None
    url: Text | None = None


class Jurisdiction(Row):
    """Where the rules hold. `within` names jurisdictions whose filter finds the documents as well."""

    id: KebabId
    name: Text
    within: list[KebabId] = Field(default_factory=list)


class Citation(Row):
    """The publication that the table is."""

    id: KebabId
    title: Text
    publisher: Text
    date: Text
    url: Text | None = None
    note: Text | None = None


class Category(Row):
    """What one category of the table stands for.

    `stream` is the local name of the bin, `bin` the taxonomy's; a `complicated` category has no bin and makes no rule.
    `aliases` are other spellings in the table. `named` are phrases by which a body sends something to this stream
    (default: the stream's name). `note` is a sentence that every document of the category says.
    """

    topic: Topic
    stream: Text | None = None
    bin: Text | None = None
    complicated: bool = False
    aliases: list[Text] = Field(default_factory=list)
    named: list[Text] = Field(default_factory=list)
    note: Text | None = None


class Target(Row):
    """What a keyword of the table means in the taxonomy: an item, a material, or an item in a material."""

    item: Text | None = None
    material: Text | None = None


class ColumnMap(Row):
    """A column map whose names are the taxonomy's ids; `ignore` lists columns that are left unread on purpose."""

    format: TableFormat
    columns: Columns
    ignore: list[Text] = Field(default_factory=list)
    separator: Annotated[str, StringConstraints(min_length=1)] = ","
    jurisdiction: Jurisdiction
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")] = "1.0.0"
    effective: Annotated[date, BeforeValidator(_day)]
    source: Citation
    categories: Annotated[dict[str, Category], Field(min_length=1)]
    names: dict[str, Target] = Field(default_factory=dict)

    @cached_property
    def category_names(self) -> Mapping[str, str]:
        """The category that each spelling in the table stands for."""
        return {clean(spelling): name for name, entry in self.categories.items() for spelling in (name, *entry.aliases)}

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """What each declared keyword means, by its `word_key`."""
        return {word_key(keyword): target for keyword, target in self.names.items()}

    @property
    def streams(self) -> dict[str, str]:
        """The taxonomy's bin of each stream, in order of the categories."""
        return {entry.stream: entry.bin for entry in self.categories.values() if entry.stream and entry.bin}


def read_column_map(path: Path, taxonomy: Taxonomy) -> ColumnMap:
    """Read and check a column map.

    Raises `InputError` with file and line for a missing file, what is no YAML, unknown keys, names that the taxonomy
    does not know, a spelling that stands for two categories, a stream of two bins, and a category that is neither
    complicated nor has a stream and a bin.
    """
    file = display_name(path)
    entry = parse_yaml(read_text(path, file), file)
    if entry is None:
        raise LineError(file, None, "the column map is empty; worked ones are in data/column_maps")
    parsed = check_row(ColumnMap, entry)
    _check_categories(parsed, entry)
    _check_spellings(parsed, entry)
    place = _Place(entry, taxonomy)
    return parsed.model_copy(
        update={
            "categories": {name: place.category(name, category) for name, category in parsed.categories.items()},
            "names": {keyword: place.target(keyword, target) for keyword, target in parsed.names.items()},
        }
    )


def word_key(text: str) -> str:
    """What two spellings of one thing share: no case, single spaces for hyphens, and a last word in the singular.

    The singular is the English one by its ending alone (`boxes`, `batteries`, `cans`), right or not: it is compared,
    never shown.
    """
    words = normalize(clean(text).casefold()).split(" ")
    return " ".join([*words[:-1], _singular(words[-1])]).strip()


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and _ES_GOES.search(word):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not _S_STAYS.search(word):
        return word[:-1]
    return word


@dataclass(frozen=True)
class _Place:
    """Replaces names by the taxonomy's ids, and tells where an unknown one stands."""

    entry: Entry
    taxonomy: Taxonomy

    def category(self, name: str, category: Category) -> Category:
        found = self._id(category.bin, self.taxonomy.bin, "categories", name, "bin")
        return category.model_copy(update={"bin": found, "named": category.named or [category.stream or name]})

    def target(self, keyword: str, target: Target) -> Target:
        if target.item is None and target.material is None:
            raise LineError(
                self.entry.file, self.entry.line_of("names", keyword), f"{keyword!r} needs an item, a material or both"
            )
        return Target(
            item=self._id(target.item, self.taxonomy.item, "names", keyword, "item"),
            material=self._id(target.material, self.taxonomy.material, "names", keyword, "material"),
        )

    def _id(self, name: str | None, find: Callable[[str], Any], *path: str) -> str | None:
        try:
            return None if name is None else str(find(name).id)
        except UnknownNameError as error:
            raise LineError(self.entry.file, self.entry.line_of(*path), str(error)) from error


def _check_categories(parsed: ColumnMap, entry: Entry) -> None:
    bins: dict[str, str] = {}
    for name, category in parsed.categories.items():
        line = entry.line_of("categories", name)
        if category.complicated and category.bin is not None:
            reason = f"category {name!r} is complicated and has the bin {category.bin!r}; keep one of the two"
            raise LineError(entry.file, line, reason)
        if not category.complicated and (category.stream is None or category.bin is None):
            reason = f"category {name!r} needs a stream and a bin, or `complicated: true` where it has none"
            raise LineError(entry.file, line, reason)
        if category.stream and category.bin and bins.setdefault(category.stream, category.bin) != category.bin:
            both = f"{bins[category.stream]!r} and {category.bin!r}"
            raise LineError(entry.file, line, f"stream {category.stream!r} has the bins {both}; a stream has one")


def _check_spellings(parsed: ColumnMap, entry: Entry) -> None:
    owners: dict[str, str] = {}
    for name, category in parsed.categories.items():
        for spelling in (name, *category.aliases):
            if owners.setdefault(clean(spelling), name) != name or (
                spelling != name and clean(spelling) == clean(name)
            ):
                reason = f"{spelling!r} stands for {owners[clean(spelling)]!r} already; each spelling has one category"
                raise LineError(entry.file, entry.line_of("categories", name), reason)
    keywords: dict[str, str] = {}
    for keyword in parsed.names:
        if keywords.setdefault(word_key(keyword), keyword) != keyword:
            reason = f"{keyword!r} is the keyword {keywords[word_key(keyword)]!r} again; keep one of them"
            raise LineError(entry.file, entry.line_of("names", keyword), reason)
