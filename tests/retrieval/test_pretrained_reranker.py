from __future__ import annotations

from pathlib import Path

import pytest
import torch

from releaf.errors import ModelSourceError
from releaf.retrieval.pretrained_reranker import export_reranker
from releaf.retrieval.rerank import Reranker

from .small_model import save_small_classifier

PASSAGES = ["the jar goes", "", "the battery goes where the cork goes", "電池 jar " * 30]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_classifier(tmp_path_factory.mktemp("classifier"), labels=1)


def test_scores_are_those_of_torch(source: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(source).eval()
    tokenizer = AutoTokenizer.from_pretrained(source)
    tokens = tokenizer(
        ["where jar"] * 4,
        PASSAGES,
        padding=True,
        truncation=True,
        max_length=64,
        return_token_type_ids=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        expected = model(**tokens).logits[:, 0].tolist()
    parameters, exported = export_reranker(f"path:{source}", tmp_path, precision="fp32", max_tokens=64)
    reranker = Reranker.open(tmp_path, threads=1)
    assert reranker.score("where jar", PASSAGES) == pytest.approx(expected, abs=1e-4)
    assert (exported.precision, exported.int8) == ("fp32", None)
    assert parameters == sum(parameter.numel() for parameter in model.parameters())


def test_model_precision_and_length_decide_the_revision(source: Path, tmp_path: Path) -> None:
    revisions = set()
    for name, precision, length in (("a", "fp32", 64), ("b", "fp32", 32), ("c", "int8", 64)):
        export_reranker(f"path:{source}", tmp_path / name, precision=precision, max_tokens=length)  # type: ignore[arg-type]
        revisions.add(Reranker.open(tmp_path / name, threads=1).revision)
    assert len(revisions) == 3


def test_more_than_one_score_a_pair_is_refused(tmp_path: Path) -> None:
    folder = save_small_classifier(tmp_path, labels=3)
    with pytest.raises(ModelSourceError, match="gives 3 scores a pair; a reranker gives one"):
        export_reranker(f"path:{folder}", tmp_path / "out", precision="fp32", max_tokens=64)


def test_a_model_without_tokenizer_or_weights_is_refused(tmp_path: Path) -> None:
    folder = save_small_classifier(tmp_path, labels=1)
    (folder / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(ModelSourceError, match="cannot be loaded as a cross-encoder"):
        export_reranker(f"path:{folder}", tmp_path / "out", precision="fp32", max_tokens=64)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelSourceError, match=r"carries no tokenizer\.json; save its tokenizer in the fast form"):
        export_reranker(f"path:{folder}", tmp_path / "out", precision="fp32", max_tokens=64)
