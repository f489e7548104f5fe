"""Answering a question the way the evidence chose: quoted sentences, or those of a model's that are supported.

How the choice came about is in `answer_study`; this reads what it wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from releaf.errors import ArtifactError
from releaf.language import extractive
from releaf.language.answering import EXTRACTIVE, is_refusal
from releaf.language.extractive import REFUSAL, ExtractiveSettings, Quoted
from releaf.language.passages import Passage, Retrieved, Vectors
from releaf.language.support import SupportJudge, judgeable

if TYPE_CHECKING:
    from releaf.language.answer_study import Write


@dataclass(frozen=True)
class ServedAnswer:
    """An answer and the sentences of documents behind it, none where it is refused."""

    text: str
    refused: bool
    citations: tuple[Quoted, ...]


@dataclass(frozen=True)
class Answerer:
    """Which answerer is served, how it quotes, and the judge that a model's sentences have to pass."""

    serves: str
    quoting: ExtractiveSettings
    judge: SupportJudge

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Answerer:
        """From what the language report wrote; raises `ArtifactError` for another format."""
        try:
            return cls(raw["serves"], ExtractiveSettings(**raw["quoting"]), SupportJudge.from_json(raw["judge"]))
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"the choice of an answerer cannot be read ({error}); run `releaf run`") from error

    def answer(self, question: str, retrieved: Retrieved, vectors: Vectors, write: Write | None = None) -> ServedAnswer:
        """Answer from what was retrieved; `write` is the model that is served, where one is.

        Raises `ArtifactError` when a model is served and none was given.
        """
        if self.serves == EXTRACTIVE:
            found = extractive.answer(question, retrieved, vectors, self.quoting)
            return ServedAnswer(found.text, found.refused, found.quoted)
        if write is None:
            raise ArtifactError(f"the served answerer is {self.serves!r}, and no such model is open")
        from releaf.language.template import Instruction

        return self._checked(write([Instruction("asked", question, "", "")])[0], retrieved, vectors)

    def _checked(self, written: str, retrieved: Retrieved, vectors: Vectors) -> ServedAnswer:
        said = [] if is_refusal(written) else judgeable(written)
        verdicts = self.judge.supported(said, retrieved.passages, vectors)
        kept = [sentence for sentence, good in zip(said, verdicts, strict=True) if good]
        if not kept:
            return ServedAnswer(REFUSAL, True, ())
        return ServedAnswer(" ".join(kept), False, tuple(_nearest(kept, retrieved.passages, vectors)))


def _nearest(sentences: Sequence[str], passages: Sequence[Passage], vectors: Vectors) -> list[Quoted]:
    """For each sentence the sentence of the passages that is nearest to it."""
    evidence = [Quoted(text, passage.document, passage.title) for passage in passages for text in passage.sentences]
    cosines = vectors.of(sentences) @ vectors.of([one.text for one in evidence]).T
    return list(dict.fromkeys(evidence[int(at)] for at in cosines.argmax(axis=1)))
