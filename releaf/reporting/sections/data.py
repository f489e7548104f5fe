"""What the models learned from and were measured on: tables and their counts."""

from __future__ import annotations

from releaf.reporting.blocks import Block, Cell, Column, Section, Table, Text, value_text, words
from releaf.reporting.evidence import Evidence

_LEAD = "Every table that the figures on this page rest on, after validation; rows that failed it are in quarantine."


def section(evidence: Evidence) -> Section:
    """One row a table, one column a count."""
    blocks: list[Block] = [_table(evidence)] if evidence.data else [Text("No tables were counted.")]
    return Section("data", "Data", _LEAD, blocks)


def _table(evidence: Evidence) -> Table:
    names = list(dict.fromkeys(name for counts in evidence.data.values() for name in counts))
    numeric = {
        name: all(not isinstance(counts.get(name, 0), str) for counts in evidence.data.values()) for name in names
    }
    columns = [Column("Table", numeric=False)]
    columns += [Column(words(name).capitalize(), numeric=numeric[name]) for name in names]
    rows = [
        [Cell(words(table)), *(Cell(_text(counts.get(name), numeric[name])) for name in names)]
        for table, counts in evidence.data.items()
    ]
    return Table("Tables", columns, rows)


def _text(value: float | str | None, numeric: bool) -> str:
    if isinstance(value, str):
        return value
    return value_text(value) if numeric or value is not None else ""
