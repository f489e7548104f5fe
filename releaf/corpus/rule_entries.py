"""The entries of a municipal rule table: rows read by a column map, with what says the same made one.

What entries say against each other is found in `rule_conflicts`; the whole import is `rule_tables`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from releaf.artifacts import content_hash
from releaf.corpus.column_map import Category, ColumnMap, word_key
from releaf.corpus.delimited import read_records, require_columns
from releaf.corpus.front_matter import slug
from releaf.corpus.html_text import Link, Page, clean, read_html
from releaf.corpus.reading import Entry
from releaf.corpus.validation import LineError, Quarantine

_DIGEST = 8


@dataclass(frozen=True)
class RuleEntry:
    """One entry of a table: `id` is the document's, `category` the map's name for what the row says.

    `addresses` are those of the entry itself (the column `url`), `links` stand in its text.
    """

    id: str
    title: str
    category: str
    text: str
    keywords: tuple[str, ...]
    links: tuple[Link, ...]
    addresses: tuple[str, ...]
    line: int

    @property
    def words(self) -> dict[str, str]:
        """How the title and each keyword are spelled, by their `word_key`."""
        words: dict[str, str] = {}
        for word in (*self.keywords, self.title):
            words.setdefault(word_key(word), word)
        return words


@dataclass(frozen=True)
class Entries:
    """The entries of a table in order, how many rows were read, and how many said what an earlier row says."""

    entries: tuple[RuleEntry, ...]
    read: int
    repeated: int


def read_entries(path: Path, column_map: ColumnMap, quarantine: Quarantine) -> Entries:
    """Read a table; rows that the map does not fit go to `quarantine`.

    Rows that differ in nothing but their id and address are one entry, with all the addresses. Raises `InputError` for
    a column that the map declares and the table does not have.
    """
    before = len(quarantine)
    columns, records = read_records(path, column_map.format, quarantine)
    read = len(records) + len(quarantine) - before
    if columns:
        declared = column_map.columns.model_dump()
        require_columns(path, columns, declared | {f"ignored column {name}": name for name in column_map.ignore})
    found: dict[str, RuleEntry] = {}
    given: dict[str, int] = {}
    repeated = 0
    for record in records:
        try:
            content, entry = _entry(record, column_map)
            if content in found:
                merged = dict.fromkeys((*found[content].addresses, *entry.addresses))
                found[content] = replace(found[content], addresses=tuple(merged))
                repeated += 1
                continue
            if entry.id in given:
                raise LineError(record.file, record.line, f"its id was given before, on line {given[entry.id]}")
        except LineError as error:
            quarantine.add_error(error, record.text)
            continue
        given[entry.id] = entry.line
        found[content] = entry
    return Entries(tuple(found.values()), read, repeated)


def category_of(entry: RuleEntry, column_map: ColumnMap) -> Category:
    """What the map says about an entry's category."""
    return column_map.categories[entry.category]


def _entry(record: Entry, column_map: ColumnMap) -> tuple[str, RuleEntry]:
    """The hash of what a row says, and its entry."""
    row = _Row(record, column_map)
    row.refuse_unknown_columns()
    title, category, page = row.title(), row.category(), row.page()
    keywords = row.keywords()
    content = content_hash([title, category, page.text, keywords])
    name = _document_id(column_map.jurisdiction.id, title, row.text("id"), content)
    address = row.text("url")
    addresses = (address,) if address else ()
    return content, RuleEntry(name, title, category, page.text, keywords, page.links, addresses, record.line)


def _document_id(jurisdiction: str, title: str, given: str | None, content: str) -> str:
    """An id that stays while the row keeps its own id or, where it has none, while it says the same."""
    if given is not None and slug(given) == given:
        return f"{jurisdiction}-{given}"
    digest = content_hash(given)[:_DIGEST] if given is not None else content[:_DIGEST]
    return "-".join(part for part in (jurisdiction, slug(title), digest) if part)


@dataclass(frozen=True)
class _Row:
    """One record, read by the columns of a map; raises `LineError` for what does not fit."""

    record: Entry
    column_map: ColumnMap

    def refuse_unknown_columns(self) -> None:
        known = {*self.column_map.columns.model_dump().values(), *self.column_map.ignore}
        unknown = [str(name) for name in self.record.value if name not in known]
        if unknown:
            told = ", ".join(map(repr, unknown))
            raise self._error(f"unknown column {told}; name it under `columns` or `ignore` in the column map")

    def title(self) -> str:
        title = self.text("title")
        if title is None:
            raise self._error("no title")
        return title

    def category(self) -> str:
        spelling = self.text("category")
        if spelling is None:
            raise self._error("no category")
        names = self.column_map.category_names
        if spelling not in names:
            known = ", ".join(names)
            raise self._error(f"category {spelling!r} is not in the column map, which knows: {known}")
        return names[spelling]

    def page(self) -> Page:
        value = self._value("body")
        if value is None:
            return Page("")
        if not isinstance(value, str):
            raise self._error(f"the body is {type(value).__name__}, not a text")
        return read_html(value)

    def keywords(self) -> tuple[str, ...]:
        value = self._value("keywords")
        if isinstance(value, str):
            value = value.split(self.column_map.separator)
        if not isinstance(value, list | None) or any(not isinstance(word, str) for word in value or ()):
            raise self._error("the keywords are neither a text nor a list of texts")
        return tuple(_once(read_html(word).text for word in value or ()))

    def text(self, purpose: str) -> str | None:
        """A short value as one line of text; None where the row has none."""
        value = self._value(purpose)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._error(f"the {purpose} is {type(value).__name__}, not a text")
        return clean(read_html(value).text if isinstance(value, str) and purpose != "url" else str(value)) or None

    def _value(self, purpose: str) -> Any:
        row: Mapping[str, Any] = self.record.value
        column = getattr(self.column_map.columns, purpose)
        return None if column is None else row.get(column)

    def _error(self, reason: str) -> LineError:
        return LineError(self.record.file, self.record.line, reason)


def _once(words: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for word in map(clean, words):
        if word and word_key(word) not in seen:
            seen.add(word_key(word))
            yield word
