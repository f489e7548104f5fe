"""Which way of searching is served: chosen on development queries, written beside its evidence, read by serving.

Only what was chosen stands here; how it is chosen is in `choosing`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError, InputError

Method = Literal["sparse", "dense", "rrf", "weighted", "expanded", "mmr", "reranked"]
METHODS: tuple[Method, ...] = get_args(Method)
FORMAT = 1
CHOICE_FILE = "choice.json"


@dataclass(frozen=True)
class Answerability:
    """How likely the best document answers at all: σ(bias + cosine·(best cosine) + coverage·(share of words met)).

    The share counts the inverse document frequencies of the query's stems that the best chunk by words holds. Below
    `threshold` the search says that it found nothing that answers.
    """

    bias: float
    cosine: float
    coverage: float
    threshold: float

    def probability(self, cosine: float, coverage: float) -> float:
        """The probability, in (0, 1), for the best cosine in [−1, 1] and the covered share in [0, 1]."""
        value = self.bias + self.cosine * cosine + self.coverage * coverage
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, value))))


@dataclass(frozen=True)
class SearchChoice:
    """What is served.

    fusion: how the dense and the sparse ranking become one. weight: of the dense ranking in `weighted`, 0 to 1.
    rrf_k: the constant of reciprocal rank fusion. floor: share of the inverse document frequencies of all the query's
    words that a chunk's BM25 score must reach to have a vote in a fusion, 0 to 1: one common word met is no evidence.
    expand: whether the words of what is found first join the query.
    rerank: whether a cross-encoder orders the first results anew. rerank_weight: its share beside the fused score, 0
    to 1. answerability: when to say that nothing answers; None never says it.
    """

    fusion: Literal["rrf", "weighted"] = "rrf"
    weight: float = 0.6
    rrf_k: int = 60
    floor: float = 0.0
    expand: bool = False
    rerank: bool = False
    rerank_weight: float = 1.0
    answerability: Answerability | None = None

    def __post_init__(self) -> None:
        if self.fusion not in ("rrf", "weighted"):
            raise InputError(f"unknown fusion {self.fusion!r}; choose rrf or weighted")
        if not 0 <= self.floor <= 1:
            raise InputError(f"floor {self.floor} must be 0 to 1")
        if not 0 <= self.weight <= 1 or not 0 <= self.rerank_weight <= 1 or self.rrf_k < 0:
            raise InputError(
                f"weight {self.weight} and rerank_weight {self.rerank_weight} must be 0 to 1 and rrf_k {self.rrf_k} "
                "0 or more"
            )

    @property
    def method(self) -> Method:
        """The method that answers when none is asked for."""
        if self.rerank:
            return "reranked"
        return "expanded" if self.expand else self.fusion

    def save(self, directory: Path) -> None:
        """Write the choice into a directory."""
        write_json(directory / CHOICE_FILE, {"format": FORMAT, **asdict(self)})

    @classmethod
    def load(cls, directory: Path) -> SearchChoice:
        """Read what `save` wrote. Raises `ArtifactError` for missing or foreign content."""
        raw: Any = read_json(directory / CHOICE_FILE)
        try:
            if raw["format"] != FORMAT:
                raise ValueError(f"its format is {raw['format']!r}, this version reads {FORMAT}")
            values = {field.name: raw[field.name] for field in fields(cls)}
            if values["answerability"] is not None:
                values["answerability"] = Answerability(**values["answerability"])
            return cls(**values)
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise ArtifactError(f"{directory / CHOICE_FILE} is no search choice: {error}; run `releaf run`") from error
