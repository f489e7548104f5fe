"""Verbs that ask the models something: `search` and `recommend`."""

from __future__ import annotations

import time
from dataclasses import asdict
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


def recommend(
    item: Annotated[str, typer.Argument(help="An item of the taxonomy, by id or alias.")],
    k: Annotated[int, typer.Option("-k", help="How many projects.")] = 10,
    novel: Annotated[bool, typer.Option("--novel", help="Leave out projects that the facts already state.")] = False,
    as_json: Json = False,
) -> None:
    """Say what an object could become, with the path through the knowledge graph that supports it."""
    from releaf.graph.build import load
    from releaf.graph.recommend import Recommender
    from releaf.taxonomy import load_taxonomy
    from resources.references import load_artifact, load_dataset

    effective = settings()
    name = load_taxonomy(effective.data_dir / "taxonomy.yaml").item(item).id
    graph = load(load_artifact(effective.home, "knowledge_graph").path)
    recommender = Recommender.load(load_artifact(effective.home, "graph_checkpoint").path, graph)
    found = recommender.recommend(name, k, known="exclude" if novel else "mark")
    if as_json:
        print_json({"item": name, "results": [asdict(entry) for entry in found]})
        return
    rows = load_dataset(effective.home, "upcycling_facts").read("projects").to_dicts()
    projects = {row["id"]: row for row in rows}
    for rank, entry in enumerate(found, 1):
        about = projects[entry.project]
        out.print(
            f"[bold]{rank}. {entry.title}[/]  {entry.score:.0%}  [dim]{'known' if entry.known else 'novel'}, "
            f"{about['difficulty']}, {about['minutes']} min[/]"
        )
        out.print(f"   {about['description']}", markup=False)
        if entry.path:
            out.print(f"   [dim]{' → '.join(node.split(':', 1)[1] for node in entry.path)}[/]")
        if about["safety"]:
            out.print(f"   [yellow]{about['safety']}[/]")
