"""Planted sentences that tell how often the judge of support errs, and from which it is fitted.

A sentence of a record's reference answer is supported by the document the record rests on. Planted beside it: a
sentence of another record's answer, and the sentence itself with a number, a negation or a name changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError
from releaf.language.passages import Passage, Vectors
from releaf.language.support import Measures, SupportJudge, judgeable, measure
from releaf.metrics.links import roc_auc

BoolArray = npt.NDArray[np.bool_]
Kind = Literal["supported", "elsewhere", "number", "negated", "swapped"]
PLANTED: tuple[Kind, ...] = ("elsewhere", "number", "negated", "swapped")
_SWAPS = (
    ("recycle", "landfill"),
    ("recycling", "landfill"),
    ("compost", "landfill"),
    ("hot", "cold"),
    ("wet", "dry"),
    ("glass", "aluminium"),
    ("plastic", "wood"),
    ("paper", "steel"),
    ("steel", "glass"),
    ("aluminium", "paper"),
    ("more", "less"),
)
_NUMBER = re.compile(r"\d+")
_VERB = re.compile(r"\b(is|are|can|may|must|should|will|do|does|was|were)\b(?! not)")


@dataclass(frozen=True)
class Grounded:
    """A record's answer and the passages of the document it rests on."""

    id: str
    topic: str
    document: str
    answer: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Plant:
    """A sentence with passages, and whether they support it: only those of kind `supported` are."""

    sentence: str
    passages: tuple[Passage, ...]
    kind: Kind


@dataclass(frozen=True)
class JudgeFigures:
    """How the judge does on held-out plants, all shares in 0–1 but `n`.

    `false_support` is the share of planted sentences taken for supported, by kind in `per_kind`; `missed` the share of
    supported ones that it does not accept; `error` the mean of the two; `auc` the area under ROC.
    """

    n: int
    error: float
    false_support: float
    missed: float
    auc: float
    per_kind: dict[str, float]


def plant(records: Sequence[Grounded], *, seed: int) -> list[Plant]:
    """Each judgeable sentence of the records' answers as it is, and every change of it that can be made.

    The sentence from elsewhere is of a record on the same topic with another document where there is one.
    """
    rng = np.random.default_rng(seed)
    planted: list[Plant] = []
    for record in records:
        others = [other for other in records if other.document != record.document]
        near = [other for other in others if other.topic == record.topic] or others
        for sentence in judgeable(record.answer):
            planted.append(Plant(sentence, record.passages, "supported"))
            changed: dict[Kind, str | None] = {
                "number": _other_number(sentence, rng),
                "negated": _negated(sentence),
                "swapped": _swapped(sentence),
            }
            if near:
                foreign = judgeable(near[int(rng.integers(len(near)))].answer)
                changed["elsewhere"] = foreign[int(rng.integers(len(foreign)))] if foreign else None
            planted += [Plant(text, record.passages, kind) for kind, text in changed.items() if text]
    return planted


def fit_judge(plants: Sequence[Plant], vectors: Vectors) -> SupportJudge:
    """Fit the judge, both classes weighing alike, with the threshold of the least mean error on the same plants.

    Raises `DataError` when there is no supported or no planted sentence.
    """
    from sklearn.linear_model import LogisticRegression

    _both_kinds(plants)
    measures, truth = _measured(plants, vectors)
    mean, scale = measures.mean(axis=0), np.where(measures.std(axis=0) > 1e-9, measures.std(axis=0), 1.0)
    model = LogisticRegression(class_weight="balanced", C=1.0, max_iter=1000).fit((measures - mean) / scale, truth)
    draft = SupportJudge(
        tuple(float(w) for w in model.coef_[0]),
        float(model.intercept_[0]),
        tuple(map(float, mean)),
        tuple(map(float, scale)),
        0.5,
    )
    probability = draft.probability(measures)
    candidates = np.linspace(0.2, 0.8, 61)
    errors = [_error(probability >= at, truth) for at in candidates]
    return SupportJudge(draft.weights, draft.bias, draft.mean, draft.scale, float(candidates[int(np.argmin(errors))]))


def _both_kinds(plants: Sequence[Plant]) -> None:
    supported = sum(one.kind == "supported" for one in plants)
    if not 0 < supported < len(plants):
        raise DataError(
            f"{supported} supported and {len(plants) - supported} planted sentences cannot tell what support is; "
            "add instructions whose source is a document (`source: knowledge/ID`)"
        )


def judge_figures(judge: SupportJudge, plants: Sequence[Plant], vectors: Vectors) -> JudgeFigures:
    """How the judge does on plants it was not fitted on; raises as `fit_judge` does."""
    _both_kinds(plants)
    measures, truth = _measured(plants, vectors)
    probability = judge.probability(measures)
    accepted = probability >= judge.threshold
    kinds = np.array([one.kind for one in plants])
    return JudgeFigures(
        n=len(plants),
        error=_error(accepted, truth),
        false_support=float(accepted[~truth].mean()),
        missed=float((~accepted[truth]).mean()),
        auc=roc_auc(probability[truth], probability[~truth]),
        per_kind={kind: float(accepted[kinds == kind].mean()) for kind in PLANTED if (kinds == kind).any()},
    )


def ground(
    records: Sequence[Mapping[str, str]], passages: Mapping[str, Sequence[Passage]], *, prefix: str = "knowledge/"
) -> list[Grounded]:
    """The records whose `source` is `knowledge/<document>` and whose document has passages, by document id."""
    grounded = []
    for record in records:
        document = record["source"].removeprefix(prefix)
        found = passages.get(document) if record["source"].startswith(prefix) else None
        if found:
            grounded.append(Grounded(record["id"], record["topic"] or "", document, record["output"], tuple(found)))
    return grounded


def _measured(plants: Sequence[Plant], vectors: Vectors) -> tuple[Measures, BoolArray]:
    by_passages: dict[tuple[Passage, ...], list[int]] = {}
    for index, one in enumerate(plants):
        by_passages.setdefault(one.passages, []).append(index)
    vectors.of([one.sentence for one in plants])  # encoded together: one by one would be several times as slow
    rows: list[Measures] = [np.empty(0)] * len(plants)
    for passages, members in by_passages.items():
        found = measure([plants[index].sentence for index in members], passages, vectors)
        for index, row in zip(members, found, strict=True):
            rows[index] = row
    return np.stack(rows), np.array([one.kind == "supported" for one in plants], dtype=np.bool_)


def _error(accepted: BoolArray, truth: BoolArray) -> float:
    return float(((~accepted[truth]).mean() + accepted[~truth].mean()) / 2)


def _other_number(sentence: str, rng: np.random.Generator) -> str | None:
    match = _NUMBER.search(sentence)
    if match is None:
        return None
    value = int(match.group())
    other = value + int(rng.integers(1, max(3, value)))
    return f"{sentence[: match.start()]}{other}{sentence[match.end() :]}"


def _negated(sentence: str) -> str | None:
    if not _VERB.search(sentence):
        return None
    return _VERB.sub(lambda match: f"{match.group()} not", sentence, count=1)


def _swapped(sentence: str) -> str | None:
    for word, other in _SWAPS:
        changed = re.sub(rf"\b{word}\b", other, sentence, count=1)
        if changed != sentence:
            return changed
    return None
