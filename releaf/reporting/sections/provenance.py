"""Where the figures come from: versions of what was measured, the machine in words, and every setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from releaf.reporting.blocks import Block, Cell, Column, Section, Table, Text, value_text
from releaf.reporting.evidence import Evidence

_LEAD = "The same versions, settings and kind of hardware give the same figures, so this page has no date."


def section(evidence: Evidence) -> Section:
    """Hardware, versions by asset and settings by name."""
    blocks: list[Block] = [Text(f"Hardware: {evidence.hardware or 'not recorded'}.")]
    if evidence.provenance:
        versions = [[Cell(name), Cell(version, tone="code")] for name, version in evidence.provenance.items()]
        columns = [Column("Asset", numeric=False), Column("Version", numeric=False)]
        blocks.append(
            Table("Versions", columns, versions, "A version is a hash of content and of what it was made from.")
        )
    settings = [[Cell(name, tone="code"), Cell(value)] for name, value in flatten(evidence.settings)]
    if settings:
        columns = [Column("Setting", numeric=False), Column("Value", numeric=False)]
        blocks.append(Table("Settings", columns, settings))
    return Section("provenance", "Provenance", _LEAD, blocks)


def flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as (dotted name, value) pairs, in their own order."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(value_text(entry) for entry in value) or "none"
        else:
            yield f"{prefix}{name}", value_text(value)
