"""The models that the benchmarks run, made once: the encoder, and a cross-encoder in torch and in ONNX Runtime."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from releaf.artifacts import write_json
from releaf.retrieval.settings import RerankerSettings, RetrievalSettings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from releaf.retrieval.onnx_encoder import OnnxEncoder
    from releaf.retrieval.rerank import Reranker

ENCODER = RetrievalSettings().encoder
MAX_TOKENS = RetrievalSettings().max_tokens
Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("int8", "fp32")


@dataclass
class Workshop:
    """Models exported once a run, into `folder`. `reranker` is a trained checkpoint, None for an untrained one."""

    folder: Path
    reranker: Path | None = None
    _pairs: dict[str, Path] = field(default_factory=dict)

    def encoder(self, precision: Precision) -> OnnxEncoder:
        """The sentence encoder in ONNX Runtime."""
        from releaf.retrieval.onnx_encoder import OnnxEncoder
        from resources.models import exported_encoder, processors

        settings = RetrievalSettings(precision=precision, max_tokens=MAX_TOKENS)
        return OnnxEncoder.open(exported_encoder(settings, self.folder), threads=processors())

    def cross_encoder_folder(self) -> Path:
        """A sequence classifier of the encoder's weights, six layers and a random head, as transformers saves it."""
        if "torch" not in self._pairs:
            self._pairs["torch"] = _save_cross_encoder(self.folder / "cross-encoder")
        return self._pairs["torch"]

    def cross_encoder(self, max_tokens: int) -> CrossEncoder:
        """It in sentence-transformers, giving logits."""
        import torch
        from sentence_transformers import CrossEncoder

        with quiet():
            folder = str(self.cross_encoder_folder())
            model: CrossEncoder = CrossEncoder(
                folder, device="cpu", max_length=max_tokens, activation_fn=torch.nn.Identity()
            )
        return model

    def open_reranker(self, precision: Precision) -> Reranker:
        """It in ONNX Runtime, as serving opens a checkpoint."""
        from releaf.retrieval.rerank import Reranker
        from resources.models import processors

        if precision not in self._pairs:
            self._pairs[precision] = _export(
                self.cross_encoder_folder(), self.folder / f"reranker-{precision}", precision
            )
        return Reranker.open(self._pairs[precision], threads=processors())

    def open_given(self) -> Reranker | None:
        """The trained checkpoint, where one was given."""
        from releaf.retrieval.rerank import Reranker
        from resources.models import processors

        return None if self.reranker is None else Reranker.open(self.reranker, threads=processors())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's bars and reports of loading off the terminal."""
    from transformers.utils import logging

    from releaf.retrieval.encode import no_progress_bar

    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with no_progress_bar():
            yield
    finally:
        logging.set_verbosity(before)


def _save_cross_encoder(folder: Path) -> Path:
    import torch
    from transformers import AutoModelForSequenceClassification

    from releaf.retrieval.model_source import resolve

    source = resolve(ENCODER)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors", "modules.json", "1_Pooling"))
    torch.manual_seed(0)
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(
            source, num_labels=1, num_hidden_layers=RerankerSettings().layers, local_files_only=True
        )
        model.save_pretrained(folder)
    return folder


def _export(source: Path, folder: Path, precision: Precision) -> Path:
    """A checkpoint that `Reranker.open` reads, made of a sequence classifier."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from releaf.retrieval.onnx_model import TOKENIZER_FILE, export
    from releaf.retrieval.rerank import DESCRIPTION, FORMAT

    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(source, attn_implementation="eager")

    class Scored(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
            mask = torch.ones_like(input_ids)
            logits: torch.Tensor = self.model(input_ids, attention_mask=mask, token_type_ids=token_type_ids).logits
            return logits  # (1, 1)

    folder.mkdir(parents=True)
    export(Scored(), model.config, folder, precision, int(model.config.max_position_embeddings))
    shutil.copy2(source / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    description = {"format": FORMAT, "revision": "untrained", "max_tokens": RerankerSettings().max_tokens}
    write_json(folder / DESCRIPTION, description)
    return folder
