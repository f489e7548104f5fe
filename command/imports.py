"""`releaf import`: brings in what other people made, checked, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from command.output import Bar, out, progress_bar
from command.session import settings
from releaf.errors import InputError

if TYPE_CHECKING:
    from releaf.corpus.validation import Validated

app = typer.Typer(help="Bring in images, documents or instructions that other people made.", no_args_is_help=True)


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
    _report(imported, "images")


@app.command()
def documents(
    source: Annotated[Path, typer.Argument(help="A folder of Markdown files with front matter.")],
    name: Annotated[str | None, typer.Option(help="Name of the collection; the folder's own by default.")] = None,
) -> None:
    """Import knowledge documents; the next `releaf run` chunks and indexes them."""
    from releaf.corpus.documents import read_documents
    from releaf.taxonomy import load_taxonomy
    from resources.importing import import_folder
    from resources.sources import imports_root

    effective = settings()
    if not source.is_dir():
        raise InputError(f"{source} is no folder; give one that holds .md files")
    checked = read_documents([source], load_taxonomy(effective.data_dir / "taxonomy.yaml"))
    if checked.frame.is_empty():
        raise InputError(_nothing(source, checked))
    target = imports_root(effective.home) / "documents" / (name or source.resolve().name)
    import_folder([source / f"{identity}.md" for identity in checked.frame["id"]], target)
    _report(checked, "documents")


@app.command()
def instructions(
    source: Annotated[Path, typer.Argument(help="An Alpaca file, .json or .jsonl.")],
    name: Annotated[str | None, typer.Option(help="Name of the dataset; the file's own by default.")] = None,
) -> None:
    """Import instruction records; the next `releaf run` tunes on them."""
    from releaf.artifacts import atomic_write_bytes
    from releaf.corpus.instructions import read_instructions
    from resources.sources import imports_root

    effective = settings()
    if not source.is_file() or source.suffix not in (".json", ".jsonl"):
        raise InputError(f"{source} is no .json or .jsonl file of Alpaca records")
    checked = read_instructions([source])
    if checked.frame.is_empty():
        raise InputError(_nothing(source, checked))
    target = imports_root(effective.home) / "instructions" / f"{name or source.stem}{source.suffix}"
    atomic_write_bytes(target, source.read_bytes())
    _report(checked, "instructions")


def _nothing(source: Path, checked: Validated) -> str:
    first = checked.quarantine.head(1).to_dicts()
    why = f"; the first of {checked.read} was refused because {first[0]['reason']}" if first else ""
    return f"{source} holds nothing that can be used{why}"


def _report(checked: Validated, what: str) -> None:
    out.print(f"{checked.frame.height:,} {what} imported, {checked.quarantine.height:,} set aside")
    for row in checked.quarantine.head(10).iter_rows(named=True):
        out.print(f"  [yellow]{row['file']}[/]: {row['reason']}", soft_wrap=True)
    if checked.quarantine.height > 10:
        out.print(f"  [dim]… and {checked.quarantine.height - 10} more, in the table of the asset's quarantine[/]")
    out.print("[dim]`releaf run` takes them up[/]")
