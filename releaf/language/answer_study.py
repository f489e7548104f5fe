"""The study behind the choice of an answerer: judge fitted, quotes tuned, all answerers asked the same questions.

Retrieval and encoding come in as functions; pictures and thresholds are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from releaf.language import extractive
from releaf.language.answering import EXTRACTIVE, AnswererChoice, Asked, choose_answerer
from releaf.language.extractive import ExtractiveSettings
from releaf.language.passages import Embed, Passage, Retrieve, Vectors
from releaf.language.support import SupportJudge
from releaf.language.support_data import JudgeFigures, fit_judge, ground, judge_figures, plant

if TYPE_CHECKING:
    from releaf.language.template import Instruction

Write = Callable[[Sequence["Instruction"]], Sequence[str]]
"""From instructions to the answers that a model writes."""
T = TypeVar("T")
SHOWN = 8
MOST_QUESTIONS = 80
"""Instructions that are asked, evenly spaced by id: topics stand together, and each question costs its time."""
MOST_GROUNDED = 200
"""Records whose answers the judge of support is fitted to, and as many it is measured on, chosen alike."""


@dataclass(frozen=True)
class AnswerStudy:
    """The judge with its errors, the settings of quoted answers, and the choice with the figures behind it.

    `samples` are some questions, evenly spaced, with every answerer's answer.
    """

    judge: SupportJudge
    judged: JudgeFigures
    quoting: ExtractiveSettings
    choice: AnswererChoice
    answerable: int
    unanswerable: int
    samples: tuple[dict[str, Any], ...]

    @property
    def served(self) -> dict[str, Any]:
        """What serving needs to know: which answerer, how it quotes, and the judge of support."""
        return {
            "serves": self.choice.serves,
            "reason": self.choice.reason,
            "quoting": asdict(self.quoting),
            "judge": asdict(self.judge),
        }

    def metrics(self) -> dict[str, float]:
        """Figures by name; those of the served answerer start with `served_`."""
        figures: dict[str, float] = {"support_error": self.judged.error, "support_auc": self.judged.auc}
        for name, one in [*self.choice.figures.items(), ("served", self.choice.figures[self.choice.serves])]:
            figures |= {
                f"{name}_rouge_l": one.rouge_l,
                f"{name}_supported": one.supported,
                f"{name}_refused_unanswerable": one.refused_unanswerable,
                f"{name}_refused_answerable": one.refused_answerable,
            }
        return figures

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "choice": self.choice.as_json()}


@dataclass(frozen=True)
class Questions:
    """Answerable questions are instructions with a document as source, unanswerable ones are judged queries."""

    instructions: pl.DataFrame
    queries: pl.DataFrame

    def records(self, *splits: str) -> list[dict[str, Any]]:
        """Instructions of some splits that rest on a document, by id."""
        rows = self.instructions.filter(pl.col("split").is_in(splits), pl.col("source").str.starts_with("knowledge/"))
        return rows.sort("id").to_dicts()

    def unanswerable(self, *splits: str) -> list[str]:
        """Queries of some splits that no document answers, by id."""
        rows = self.queries.filter(pl.col("split").is_in(splits), ~pl.col("answerable")).sort("id")
        return [str(query) for query in rows["query"]]


def study(
    questions: Questions,
    passages: Mapping[str, Sequence[Passage]],
    retrieve: Retrieve,
    embed: Embed,
    writers: Mapping[str, Write],
    *,
    least_support: float,
    seed: int,
) -> AnswerStudy:
    """Fit the judge on training records, tune quoting on validation questions, and compare answerers on the test.

    `passages` are all passages by document; `writers` the models by name. Raises `DataError` where a split has no
    record that rests on a document.
    """
    vectors = Vectors(embed)
    learned, held = (
        spread(ground(questions.records(*splits), passages), MOST_GROUNDED)
        for splits in (("train",), ("validation", "test"))
    )
    judge = fit_judge(plant(learned, seed=seed), vectors)
    judged = judge_figures(judge, plant(held, seed=seed), vectors)
    development = _ask(questions, ("validation",), ("train", "dev"), retrieve)
    quoting = extractive.tune([(one.question, one.retrieved, one.reference) for one in development], vectors)
    asked = _ask(questions, ("test",), ("test",), retrieve)
    quoted = [extractive.answer(one.question, one.retrieved, vectors, quoting).text for one in asked]
    written = {name: list(write([_instruction(one) for one in asked])) for name, write in writers.items()}
    answers = {EXTRACTIVE: quoted, **written}
    choice = choose_answerer(asked, answers, judge, vectors, least_support=least_support)
    samples = [
        {
            "question": one.question,
            "reference": one.reference,
            "answers": {name: given[place] for name, given in answers.items()},
        }
        for place, one in spread(list(enumerate(asked)), SHOWN)
    ]
    known = sum(one.reference is not None for one in asked)
    return AnswerStudy(judge, judged, quoting, choice, known, len(asked) - known, tuple(samples))


def spread(rows: Sequence[T], most: int) -> list[T]:
    """At most `most` of the rows, evenly spaced, in their order."""
    if len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]


def _ask(questions: Questions, of_records: Sequence[str], of_queries: Sequence[str], retrieve: Retrieve) -> list[Asked]:
    texts: list[tuple[str, str, str | None]] = [
        (row["id"], f"{row['instruction']} {row['input']}".strip(), row["output"])
        for row in spread(questions.records(*of_records), MOST_QUESTIONS)
    ]
    texts += [(f"query {place}", query, None) for place, query in enumerate(questions.unanswerable(*of_queries))]
    found = retrieve([question for _, question, _ in texts])
    return [Asked(*text[:2], one, text[2]) for text, one in zip(texts, found, strict=True)]


def _instruction(asked: Asked) -> Instruction:
    from releaf.language.template import Instruction

    return Instruction(asked.id, asked.question, "", asked.reference or "")
