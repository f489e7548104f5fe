"""What the verbs of `releaf import` share: names, what was set aside, and copying a file of records as it is.

The verbs themselves are in `imports`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from command.output import out
from command.session import settings
from releaf.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from releaf.corpus.validation import Validated


RUN = "releaf run"
"""What takes up all that is not made on request."""


def import_records(
    source: Path, name: str | None, what: str, read: Callable[[Sequence[Path]], Validated], taken_up_by: str = RUN
) -> None:
    """Copy a file of records below the imports, if anything in it can be used; `what` names its folder there."""
    from releaf.artifacts import atomic_write_bytes
    from resources.sources import imports_root

    effective = settings()
    if source.suffix not in (".json", ".jsonl"):
        raise InputError(f"{source} is no file of records; its name must end in .json or .jsonl")
    if not source.is_file():
        raise InputError(f"no file at {source}; give a .json or .jsonl file of {what}")
    checked = read([source])
    if checked.frame.is_empty():
        raise InputError(nothing_usable(source, checked.read, checked.quarantine))
    target = imports_root(effective.home) / what / f"{plain_name(name or source.stem, what)}{source.suffix}"
    atomic_write_bytes(target, source.read_bytes())
    report_import(checked.frame.height, checked.quarantine, what, taken_up_by=taken_up_by)


def plain_name(name: str, what: str) -> str:
    """The name of a file or folder; raises `InputError` for one that would lead elsewhere."""
    if not name or name.startswith(".") or "/" in name or "\\" in name:
        raise InputError(f"{name!r} cannot name a folder or file of {what}; use letters, digits and hyphens")
    return name


def nothing_usable(source: Path, read: int, quarantine: pl.DataFrame) -> str:
    """Why nothing of a source was imported, in one line."""
    first = quarantine.head(1).to_dicts()
    why = f"; the first of {read} was refused because {first[0]['reason']}" if first else ""
    return f"{source} holds nothing that can be used{why}"


def report_import(count: int, quarantine: pl.DataFrame, what: str, *, taken_up_by: str | None = RUN) -> None:
    """Print what was imported, what was set aside, and the command that takes it up (None: say nothing of that)."""
    out.print(f"{count:,} {what} imported, {quarantine.height:,} set aside")
    for row in quarantine.head(10).iter_rows(named=True):
        place = f"{row['file']}:{row['line']}" if row["line"] is not None else row["file"]
        out.print(f"  [yellow]{escape(place)}[/]: {escape(row['reason'])}", soft_wrap=True)
    if quarantine.height > 10:
        out.print(f"  [dim]… and {quarantine.height - 10} more[/]")
    if taken_up_by:
        out.print(f"[dim]`{taken_up_by}` takes them up[/]")
