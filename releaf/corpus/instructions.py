"""Instructions: records of an instruction, an input and an answer, checked, split, and measured.

Reads authored YAML and imported files (JSON or JSON lines; their forms are in `instruction_forms`). Turning records
into training text lives elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from releaf.corpus.instruction_forms import imported_records
from releaf.corpus.instruction_quality import (
    PROBLEMS,
    TEXTS,
    Limits,
    Record,
    folded,
    length_problem,
    problem_of,
    prompt_of,
    record_groups,
)
from releaf.corpus.quality_examples import Measured, examples
from releaf.corpus.record_files import RecordFiles
from releaf.corpus.text_quality import count_words, is_english, leakage, mean, overlap
from releaf.corpus.validation import LineError, Row, Schema, Text, Validated

INSTRUCTION_SCHEMA: Schema = {
    "id": pl.String,
    "instruction": pl.String,
    "input": pl.String,
    "output": pl.String,
    "topic": pl.String,
    "split": pl.String,
    "source": pl.String,
    "file": pl.String,
    "line": pl.Int64,
}
SHARES = (0.8, 0.1, 0.1)
DEFAULT_LIMITS = Limits()


class AuthoredRow(Row):
    """An entry of an authored file."""

    id: Text
    instruction: str
    input: str = ""
    output: str
    topic: Text
    source: Text


_FILES = RecordFiles("instructions", INSTRUCTION_SCHEMA, TEXTS, AuthoredRow, imported_records, SHARES)


def read_instructions(files: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> Validated:
    """Read `.yaml` (authored) and `.json` or `.jsonl` (Alpaca, ShareGPT) files into the table `instructions`, in order.

    Quarantined with the reason: records that do not fit their schema or the form of the rest of their file, an id given
    twice, an empty, too short or too long text, control characters, an answer that repeats its prompt, and a record
    that says the same as an earlier one but for case and punctuation. Near duplicates stay, on the same side of the
    split, and so do the turns of a conversation: 80 % train, 10 % validation, 10 % test, by content hash and topic.
    Imported records are named after their content and have no topic. Raises `InputError` for a missing file or another
    kind of file.
    """
    places: dict[str, str] = {}
    return _FILES.read(files, lambda row: _check(row, limits, places), record_groups)


def quality_report(instructions: pl.DataFrame, limits: Limits = DEFAULT_LIMITS) -> dict[str, float]:
    """Figures about the table `instructions`; all but `records` and the mean lengths are shares, 0 to 1.

    `empty`, `too_short`, `too_long`, `exact_duplicates` and `leakage` are 0 after `read_instructions`.
    `near_duplicates` counts the records that have another one near; `overlap` is the mean share of an answer's runs of
    three words that stand in its prompt; `leakage` counts the held-out records with a near duplicate in another split.
    """
    rows = instructions.to_dicts()
    group = record_groups(rows)
    sizes = Counter(group)
    problems = Counter(problem[0] for row in rows if (problem := length_problem(row, limits)))
    return {
        "records": float(len(rows)),
        "mean_prompt_words": mean([count_words(prompt_of(row)) for row in rows]),
        "mean_output_words": mean([count_words(row["output"]) for row in rows]),
        **{name: problems[name] / max(len(rows), 1) for name in PROBLEMS},
        "exact_duplicates": mean([count - 1 for count in Counter(map(folded, rows)).values()], len(rows)),
        "near_duplicates": mean([sizes[name] > 1 for name in group]),
        "english": mean([is_english(f"{prompt_of(row)} {row['output']}") for row in rows]),
        "overlap": mean([overlap(prompt_of(row), row["output"]) for row in rows]),
        "leakage": leakage(group, [row["split"] for row in rows]),
    }


def quality_examples(instructions: pl.DataFrame) -> list[dict[str, str]]:
    """Records of the table `instructions` to look at beside the report's figures: see `quality_examples.examples`."""
    rows = instructions.to_dicts()
    group = record_groups(rows)
    return examples(
        [Measured(row["id"], prompt_of(row), row["output"], near) for row, near in zip(rows, group, strict=True)]
    )


def _check(row: Record, limits: Limits, places: dict[str, str]) -> None:
    problem = problem_of(row, limits)
    if problem:
        raise LineError(row["file"], row["line"], problem)
    text, name = f"text {folded(row)}", f"id {row['id']}"
    if text in places:
        raise LineError(row["file"], row["line"], f"the same record was read before, at {places[text]}")
    if name in places:
        raise LineError(row["file"], row["line"], f"id {row['id']!r} was given before, at {places[name]}")
    places[text] = places[name] = f"{row['file']}:{row['line']}"
