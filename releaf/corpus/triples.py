"""Files of triples as statements that know their lines: CSV and TSV with or without a header, and N-Triples.

A statement is three texts as they were written; which nodes they name is decided in `fact_import`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from releaf.corpus.text_lines import Line, read_lines
from releaf.errors import InputError
from releaf.relations import NODE_KINDS

COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("subject", "s", "head", "from"), "subject"),
    **dict.fromkeys(("relation", "predicate", "p", "r", "property", "edge"), "relation"),
    **dict.fromkeys(("object", "o", "tail", "to"), "object"),
    **dict.fromkeys(("source", "provenance", "citation"), "source"),
    "file": "file",
    "line": "line",
}
"""What the columns of a header may be called. `file` and `line` say where a triple was read from first."""
_ORDER = ("subject", "relation", "object", "source")
_LABELS = ("http://www.w3.org/2000/01/rdf-schema#label", "http://www.w3.org/2004/02/skos/core#prefLabel")
_TERM = r'<([^<>"{}|^`\s]*)>|(_:\S+)|"((?:[^"\\]|\\.)*)"(?:@[A-Za-z0-9-]+|\^\^<[^<>\s]*>)?'
_NTRIPLE = re.compile(rf"\s*(?:{_TERM})\s*<([^<>\"{{}}|^`\s]*)>\s*(?:{_TERM})\s*\.\s*(?:#.*)?")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One line: the three texts of a triple, or the `problem` that keeps it from being one, and `text` as it stood.

    A `problem` begins with what many may share, and a colon. `file` and `at` are set where the table itself says
    where the triple was first read from.
    """

    line: int
    text: str
    subject: str = ""
    relation: str = ""
    object: str = ""
    source: str = ""
    file: str = ""
    at: int | None = None
    problem: str = ""
    latin_1: bool = False


def read_triples(path: Path) -> Iterator[Statement]:
    """Each statement of a file, in order and one at a time; empty lines, comments, the header and labels are passed by.

    Raises `InputError` where the file cannot be opened or its name ends in none of .csv, .tsv and .nt.
    """
    ending = path.suffix.lower()
    if ending == ".nt":
        yield from _ntriples(path)
    elif ending in (".csv", ".tsv"):
        yield from _table(path, "\t" if ending == ".tsv" else ",")
    else:
        raise InputError(f"{path} is no file of triples; its name must end in .csv, .tsv or .nt")


def _table(path: Path, delimiter: str) -> Iterator[Statement]:
    columns: tuple[str, ...] = ()
    for line in read_lines(path):
        if line.problem:
            yield Statement(line.number, line.text, problem=line.problem)
            continue
        if not line.text.strip():
            continue
        if not columns:
            if delimiter == "," and line.text.count(";") >= 2 > line.text.count(","):
                delimiter = ";"  # what spreadsheets write where a comma stands before decimals
            cells = _cells(line.text, delimiter)
            columns = _header(cells)
            if columns:
                continue
            columns = _ORDER[: min(max(len(cells), 3), 4)]
        yield _statement(line, _cells(line.text, delimiter), columns)


def _cells(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader((text,), delimiter=delimiter, strict=True))]
    except csv.Error:
        return []


def _header(cells: list[str]) -> tuple[str, ...]:
    """The columns by our names ("" for others), or nothing where the first line is a triple already."""
    names = tuple(COLUMNS.get(cell.lower(), "") for cell in cells)
    named = [name for name in names if name]
    return names if {"subject", "relation", "object"} <= set(named) and len(set(named)) == len(named) else ()


def _statement(line: Line, cells: list[str], columns: tuple[str, ...]) -> Statement:
    if not cells:
        return Statement(line.number, line.text, problem="quoting: a quote is not closed on its line")
    # A source may be left out at the end of a line.
    if len(cells) != len(columns) and not (columns == _ORDER and len(cells) == 3):
        return Statement(line.number, line.text, problem=f"cells: {len(cells)} where there are {len(columns)}")
    found = dict(zip(columns, cells, strict=False))
    missing = [name for name in ("subject", "relation", "object") if not found[name]]
    if missing:
        return Statement(line.number, line.text, problem=f"missing part: no {' and no '.join(missing)}")
    at = found.get("line", "")
    subject, relation, object_ = (local_name(found[name]) for name in ("subject", "relation", "object"))
    return Statement(
        line.number,
        line.text,
        subject,
        relation,
        object_,
        source=found.get("source", ""),
        file=found.get("file", ""),
        at=int(at) if at.isdecimal() else None,
        latin_1=line.latin_1,
    )


def _ntriples(path: Path) -> Iterator[Statement]:
    labels = _read_labels(path)
    for line in read_lines(path):
        stripped = line.text.lstrip()
        if line.problem:
            yield Statement(line.number, line.text, problem=line.problem)
        elif stripped and not stripped.startswith("#"):
            found = _NTRIPLE.fullmatch(line.text)
            if not found:
                yield Statement(
                    line.number, line.text, problem="N-Triples: the line is not <subject> <relation> object ."
                )
            elif found.group(4) not in _LABELS:
                yield _from_match(line, found, labels)


def _read_labels(path: Path) -> dict[str, str]:
    """The label of each IRI that has one; the first counts."""
    labels: dict[str, str] = {}
    for line in read_lines(path):
        if "abel>" in line.text and not line.problem:
            found = _NTRIPLE.fullmatch(line.text)
            if found and found.group(1) and found.group(4) in _LABELS and found.group(7):
                labels.setdefault(found.group(1), found.group(7))
    return labels


def _from_match(line: Line, found: re.Match[str], labels: Mapping[str, str]) -> Statement:
    iri, blank, literal, predicate, object_iri, object_blank, object_literal = found.groups()
    if blank or object_blank:
        return Statement(line.number, line.text, problem=f"blank node: {blank or object_blank} has no name")
    if literal is not None:
        return Statement(line.number, line.text, problem="literal: it cannot be a subject")
    try:
        subject, relation = _named(iri, labels), local_name(unescape(predicate))
        object_ = unescape(object_literal) if object_iri is None else _named(object_iri, labels)
    except ValueError as error:
        return Statement(line.number, line.text, problem=str(error))
    missing = [
        name for name, value in (("subject", subject), ("relation", relation), ("object", object_)) if not value.strip()
    ]
    if missing:
        return Statement(line.number, line.text, problem=f"missing part: no {' and no '.join(missing)}")
    return Statement(line.number, line.text, subject, relation, object_, latin_1=line.latin_1)


def _named(iri: str, labels: Mapping[str, str]) -> str:
    name = local_name(unescape(iri))
    if iri in labels:
        kind = name.split(":")[0] if ":" in name else ""
        label = unescape(labels[iri])
        return f"{kind}:{label}" if kind in NODE_KINDS else label
    return name


def local_name(name: str) -> str:
    """The last part of an IRI, percent signs undone, with its kind before it where the part above names one.

    `http://example.org/project/desk%20lamp` is `project:desk lamp`; what is no IRI stays as it is.
    """
    if "://" not in name:
        return name
    path = re.split(r"[/#]", name.split("://", 1)[1].rstrip("/#"))
    last = unquote(path[-1]) if len(path) > 1 else ""
    above = path[-2].lower() if len(path) > 2 else ""
    return f"{above}:{last}" if above in NODE_KINDS and ":" not in last else last


def unescape(text: str) -> str:
    r"""Undo the escapes of N-Triples, such as `\u00e9`; raises `ValueError` for one that there is not."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code = found.group(1)
    if code[0] in "uU" and len(code) > 1:
        number = int(code[1:], 16)
        if number > 0x10FFFF or 0xD800 <= number < 0xE000:
            raise ValueError(f"escape: \\{code} is no character")
        return chr(number)
    if code not in _ESCAPED:
        raise ValueError(f"escape: \\{code} is none of N-Triples")
    return _ESCAPED[code]
