"""`releaf recommend`: what an object could become, be it an item of the taxonomy or anything else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.padding import Padding

from command.output import out, print_json, stdout_kept_clean
from command.session import settings
from releaf.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from releaf.graph.recommend import Answer, Recommendation, Recommender
    from releaf.taxonomy import Taxonomy
    from resources.settings import Settings


def recommend(
    item: Annotated[str | None, typer.Argument(help="An item of the taxonomy, by id or alias.")] = None,
    materials: Annotated[
        str | None, typer.Option(help="For anything else: what it is made of, by id or alias, parted by commas.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="For anything else: what it is, in words.")] = None,
    k: Annotated[int, typer.Option("-k", help="How many projects.")] = 10,
    novel: Annotated[bool, typer.Option("--novel", help="Leave out projects that the facts already state.")] = False,
    difficulty: Annotated[list[str] | None, typer.Option(help="easy, medium or hard; may be repeated.")] = None,
    max_minutes: Annotated[int | None, typer.Option(help="Hands-on time at most.")] = None,
    without_tool: Annotated[list[str] | None, typer.Option(help="A tool not to be needed; may be repeated.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="A tool that is there; only these are used.")] = None,
    diverse: Annotated[
        bool | None,
        typer.Option("--diverse/--by-score", help="Alike projects apart; by default where projects are novel."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what an object could become, with the path through the knowledge graph that supports it."""
    from releaf.diversify import LAMBDA
    from releaf.graph.project_filters import Filters
    from releaf.graph.recommend import Wish
    from releaf.taxonomy import load_taxonomy

    effective = settings()
    taxonomy = load_taxonomy(effective.data_dir / "taxonomy.yaml")
    filters = Filters(
        tuple(difficulty or ()), max_minutes, tuple(without_tool or ()), None if tool is None else tuple(tool)
    )
    spread = diverse if diverse is not None else novel or item is None
    wish = Wish(k, "exclude" if novel else "mark", filters, LAMBDA if spread else None)
    with stdout_kept_clean():
        if item is not None:
            if materials is not None or text is not None:
                raise InputError(
                    f"give either an item of the taxonomy ({item!r}), or --materials and --text of anything else"
                )
            asked: dict[str, Any] = {"item": _item(item, taxonomy)}
            recommender = _open(effective)
            started = time.perf_counter()
            answer = recommender.answer(asked["item"], wish)
        else:
            asked = _described(materials, text, taxonomy)
            recommender = _open(effective)
            encoder = _encoder(effective) if asked["text"] is not None else None
            started = time.perf_counter()
            embedding = None if encoder is None else encoder.encode([asked["text"]])[0]
            answer = recommender.answer_new(embedding, asked["materials"], wish, words=asked["text"] or "")
        milliseconds = (time.perf_counter() - started) * 1000
    if as_json:
        print_json({**asked, **answer.to_json(), "milliseconds": milliseconds})
    else:
        _show(answer, asked, recommender)


def _item(name: str, taxonomy: Taxonomy) -> str:
    try:
        return taxonomy.item(name).id
    except UnknownNameError as error:
        shown = name if len(name) <= 60 else name[:59] + "…"
        raise InputError(f"{error}; for anything else: releaf recommend --text {shown!r} --materials …") from error


def _described(materials: str | None, text: str | None, taxonomy: Taxonomy) -> dict[str, Any]:
    """What is said of an object that is no item: ids of materials, named outright or in the text, and the text."""
    from releaf.graph.new_items import described, named_materials

    if materials is None and text is None:
        raise InputError("name an item of the taxonomy, or say what the object is with --materials and --text")
    said = None if text is None else described(text)
    if materials is None:
        return {"materials": named_materials(said or "", taxonomy), "text": said}
    names = [name.strip() for name in materials.split(",") if name.strip()]
    if not names:
        raise InputError(f"--materials {materials!r} names none; give some, such as --materials steel,wood")
    return {"materials": list(dict.fromkeys(taxonomy.material(name).id for name in names)), "text": said}


def _open(effective: Settings) -> Recommender:
    from releaf.graph.build import load
    from releaf.graph.project_filters import project_details
    from releaf.graph.recommend import Recommender
    from resources.references import load_artifact, load_dataset

    graph = load(load_artifact(effective.home, "knowledge_graph").path)
    rows = load_dataset(effective.home, "upcycling_facts").read("projects").to_dicts()
    return Recommender.load(load_artifact(effective.home, "graph_checkpoint").path, graph, project_details(rows))


def _encoder(effective: Settings) -> Any:
    from resources.models import open_served_encoder
    from resources.references import load_artifact

    return open_served_encoder(effective, load_artifact(effective.home, "text_encoder"))


def _show(answer: Answer, asked: dict[str, Any], recommender: Recommender) -> None:
    if answer.fallback:
        out.print(f"[yellow]{escape(answer.fallback)}[/]", soft_wrap=True)
    elif "item" not in asked and asked["materials"]:
        out.print(f"[dim]made of {', '.join(_words(asked['materials']))}[/]")
    if answer.results and answer.removed:
        told = ", ".join(f"{escape(name)} left out {count}" for name, count in answer.removed.items())
        out.print(f"[dim]{told}[/]", soft_wrap=True)
    for rank, entry in enumerate(answer.results, 1):
        if rank > 1 or answer.fallback or answer.removed:
            out.print()
        _show_project(rank, entry, recommender.details[entry.project].description if recommender.details else "")


def _show_project(rank: int, entry: Recommendation, description: str) -> None:
    facts = ["known" if entry.known else "novel"]
    facts += [entry.difficulty] if entry.difficulty else []
    facts += [f"{entry.minutes} min"] if entry.minutes else []
    if entry.tools is not None:
        facts.append(", ".join(entry.tools) or "bare hands")
    out.print(f"[bold]{rank}. {escape(entry.title)}[/]  {entry.score:.0%}  [dim]{escape(' · '.join(facts))}[/]")
    lines = [escape(description)] if description else []
    lines.append(f"[cyan]{escape(drawn(entry.path, entry.title))}[/]")
    if entry.missing:
        lines.append(f"[dim]its material lacks {', '.join(_words(entry.missing))}[/]")
    if entry.safety:
        lines.append(f"[yellow]! {escape(entry.safety)}[/]")
    for line in lines:
        out.print(Padding(line, (0, 0, 0, 3)))


def drawn(path: Sequence[str], title: str) -> str:
    """A path as the facts read: item → material → property ← project, or item → project."""
    names = ["this object" if node == "item:new" else node.split(":", 1)[1].replace("_", " ") for node in path]
    return f"{' → '.join(names[:-1])} {'←' if len(names) > 2 else '→'} {title}"


def _words(names: Sequence[str]) -> list[str]:
    return [name.replace("_", " ") for name in names]
