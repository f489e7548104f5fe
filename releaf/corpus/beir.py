"""Retrieval collections in the BEIR layout: `corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv`.

The project's own judgements are read by `judgements`, the formats of TREC by `trec`. A collection is measured as a
whole, so a broken one is an error and nothing is set aside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from releaf.corpus.collection import Collection, Grade, build_collection
from releaf.corpus.reading import read_text
from releaf.corpus.validation import LineError
from releaf.errors import InputError


def read_beir(directory: Path, split: str = "test") -> Collection:
    """Read a collection and the queries that one split judges.

    Where `qrels/<split>.tsv` is absent and one other file is there, that one is read. Grades below 0 count as 0. Raises
    `InputError` naming the file and line, what was found and what is expected, for a missing file, a malformed line, an
    id given twice, and a judgement about an unknown query or document.
    """
    documents = {
        name: (str(row.get("title") or "").strip(), row["text"].strip())
        for name, row in _rows(directory / "corpus.jsonl").items()
    }
    queries = {name: row["text"].strip() for name, row in _rows(directory / "queries.jsonl").items()}
    grades = list(_grades(_qrels_file(directory / "qrels", split)))
    return build_collection(directory.resolve().name, documents, queries, grades)


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise LineError(str(path), number, f"expected one JSON object a line, found {line:.80}") from error
        if not isinstance(row, dict) or "_id" not in row or not isinstance(row.get("text"), str):
            raise LineError(str(path), number, f'expected an object with "_id" and "text", found {line:.80}')
        if str(row["_id"]) in rows:
            raise LineError(str(path), number, f"id {row['_id']!r} was given before; ids are unique in a collection")
        rows[str(row["_id"])] = row
    if not rows:
        raise InputError(f'{path} is empty; expected one JSON object a line with "_id" and "text"')
    return rows


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        there = ", ".join(sorted(found.name for found in path.parent.glob("*"))[:8]) or "nothing"
        raise InputError(
            f"no {path.name} in {path.parent}, which holds {there}; "
            "expected the BEIR layout: corpus.jsonl, queries.jsonl, qrels/<split>.tsv"
        )
    for number, line in enumerate(read_text(path, str(path)).split("\n"), start=1):
        if line.strip():
            yield number, line


def _qrels_file(directory: Path, split: str) -> Path:
    wanted = directory / f"{split}.tsv"
    found = sorted(directory.glob("*.tsv"))
    if wanted in found:
        return wanted
    if len(found) == 1:
        return found[0]
    there = ", ".join(path.stem for path in found) or "none"
    raise InputError(f"no judgements for split {split!r} at {wanted}; splits found: {there}")


def _grades(path: Path) -> Iterator[Grade]:
    for position, (number, line) in enumerate(_lines(path)):
        parts = [part.strip() for part in line.split("\t")]
        if position == 0 and parts[-1] == "score":
            continue
        if len(parts) != 3:
            reason = f"expected query-id, corpus-id and score with tabs between, found {line:.80}"
            raise LineError(str(path), number, reason)
        try:
            grade = int(parts[2])
        except ValueError as error:
            raise LineError(str(path), number, f"expected a whole number as score, found {parts[2]!r}") from error
        yield Grade(parts[0], parts[1], grade, str(path), number)
