"""`releaf ask`: answers a question from the documents, with where each sentence stands."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from command.output import out, print_json, stdout_kept_clean
from command.session import settings

if TYPE_CHECKING:
    from releaf.language.answer_study import Write
    from releaf.language.served import Answerer
    from resources.settings import Settings


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Answer a question from the knowledge documents, by the answerer that the language report chose."""
    from command.searching import open_searcher
    from releaf.language.passages import Vectors
    from releaf.language.served import Answerer
    from resources.answering import retrieve_with
    from resources.models import open_served_encoder
    from resources.references import load_artifact

    effective = settings()
    answerer = Answerer.from_json(load_artifact(effective.home, "language_report").read_json("answerer.json"))
    with stdout_kept_clean(), open_searcher(effective, None) as searcher:
        encoder = open_served_encoder(effective, load_artifact(effective.home, "text_encoder"))
        write = _writer(effective, answerer)
        started = time.perf_counter()
        found = retrieve_with(searcher)([question])[0]
        answer = answerer.answer(question, found, Vectors(lambda texts: encoder.encode(list(texts))), write)
        milliseconds = (time.perf_counter() - started) * 1000
    if as_json:
        print_json({"question": question, "served_by": answerer.serves, **asdict(answer), "milliseconds": milliseconds})
        return
    out.print(answer.text, markup=False)
    for cited in answer.citations:
        out.print(f"  [dim]{escape(cited.title)} ({escape(cited.document)}): {escape(cited.text)}[/]")
    out.print(f"[dim]{answerer.serves}, {milliseconds:.0f} ms[/]")


def _writer(effective: Settings, answerer: Answerer) -> Write | None:
    """The adapter or the base, where the evidence lets one of them speak."""
    if answerer.serves not in ("adapter", "base"):
        return None
    from releaf.language.adapters import load_adapter
    from releaf.language.published import open_published_base
    from releaf.language.writing import write_answers
    from releaf.training.device import detect
    from resources.references import load_artifact

    hardware = detect(effective.device, effective.precision)
    base = open_published_base(load_artifact(effective.home, "language_base").path, hardware)
    if answerer.serves == "base":
        return lambda asked: write_answers(base.model, base, asked)
    model = load_adapter(base, load_artifact(effective.home, "language_adapter").path)
    return lambda asked: write_answers(model, base, asked)
