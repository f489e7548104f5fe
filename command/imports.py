"""`releaf import`: brings in what other people made, checked, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from command.output import Bar, out, print_json, progress_bar
from command.record_imports import import_records, nothing_usable, plain_name, report_import
from command.session import settings
from releaf.errors import InputError

if TYPE_CHECKING:
    from releaf.corpus.column_map import ColumnMap
    from releaf.corpus.rule_tables import RuleTable
    from releaf.taxonomy import Taxonomy

app = typer.Typer(
    help="Bring in images, documents, rule tables, facts, instructions or preferences that other people made.",
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def images(
    source: Annotated[Path, typer.Argument(help="A folder with one folder a class, or in the native format.")],
    labels: Annotated[
        str, typer.Option(help="What the folders name: family, item, material, bin; or `native`.")
    ] = "family",
    name: Annotated[str | None, typer.Option(help="Name of the dataset; the folder's own by default.")] = None,
    coco: Annotated[Path | None, typer.Option(help="COCO annotations of the pictures below SOURCE.")] = None,
    category_map: Annotated[Path | None, typer.Option(help="CSV or JSON from COCO categories to the taxonomy.")] = None,
) -> None:
    """Import photographs with labels; the next `releaf run` trains on them."""
    from releaf.corpus.coco import CocoLabels
    from releaf.corpus.images import import_images
    from releaf.taxonomy import load_taxonomy
    from resources.sources import imports_root

    if (coco is None) != (category_map is None):
        raise InputError("--coco and --category-map go together: annotations and what their categories mean")
    effective = settings()
    wanted = CocoLabels(coco, category_map) if coco and category_map else labels
    with progress_bar() as bars:
        imported = import_images(
            source,
            imports_root(effective.home) / "images",
            load_taxonomy(effective.data_dir / "taxonomy.yaml"),
            wanted,  # type: ignore[arg-type]  # refused inside with the names that exist
            name=name,
            progress=Bar(bars, "importing"),
        )
    report_import(imported.frame.height, imported.quarantine, "images")


@app.command()
def documents(
    source: Annotated[Path, typer.Argument(help="A folder of Markdown files, or a .csv, .tsv, .jsonl or .json table.")],
    name: Annotated[str | None, typer.Option(help="Name of the collection; that of SOURCE by default.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic of documents that state none.")] = None,
    source_text: Annotated[
        str | None, typer.Option("--source", help="Source of documents that state none, as it will be cited.")
    ] = None,
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="Jurisdiction of documents that state none; may be repeated.")
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Column of the id, if not `id`.")] = None,
    title_column: Annotated[str | None, typer.Option(help="Column of the title, if not `title`.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the text, if not `text`.")] = None,
    topic_column: Annotated[str | None, typer.Option(help="Column of the topic, if not `topic`.")] = None,
    items_column: Annotated[str | None, typer.Option(help="Column of the items, if not `items`.")] = None,
    materials_column: Annotated[str | None, typer.Option(help="Column of the materials, if not `materials`.")] = None,
    jurisdictions_column: Annotated[
        str | None, typer.Option(help="Column of the jurisdictions, if not `jurisdictions`.")
    ] = None,
    source_column: Annotated[str | None, typer.Option(help="Column of the source, if not `source`.")] = None,
) -> None:
    """Import knowledge documents; the next `releaf run` chunks and indexes them."""
    from releaf.corpus.tables import Defaults, DocumentColumns, read_document_table, read_markdown
    from releaf.taxonomy import load_taxonomy
    from resources.importing import import_texts
    from resources.sources import imports_root

    effective = settings()
    taxonomy = load_taxonomy(effective.data_dir / "taxonomy.yaml")
    defaults = Defaults(topic, source_text, tuple(jurisdiction or ()))
    columns = DocumentColumns(
        id=id_column,
        title=title_column,
        text=text_column,
        topic=topic_column,
        items=items_column,
        materials=materials_column,
        jurisdictions=jurisdictions_column,
        source=source_column,
    )
    if source.is_dir():
        if columns != DocumentColumns():
            raise InputError(f"{source} is a folder; columns are declared for a table of documents")
        imported = read_markdown(source, taxonomy, defaults)
    elif source.is_file():
        imported = read_document_table(source, taxonomy, columns=columns, defaults=defaults)
    else:
        raise InputError(f"nothing at {source}; give a folder that holds .md files, or a .csv, .tsv or .jsonl table")
    if not imported.documents:
        raise InputError(nothing_usable(source, imported.read, imported.quarantine))
    folder = name or (source.resolve().name if source.is_dir() else source.stem)
    texts = {f"{identity}.md": text for identity, text in imported.documents.items()}
    import_texts(texts, imports_root(effective.home) / "documents" / plain_name(folder, "documents"))
    report_import(len(imported.documents), imported.quarantine, "documents")
    if imported.unread:
        out.print(f"[dim]columns that were not read: {escape(', '.join(imported.unread))}[/]")


@app.command()
def rules(
    table: Annotated[Path, typer.Argument(help="A municipal rule table: .json, .jsonl, .csv or .tsv.")],
    columns: Annotated[Path, typer.Option(help="The column map, a YAML file; worked ones are in data/column_maps.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the documents' folder; the jurisdiction's id if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a city's disposal rules: a document for each entry, and a policy of what it says in one way only."""
    from releaf.artifacts import atomic_write_bytes
    from releaf.corpus.column_map import read_column_map
    from releaf.corpus.rule_tables import read_rule_table
    from releaf.taxonomy import load_taxonomy
    from resources.importing import import_texts
    from resources.sources import imports_root

    effective = settings()
    taxonomy = load_taxonomy(effective.data_dir / "taxonomy.yaml")
    column_map = read_column_map(columns, taxonomy)
    place = column_map.jurisdiction.id
    if (effective.data_dir / "policies" / f"{place}.json").exists():
        raise InputError(
            f"{columns}: an authored policy has the id {place!r}; give the jurisdiction another id, "
            f"such as {f'{place}-{column_map.source.id}'!r}, and name {place!r} under `within`"
        )
    imported = read_rule_table(table, column_map, taxonomy)
    if not imported.documents:
        raise InputError(nothing_usable(table, imported.read, imported.quarantine))
    policy = _policy(imported, column_map, taxonomy)
    root = imports_root(effective.home)
    target = root / "documents" / plain_name(name or place, "documents")
    import_texts({f"{identity}.md": text for identity, text in imported.documents.items()}, target)
    file = root / "policies" / f"{place}.json"
    if policy is None:
        file.unlink(missing_ok=True)  # what an earlier import of this table said is no longer in it
    else:
        atomic_write_bytes(file, (json.dumps(policy, indent=2, ensure_ascii=False) + "\n").encode())
    if as_json:
        print_json(_summary(imported, target, file if policy else None))
    else:
        _show_rules(imported, column_map, file if policy else None)


@app.command()
def instructions(
    source: Annotated[Path, typer.Argument(help="An Alpaca or ShareGPT file, .json or .jsonl.")],
    name: Annotated[str | None, typer.Option(help="Name of the dataset; the file's own by default.")] = None,
) -> None:
    """Import instruction records; the next `releaf run` tunes on them."""
    from releaf.corpus.instructions import read_instructions

    import_records(source, name, "instructions", read_instructions)


@app.command()
def preferences(
    source: Annotated[
        Path, typer.Argument(help="Pairs in plain, ShareGPT or Hugging Face chat form, .json or .jsonl.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the dataset; the file's own by default.")] = None,
) -> None:
    """Import preference pairs; `releaf run --select preferences` takes them up."""
    from releaf.corpus.preferences import read_preferences

    import_records(source, name, "preferences", read_preferences, "releaf run --select preferences")


@app.command()
def facts(
    source: Annotated[Path, typer.Argument(help="Triples: .csv or .tsv (subject, relation, object, source), or .nt.")],
    name: Annotated[str | None, typer.Option(help="Name of the import; the file's own by default.")] = None,
    relation: Annotated[
        list[str] | None, typer.Option(help="What a relation of the file means, as THEIRS=OURS; may be repeated.")
    ] = None,
    stated_source: Annotated[
        str | None, typer.Option("--source", help="Who says so, where a line names no source.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import facts for the knowledge graph; names are found under any spelling, the next `releaf run` takes them up."""
    from command.fact_imports import import_facts, show_facts, summary

    imported, aside = import_facts(source, plain_name(name or source.stem, "facts"), relation or [], stated_source)
    if as_json:
        print_json(summary(imported, aside))
    else:
        show_facts(imported, aside)


def _policy(imported: RuleTable, column_map: ColumnMap, taxonomy: Taxonomy) -> dict[str, Any] | None:
    """The policy of a table; None where no rule can be made."""
    from releaf.policy.from_rows import policy_from_rows

    if not imported.rules:
        return None
    return policy_from_rows(
        policy_id=column_map.jurisdiction.id,
        name=f"{column_map.jurisdiction.name}: {column_map.source.title}",
        version=column_map.version,
        effective=column_map.effective,
        source=column_map.source.model_dump(),
        streams=column_map.streams,
        rows=imported.rules,
        taxonomy=taxonomy,
    )


def _summary(imported: RuleTable, folder: Path, policy: Path | None) -> dict[str, Any]:
    return {
        "read": imported.read,
        "documents": len(imported.documents),
        "repeated": imported.repeated,
        "folder": str(folder),
        "policy": None if policy is None else str(policy),
        "rules": list(imported.rules),
        "left_out": list(imported.left_out),
        "contradictions": [asdict(found) for found in imported.contradictions],
        "unused_names": list(imported.unused_names),
        "set_aside": imported.quarantine.select("file", "line", "reason").to_dicts(),
    }


def _show_rules(imported: RuleTable, column_map: ColumnMap, policy: Path | None) -> None:
    repeated = f", {imported.repeated:,} of them twice" if imported.repeated else ""
    out.print(f"{imported.read:,} rows read{repeated}")
    report_import(len(imported.documents), imported.quarantine, "documents", taken_up_by=None)
    if policy is None:
        out.print("no policy: no rule could be made; name keywords of the table under `names` in the column map")
    else:
        out.print(f"policy [bold]{column_map.jurisdiction.id}[/] with {len(imported.rules)} rules")
    for line in imported.left_out:
        out.print(f"  [yellow]no rule[/] for {escape(line)}", soft_wrap=True)
    for keyword in imported.unused_names:
        out.print(f"  [yellow]no entry[/] carries the declared keyword {escape(repr(keyword))}", soft_wrap=True)
    if imported.contradictions:
        found = Table(title="The table contradicts itself", title_justify="left", box=None, pad_edge=False)
        for heading in ("keyword or entry", "where", "says", "entries"):
            found.add_column(heading, header_style="bold")
        for row in imported.contradictions:
            entries = "; ".join(row.entries) if row.kind == "keyword" else ""
            found.add_row(*map(escape, (row.keyword, row.kind, " / ".join(row.categories), entries)))
        out.print()
        out.print(found)
        out.print("[dim]no rule was made of these; a document says what each entry says[/]")
    out.print("[dim]`releaf run` takes them up[/]")
