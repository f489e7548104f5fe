"""A cross-encoder over the first results: query and passage read together (R4). How it is trained is in `reranker`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from releaf.artifacts import read_json
from releaf.errors import ArtifactError
from releaf.progress import Progress, silent
from releaf.retrieval.onnx_model import OnnxModel
from releaf.retrieval.passages import normalize

DESCRIPTION = "reranker.json"
FORMAT = 1
# Passages scored between two looks at the clock.
_STEP = 8
# Some hundred tokens: half of what is read, so that a question of usual length is never cut.
_QUERY_CHARACTERS = 500


class PairScorer(Protocol):
    """Whatever says how well a passage answers a query; greater is better, and only the order means something."""

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        """One score a passage, in their order."""


class Reranker:
    """A trained cross-encoder in ONNX Runtime."""

    def __init__(self, model: OnnxModel, revision: str) -> None:
        self._model = model
        self.revision = revision

    @classmethod
    def open(cls, directory: Path, *, threads: int) -> Reranker:
        """Open a reranker checkpoint. Raises `ArtifactError` for missing or damaged files."""
        description = read_json(directory / DESCRIPTION)
        try:
            if description["format"] != FORMAT:
                raise ValueError(description["format"])
            revision, max_tokens = str(description["revision"]), int(description["max_tokens"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"{directory / DESCRIPTION} is no reranker of format {FORMAT} ({error}); train it again"
            ) from error
        return cls(OnnxModel.open(directory, max_tokens=max_tokens, threads=threads), revision)

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        """One score (a logit) a passage, in their order. A pair's score does not depend on the others."""
        pairs = [pair(query, text) for text in passages]
        return [float(value) for value in self._model.run(pairs, progress, "pairs scored")[:, 0]]


def pair(query: str, text: str) -> tuple[str, str]:
    """Query and passage as the cross-encoder reads them, in training as in scoring: normalized, of a query its start.

    Of what is still too long together, the tokenizer cuts the longer one.
    """
    return normalize(query)[:_QUERY_CHARACTERS], normalize(text)


def score_within(scorer: PairScorer, query: str, passages: Sequence[str], budget: float | None) -> list[float]:
    """Scores of the first passages, as many as fit in `budget` seconds (None: all), at least one step of eight.

    Passages come best first, so what the budget leaves out are the least promising ones.
    """
    if budget is None:
        return scorer.score(query, passages)
    started = time.perf_counter()
    scores: list[float] = []
    for start in range(0, len(passages), _STEP):
        spent = time.perf_counter() - started
        rounds = start // _STEP
        if rounds and spent + spent / rounds > budget:
            break
        scores += scorer.score(query, passages[start : start + _STEP])
    return scores
