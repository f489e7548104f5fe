"""Answers put together from sentences that were retrieved, word for word, with where each stands.

Nothing here writes a sentence of its own: what the documents do not say cannot be said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from releaf.errors import DataError, InputError
from releaf.language.passages import FloatArray, Passage, Retrieved, Vectors
from releaf.metrics.text import rouge_l

REFUSAL = "I do not know. Nothing in the documents answers this."


@dataclass(frozen=True)
class ExtractiveSettings:
    """How an answer is put together.

    sentences: most sentences of an answer.
    refuse_below: cosine of the nearest sentence below which nothing is answered.
    """

    sentences: int = 2
    refuse_below: float = 0.3

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise InputError(f"an answer of {self.sentences} sentences says nothing; allow at least 1")


@dataclass(frozen=True)
class Quoted:
    """A sentence of an answer, and the document it stands in."""

    text: str
    document: str
    title: str


@dataclass(frozen=True)
class ExtractiveAnswer:
    """The sentences of an answer in reading order, none where nothing answers.

    `nearest` is the cosine of the question to the nearest sentence, −1 where there was none.
    """

    quoted: tuple[Quoted, ...]
    nearest: float

    @property
    def refused(self) -> bool:
        """Whether nothing answers."""
        return not self.quoted

    @property
    def text(self) -> str:
        """The answer in words, or that there is none."""
        return " ".join(one.text for one in self.quoted) if self.quoted else REFUSAL


def contextual(passage: Passage, sentence: str) -> str:
    """A sentence as it is encoded: after its title, since most sentences leave out what they are about."""
    return f"{passage.title}. {sentence}"


def answer(question: str, retrieved: Retrieved, vectors: Vectors, settings: ExtractiveSettings) -> ExtractiveAnswer:
    """The nearest sentence to the question with those around it in its passage, in their order.

    Neighbours, not the next nearest from elsewhere: "it is fine here" means something else under another heading.
    """
    candidates = _candidates(retrieved.passages)
    if not candidates:
        return ExtractiveAnswer((), -1.0)
    embedded = vectors.of([contextual(passage, sentence) for passage, sentence in candidates])
    cosines = embedded @ vectors.of([question])[0]
    nearest = float(cosines.max())
    if nearest < settings.refuse_below:
        return ExtractiveAnswer((), nearest)
    first, last = _grow(cosines, [passage for passage, _ in candidates], settings.sentences)
    quoted = [Quoted(text, passage.document, passage.title) for passage, text in candidates[first : last + 1]]
    return ExtractiveAnswer(tuple(quoted), nearest)


def _candidates(passages: Sequence[Passage]) -> list[tuple[Passage, str]]:
    seen: set[str] = set()
    found = []
    for passage in passages:
        for sentence in passage.sentences:
            # Neighbouring passages overlap by a sentence; headings and questions answer nothing.
            if sentence not in seen and not sentence.startswith("#") and not sentence.endswith(("?", ":")):
                seen.add(sentence)
                found.append((passage, sentence))
    return found


def _grow(cosines: FloatArray, passages: Sequence[Passage], most: int) -> tuple[int, int]:
    """First and last place of the run around the largest cosine, grown towards the nearer neighbour each time."""
    first = last = int(cosines.argmax())
    while last - first + 1 < most:
        around = [at for at in (first - 1, last + 1) if 0 <= at < len(passages) and passages[at] is passages[first]]
        if not around:
            break
        taken = max(around, key=lambda at: float(cosines[at]))
        first, last = min(first, taken), max(last, taken)
    return first, last


def tune(
    questions: Sequence[tuple[str, Retrieved, str | None]],
    vectors: Vectors,
    *,
    lengths: Sequence[int] = (1, 2, 3),
    wrongly_refused: float = 0.1,
) -> ExtractiveSettings:
    """Settings chosen on development questions: (question, what was retrieved, reference or None if unanswerable).

    The number of sentences gives the highest mean ROUGE-L against the references. The cosine below which nothing is
    answered parts answerable from unanswerable questions with the least mean error, while at most `wrongly_refused` of
    the answerable are refused; without an unanswerable question nothing is refused. Raises `DataError` without an
    answerable one.
    """
    answerable = [(question, found, reference) for question, found, reference in questions if reference is not None]
    if not answerable:
        raise DataError("no development question has a reference answer; the length of an answer cannot be chosen")
    open_to_all = [ExtractiveSettings(sentences=count, refuse_below=-1.0) for count in lengths]
    quality = [_quality(answerable, vectors, settings) for settings in open_to_all]
    best = open_to_all[int(np.argmax(quality))]
    nearest = {
        known: np.array(
            [answer(q, found, vectors, best).nearest for q, found, ref in questions if (ref is None) != known]
        )
        for known in (True, False)
    }
    return replace(best, refuse_below=_parting(nearest[True], nearest[False], wrongly_refused))


def _quality(questions: Sequence[tuple[str, Retrieved, str]], vectors: Vectors, settings: ExtractiveSettings) -> float:
    scores = [rouge_l(answer(q, found, vectors, settings).text, reference).f1 for q, found, reference in questions]
    return sum(scores) / len(scores)


def _parting(answerable: FloatArray, unanswerable: FloatArray, allowed: float) -> float:
    if not len(unanswerable):
        return -1.0
    highest = float(np.quantile(answerable, allowed, method="lower"))
    candidates = np.unique(np.concatenate([answerable, unanswerable, [-1.0]]))
    candidates = candidates[candidates <= highest]
    errors = [float((answerable < at).mean() + (unanswerable >= at).mean()) for at in candidates]
    # Rounded down, so that the question that sets it is itself answered.
    return math.floor(float(candidates[int(np.argmin(errors))]) * 10_000) / 10_000
