"""The Cranfield collection as its own files have it: `cran.all.1400`, `cran.qry` and `cranqrel`.

.I 1
.T
experimental investigation …
.A
brenckman,m.
.B
j. ae. scs. 25, 1958, 324.
.W
experimental investigation …
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from releaf.corpus.collection import Collection, Grade, build_collection
from releaf.corpus.reading import read_text
from releaf.corpus.validation import LineError

DOCUMENTS, QUERIES, QRELS = "cran.all.1400", "cran.qry", "cranqrel"

_START = re.compile(r"^\.I\s+(\d+)[ \t]*$", re.MULTILINE)
_FIELD = re.compile(r"^\.([TABW])[ \t]*$", re.MULTILINE)
_BEST, _UNJUDGED = 1, -1
_OF_NO_INTEREST = 5


def read_cranfield(directory: Path) -> Collection:
    """Read the three files of a folder.

    Judgements refer to queries by their place in `cran.qry`, from 1, so that is a query's id. Their codes run from 1
    (a complete answer) to 5 (no interest) and become the grades 4 to 0; rows of code -1 are left out. Raises
    `InputError` naming file and line for a missing file, a record without its text, and a malformed judgement.
    """
    documents = {
        name: (fields.get("T", ""), fields.get("W", "")) for name, fields, _ in _records(directory / DOCUMENTS)
    }
    queries = {
        str(place): fields["W"] for place, (_, fields, _) in enumerate(_records(directory / QUERIES, "W"), start=1)
    }
    return build_collection(directory.resolve().name, documents, queries, list(_grades(directory / QRELS)))


def _records(path: Path, required: str = "") -> Iterator[tuple[str, dict[str, str], int]]:
    content = read_text(path, str(path))
    starts = list(_START.finditer(content))
    if not starts:
        raise LineError(str(path), None, "no record; expected lines such as `.I 1` before each of them")
    for start, end in zip(starts, [*(match.start() for match in starts[1:]), len(content)], strict=True):
        pieces = _FIELD.split(content[start.end() : end])
        fields: dict[str, str] = {}
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True):  # two records of the original repeat fields
            fields[name] = " ".join([*fields.get(name, "").split(), *text.split()])
        line = content.count("\n", 0, start.start()) + 1
        if required and required not in fields:
            raise LineError(str(path), line, f"record {start.group(1)} has no field .{required}")
        yield start.group(1), fields, line


def _grades(path: Path) -> Iterator[Grade]:
    for number, line in enumerate(read_text(path, str(path)).split("\n"), start=1):
        parts = line.split()
        if not parts:
            continue
        code = int(parts[2]) if len(parts) == 3 and re.fullmatch(r"-?\d+", parts[2]) else None
        if code == _UNJUDGED:
            continue
        if code is None or not _BEST <= code <= _OF_NO_INTEREST:
            raise LineError(str(path), number, f"expected query, document and a code from 1 to 5, found {line:.80}")
        yield Grade(parts[0], parts[1], _OF_NO_INTEREST - code, str(path), number)
