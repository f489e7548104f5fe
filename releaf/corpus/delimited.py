"""Tables of JSON records, CSV or TSV as records that know their lines; what a record must hold is decided elsewhere.

JSON itself is read by `json_records`.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from releaf.corpus.json_records import read_json_list
from releaf.corpus.reading import Entry, display_name, read_text
from releaf.corpus.validation import LineError, Quarantine
from releaf.errors import InputError

TableFormat = Literal["json", "jsonl", "csv", "tsv"]
FORMATS: Mapping[str, TableFormat] = {".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv"}
"""The format that a file's name tells."""


def format_of(path: Path) -> TableFormat:
    """The format of a table by its file name; raises `InputError` listing the endings there are."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError as error:
        raise InputError(f"{path} is no table: its name must end in {', '.join(FORMATS)}") from error


def read_records(path: Path, kind: TableFormat, quarantine: Quarantine) -> tuple[tuple[str, ...], list[Entry]]:
    """The columns of a table, in order of appearance, and its records as mappings, in order.

    Cells of CSV and TSV are texts. What is no record (broken JSON, a row with too few or too many cells) goes to
    `quarantine` with its line. Raises `InputError` where there is no such file, and for a header that is empty or
    names a column twice.
    """
    file = display_name(path)
    if kind in ("csv", "tsv"):
        return _delimited(path, file, "," if kind == "csv" else "\t", quarantine)
    entries: list[Entry] = []
    for entry in read_json_list(path, file, quarantine):
        if isinstance(entry.value, dict):
            entries.append(entry)
        else:
            reason = f"expected an object with keys and values, found {type(entry.value).__name__}"
            quarantine.add(file, entry.line, reason, entry.text)
    return tuple(dict.fromkeys(str(key) for entry in entries for key in entry.value)), entries


def require_columns(path: Path, columns: Iterable[str], wanted: Mapping[str, str | None]) -> None:
    """Refuse a declared column that a table does not have; `wanted` maps what it is for to its declared name.

    Raises `InputError` naming the column, what it was declared for, and the columns there are.
    """
    known = list(columns)
    missing = {purpose: name for purpose, name in wanted.items() if name is not None and name not in known}
    if missing:
        told = ", ".join(f"{name!r} (declared as the {purpose})" for purpose, name in missing.items())
        raise InputError(f"{path} has no column {told}; its columns: {', '.join(known) or 'none'}")


def _delimited(path: Path, file: str, delimiter: str, quarantine: Quarantine) -> tuple[tuple[str, ...], list[Entry]]:
    try:
        text = read_text(path, file)
    except LineError as error:
        quarantine.add_error(error)
        return (), []
    csv.field_size_limit(sys.maxsize)  # the library's own limit would refuse a document of 128 KiB
    lines = text.split("\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: tuple[str, ...] = ()
    entries: list[Entry] = []
    while True:
        first = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            quarantine.add(file, first, f"not valid CSV: {error}", "\n".join(lines[first - 1 : first + 4]))
            break
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = _header(cells, path)
        elif len(cells) != len(header):
            reason = f"{len(cells)} cells where the header has {len(header)}; put quotes around cells that hold commas"
            quarantine.add(file, first, reason, delimiter.join(cells))
        else:
            row = "\n".join(lines[first - 1 : reader.line_num])
            entries.append(Entry(dict(zip(header, cells, strict=True)), file, first, row))
    return header, entries


def _header(cells: list[str], path: Path) -> tuple[str, ...]:
    names = tuple(" ".join(cell.split()) for cell in cells)
    for name in names:
        if not name or names.count(name) > 1:
            problem = "a column without a name" if not name else f"two columns called {name!r}"
            raise InputError(f"{path} has {problem}; the first line must name every column once: {', '.join(names)}")
    return names
