"""Brings retrieval and the language model together: neither knows the other, and answering takes both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from peft import PeftModel

    from releaf.language.answer_study import AnswerStudy
    from releaf.language.decoder import Base
    from releaf.language.passages import Passage, Retrieve
    from releaf.language.template import Instruction
    from releaf.retrieval.encode import TextEncoder
    from releaf.retrieval.search import Searcher

PASSAGES = 5
"""Passages that an answer may rest on."""


def retrieve_with(searcher: Searcher, k: int = PASSAGES) -> Retrieve:
    """The k best passages for each question by the method that is served."""
    from releaf.language.passages import Passage, Retrieved

    def retrieve(questions: Sequence[str]) -> list[Retrieved]:
        return [
            Retrieved(tuple(Passage(r.document_id, r.title, r.text) for r in found.results), found.answerable)
            for found in searcher.search_all(questions, k=k)
        ]

    return retrieve


def passages_by_document(chunks: pl.DataFrame) -> dict[str, list[Passage]]:
    """Every passage of a `chunks` table by document, in reading order."""
    from releaf.language.passages import Passage

    found: dict[str, list[Passage]] = {}
    rows = chunks.sort("document_id", "position").select("document_id", "title", "text")
    for document, title, text in rows.iter_rows():
        found.setdefault(document, []).append(Passage(document, title, text))
    return found


def study_answers(
    searcher: Searcher,
    encoder: TextEncoder,
    chunks: pl.DataFrame,
    instructions: pl.DataFrame,
    queries: pl.DataFrame,
    model: PeftModel,
    base: Base,
    *,
    least_support: float,
    seed: int,
) -> AnswerStudy:
    """`releaf.language.answer_study.study` over these indexes and models: quoted answers, the adapter's, the base's."""
    from releaf.language.adapters import without_adapter
    from releaf.language.answer_study import Questions, study
    from releaf.language.writing import write_answers

    def adapter(asked: Sequence[Instruction]) -> list[str]:
        return write_answers(model, base, asked)

    def plain(asked: Sequence[Instruction]) -> list[str]:
        with without_adapter(model):
            return write_answers(model, base, asked)

    return study(
        Questions(instructions, queries),
        passages_by_document(chunks),
        retrieve_with(searcher),
        lambda texts: encoder.encode(list(texts)),
        {"adapter": adapter, "base": plain},
        least_support=least_support,
        seed=seed,
    )
