"""What `--train` fits on a collection's own training judgements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from releaf.errors import DataError
from releaf.retrieval.collection import Fitting, Judged, evaluate_collection
from releaf.retrieval.mining import held_out
from releaf.retrieval.settings import RerankerSettings
from releaf.training.device import Hardware

from .conftest import WordEncoder
from .small_model import WORDS

CPU = Hardware("cpu", "fp32", 2**30, 1)
SETTINGS = RerankerSettings(
    layers=1, max_tokens=32, epochs=1, negatives=2, groups_per_batch=4, precision="fp32", native_bf16=False
)
NAMES = WORDS[:10]
DOCUMENTS = pl.DataFrame(
    {"id": NAMES, "title": [""] * len(NAMES), "text": [f"the {name} goes where {name}" for name in NAMES]}
)


def judged(prefix: str, names: list[str], relevant: list[str] | None = None) -> Judged:
    ids = [f"{prefix}-{name}" for name in names]
    queries = pl.DataFrame({"id": ids, "query": [f"where {name}" for name in names]})
    return Judged(queries, pl.DataFrame({"query_id": ids, "document_id": relevant or names, "grade": [1] * len(ids)}))


TRAIN, TEST = judged("train", list(NAMES[:6])), judged("test", list(NAMES[4:]))


def fitting(folder: Path, train: Judged = TRAIN) -> Fitting:
    return Fitting(train, f"path:{folder}", SETTINGS, CPU)


@pytest.mark.parametrize("method", ["rrf", "weighted", "expanded", "mmr"])
def test_fusion_and_weights_are_fitted_on_the_training_judgements_alone(method: str, tmp_path: Path) -> None:
    encoder = WordEncoder()
    report = evaluate_collection(
        DOCUMENTS,
        TEST,
        dataset="tiny",
        method=method,  # type: ignore[arg-type]
        encoder=encoder,
        workdir=tmp_path,
        fitting=fitting(tmp_path),
    )
    trained = report["trained"]
    assert trained["queries"] == 6
    assert trained["choice"]["fusion"] in ("rrf", "weighted")
    assert trained["choice"]["rerank"] is False
    assert "answerability" not in trained["choice"]
    # Two of the six test documents were relevant in training too.
    assert trained["seen_documents"]["queries"] == 2
    assert trained["unseen_documents"]["queries"] == 4
    parts = [trained[f"{name}_documents"] for name in ("seen", "unseen")]
    mean = sum(part["queries"] * part["ndcg@10"] for part in parts) / 6
    assert report["metrics"]["ndcg@10"] == pytest.approx(mean)


def test_what_was_fitted_does_not_depend_on_the_test_judgements(tmp_path: Path) -> None:
    wrong = judged("test", list(NAMES[4:]), relevant=list(NAMES[:6]))
    choices = [
        evaluate_collection(
            DOCUMENTS,
            test,
            dataset="tiny",
            method="weighted",
            encoder=WordEncoder(),
            workdir=tmp_path,
            fitting=fitting(tmp_path),
        )["trained"]["choice"]
        for test in (TEST, wrong)
    ]
    assert choices[0] == choices[1]


def test_without_a_test_query_about_a_new_document_that_part_has_no_figure(tmp_path: Path) -> None:
    report = evaluate_collection(
        DOCUMENTS,
        judged("test", list(NAMES[:2])),
        dataset="tiny",
        method="weighted",
        encoder=WordEncoder(),
        workdir=tmp_path,
        fitting=fitting(tmp_path),
    )
    assert report["trained"]["unseen_documents"] == {"queries": 0, "ndcg@10": None}


def test_methods_without_learned_parts_fit_nothing(tmp_path: Path) -> None:
    report = evaluate_collection(
        DOCUMENTS,
        TEST,
        dataset="tiny",
        method="sparse",
        encoder=None,
        workdir=tmp_path,
        fitting=fitting(tmp_path),
    )
    assert "trained" not in report


def test_a_reranker_is_trained_once_and_kept_for_the_next_run(small_model: Path, tmp_path: Path) -> None:
    train = judged("train", list(NAMES))
    kept = held_out({f"train-{name}": {name: 1} for name in NAMES}, [f"train-{name}" for name in NAMES])
    assert 0 < len(kept) < len(NAMES)
    reports, written = [], []
    for _ in range(2):
        report = evaluate_collection(
            DOCUMENTS,
            TEST,
            dataset="tiny",
            method="reranked",
            encoder=WordEncoder(),
            workdir=tmp_path,
            fitting=fitting(small_model, train),
        )
        report.pop("seconds")
        reports.append(report)
        written.append({file.name: (file / "model.onnx").stat().st_mtime_ns for file in tmp_path.glob("reranker-*")})
    assert reports[0] == reports[1]
    assert written[0] == written[1]
    assert len(written[0]) == 1
    assert reports[0]["trained"]["held_out"] == len(kept)
    assert reports[0]["trained"]["choice"]["rerank"] is True
    assert not list(tmp_path.glob("training-*"))
    assert not list(tmp_path.glob(".*"))


def test_too_few_training_queries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 training queries are too few to train a reranker and to check it"):
        evaluate_collection(
            DOCUMENTS,
            TEST,
            dataset="tiny",
            method="reranked",
            encoder=WordEncoder(),
            workdir=tmp_path,
            fitting=fitting(tmp_path, judged("train", [NAMES[0]])),
        )


def test_training_queries_that_nothing_is_relevant_to_are_refused(tmp_path: Path) -> None:
    empty = replace(TRAIN, qrels=TRAIN.qrels.with_columns(grade=pl.lit(0, pl.Int64)))
    with pytest.raises(DataError, match="none of 6 queries has a relevant document"):
        evaluate_collection(
            DOCUMENTS,
            TEST,
            dataset="tiny",
            method="weighted",
            encoder=WordEncoder(),
            workdir=tmp_path,
            fitting=fitting(tmp_path, empty),
        )
