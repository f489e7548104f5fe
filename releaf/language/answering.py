"""Which answerer is served: each is asked the same held-out questions, and the evidence decides.

An answerer turns questions with what was retrieved into answers: sentences quoted from the documents, or text that a
model writes. How each works is in `extractive` and `generation`; how support is judged is in `support`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from releaf.errors import DataError
from releaf.language.passages import Retrieved, Vectors
from releaf.language.support import SupportJudge, judgeable
from releaf.metrics.ranking import bootstrap_interval, randomization_p_value
from releaf.metrics.text import rouge_l

EXTRACTIVE = "extractive"
_REFUSALS = ("i do not know", "i don't know")
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Asked:
    """A question, what was retrieved for it, and the reference answer; None where nothing answers it."""

    id: str
    question: str
    retrieved: Retrieved
    reference: str | None


@dataclass(frozen=True)
class AnswererFigures:
    """How an answerer does on held-out questions; all but the counts in 0–1.

    `rouge_l` is the mean F1 against the reference over answerable questions, a refusal counting 0; `supported` the
    share of judgeable sentences of its answers that the retrieved passages support (0 without any);
    `refused_unanswerable` and `refused_answerable` are the shares of questions of either kind that it refused.
    """

    answerable: int
    unanswerable: int
    rouge_l: float
    rouge_l_low: float
    rouge_l_high: float
    supported: float
    sentences: int
    refused_unanswerable: float
    refused_answerable: float


@dataclass(frozen=True)
class AnswererChoice:
    """The answerer that is served and why, with the figures of all and p of ROUGE-L against the extractive one."""

    serves: str
    reason: str
    figures: dict[str, AnswererFigures]
    p_values: dict[str, float]
    least_support: float

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def is_refusal(answer: str) -> bool:
    """Whether an answer says that it does not know, or says nothing."""
    return not answer.strip() or answer.strip().casefold().startswith(_REFUSALS)


def choose_answerer(
    asked: Sequence[Asked],
    answers: Mapping[str, Sequence[str]],
    judge: SupportJudge,
    vectors: Vectors,
    *,
    least_support: float,
) -> AnswererChoice:
    """Measure every answerer on the same questions and choose the one to serve.

    Only an answerer of whose judgeable sentences at least `least_support` are supported may speak. Among those the
    extractive one is served unless another one's ROUGE-L is significantly higher. Raises `DataError` without a
    question that is answerable, or when an answerer did not answer all.
    """
    if not any(one.reference for one in asked):
        raise DataError("no held-out question has a reference answer; answerers cannot be compared")
    for name, given in answers.items():
        if len(given) != len(asked):
            raise DataError(f"answerer {name} gave {len(given)} answers to {len(asked)} questions")
    scores = {name: _rouge(asked, given) for name, given in answers.items()}
    figures = {name: _figures(asked, given, scores[name], judge, vectors) for name, given in answers.items()}
    p_values = {name: randomization_p_value(scores[name], scores[EXTRACTIVE]) for name in answers if name != EXTRACTIVE}
    serves, reason = _decide(figures, p_values, least_support)
    return AnswererChoice(serves, reason, figures, p_values, least_support)


def _rouge(asked: Sequence[Asked], answers: Sequence[str]) -> list[float]:
    return [
        0.0 if is_refusal(given) else rouge_l(given, one.reference).f1
        for one, given in zip(asked, answers, strict=True)
        if one.reference
    ]


def _figures(
    asked: Sequence[Asked], answers: Sequence[str], rouge: Sequence[float], judge: SupportJudge, vectors: Vectors
) -> AnswererFigures:
    verdicts: list[bool] = []
    refused: dict[bool, list[bool]] = {True: [], False: []}
    sentences = [[] if is_refusal(given) else judgeable(given) for given in answers]
    vectors.of([sentence for one in sentences for sentence in one])  # all at once is several times as fast
    for one, given, said in zip(asked, answers, sentences, strict=True):
        refused[one.reference is not None].append(is_refusal(given))
        verdicts += judge.supported(said, one.retrieved.passages, vectors)
    low, high = bootstrap_interval(rouge)
    return AnswererFigures(
        answerable=len(refused[True]),
        unanswerable=len(refused[False]),
        rouge_l=_mean(rouge),
        rouge_l_low=low,
        rouge_l_high=high,
        supported=_mean(verdicts),
        sentences=len(verdicts),
        refused_unanswerable=_mean(refused[False]),
        refused_answerable=_mean(refused[True]),
    )


def _decide(
    figures: Mapping[str, AnswererFigures], p_values: Mapping[str, float], least_support: float
) -> tuple[str, str]:
    silent = [name for name, one in figures.items() if one.supported < least_support and name != EXTRACTIVE]
    better = [
        name
        for name, p in p_values.items()
        if name not in silent and p < SIGNIFICANT and figures[name].rouge_l > figures[EXTRACTIVE].rouge_l
    ]
    if better:
        best = max(better, key=lambda name: figures[name].rouge_l)
        return best, f"{best} has the significantly higher ROUGE-L (p = {p_values[best]:.3g}) and enough support"
    kept = [f"{name} is supported in {figures[name].supported:.0%}, {least_support:.0%} is asked" for name in silent]
    equal = [f"{name} is not significantly better" for name in p_values if name not in silent]
    return EXTRACTIVE, "; ".join([*kept, *equal]) or "nothing else was tried"


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
