"""Whether a sentence of an answer is supported by the passages it should rest on.

A logistic judge on six measures of a sentence against passages. How it is fitted and how often it errs, on planted
sentences, is in `support_data`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from releaf.artifacts import read_json, write_json
from releaf.errors import DataError
from releaf.language.passages import Passage, Vectors
from releaf.sentences import split_sentences

Measures = npt.NDArray[np.float64]
MEASURES = ("cosine", "nearest_words", "all_words", "numbers", "names", "negation")
SHORTEST = 3
"""Content words below which a sentence says too little to be judged; it counts neither way."""

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATIONS = frozenset(["no", "not", "never", "none", "nothing", "without", "cannot", "nor", "neither", "hardly"])
_COMMON = frozenset(
    [
        *(
            "the",
            "and",
            "for",
            "with",
            "that",
            "this",
            "from",
            "are",
            "was",
            "were",
            "has",
            "have",
            "had",
            "its",
            "but",
        ),
        *(
            "you",
            "your",
            "can",
            "will",
            "may",
            "should",
            "would",
            "into",
            "onto",
            "than",
            "then",
            "they",
            "them",
            "their",
        ),
        *("there", "what", "which", "when", "where", "who", "how", "why", "all", "any", "each", "also", "only", "very"),
        *("does", "did", "been", "being", "because", "about", "over", "under", "out", "off", "one", "some", "such"),
    ]
)
_NAMES = (
    "plastic metal glass paper cardboard textile wood aluminium aluminum steel tin polystyrene polypropylene "
    "polyethylene laminate food electronics battery recycle recycling compost landfill hazardous incineration reuse"
)
"""Words for what a thing is made of and where it goes: one of them wrong turns an answer into bad advice."""
_FILE = "support.json"


@dataclass(frozen=True)
class SupportJudge:
    """P(supported) = σ(weights · (measures − mean) / scale + bias); supported from `threshold` on."""

    weights: tuple[float, ...]
    bias: float
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    threshold: float

    def __post_init__(self) -> None:
        sizes = {len(self.weights), len(self.mean), len(self.scale)}
        if sizes != {len(MEASURES)} or not 0 < self.threshold < 1:
            raise DataError(f"a judge of support needs {len(MEASURES)} weights and a threshold in (0, 1), not {self}")

    def probability(self, measures: Measures) -> Measures:
        """P(supported) of each row of measures (N, 6)."""
        standard = (measures - np.asarray(self.mean)) / np.asarray(self.scale)
        return np.asarray(1 / (1 + np.exp(-(standard @ np.asarray(self.weights) + self.bias))), dtype=np.float64)

    def supported(self, sentences: Sequence[str], passages: Sequence[Passage], vectors: Vectors) -> list[bool]:
        """Whether the passages support each sentence; none is supported by no passage."""
        if not sentences or not passages:
            return [False] * len(sentences)
        found = self.probability(measure(sentences, passages, vectors)) >= self.threshold
        return [bool(one) for one in found]

    def save(self, directory: Path) -> None:
        """Write the judge as JSON."""
        write_json(directory / _FILE, asdict(self))

    @classmethod
    def load(cls, directory: Path) -> SupportJudge:
        """Read what `save` wrote."""
        return cls.from_json(read_json(directory / _FILE))

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> SupportJudge:
        """From JSON values."""
        lists = {name: tuple(raw[name]) for name in ("weights", "mean", "scale")}
        return cls(bias=raw["bias"], threshold=raw["threshold"], **lists)


def measure(sentences: Sequence[str], passages: Sequence[Passage], vectors: Vectors) -> Measures:
    """Measures (N, 6) of sentences against passages, in the order of `MEASURES`.

    The largest cosine to a sentence of the passages; the share of the sentence's content stems in the passage sentence
    that holds most of them; the share in all passages; the share of its numbers in them (1 without numbers); the share
    of its materials and ways of disposal in the two nearest sentences and the title (1 without any); the largest
    cosine where the sentence and its nearest differ in holding a negation, else 0: far sentences may well differ.
    """
    evidence = [sentence for passage in passages for sentence in passage.sentences]
    if not evidence:
        return np.zeros((len(sentences), len(MEASURES)))
    cosines = vectors.of(sentences) @ vectors.of(evidence).T  # (N, evidence)
    stems = [content_stems(sentence) for sentence in evidence]
    # Titles name what a passage is about, so that its sentences need not.
    titles = [content_stems(passage.title) for passage in passages for _ in passage.sentences]
    everything = set().union(*stems, *titles)
    numbers = {number for passage in passages for number in _numbers(passage.text)}
    rows = []
    for sentence, row in zip(sentences, cosines, strict=True):
        own, order = content_stems(sentence), row.argsort()[::-1]
        nearest = int(order[0])
        held = max((len(own & other) for other in stems), default=0)
        figures, named = _numbers(sentence), own & _names()
        around = titles[nearest].union(*(stems[at] for at in order[:2]))
        rows.append(
            (
                float(row[nearest]),
                held / max(1, len(own)),
                len(own & everything) / max(1, len(own)),
                sum(number in numbers for number in figures) / len(figures) if figures else 1.0,
                len(named & around) / len(named) if named else 1.0,
                max(0.0, float(row[nearest])) if _negates(sentence) != _negates(evidence[nearest]) else 0.0,
            )
        )
    return np.array(rows, dtype=np.float64).reshape(-1, len(MEASURES))


def judgeable(answer: str) -> list[str]:
    """The sentences of an answer that say enough to be judged."""
    return [sentence for sentence in split_sentences(answer) if len(content_stems(sentence)) >= SHORTEST]


@cache
def content_stems(text: str) -> frozenset[str]:
    """Stems of the words of a text that carry content: three letters or more, no function word."""
    words = [word for word in _WORD.findall(text.casefold()) if len(word) > 2 and word not in _COMMON]
    return frozenset(_stemmer().stemWords(words))


@cache
def _names() -> frozenset[str]:
    return content_stems(_NAMES)


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


def _numbers(text: str) -> frozenset[str]:
    return frozenset(number.replace(",", "") for number in _NUMBER.findall(text))


def _negates(text: str) -> bool:
    words = _WORD.findall(text.casefold().replace("n't", " not"))
    return not _NEGATIONS.isdisjoint(words)
