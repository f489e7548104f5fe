"""A cross-encoder in torch becomes a reranker checkpoint (R4): in int8 where that orders candidates as well as fp32.

Where the model comes from is in `reranker` and `pretrained_reranker`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.artifacts import content_hash, write_json
from releaf.retrieval.candidates import CandidateList, mean_ndcg
from releaf.retrieval.onnx_model import MODEL_FILE, TOKENIZER_FILE, OnnxModel, Precision, export
from releaf.retrieval.remembered import Remembering
from releaf.retrieval.rerank import DESCRIPTION, FORMAT, Reranker

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Int8Trial:
    """What decides whether int8 weights are taken: lists to order, and the share of NDCG@10 that may be lost.

    lists: judged candidates of queries; without any, int8 is taken unmeasured. allowed: of the NDCG@10 that the fp32
    weights reach. threads: pairs scored side by side.
    """

    lists: Sequence[CandidateList] = ()
    allowed: float = 0.01
    threads: int = 1


@dataclass(frozen=True)
class Int8Loss:
    """Mean NDCG@10 over the lists of a trial, each ordered by the cross-encoder alone, in fp32 and in int8."""

    lists: int
    fp32_ndcg: float
    int8_ndcg: float

    @property
    def share(self) -> float:
        """The share of fp32's NDCG@10 that int8 loses, below 0 where it gains."""
        return (self.fp32_ndcg - self.int8_ndcg) / self.fp32_ndcg if self.fp32_ndcg else 0.0


@dataclass(frozen=True)
class Exported:
    """The precision of the written weights, and what int8 lost in its trial, taken or not; None where none was held."""

    precision: Precision
    int8: Int8Loss | None = None

    def metrics(self) -> dict[str, float]:
        """Figures of the checkpoint: `int8_ndcg_loss` where int8 was taken, `refused_int8_ndcg_loss` where fp32 was."""
        if self.int8 is None:
            return {}
        return {
            "int8_ndcg_loss" if self.precision == "int8" else "refused_int8_ndcg_loss": self.int8.share,
            "int8_lists": self.int8.lists,
            "fp32_ndcg@10": self.int8.fp32_ndcg,
            "int8_ndcg@10": self.int8.int8_ndcg,
        }


def export_cross_encoder(
    module: nn.Module,
    config: Any,
    folder: Path,
    directory: Path,
    precision: Precision,
    *,
    max_tokens: int,
    source: str,
    identity: Sequence[Any],
    trial: Int8Trial,
) -> Exported:
    """Write a directory that `Reranker.open` reads, with weights in `precision`; fp32 where int8 fails its trial.

    The module, on the CPU in fp32, takes token ids and token types, int64 (1, T), and gives one score (1, 1). `config`
    is its transformers configuration, `folder` holds its `tokenizer.json`. `identity` is whatever the weights follow
    from, JSON-able; with the precision it makes the revision. Raises `StorageError` when the files do not fit.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy2(folder / TOKENIZER_FILE, directory / TOKENIZER_FILE)
    longest = int(config.max_position_embeddings)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".exact-") as name:
        exact = Path(name)
        export(module, config, directory, precision, longest, exact=exact / MODEL_FILE)
        exported = Exported(precision)
        if precision == "int8" and trial.lists:
            shutil.copy2(folder / TOKENIZER_FILE, exact / TOKENIZER_FILE)
            exported = _try(exact, directory, max_tokens, trial)
        if exported.precision != precision:
            (exact / MODEL_FILE).replace(directory / MODEL_FILE)
    description = {"format": FORMAT, "max_tokens": max_tokens, "source": source, "precision": exported.precision}
    write_json(directory / DESCRIPTION, {**description, "revision": content_hash([*identity, exported.precision])})
    return exported


def _try(exact: Path, rounded: Path, max_tokens: int, trial: Int8Trial) -> Exported:
    """Order the same lists by the fp32 and by the int8 model, each alone, and choose; the taken one's scores are kept.

    They are written beside the int8 model, where the taken one will stand.
    """
    fp32, int8 = (
        Remembering(Reranker(OnnxModel.open(folder, max_tokens=max_tokens, threads=trial.threads), ""))
        for folder in (exact, rounded)
    )
    loss = Int8Loss(len(trial.lists), mean_ndcg(trial.lists, fp32), mean_ndcg(trial.lists, int8))
    passed = loss.share <= trial.allowed
    (int8 if passed else fp32).save(rounded)
    return Exported("int8" if passed else "fp32", loss)
