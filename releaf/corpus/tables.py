"""Knowledge documents from what is not written as one: rows of CSV or JSON, and Markdown without front matter.

Documents with front matter are read by `documents`; municipal rule tables by `rule_tables`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from releaf.artifacts import content_hash
from releaf.corpus.delimited import format_of, read_records, require_columns
from releaf.corpus.documents import Header, read_documents
from releaf.corpus.front_matter import slug, write_document
from releaf.corpus.html_text import clean
from releaf.corpus.reading import Entry, read_text
from releaf.corpus.validation import QUARANTINE_SCHEMA, LineError, Quarantine, describe
from releaf.errors import InputError, UnknownNameError
from releaf.taxonomy import Taxonomy

_DIGEST = 8
_TITLE = 80
"""Characters of a text that stand in for its title at most."""
_BETWEEN_NAMES = re.compile(r"[;,|]")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$|^(\S.*)\n(?:=+|-+)[ \t]*$", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class DocumentColumns:
    """The columns of a table of documents; None is the column of the same name where the table has one."""

    id: str | None = None
    title: str | None = None
    text: str | None = None
    topic: str | None = None
    items: str | None = None
    materials: str | None = None
    jurisdictions: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Defaults:
    """What a document says that does not say it itself; a topic and a source every document must have."""

    topic: str | None = None
    source: str | None = None
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ImportedDocuments:
    """Documents as Markdown files with front matter, by id; what was set aside; how many rows or files were read.

    `unread` names the columns of a table that mean nothing here.
    """

    documents: dict[str, str]
    quarantine: pl.DataFrame
    read: int
    unread: tuple[str, ...] = ()


def read_document_table(
    path: Path, taxonomy: Taxonomy, *, columns: DocumentColumns | None = None, defaults: Defaults | None = None
) -> ImportedDocuments:
    """Read a table of documents: `.csv`, `.tsv`, `.jsonl` or `.json`, one document a row.

    Only the text must be there. Ids become kebab case; a row without one gets its id from its title and a hash of what
    it says, a row without a title the beginning of its text. Items, materials and jurisdictions are lists, in one cell
    with `;`, `,` or `|` between. Quarantined with file and line: no text, no topic or source, an unknown topic, item or
    material, and an id given before. Raises `InputError` for a missing file, another ending, and a declared column that
    the table does not have.
    """
    declared = {name: column for name, column in asdict(columns or DocumentColumns()).items() if column is not None}
    quarantine = Quarantine("documents")
    there, records = read_records(path, format_of(path), quarantine)
    read = len(records) + len(quarantine)
    if there:
        require_columns(path, there, declared if "text" in declared else {"text": "text"} | declared)
    used = {name: declared.get(name, name) for name in asdict(DocumentColumns())}
    collector = _Collector(taxonomy, defaults or Defaults(), quarantine)
    for record in records:
        collector.add_row(record, used)
    unread = tuple(column for column in there if column not in used.values())
    return ImportedDocuments(collector.documents, quarantine.frame(), read, unread)


def read_markdown(directory: Path, taxonomy: Taxonomy, defaults: Defaults | None = None) -> ImportedDocuments:
    """Read every `*.md` below a folder: with front matter as `read_documents` does, without it by `defaults`.

    A file without front matter takes its title from its first heading (which leaves the text) or its name, its id from
    its path. Where `defaults` lack a topic or a source such files go to the quarantine. Raises `InputError` for a
    folder that does not exist.
    """
    defaults = defaults or Defaults()
    checked = read_documents([directory], taxonomy)
    prefix = f"{directory.resolve().name}/"
    quarantine = Quarantine("documents")
    collector = _Collector(taxonomy, defaults, quarantine)
    for identity, file in checked.frame.select("id", "file").iter_rows():
        collector.documents[identity] = read_text(directory / file.removeprefix(prefix), file)
    for row in checked.quarantine.iter_rows(named=True):
        text = _plain_markdown(directory / row["file"].removeprefix(prefix), row["file"])
        if text is None:
            quarantine.rows.append(row)
        elif defaults.topic is None or defaults.source is None:
            reason = f"{row['reason']}; or give a topic and a source for files without front matter"
            quarantine.rows.append(row | {"reason": reason})
        else:
            collector.add_markdown(text, row["file"], row["file"].removeprefix(prefix))
    frame = pl.DataFrame(quarantine.rows, schema=QUARANTINE_SCHEMA)
    return ImportedDocuments(collector.documents, frame, checked.read)


@dataclass
class _Collector:
    """Turns rows into documents, each id once; what does not fit goes to the quarantine."""

    taxonomy: Taxonomy
    defaults: Defaults
    quarantine: Quarantine
    documents: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)

    def add_row(self, record: Entry, columns: Mapping[str, str]) -> None:
        """Add one row of a table."""
        try:
            cells = {name: record.value.get(column) for name, column in columns.items()}
            text = _text(cells["text"], "text", record) or ""
            title = clean(_text(cells["title"], "title", record) or "") or _beginning(text)
            given = _text(cells["id"], "id", record)
            content = content_hash([title, text])
            identity = (slug(given) or content_hash(given)[:_DIGEST]) if given else f"{slug(title)}-{content[:_DIGEST]}"
            fields = {
                "id": identity.strip("-"),
                "title": title,
                "topic": _text(cells["topic"], "topic", record) or self.defaults.topic,
                "items": _names(cells["items"], "items", record),
                "materials": _names(cells["materials"], "materials", record),
                "jurisdictions": _names(cells["jurisdictions"], "jurisdictions", record)
                or list(self.defaults.jurisdictions),
                "source": _text(cells["source"], "source", record) or self.defaults.source,
            }
            self._add(fields, text, record)
        except LineError as error:
            self.quarantine.add_error(error, record.text)

    def add_markdown(self, text: str, file: str, path: str) -> None:
        """Add one Markdown file without front matter; `path` is relative to the folder read."""
        heading = _HEADING.search(text)
        title = clean(heading.group(1) or heading.group(2)) if heading else ""
        body = text[: heading.start()] + text[heading.end() :] if heading and title else text
        stem = path.rsplit(".", 1)[0]
        fields = {
            "id": slug(stem, longest=200) or content_hash(stem)[:_DIGEST],
            "title": title or re.sub(r"[-_\s]+", " ", stem.rsplit("/", 1)[-1]).strip().capitalize(),
            "topic": self.defaults.topic,
            "items": [],
            "materials": [],
            "jurisdictions": list(self.defaults.jurisdictions),
            "source": self.defaults.source,
        }
        try:
            self._add(fields, body, Entry(fields, file, 1, text))
        except LineError as error:
            self.quarantine.add_error(error, text)

    def _add(self, fields: Mapping[str, Any], text: str, record: Entry) -> None:
        if not text.strip():
            raise LineError(record.file, record.line, "no text")
        for name in ("topic", "source"):
            if fields[name] is None:
                raise LineError(record.file, record.line, f"no {name}; give every row one, or one for all of them")
        resolved = {
            "items": self._ids(fields["items"], self.taxonomy.item, record),
            "materials": self._ids(fields["materials"], self.taxonomy.material, record),
        }
        try:
            header = Header.model_validate({**fields, **resolved})
        except ValidationError as error:
            raise LineError(record.file, record.line, describe(error)[0]) from error
        if header.id in self.documents:
            before = self.lines.get(header.id, "a file with front matter")
            raise LineError(record.file, record.line, f"id {header.id!r} was given before, by {before}")
        self.lines[header.id] = f"{record.file}:{record.line}"
        self.documents[header.id] = write_document(header, text)

    def _ids(self, names: Sequence[str], find: Callable[[str], Any], record: Entry) -> list[str]:
        try:
            return list(dict.fromkeys(str(find(name).id) for name in names))
        except UnknownNameError as error:
            raise LineError(record.file, record.line, str(error)) from error


def _plain_markdown(path: Path, file: str) -> str | None:
    """The text of a file that has no front matter; None for one that has, or that cannot be read."""
    try:
        text = read_text(path, file)
    except InputError:
        return None
    return None if text.split("\n", 1)[0].rstrip() == "---" else text


def _text(value: Any, name: str, record: Entry) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise LineError(record.file, record.line, f"the {name} is {type(value).__name__}, not a text")
    return _CONTROL.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n")).strip() or None


def _names(value: Any, name: str, record: Entry) -> list[str]:
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return [clean(entry) for entry in value if clean(entry)]
    text = _text(value, name, record)
    return [clean(entry) for entry in _BETWEEN_NAMES.split(text or "") if clean(entry)]


def _beginning(text: str) -> str:
    line = clean(text.split("\n", 1)[0].lstrip("# "))
    return line if len(line) <= _TITLE else f"{line[:_TITLE].rsplit(' ', 1)[0]}…"
