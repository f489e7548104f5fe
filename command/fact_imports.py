"""What `releaf import facts` does and says: triples below the imports, a count of each reason, where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from command.output import Bar, out, progress_bar
from command.session import settings
from releaf.errors import InputError

if TYPE_CHECKING:
    from releaf.corpus.fact_import import ImportedTriples, TripleBook
    from resources.settings import Settings

_SHOWN = 12


def import_facts(
    source: Path, name: str, relations: Sequence[str], stated_source: str | None
) -> tuple[ImportedTriples, Path]:
    """Read a file of triples into the imports; returns what came of it, and the file of what was set aside.

    Raises `InputError` where nothing in the file can be used; an earlier import of that name then stays.
    """
    from releaf.corpus.fact_import import QUARANTINE_FILE, import_triples
    from resources.importing import import_made
    from resources.sources import imports_root

    effective = settings()
    target = imports_root(effective.home) / "facts" / name
    book = _book(effective, target, _relation_map(relations))
    found: list[ImportedTriples] = []

    def fill(folder: Path) -> None:
        with progress_bar() as bars:
            imported = import_triples(
                source, folder, book, stated_source=stated_source, progress=Bar(bars, "reading triples")
            )
        if not imported.kept:
            raise InputError(_nothing(source, imported))
        found.append(imported)

    import_made(fill, target)
    return found[0], target / QUARANTINE_FILE


def _book(effective: Settings, target: Path, relations: dict[str, str]) -> TripleBook:
    """What the authored facts and all other imports state already."""
    from releaf.corpus.fact_import import TripleBook
    from releaf.corpus.fact_names import KnownNames
    from releaf.corpus.facts import read_facts
    from releaf.taxonomy import load_taxonomy
    from resources.sources import imported_files

    taxonomy = load_taxonomy(effective.data_dir / "taxonomy.yaml")
    others = [
        file
        for file in imported_files("imported_facts", effective.data_dir, effective.home)
        if file.parent.name != target.name
    ]
    read = read_facts(effective.data_dir / "facts", taxonomy, others)
    properties = [node.split(":", 1)[1] for node in read.nodes["id"] if node.startswith("property:")]
    titles = dict(read.projects.select("id", "title").iter_rows())
    places = {
        (row["subject"], row["relation"], row["object"]): (
            row["file"] if row["line"] is None else f"{row['file']}:{row['line']}"
        )
        for row in read.facts.frame.iter_rows(named=True)
    }
    return TripleBook(KnownNames.of(taxonomy, properties, titles), places, relations)


def _relation_map(pairs: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        theirs, equals, ours = pair.rpartition("=")
        if not (equals and theirs.strip() and ours.strip()):
            raise InputError(f"--relation {pair!r} is not of the form THEIRS=OURS, such as 'consists of=made_of'")
        found[theirs.strip()] = ours.strip()
    return found


def _nothing(source: Path, imported: ImportedTriples) -> str:
    if not imported.read:
        return f"{source} holds no triples"
    what, count = imported.reasons.most_common(1)[0]
    line, reason = imported.examples[what][0]
    most = f"{count:,} of {imported.read:,} lines: {what}, as line {line}: {reason}"
    return f"{source} holds nothing that can be used; {most}"


def summary(imported: ImportedTriples, aside: Path) -> dict[str, Any]:
    """The JSON form of an import."""
    return {
        "read": imported.read,
        "facts": imported.kept,
        "set_aside": imported.set_aside,
        "reasons": dict(imported.reasons.most_common()),
        "examples": {
            what: [{"line": line, "reason": reason} for line, reason in shown]
            for what, shown in imported.examples.items()
        },
        "new_nodes": sorted(imported.created),
        "latin_1_lines": imported.latin_1,
        "quarantine": str(aside),
    }


def show_facts(imported: ImportedTriples, aside: Path) -> None:
    """Say what came of an import."""
    out.print(f"{imported.read:,} lines read: {imported.kept:,} facts imported, {imported.set_aside:,} set aside")
    if imported.created:
        names = sorted(imported.created)
        more = f" … and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        out.print(f"{len(names):,} new: {escape(', '.join(names[:_SHOWN]))}{more}", soft_wrap=True)
    if imported.latin_1:
        out.print(f"[yellow]{imported.latin_1:,} lines were no UTF-8 and read as Latin-1[/]")
    if imported.set_aside:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("set aside", justify="right")
        table.add_column("because", no_wrap=True)
        table.add_column("for example")
        for what, count in imported.reasons.most_common():
            line, reason = imported.examples[what][0]
            table.add_row(f"{count:,}", escape(what), escape(f"line {line}: {reason}"))
        out.print(table)
        out.print(f"[dim]every line that was set aside, with its reason: {escape(str(aside))}[/]", soft_wrap=True)
    out.print("[dim]`releaf run` takes them up[/]")
