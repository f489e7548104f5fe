"""Preferences: a prompt with a better and a worse answer, checked and split.

Reads authored YAML and imported files (JSON or JSON lines; their forms are in `preference_forms`). What makes a pair
usable and how the table is measured is in `preference_quality`; reward models live elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl

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
from releaf.corpus.record_files import RecordFiles
from releaf.corpus.validation import LineError, Row, Schema, Text, Validated

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


_FILES = RecordFiles("preferences", PREFERENCE_SCHEMA, TEXTS, AuthoredPair, imported_pairs, SHARES)


def read_preferences(files: Sequence[Path], limits: PreferenceLimits = DEFAULT_LIMITS) -> Validated:
    """Read `.yaml` (authored) and `.json` or `.jsonl` (imported) files into the table `preferences`, in order.

    Quarantined with the reason: pairs that do not fit their schema or the form of the rest of their file, an id given
    twice, an empty, too short or too long text, control characters, answers that are the same but for case and
    punctuation, a pair that says the same as an earlier one, and one that prefers what an earlier one rejects. Near
    duplicates stay, on the same side of the split: 70 % train, 10 % validation, 20 % test, by content hash and topic.
    Imported pairs are named after their content and have no topic and no fault. Raises `InputError` for a missing file
    or another kind of file.
    """
    places: dict[tuple[str, ...], str] = {}
    return _FILES.read(files, lambda row: _check(row, limits, places), pair_groups)


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
