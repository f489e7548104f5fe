"""Everything the report says about a published classifier on pictures that nothing of it saw.

Here: what is measured and beside what. The measures themselves are in `evaluation`, `baselines`, `novelty` and
`explanation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from releaf.errors import DataError
from releaf.progress import Progress, silent
from releaf.vision.baselines import baselines
from releaf.vision.data import LABELS, MISSING, Labels, Pixels, encode_labels, load_pixels
from releaf.vision.evaluation import VisionEvaluation, evaluate_seen
from releaf.vision.explanation import (
    Faithfulness,
    class_scorer,
    deletion_insertion,
    mean_faithfulness,
    overlay,
    saliency,
)
from releaf.vision.novelty import NoveltyFigures, novelty_figures
from releaf.vision.predictor import Predictor, Seen
from releaf.vision.preprocessing import open_picture
from releaf.vision.probabilities import Probabilities
from releaf.vision.publishing import Others
from releaf.vision.simple_features import simple_feature_table

EXPLAINED = 6  # pictures of each source whose saliency is drawn and measured
SIMPLE_SIDE = 64  # pixels a side at which hand-made features of the baselines are taken


@dataclass(frozen=True, eq=False)
class Example:
    """A test picture with its saliency laid over it, and what was said of it."""

    source: str
    picture: Image.Image
    overlay: Image.Image
    truth: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class Judgement:
    """All figures of the report but those of models trained on one source alone, and the pictures that go with them."""

    evaluation: VisionEvaluation
    baselines: list[dict[str, Any]]
    novelty: NoveltyFigures
    novelty_score: str
    novelty_threshold: float
    faithfulness: Faithfulness
    examples: list[Example]

    def metrics(self) -> dict[str, float]:
        """Return the headline figures flat."""
        return {
            **self.evaluation.metrics(),
            "novelty_false_alarms": self.novelty.false_alarm_rate,
            "novelty_detected": self.novelty.detection_rate,
            "explanation_gain": self.faithfulness.gain,
        }

    def to_json(self) -> dict[str, Any]:
        """Return every figure as JSON-able data."""
        return {
            **self.evaluation.to_json(),
            "baselines": self.baselines,
            "novelty": {
                "score": self.novelty_score,
                "threshold": self.novelty_threshold,
                "false_alarm_rate": self.novelty.false_alarm_rate,
                "detection": {
                    kind: {"n": one.pictures, "auroc": one.auroc, "detected": one.detection_rate}
                    for kind, one in self.novelty.by_kind.items()
                },
            },
            "faithfulness": {
                "deletion_auc": self.faithfulness.deletion,
                "deletion_random": self.faithfulness.chance_deletion,
                "insertion_auc": self.faithfulness.insertion,
                "insertion_random": self.faithfulness.chance_insertion,
                "n": len(self.examples),
            },
        }


def judge(
    predictor: Predictor,
    images: pl.DataFrame,
    others: Others,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Judgement:
    """Measure `predictor`, whose novelty must be fitted, on the rows of `images` whose split is `test`.

    The rows of `train` are what the baselines learn from; `others` are pictures of other things than those that the
    threshold was chosen with. Raises DataError without a test row.
    """
    test, train = (images.filter(pl.col("split") == split) for split in ("test", "train"))
    if test.is_empty():
        raise DataError("there are no images in the test split; import more pictures, or render some")
    seen = predictor.see(predictor.open_all(test["path"].to_list(), progress))
    evaluation = evaluate_seen(predictor, seen, test)
    strange = predictor.see(predictor.take_all(list(others.pixels), progress))
    examples, figures = _examples(predictor, seen, test)
    assert predictor.novelty is not None
    return Judgement(
        evaluation,
        _baselines(predictor, seen, train, test, cache, progress),
        _novelty(predictor, seen, strange, test["source"].to_list(), others.kinds),
        predictor.novelty.score_name,
        predictor.novelty.threshold,
        mean_faithfulness(figures).mean,
        examples,
    )


def _novelty(
    predictor: Predictor, seen: Seen, strange: Seen, sources: Sequence[str], kinds: Sequence[str]
) -> NoveltyFigures:
    assert predictor.novelty is not None
    # Photographs are what is served; without any, rendered pictures stand for them.
    served = "photograph" if "photograph" in sources else "rendered"
    scores = [
        predictor.novelty.score(observed.features, observed.probabilities)
        for observed in (predictor.observed(seen), predictor.observed(strange))
    ]
    return novelty_figures(scores[0][np.array(sources) == served], scores[1], predictor.novelty.threshold, kinds=kinds)


def _baselines(
    predictor: Predictor, seen: Seen, train: pl.DataFrame, test: pl.DataFrame, cache: Path | None, progress: Progress
) -> list[dict[str, Any]]:
    known = load_pixels(train, predictor.image_size, cache=cache, progress=progress)
    features = {"network": np.concatenate([predictor.network(known[rows]).features for rows in _batches(len(known))])}
    own = {"network": seen.features}
    for name, table, into in (("simple", train, features), ("simple", test, own)):
        into[name] = simple_feature_table(load_pixels(table, SIMPLE_SIDE, cache=cache, progress=progress))
    rows = baselines(
        features,
        encode_labels(train, predictor.names),
        own,
        encode_labels(test, predictor.names),
        train["source"].to_list(),
        test["source"].to_list(),
        predictor.names,
        progress=progress,
    )
    return [asdict(row) for row in rows]


def _batches(count: int) -> list[slice]:
    return [slice(start, start + 256) for start in range(0, count, 256)]


def _examples(predictor: Predictor, seen: Seen, test: pl.DataFrame) -> tuple[list[Example], list[Faithfulness]]:
    labels, probabilities = encode_labels(test, predictor.names), predictor.probabilities(seen)
    examples: list[Example] = []
    figures: list[Faithfulness] = []
    for source in sorted(set(test["source"])):
        rows = np.flatnonzero((test["source"] == source).to_numpy())
        for row in rows[np.unique(np.linspace(0, len(rows) - 1, min(EXPLAINED, len(rows))).round().astype(int))]:
            example, figure = _explained(
                predictor, test["path"][int(row)], source, labels[row], probabilities, int(row)
            )
            examples.append(example)
            figures.append(figure)
    return examples, figures


def _explained(
    predictor: Predictor, path: str, source: str, truth: Labels, probabilities: dict[str, Probabilities], row: int
) -> tuple[Example, Faithfulness]:
    label = LABELS[int(np.argmax(truth != MISSING))]
    ids, p = predictor.names.ids(label), probabilities[label][row]
    best = int(p.argmax())
    decoded = open_picture(Path(path), predictor.image_size)
    pixels: Pixels = predictor.take(decoded).square
    scorer = class_scorer(predictor.network, predictor.names, label, best)
    found = saliency(scorer, pixels)
    right = ids[int(truth[LABELS.index(label)])]
    example = Example(source, decoded, overlay(decoded, found), right, ids[best], float(p[best]))
    return example, deletion_insertion(scorer, pixels, found)
