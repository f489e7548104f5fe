"""A cross-encoder is written in int8 only where that orders candidates as well as fp32 does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from releaf.progress import Progress, silent
from releaf.retrieval.candidates import CandidateList, mean_ndcg
from releaf.retrieval.pretrained_reranker import export_reranker
from releaf.retrieval.remembered import Remembering
from releaf.retrieval.rerank import Reranker, pair
from releaf.retrieval.reranker_export import Exported, Int8Loss, Int8Trial

from .small_model import WORDS, save_small_classifier

DOCUMENTS = tuple(f"d{place}" for place in range(8))
LISTS = [
    CandidateList(word, DOCUMENTS, tuple(f"{other} goes where {word}" for other in WORDS[:8]), {DOCUMENTS[place]: 3})
    for place, word in enumerate(WORDS[:6])
]


class TorchScorer:
    """The classifier as transformers runs it, one pair a call: an independent reference."""

    def __init__(self, source: Path) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self.model: Any = AutoModelForSequenceClassification.from_pretrained(source).eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(source)

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        scores = []
        for text in passages:
            tokens = self.tokenizer(*pair(query, text), return_token_type_ids=True, return_tensors="pt")
            with torch.no_grad():
                scores.append(float(self.model(**tokens).logits))
        return scores


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_classifier(tmp_path_factory.mktemp("classifier"), labels=1)


def written(source: Path, folder: Path, allowed: float, **options: Any) -> Exported:
    trial = Int8Trial(LISTS, allowed, threads=2)
    return export_reranker(f"path:{source}", folder, max_tokens=64, **{"precision": "int8", "trial": trial} | options)[
        1
    ]


def description(folder: Path) -> Any:
    return json.loads((folder / "reranker.json").read_text())


def test_the_reference_is_what_torch_gives_and_the_other_what_is_served(source: Path, tmp_path: Path) -> None:
    loss = written(source, tmp_path, 1.0).int8
    assert loss is not None
    assert loss.fp32_ndcg == pytest.approx(mean_ndcg(LISTS, TorchScorer(source)))
    assert loss.int8_ndcg == mean_ndcg(LISTS, Reranker.open(tmp_path, threads=1))
    assert loss.lists == 6


def test_int8_within_what_is_allowed_is_taken_and_its_loss_is_a_figure(source: Path, tmp_path: Path) -> None:
    exported = written(source, tmp_path, 1.0)
    assert exported.precision == description(tmp_path)["precision"] == "int8"
    assert exported.int8 is not None
    assert exported.metrics()["int8_ndcg_loss"] == exported.int8.share
    assert exported.metrics()["int8_lists"] == 6
    assert "refused_int8_ndcg_loss" not in exported.metrics()


def test_int8_that_loses_more_leaves_what_asking_for_fp32_gives(source: Path, tmp_path: Path) -> None:
    refused = written(source, tmp_path / "refused", -1.0)  # as if it had to gain
    written(source, tmp_path / "fp32", 1.0, precision="fp32")
    assert refused.precision == "fp32"
    assert "int8_ndcg_loss" not in refused.metrics()
    assert refused.int8 is not None
    assert refused.metrics()["refused_int8_ndcg_loss"] == refused.int8.share
    assert description(tmp_path / "refused") == description(tmp_path / "fp32")
    one, other = (Reranker.open(tmp_path / name, threads=1) for name in ("refused", "fp32"))
    assert one.score("jar", WORDS) == other.score("jar", WORDS)
    assert one.score("jar", WORDS) == pytest.approx(TorchScorer(source).score("jar", WORDS), abs=1e-4)


def test_only_the_checkpoint_is_left(source: Path, tmp_path: Path) -> None:
    for name, allowed in (("taken", 1.0), ("refused", -1.0)):
        written(source, tmp_path / name, allowed)
        files = sorted(file.name for file in (tmp_path / name).iterdir())
        assert files == ["model.onnx", "pairs.npz", "reranker.json", "tokenizer.json"]


class Untouched:
    """Whoever asks it for a score has forgotten one."""

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        raise AssertionError(f"{query} was scored again")


@pytest.mark.parametrize("allowed", [1.0, -1.0])
def test_the_trial_leaves_the_scores_of_the_weights_that_were_taken(
    source: Path, tmp_path: Path, allowed: float
) -> None:
    written(source, tmp_path, allowed)
    kept, served = Remembering(Untouched(), tmp_path), Reranker.open(tmp_path, threads=1)
    for entry in LISTS:
        assert kept.score(entry.query, entry.passages) == served.score(entry.query, entry.passages)


def test_without_lists_int8_is_taken_and_nothing_is_claimed(source: Path, tmp_path: Path) -> None:
    exported = written(source, tmp_path, 0.0, trial=None)
    assert exported == Exported("int8")
    assert exported.metrics() == {}


@pytest.mark.parametrize(
    ("fp32", "int8", "share"), [(0.5, 0.4, 0.2), (0.5, 0.5, 0.0), (0.5, 0.6, -0.2), (0.0, 0.0, 0.0)]
)
def test_the_loss_is_a_share_of_what_fp32_reaches(fp32: float, int8: float, share: float) -> None:
    assert Int8Loss(3, fp32, int8).share == pytest.approx(share)
