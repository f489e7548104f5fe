"""Datasets of short texts read from files that people wrote or imported: instructions, preferences.

The way from files to checked, split rows, the same for all of them. What a record looks like and what makes it usable
is each dataset's own business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from releaf.artifacts import content_hash
from releaf.corpus.json_records import read_json_list
from releaf.corpus.reading import Entry, check_row, display_name, read_yaml_list
from releaf.corpus.splits import assign_splits
from releaf.corpus.validation import LineError, Quarantine, Row, Schema, Validated
from releaf.errors import InputError

Record: TypeAlias = dict[str, Any]
Imported: TypeAlias = Callable[[list[Entry], Path, Quarantine], list[tuple[Entry, Record]]]
"""From the entries of an imported file to its records; what cannot be used goes to the quarantine."""

_AUTHORED, _IMPORTED = (".yaml", ".yml"), (".json", ".jsonl")


@dataclass(frozen=True)
class RecordFiles:
    """How one dataset is read and split.

    name: of the dataset. schema: of its table. texts: columns that are stripped and hashed. authored: the form of an
    entry in YAML. imported: reads JSON. shares: of training, validation and test.
    """

    name: str
    schema: Schema
    texts: tuple[str, ...]
    authored: type[Row]
    imported: Imported
    shares: tuple[float, float, float]

    def read(
        self,
        files: Sequence[Path],
        check: Callable[[Record], None],
        groups: Callable[[Sequence[Record]], Sequence[int]],
    ) -> Validated:
        """Read files in order. `check` raises `LineError` for a row to set aside; `groups` never straddle a split.

        Splits go by content hash within each topic. Raises `InputError` for a missing file or another kind of file.
        """
        quarantine = Quarantine(self.name)
        rows: list[Record] = []
        read = 0
        for path in files:
            before = len(quarantine)
            records = self._records(path, quarantine)
            read += len(records) + len(quarantine) - before
            for entry, record in records:
                row = self._row(entry, record)
                try:
                    check(row)
                except LineError as error:
                    quarantine.add_error(error, entry.text)
                    continue
                rows.append(row)
        return Validated(self._split(rows, groups(rows)), quarantine.frame(), read)

    def _records(self, path: Path, quarantine: Quarantine) -> list[tuple[Entry, Record]]:
        if path.suffix in _AUTHORED:
            return self._authored(read_yaml_list(path, display_name(path), quarantine), quarantine)
        if path.suffix in _IMPORTED:
            return self.imported(read_json_list(path, display_name(path), quarantine), path, quarantine)
        raise InputError(f"{path} is neither .yaml nor .json or .jsonl; {self.name} are read from these")

    def _authored(self, entries: Sequence[Entry], quarantine: Quarantine) -> list[tuple[Entry, Record]]:
        records = []
        for entry in entries:
            try:
                records.append((entry, check_row(self.authored, entry).model_dump()))
            except LineError as error:
                quarantine.add_error(error, entry.text)
        return records

    def _row(self, entry: Entry, record: Record) -> Record:
        place = {"source": entry.file, "file": entry.file, "line": entry.line}
        row: Record = dict.fromkeys(self.schema) | place | record
        return row | {key: row[key].strip() for key in self.texts}

    def _split(self, rows: Sequence[Record], group: Sequence[int]) -> pl.DataFrame:
        hashes = [content_hash([row[key] for key in self.texts]) for row in rows]
        helpers = pl.DataFrame({"group": group, "sha256": hashes}, schema={"group": pl.Int64, "sha256": pl.String})
        frame = pl.DataFrame(rows, schema=self.schema).hstack(helpers)
        split = assign_splits(frame, by="topic", group="group", shares=self.shares)
        return split.select(self.schema.keys())
