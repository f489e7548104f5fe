"""Preferences: a prompt with a better and a worse answer, checked and split.

Reads authored YAML and imported files (JSON or JSON lines; their forms are in `preference_forms`). What makes a pair
usable and how the table is measured is in `preference_quality`; reward models live elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from releaf.artifacts import content_hash
from releaf.corpus.json_records import read_json_list
from releaf.corpus.preference_forms import imported_pairs
from releaf.corpus.preference_quality import (
    DEFAULT_LIMITS,
    TEXTS,
    Pair,
    PreferenceLimits,
    control_problem,
    folded,
    pair_groups,
    problem_of,
)
from releaf.corpus.reading import Entry, check_row, display_name, read_yaml_list
from releaf.corpus.splits import assign_splits
from releaf.corpus.validation import LineError, Quarantine, Row, Schema, Text, Validated
from releaf.errors import InputError

PREFERENCE_SCHEMA: Schema = {
    "id": pl.String,
    "prompt": pl.String,
    "input": pl.String,
    "chosen": pl.String,
    "rejected": pl.String,
    "topic": pl.String,
    "fault": pl.String,
    "split": pl.String,
    "source": pl.String,
    "file": pl.String,
    "line": pl.Int64,
}
SHARES = (0.7, 0.1, 0.2)
"""Training, validation and test: a fifth is tested on, because a share of pairs ordered rightly is a coarse figure."""
Fault = Literal["unsafe", "wrong_bin", "unsupported", "evasive", "off_topic", "rambling", "preachy"]
"""Why the rejected answer is the worse one."""
_AUTHORED, _IMPORTED = (".yaml", ".yml"), (".json", ".jsonl")


class AuthoredPair(Row):
    """An entry of an authored file."""

    id: Text
    prompt: str
    input: str = ""
    chosen: str
    rejected: str
    topic: Text
    fault: Fault
    source: Text


def read_preferences(files: Sequence[Path], limits: PreferenceLimits = DEFAULT_LIMITS) -> Validated:
    """Read `.yaml` (authored) and `.json` or `.jsonl` (imported) files into the table `preferences`, in order.

    Quarantined with the reason: pairs that do not fit their schema or the form of the rest of their file, an id given
    twice, an empty, too short or too long text, control characters, answers that are the same but for case and
    punctuation, a pair that says the same as an earlier one, and one that prefers what an earlier one rejects. Near
    duplicates stay, on the same side of the split: 70 % train, 10 % validation, 20 % test, by content hash and topic.
    Imported pairs are named after their content and have no topic and no fault. Raises `InputError` for a missing file
    or another kind of file.
    """
    quarantine = Quarantine("preferences")
    rows: list[Pair] = []
    places: dict[tuple[str, ...], str] = {}
    read = 0
    for path in files:
        before = len(quarantine)
        pairs = _pairs(path, quarantine)
        read += len(pairs) + len(quarantine) - before
        for entry, row in pairs:
            try:
                _check(row, limits, places)
            except LineError as error:
                quarantine.add_error(error, entry.text)
                continue
            rows.append(row)
    frame = pl.DataFrame(rows, schema=PREFERENCE_SCHEMA)
    return Validated(_split(frame), quarantine.frame(), read)


def _pairs(path: Path, quarantine: Quarantine) -> list[tuple[Entry, Pair]]:
    if path.suffix in _AUTHORED:
        found = _authored(read_yaml_list(path, display_name(path), quarantine), quarantine)
    elif path.suffix in _IMPORTED:
        found = imported_pairs(read_json_list(path, display_name(path), quarantine), path, quarantine)
    else:
        raise InputError(f"{path} is neither .yaml nor .json or .jsonl; preferences are read from these")
    return [(entry, _row(entry, pair)) for entry, pair in found]


def _authored(entries: Sequence[Entry], quarantine: Quarantine) -> list[tuple[Entry, Pair]]:
    pairs = []
    for entry in entries:
        try:
            pairs.append((entry, check_row(AuthoredPair, entry).model_dump()))
        except LineError as error:
            quarantine.add_error(error, entry.text)
    return pairs


def _row(entry: Entry, pair: Pair) -> Pair:
    place = {"source": entry.file, "split": None, "file": entry.file, "line": entry.line}
    row: Pair = {"topic": None, "fault": None} | place | pair
    return row | {key: row[key].strip() for key in TEXTS}


def _check(row: Pair, limits: PreferenceLimits, places: dict[tuple[str, ...], str]) -> None:
    problem = problem_of(row, limits)
    reason = control_problem(row) or (problem[1] if problem else None)
    if reason:
        raise LineError(row["file"], row["line"], reason)
    asked, chosen, rejected = folded(row)
    known = {
        ("pair", asked, chosen, rejected): "the same pair was read before, at",
        ("pair", asked, rejected, chosen): "prefers what is rejected at",
        ("id", row["id"]): f"id {row['id']!r} was given before, at",
    }
    for key, told in known.items():
        if key in places:
            raise LineError(row["file"], row["line"], f"{told} {places[key]}")
    places[("pair", asked, chosen, rejected)] = places[("id", row["id"])] = f"{row['file']}:{row['line']}"


def _split(frame: pl.DataFrame) -> pl.DataFrame:
    rows = frame.to_dicts()
    hashes = [content_hash([row[key] for key in TEXTS]) for row in rows]
    helpers = pl.DataFrame(
        {"group": pair_groups(rows), "sha256": hashes}, schema={"group": pl.Int64, "sha256": pl.String}
    )
    split = assign_splits(frame.hstack(helpers), by="topic", group="group", shares=SHARES)
    return split.select(PREFERENCE_SCHEMA.keys())
