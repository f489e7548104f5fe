"""`releaf search`: what the knowledge documents say."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from command.output import out, print_json, stdout_kept_clean
from command.searching import METHOD_HELP
from command.session import settings
from releaf.errors import InputError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def search(
    text: Annotated[str, typer.Argument(help="What to look for.")],
    method: Annotated[str | None, typer.Option(help=METHOD_HELP + " By default what was chosen on dev.")] = None,
    k: Annotated[int, typer.Option("-k", help="How many results.")] = 5,
    topic: Annotated[list[str] | None, typer.Option(help="Only documents on this topic; may be repeated.")] = None,
    item: Annotated[list[str] | None, typer.Option(help="Only documents about this item.")] = None,
    material: Annotated[list[str] | None, typer.Option(help="Only documents about this material.")] = None,
    jurisdiction: Annotated[list[str] | None, typer.Option(help="Only what holds there.")] = None,
    general: Annotated[
        bool, typer.Option("--general", help="With --jurisdiction: also what holds everywhere.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Search the knowledge documents."""
    from command.searching import open_searcher
    from releaf.retrieval.choice import METHODS
    from releaf.retrieval.passages import Filters
    from releaf.taxonomy import load_taxonomy

    if method is not None and method not in METHODS:
        raise InputError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    effective = settings()
    taxonomy = load_taxonomy(effective.data_dir / "taxonomy.yaml")
    filters = Filters(
        topics=tuple(topic or ()),
        items=tuple(taxonomy.item(name).id for name in item or ()),
        materials=tuple(taxonomy.material(name).id for name in material or ()),
        jurisdictions=tuple(jurisdiction or ()),
        general=general,
    )
    with stdout_kept_clean(), open_searcher(effective, method) as searcher:
        started = time.perf_counter()
        found = searcher.search(text, method, k, filters)
        milliseconds = (time.perf_counter() - started) * 1000
    if as_json:
        print_json({**found.to_json(), "milliseconds": milliseconds})
        return
    lead = f"confidence {found.confidence.level} ({found.confidence.margin:.2f})"
    out.print(f"[dim]{found.method}, {lead}, {milliseconds:.0f} ms[/]")
    if not found.answered and found.results:
        out.print("[yellow]Nothing here seems to answer this; the nearest documents are:[/]")
    for rank, result in enumerate(found.results, 1):
        out.print(f"\n[bold]{rank}. {result.title}[/]  [dim]{result.document_id}  {result.score:.3f}[/]")
        out.print(result.text, markup=False)
    if not found.results:
        out.print("nothing matches")
